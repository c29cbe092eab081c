"""Multimodal breast-ultrasound radiogenomics and prognosis.

>>> import radiogen as rg
>>> rg.__version__
'0.1.0'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: public name -> module that holds it; imported on first use, so that `import radiogen` is quick
_LAZY = {
    "Cohort": "radiogen.cohort",
    "RadiogenError": "radiogen.errors",
    "Result": "radiogen.analysis.result",
    "extract": "radiogen.features",
    "load_cohort": "radiogen.cohort",
    "load_bundle": "radiogen.analysis",
    "load_result": "radiogen.analysis",
}
_ROOMS = ("analysis", "cohort", "explain", "features", "imaging", "models", "plots", "report", "simulate", "stats")

if TYPE_CHECKING:
    from radiogen import analysis, cohort, explain, features, imaging, plots, report, simulate, stats
    from radiogen.analysis import load_bundle, load_result
    from radiogen.analysis.result import Result
    from radiogen.cohort import Cohort, load_cohort
    from radiogen.errors import RadiogenError
    from radiogen.features import extract

__all__ = [
    "Cohort", "RadiogenError", "Result", "analysis", "cohort", "explain", "extract", "features", "imaging", "load_bundle",
    "load_cohort", "load_result", "plots", "report", "simulate", "stats",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    if name in _ROOMS:
        return import_module(f"radiogen.{name}")
    raise AttributeError(f"module 'radiogen' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_ROOMS})
