"""Selection of features: scikit-learn transformers for two classes, several classes and survival, to be fitted inside folds."""

from radiogen.features.selection.clusters import CorrelationClusters
from radiogen.features.selection.mrmr import MRMR
from radiogen.features.selection.penalised import ElasticNet, Lasso
from radiogen.features.selection.selector import Selector
from radiogen.features.selection.shadow import ShadowFeatures
from radiogen.features.selection.stability import StabilitySelection
from radiogen.features.selection.target import Target, as_target
from radiogen.features.selection.univariable import UnivariableFDR
from radiogen.features.selection.variance import Variance

__all__ = [
    "MRMR",
    "CorrelationClusters",
    "ElasticNet",
    "Lasso",
    "Selector",
    "ShadowFeatures",
    "StabilitySelection",
    "Target",
    "UnivariableFDR",
    "Variance",
    "as_target",
]
