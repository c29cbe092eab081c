"""Plotly figures from finished tables, in one theme; the same in notebooks, report and explorer.

Every function takes a frame whose numbers were computed elsewhere and returns a
:class:`plotly.graph_objects.Figure`.  ``figure.layout.meta`` holds ``title``, ``caption``
(one sentence computed from the numbers), ``table`` (the key of the table it shows),
``min_width`` and ``max_width`` (the widths in pixels between which it reads well, 0 for any).
"""

from __future__ import annotations

from radiogen.plots.activation_maps import activation_overlay
from radiogen.plots.agreement import bland_altman
from radiogen.plots.associations import association_heatmap, volcano
from radiogen.plots.attribution_checks import interaction_heatmap, perturbation_curves
from radiogen.plots.attribution_units import attribution_over_time, waterfall
from radiogen.plots.attributions import attribution_bar, beeswarm, dependence
from radiogen.plots.cohort import availability, classes, flow, missingness, mutations
from radiogen.plots.contributions import drift, modality_contributions
from radiogen.plots.cutpoints import cutpoint_profile
from radiogen.plots.decisions import decision_curve
from radiogen.plots.discrimination import calibration_curve, confusion_matrix, performance, roc
from radiogen.plots.effects import forest, importance
from radiogen.plots.harmonisation import batch_components, batch_variance
from radiogen.plots.horizons import horizon_scores, rmst_areas
from radiogen.plots.incidence import cumulative_incidences, stacked_incidence
from radiogen.plots.nomogram_print import nomogram_svg
from radiogen.plots.nomograms import nomogram
from radiogen.plots.planning import sample_size_curve
from radiogen.plots.reclassification import reclassification, reclassification_table
from radiogen.plots.regressions import regression_forest
from radiogen.plots.residuals import schoenfeld
from radiogen.plots.stability import icc_heatmap, icc_intervals, icc_shares
from radiogen.plots.subgroups import subgroup_forest
from radiogen.plots.survival import cumulative_incidence, kaplan_meier
from radiogen.plots.text import text
from radiogen.plots.training import learning_curves, risk_coverage_curve
from radiogen.plots.validation import bootstrap_distribution, coefficient_path, optimism, threshold_curves

__all__ = [
    "activation_overlay",
    "association_heatmap",
    "attribution_bar",
    "attribution_over_time",
    "availability",
    "batch_components",
    "batch_variance",
    "beeswarm",
    "bland_altman",
    "bootstrap_distribution",
    "calibration_curve",
    "classes",
    "coefficient_path",
    "confusion_matrix",
    "cumulative_incidence",
    "cumulative_incidences",
    "cutpoint_profile",
    "decision_curve",
    "dependence",
    "drift",
    "flow",
    "forest",
    "horizon_scores",
    "icc_heatmap",
    "icc_intervals",
    "icc_shares",
    "importance",
    "interaction_heatmap",
    "kaplan_meier",
    "learning_curves",
    "missingness",
    "modality_contributions",
    "mutations",
    "nomogram",
    "nomogram_svg",
    "optimism",
    "performance",
    "perturbation_curves",
    "reclassification",
    "reclassification_table",
    "regression_forest",
    "risk_coverage_curve",
    "rmst_areas",
    "roc",
    "sample_size_curve",
    "schoenfeld",
    "stacked_incidence",
    "subgroup_forest",
    "text",
    "threshold_curves",
    "volcano",
    "waterfall",
]
