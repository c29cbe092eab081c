"""Estimators: preprocessing fitted on training data, and the models that follow it.

Nothing here knows of cohorts: frames and arrays come in, fitted objects go out.
"""

from __future__ import annotations

from radiogen.models.classifiers import CLASSIFIERS, Fit, TrainingData, fit_classifier
from radiogen.models.preprocess import Preprocessor, class_response, survival_response
from radiogen.models.risk import RISK_MODELS, RiskFit, RiskTraining, fit_risk_model

__all__ = [
    "CLASSIFIERS",
    "RISK_MODELS",
    "Fit",
    "Preprocessor",
    "RiskFit",
    "RiskTraining",
    "TrainingData",
    "class_response",
    "fit_classifier",
    "fit_risk_model",
    "survival_response",
]
