"""Harmonisation: features from several scanners or centres made comparable, inside training folds."""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: name -> module of this package that has it; loaded on first use
_EXPORTS = {
    "ComBat": "combat",
    "principal_components": "components",
    "variance_explained": "variance",
}

__all__ = ["ComBat", "principal_components", "variance_explained"]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'radiogen.features.harmonize' has no attribute '{name}'")
    value = getattr(import_module(f"radiogen.features.harmonize.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
