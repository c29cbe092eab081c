"""Survival models behind one interface: ``fit(X, time, event)``, ``predict_risk``, ``predict_survival``, ``log_hazard``.

Importing this room imports no torch; the networks import it when they are fitted.
"""

from __future__ import annotations

from radiogen.lazy import lazy_names

#: public name -> module
_EXPORTS = {
    "Baseline": "baseline",
    "Cox": "cox",
    "Coxnet": "coxnet",
    "DeepSurv": "deepsurv",
    "DiscreteTime": "discrete",
    "FineGray": "fine_gray",
    "FirthCox": "firth",
    "GradientBoostedCox": "boosting",
    "SurvivalForest": "forest",
    "SurvivalModel": "interface",
    "baseline_hazard": "baseline",
    "published": "settings",
}

__all__ = [
    "Baseline",
    "Cox",
    "Coxnet",
    "DeepSurv",
    "DiscreteTime",
    "FineGray",
    "FirthCox",
    "GradientBoostedCox",
    "SurvivalForest",
    "SurvivalModel",
    "baseline_hazard",
    "published",
]

__getattr__, __dir__ = lazy_names(__name__, _EXPORTS)
