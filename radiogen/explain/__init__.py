"""What a fitted model's predictions rest on: attributions by modality, feature and pixel, with their residual.

Everything works on plain callables; names are loaded on first use, and torch and shap only where they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radiogen.lazy import lazy_names

if TYPE_CHECKING:
    from radiogen.explain.attribution import Attribution
    from radiogen.explain.cams import cam, grad_cam, grad_cam_plus_plus
    from radiogen.explain.expected import expected_gradients
    from radiogen.explain.featuregroups import feature_groups
    from radiogen.explain.fusion import fusion_cam, fusion_gradients
    from radiogen.explain.games import cross_share, effects_matrix, exact_shapley, interaction_indices
    from radiogen.explain.grouped import grouped_shapley
    from radiogen.explain.integrated import integrated_gradients
    from radiogen.explain.mixing import background_game, mask_game, mixed
    from radiogen.explain.modalities import modality_shapley
    from radiogen.explain.overtime import time_dependent, time_importance
    from radiogen.explain.perturbation import PerturbationResult, deletion_insertion
    from radiogen.explain.sanity import SanityCheck, weight_randomisation
    from radiogen.explain.tabular import shap_values

_HOMES = {
    "Attribution": "attribution",
    "PerturbationResult": "perturbation",
    "SanityCheck": "sanity",
    "background_game": "mixing",
    "cam": "cams",
    "cross_share": "games",
    "deletion_insertion": "perturbation",
    "effects_matrix": "games",
    "exact_shapley": "games",
    "expected_gradients": "expected",
    "feature_groups": "featuregroups",
    "fusion_cam": "fusion",
    "fusion_gradients": "fusion",
    "grad_cam": "cams",
    "grad_cam_plus_plus": "cams",
    "grouped_shapley": "grouped",
    "integrated_gradients": "integrated",
    "interaction_indices": "games",
    "mask_game": "mixing",
    "mixed": "mixing",
    "modality_shapley": "modalities",
    "shap_values": "tabular",
    "time_dependent": "overtime",
    "time_importance": "overtime",
    "weight_randomisation": "sanity",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

__all__ = [
    "Attribution",
    "PerturbationResult",
    "SanityCheck",
    "background_game",
    "cam",
    "cross_share",
    "deletion_insertion",
    "effects_matrix",
    "exact_shapley",
    "expected_gradients",
    "feature_groups",
    "fusion_cam",
    "fusion_gradients",
    "grad_cam",
    "grad_cam_plus_plus",
    "grouped_shapley",
    "integrated_gradients",
    "interaction_indices",
    "mask_game",
    "mixed",
    "modality_shapley",
    "shap_values",
    "time_dependent",
    "time_importance",
    "weight_randomisation",
]
