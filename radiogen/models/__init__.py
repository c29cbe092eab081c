"""Estimators: preprocessing fitted on training data, and the models that follow it.

Nothing here knows of cohorts: frames and arrays come in, fitted objects go out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radiogen.lazy import lazy_names
from radiogen.models.classifiers import CLASSIFIERS, Fit, TrainingData, fit_classifier
from radiogen.models.preprocess import Preprocessor, class_response, survival_response
from radiogen.models.risk import RISK_MODELS, RiskFit, RiskTraining, fit_risk_model

if TYPE_CHECKING:
    from radiogen.models.backbones.make import backbone
    from radiogen.models.deep.in_network import embeddings
    from radiogen.models.deep.table import deep_features
    from radiogen.models.fusion.estimators import FusionClassifier, FusionSurvival
    from radiogen.models.graphs.controls import graph_with_controls
    from radiogen.models.graphs.patients import GraphClassifier
    from radiogen.models.graphs.region_classifier import RegionGraphClassifier
    from radiogen.models.graphs.regions import region_graph
    from radiogen.models.paired.classifier import PairedClassifier
    from radiogen.models.paired.deltas import delta_features
    from radiogen.models.weak.classifier import WeakClassifier

#: names whose modules import torch: loaded on first use
_HOMES = {
    "FusionClassifier": "fusion.estimators", "FusionSurvival": "fusion.estimators",
    "GraphClassifier": "graphs.patients", "RegionGraphClassifier": "graphs.region_classifier",
    "graph_with_controls": "graphs.controls", "region_graph": "graphs.regions",
    "PairedClassifier": "paired.classifier", "delta_features": "paired.deltas", "WeakClassifier": "weak.classifier",
    "backbone": "backbones.make", "deep_features": "deep.table", "embeddings": "deep.in_network",
}  # fmt: skip
__getattr__, _ = lazy_names(__name__, _HOMES)

__all__ = [
    "CLASSIFIERS",
    "RISK_MODELS",
    "Fit",
    "FusionClassifier",
    "FusionSurvival",
    "GraphClassifier",
    "PairedClassifier",
    "Preprocessor",
    "RegionGraphClassifier",
    "RiskFit",
    "RiskTraining",
    "TrainingData",
    "WeakClassifier",
    "backbone",
    "class_response",
    "deep_features",
    "delta_features",
    "embeddings",
    "fit_classifier",
    "fit_risk_model",
    "graph_with_controls",
    "region_graph",
    "survival_response",
]
