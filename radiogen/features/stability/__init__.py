"""Stability: features measured again, on perturbed regions, by other readers, on other pictures."""

from __future__ import annotations

from radiogen.lazy import lazy_names

#: name -> module of this package that has it; loaded on first use
_EXPORTS = {
    "Chain": "perturbations",
    "Contour": "perturbations",
    "DEFAULT_PERTURBATIONS": "perturbations",
    "Dilate": "perturbations",
    "Erode": "perturbations",
    "Noise": "perturbations",
    "Perturbed": "perturbing",
    "Rotate": "perturbations",
    "Shift": "perturbations",
    "Stability": "result",
    "StabilityFilter": "filter",
    "from_images": "repeated",
    "from_readers": "repeated",
    "from_tables": "repeats",
    "icc": "agreement",
    "perturb": "perturbing",
    "share_above": "summary",
    "stability": "measuring",
    "summarise": "summary",
    "write_stability": "writing",
}

__all__ = [
    "Chain",
    "Contour",
    "DEFAULT_PERTURBATIONS",
    "Dilate",
    "Erode",
    "Noise",
    "Perturbed",
    "Rotate",
    "Shift",
    "Stability",
    "StabilityFilter",
    "from_images",
    "from_readers",
    "from_tables",
    "icc",
    "perturb",
    "share_above",
    "stability",
    "summarise",
    "write_stability",
]

__getattr__, __dir__ = lazy_names(__name__, _EXPORTS)
