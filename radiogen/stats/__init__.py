"""Statistics that a reviewer asks for: arrays and frames in, small frozen results out.

Names are loaded on first use, so that importing radiogen stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radiogen.stats.adjusted import adjusted_odds_ratio
    from radiogen.stats.bivariate import chi_squared, fisher_exact, kruskal_wallis, rank_sum_test, spearman
    from radiogen.stats.calibrate import CalibrationResult, calibration
    from radiogen.stats.calibrate_survival import CalibrationSurvivalResult, calibration_survival
    from radiogen.stats.cox import CoxResult, cox_regression
    from radiogen.stats.decisions import DecisionCurve, decision_curve
    from radiogen.stats.decisions_survival import decision_curve_survival
    from radiogen.stats.harrell import concordance, concordance_difference
    from radiogen.stats.kaplan import KaplanMeierResult, kaplan_meier, reverse_kaplan_meier
    from radiogen.stats.logistic import LogisticResult, logistic_regression
    from radiogen.stats.logrank import LogRankResult, log_rank_test
    from radiogen.stats.multiclass import roc_auc_multiclass
    from radiogen.stats.multiplicity import fdr
    from radiogen.stats.optimism import OptimismResult, optimism_bootstrap
    from radiogen.stats.paired import cochran_q, mcnemar_test
    from radiogen.stats.proportions import compare_proportions
    from radiogen.stats.reclassify import ReclassificationResult, integrated_discrimination, net_reclassification
    from radiogen.stats.reclassify_censored import integrated_discrimination_survival, net_reclassification_survival
    from radiogen.stats.resampling import BootstrapResult, bootstrap_ci
    from radiogen.stats.result import StatResult
    from radiogen.stats.roc import delong_test, delong_test_unpaired, roc_auc, roc_curve, youden_threshold
    from radiogen.stats.screening import association_screen
    from radiogen.stats.tables import TableOne, table_one
    from radiogen.stats.thresholds import confusion, proportion_interval, threshold_table

# file -> names; a file is never called like a function, or importing it would hide the function
_HOMES = {
    "adjusted": ("adjusted_odds_ratio",),
    "calibrate": ("CalibrationResult", "calibration"),
    "bivariate": ("chi_squared", "fisher_exact", "kruskal_wallis", "rank_sum_test", "spearman"),
    "cox": ("CoxResult", "cox_regression"),
    "harrell": ("concordance", "concordance_difference"),
    "kaplan": ("KaplanMeierResult", "kaplan_meier", "reverse_kaplan_meier"),
    "logistic": ("LogisticResult", "logistic_regression"),
    "logrank": ("LogRankResult", "log_rank_test"),
    "multiclass": ("roc_auc_multiclass",),
    "multiplicity": ("fdr",),
    "result": ("StatResult",),
    "roc": ("delong_test", "delong_test_unpaired", "roc_auc", "roc_curve", "youden_threshold"),
    "screening": ("association_screen",),
    "tables": ("TableOne", "table_one"),
    "thresholds": ("confusion", "proportion_interval", "threshold_table"),
    "calibrate_survival": ("CalibrationSurvivalResult", "calibration_survival"),
    "decisions": ("DecisionCurve", "decision_curve"),
    "decisions_survival": ("decision_curve_survival",),
    "optimism": ("OptimismResult", "optimism_bootstrap"),
    "paired": ("cochran_q", "mcnemar_test"),
    "proportions": ("compare_proportions",),
    "reclassify": ("ReclassificationResult", "integrated_discrimination", "net_reclassification"),
    "reclassify_censored": ("integrated_discrimination_survival", "net_reclassification_survival"),
    "resampling": ("BootstrapResult", "bootstrap_ci"),
}
_EXPORTS = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BootstrapResult",
    "CalibrationResult",
    "CalibrationSurvivalResult",
    "CoxResult",
    "DecisionCurve",
    "KaplanMeierResult",
    "LogRankResult",
    "LogisticResult",
    "OptimismResult",
    "ReclassificationResult",
    "StatResult",
    "TableOne",
    "adjusted_odds_ratio",
    "association_screen",
    "bootstrap_ci",
    "calibration",
    "calibration_survival",
    "chi_squared",
    "cochran_q",
    "compare_proportions",
    "concordance",
    "concordance_difference",
    "confusion",
    "cox_regression",
    "decision_curve",
    "decision_curve_survival",
    "delong_test",
    "delong_test_unpaired",
    "fdr",
    "fisher_exact",
    "integrated_discrimination",
    "integrated_discrimination_survival",
    "kaplan_meier",
    "kruskal_wallis",
    "log_rank_test",
    "logistic_regression",
    "mcnemar_test",
    "net_reclassification",
    "net_reclassification_survival",
    "optimism_bootstrap",
    "proportion_interval",
    "rank_sum_test",
    "reverse_kaplan_meier",
    "roc_auc",
    "roc_auc_multiclass",
    "roc_curve",
    "spearman",
    "table_one",
    "threshold_table",
    "youden_threshold",
]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'radiogen.stats' has no attribute '{name}'")
    value = getattr(import_module(f"radiogen.stats.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
