"""Harmonisation: features from several scanners or centres made comparable, inside training folds."""

from __future__ import annotations

from radiogen.lazy import lazy_names

#: name -> module of this package that has it; loaded on first use
_EXPORTS = {
    "ComBat": "combat",
    "principal_components": "components",
    "variance_explained": "variance",
}

__all__ = ["ComBat", "principal_components", "variance_explained"]

__getattr__, __dir__ = lazy_names(__name__, _EXPORTS)
