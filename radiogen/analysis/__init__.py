"""Analyses: a cohort, models and statistics, evaluated without leakage, give a :class:`Result`.

Names are loaded on first use, so that importing radiogen stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radiogen.lazy import lazy_names

if TYPE_CHECKING:
    from radiogen.analysis.association import associate
    from radiogen.analysis.bundles import load_bundle
    from radiogen.analysis.bundles.applying import predict
    from radiogen.analysis.classification import classify
    from radiogen.analysis.deep import with_deep_features
    from radiogen.analysis.description import describe
    from radiogen.analysis.locked import LockedModels
    from radiogen.analysis.result import Result
    from radiogen.analysis.running import run
    from radiogen.analysis.storage import load_result
    from radiogen.analysis.survival import survive

# name -> file; a file is never called like a function, or importing it would hide the function
_EXPORTS = {
    "LockedModels": "locked",
    "Result": "result",
    "associate": "association",
    "classify": "classification",
    "describe": "description",
    "load_bundle": "bundles.files",
    "load_result": "storage",
    "predict": "bundles.applying",
    "run": "running",
    "survive": "survival",
    "with_deep_features": "deep",
}

__all__ = [
    "LockedModels", "Result", "associate", "classify", "describe", "load_bundle", "load_result", "predict", "run", "survive",
    "with_deep_features",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(__name__, _EXPORTS)
