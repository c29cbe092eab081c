"""Stability: features measured again, on perturbed regions, by other readers, on other pictures."""

from __future__ import annotations

from importlib import import_module
from typing import Any

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


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'radiogen.features.stability' has no attribute '{name}'")
    value = getattr(import_module(f"radiogen.features.stability.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
