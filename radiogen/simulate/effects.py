"""The effects that a simulated cohort holds, and their sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from radiogen.errors import fail


@dataclass(frozen=True)
class Effects:
    """Sizes of the planted effects; every one is zero in a null cohort.

    Effects on an image are in standard deviations of the feature's latent
    value (its spread at fixed causes is 1), effects on a mutation or a
    response are log odds ratios, effects on death are log hazard ratios.

    Parameters
    ----------
    aggressiveness : float
        How strongly one hidden trait drives grade, size, nodes, ER, HER2 and Ki-67
        together; 1 is realistic, 0 makes them independent. From 0 to 1.3.
    er_on_tp53, grade_on_tp53 : float
        Log odds of a TP53 mutation: ER-positive against negative, and per grade.
    er_on_pik3ca, er_on_gata3 : float
        Log odds of a mutation, ER-positive against negative.
    lobular_on_cdh1 : float
        Log odds of a CDH1 mutation, lobular against other histology.
    tp53_on_stiffness, tp53_on_margin, tp53_on_texture : float
        SWE stiffness, B-mode margin irregularity, B-mode heterogeneity: mutated against wild type.
    pik3ca_on_ceus_peak, pik3ca_on_ceus_time : float
        CEUS peak enhancement and times: mutated against wild type.
    her2_on_vascularity : float
        Doppler vascularity: HER2-positive against negative.
    subtype_on_shadow, subtype_on_margin : float
        Posterior shadow and margin irregularity per step of the luminal score, which is
        1 for Luminal A-like, 0.5 for B-like HER2-, 0 for B-like HER2+, -0.4 for HER2-positive
        non-luminal and -1 for triple negative.
    size_on_image : float
        Correlation of the clinical size with the size seen in B-mode. From -1 to 1.
    size_on_stiffness, size_on_vascularity : float
        Per standard deviation of log size.
    age_on_death : float
        Log hazard ratio per 10 years.
    nodes_on_death : float
        Log hazard ratio, node-positive against negative.
    size_on_death : float
        Log hazard ratio per 10 mm.
    stiffness_on_death : float
        Log hazard ratio per unit of latent stiffness, the imaging factor.
    age_on_other_death : float
        Log odds that a death is not of the cancer, per 10 years.
    subtype_on_pcr : float
        Log odds of a complete response, HER2-positive or triple negative against others.
    markers_on_treatment : float
        How strongly treatment follows the markers; 1 is realistic.
    """

    aggressiveness: float = 1.0
    er_on_tp53: float = -1.3
    grade_on_tp53: float = 0.6
    er_on_pik3ca: float = 0.9
    er_on_gata3: float = 1.5
    lobular_on_cdh1: float = 3.0
    tp53_on_stiffness: float = 0.9
    tp53_on_margin: float = 0.7
    tp53_on_texture: float = 0.75
    pik3ca_on_ceus_peak: float = 0.9
    pik3ca_on_ceus_time: float = -0.7
    her2_on_vascularity: float = 1.0
    subtype_on_shadow: float = 0.9
    subtype_on_margin: float = 0.3
    size_on_image: float = 0.95
    size_on_stiffness: float = 0.25
    size_on_vascularity: float = 0.2
    age_on_death: float = 0.3
    nodes_on_death: float = 0.7
    size_on_death: float = 0.25
    stiffness_on_death: float = 0.4
    age_on_other_death: float = 0.6
    subtype_on_pcr: float = 1.4
    markers_on_treatment: float = 1.0

    def to_dict(self) -> dict[str, float]:
        """Name and size of every effect."""
        return {k: float(v) for k, v in asdict(self).items()}


DEFAULT = Effects()
NULL = Effects(**dict.fromkeys((f.name for f in fields(Effects)), 0.0))

#: effects that are not free of bounds, because they are correlations
_BOUNDS = {"aggressiveness": (0.0, 1.3), "size_on_image": (-1.0, 1.0)}
#: beyond this a log odds or hazard ratio makes every probability 0 or 1
_LARGEST = 10.0


def resolve_effects(effects: str | Mapping[str, float] | None) -> tuple[str, Effects]:
    """The word for the YAML and the sizes.

    Parameters
    ----------
    effects : "default", "none", None or mapping
        A mapping changes single sizes of the default; its keys are the fields of :class:`Effects`.

    Returns
    -------
    (word, sizes) : "default", "none" or "custom", and :class:`Effects`

    Raises
    ------
    RadiogenError
        RG708 for an unknown word or key, or a size that is out of range.

    Examples
    --------
    >>> from radiogen.simulate.effects import resolve_effects
    >>> word, sizes = resolve_effects({"tp53_on_stiffness": 0.5})
    >>> word, sizes.tp53_on_stiffness, sizes.tp53_on_margin
    ('custom', 0.5, 0.7)
    """
    if effects is None or effects == "none":
        return "none", NULL
    if effects == "default":
        return "default", DEFAULT
    if isinstance(effects, Mapping):
        return "custom", replace(DEFAULT, **{str(k): _checked(str(k), v) for k, v in effects.items()})
    raise fail("RG708", "effects is 'default', 'none', None or a mapping of effect sizes", value=effects)


def _checked(name: str, size: float) -> float:
    """One size of the user's, or RG708."""
    known = [f.name for f in fields(Effects)]
    if name not in known:
        raise fail("RG708", f"there is no effect '{name}'; the effects are {', '.join(known)}", value=name)
    low, high = _BOUNDS.get(name, (-_LARGEST, _LARGEST))
    number = isinstance(size, int | float) and not isinstance(size, bool) and math.isfinite(size)
    if not number or not low <= size <= high:
        raise fail("RG708", f"effect '{name}' must be a number from {low:g} to {high:g}", value=size)
    return float(size)
