"""Statistics that a reviewer asks for: arrays and frames in, small frozen results out.

Names are loaded on first use, so that importing radiogen stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radiogen.lazy import lazy_names

if TYPE_CHECKING:
    from radiogen.stats._timescores import HorizonResult
    from radiogen.stats.adjusted import adjusted_odds_ratio
    from radiogen.stats.auc_size import sample_size_auc
    from radiogen.stats.bivariate import chi_squared, fisher_exact, kruskal_wallis, rank_sum_test, spearman
    from radiogen.stats.calibrate import CalibrationResult, calibration
    from radiogen.stats.calibrate_survival import CalibrationSurvivalResult, calibration_survival
    from radiogen.stats.cbootstrap import concordance_bootstrap
    from radiogen.stats.cox import CoxResult, cox_regression
    from radiogen.stats.coxscreen import cox_screen
    from radiogen.stats.cutpoints import CutpointResult, maximally_selected_cutpoint, xtile
    from radiogen.stats.decisions import DecisionCurve, decision_curve
    from radiogen.stats.decisions_survival import decision_curve_survival
    from radiogen.stats.differences import BlandAltmanResult, bland_altman
    from radiogen.stats.firth import firth_cox, firth_logistic
    from radiogen.stats.gray import gray_test
    from radiogen.stats.groups import RiskGroups, risk_groups
    from radiogen.stats.harrell import concordance, concordance_difference
    from radiogen.stats.horizonscores import (
        brier_difference,
        brier_score,
        index_of_prediction_accuracy,
        integrated_brier,
        ipa_difference,
        time_dependent_auc,
        time_dependent_auc_difference,
    )
    from radiogen.stats.incidence import CumulativeIncidenceResult, cumulative_incidence
    from radiogen.stats.interaction import InteractionResult, interaction_test
    from radiogen.stats.intraclass import icc
    from radiogen.stats.kaplan import KaplanMeierResult, kaplan_meier, reverse_kaplan_meier
    from radiogen.stats.kappa import cohen_kappa, fleiss_kappa
    from radiogen.stats.landmarking import LandmarkResult, landmark
    from radiogen.stats.logistic import LogisticResult, logistic_regression
    from radiogen.stats.logrank import LogRankResult, log_rank_test
    from radiogen.stats.logrank_size import sample_size_log_rank
    from radiogen.stats.multiclass import roc_auc_multiclass
    from radiogen.stats.multiplicity import fdr, null_share
    from radiogen.stats.optimism import OptimismResult, optimism_bootstrap
    from radiogen.stats.overlaps import dice
    from radiogen.stats.paired import cochran_q, mcnemar_test
    from radiogen.stats.penalised_cox import ElasticNetResult, cox_elastic_net
    from radiogen.stats.planning import SampleSize
    from radiogen.stats.points import NomogramResult, nomogram
    from radiogen.stats.power import power_by_simulation
    from radiogen.stats.proportions import compare_proportions
    from radiogen.stats.reclassify import ReclassificationResult, integrated_discrimination, net_reclassification
    from radiogen.stats.reclassify_censored import integrated_discrimination_survival, net_reclassification_survival
    from radiogen.stats.regression_models import regression_fits
    from radiogen.stats.regression_tables import RegressionTable, regression_table
    from radiogen.stats.resampling import BootstrapResult, bootstrap_ci
    from radiogen.stats.residualsmooth import schoenfeld_smooth
    from radiogen.stats.restricted import rmst, rmst_difference
    from radiogen.stats.result import StatResult
    from radiogen.stats.riley import sample_size_prediction_model
    from radiogen.stats.roc import delong_test, delong_test_unpaired, roc_auc, roc_curve, youden_threshold
    from radiogen.stats.royston import royston_d
    from radiogen.stats.schoenfeld import ProportionalHazardsResult, proportional_hazards_test, schoenfeld_residuals
    from radiogen.stats.screening import association_screen
    from radiogen.stats.splines import rcs, rcs_knots
    from radiogen.stats.subdistribution import FineGrayResult, fine_gray
    from radiogen.stats.tables import TableOne, table_one
    from radiogen.stats.terms import ModelTerms, model_terms
    from radiogen.stats.thresholds import confusion, proportion_interval, threshold_table

# file -> names; a file is never called like a function, or importing it would hide the function
_HOMES = {
    "auc_size": ("sample_size_auc",),
    "differences": ("BlandAltmanResult", "bland_altman"),
    "firth": ("firth_cox", "firth_logistic"),
    "intraclass": ("icc",),
    "kappa": ("cohen_kappa", "fleiss_kappa"),
    "logrank_size": ("sample_size_log_rank",),
    "overlaps": ("dice",),
    "penalised_cox": ("ElasticNetResult", "cox_elastic_net"),
    "planning": ("SampleSize",),
    "power": ("power_by_simulation",),
    "regression_models": ("regression_fits",),
    "regression_tables": ("RegressionTable", "regression_table"),
    "riley": ("sample_size_prediction_model",),
    "residualsmooth": ("schoenfeld_smooth",),
    "_timescores": ("HorizonResult",),
    "adjusted": ("adjusted_odds_ratio",),
    "bivariate": ("chi_squared", "fisher_exact", "kruskal_wallis", "rank_sum_test", "spearman"),
    "calibrate": ("CalibrationResult", "calibration"),
    "calibrate_survival": ("CalibrationSurvivalResult", "calibration_survival"),
    "cbootstrap": ("concordance_bootstrap",),
    "cox": ("CoxResult", "cox_regression"),
    "coxscreen": ("cox_screen",),
    "cutpoints": ("CutpointResult", "maximally_selected_cutpoint", "xtile"),
    "decisions": ("DecisionCurve", "decision_curve"),
    "decisions_survival": ("decision_curve_survival",),
    "gray": ("gray_test",),
    "groups": ("RiskGroups", "risk_groups"),
    "harrell": ("concordance", "concordance_difference"),
    "horizonscores": (
        "brier_difference",
        "brier_score",
        "index_of_prediction_accuracy",
        "integrated_brier",
        "ipa_difference",
        "time_dependent_auc",
        "time_dependent_auc_difference",
    ),
    "incidence": ("CumulativeIncidenceResult", "cumulative_incidence"),
    "interaction": ("InteractionResult", "interaction_test"),
    "kaplan": ("KaplanMeierResult", "kaplan_meier", "reverse_kaplan_meier"),
    "landmarking": ("LandmarkResult", "landmark"),
    "logistic": ("LogisticResult", "logistic_regression"),
    "logrank": ("LogRankResult", "log_rank_test"),
    "multiclass": ("roc_auc_multiclass",),
    "multiplicity": ("fdr", "null_share"),
    "optimism": ("OptimismResult", "optimism_bootstrap"),
    "paired": ("cochran_q", "mcnemar_test"),
    "points": ("NomogramResult", "nomogram"),
    "proportions": ("compare_proportions",),
    "reclassify": ("ReclassificationResult", "integrated_discrimination", "net_reclassification"),
    "reclassify_censored": ("integrated_discrimination_survival", "net_reclassification_survival"),
    "resampling": ("BootstrapResult", "bootstrap_ci"),
    "restricted": ("rmst", "rmst_difference"),
    "result": ("StatResult",),
    "roc": ("delong_test", "delong_test_unpaired", "roc_auc", "roc_curve", "youden_threshold"),
    "royston": ("royston_d",),
    "schoenfeld": ("ProportionalHazardsResult", "proportional_hazards_test", "schoenfeld_residuals"),
    "screening": ("association_screen",),
    "splines": ("rcs", "rcs_knots"),
    "subdistribution": ("FineGrayResult", "fine_gray"),
    "tables": ("TableOne", "table_one"),
    "terms": ("ModelTerms", "model_terms"),
    "thresholds": ("confusion", "proportion_interval", "threshold_table"),
}
_EXPORTS = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BlandAltmanResult",
    "BootstrapResult",
    "CalibrationResult",
    "CalibrationSurvivalResult",
    "CoxResult",
    "CumulativeIncidenceResult",
    "CutpointResult",
    "DecisionCurve",
    "ElasticNetResult",
    "FineGrayResult",
    "HorizonResult",
    "InteractionResult",
    "KaplanMeierResult",
    "LandmarkResult",
    "LogRankResult",
    "LogisticResult",
    "ModelTerms",
    "NomogramResult",
    "OptimismResult",
    "ProportionalHazardsResult",
    "ReclassificationResult",
    "RegressionTable",
    "RiskGroups",
    "SampleSize",
    "StatResult",
    "TableOne",
    "adjusted_odds_ratio",
    "association_screen",
    "bland_altman",
    "bootstrap_ci",
    "brier_difference",
    "brier_score",
    "calibration",
    "calibration_survival",
    "chi_squared",
    "cochran_q",
    "cohen_kappa",
    "compare_proportions",
    "concordance",
    "concordance_bootstrap",
    "concordance_difference",
    "confusion",
    "cox_elastic_net",
    "cox_regression",
    "cox_screen",
    "cumulative_incidence",
    "decision_curve",
    "decision_curve_survival",
    "delong_test",
    "delong_test_unpaired",
    "dice",
    "fdr",
    "fine_gray",
    "firth_cox",
    "firth_logistic",
    "fisher_exact",
    "fleiss_kappa",
    "gray_test",
    "icc",
    "index_of_prediction_accuracy",
    "integrated_brier",
    "integrated_discrimination",
    "integrated_discrimination_survival",
    "interaction_test",
    "ipa_difference",
    "kaplan_meier",
    "kruskal_wallis",
    "landmark",
    "log_rank_test",
    "logistic_regression",
    "maximally_selected_cutpoint",
    "mcnemar_test",
    "model_terms",
    "net_reclassification",
    "net_reclassification_survival",
    "nomogram",
    "null_share",
    "optimism_bootstrap",
    "power_by_simulation",
    "proportion_interval",
    "proportional_hazards_test",
    "rank_sum_test",
    "rcs",
    "rcs_knots",
    "regression_fits",
    "regression_table",
    "reverse_kaplan_meier",
    "risk_groups",
    "rmst",
    "rmst_difference",
    "roc_auc",
    "roc_auc_multiclass",
    "roc_curve",
    "royston_d",
    "sample_size_auc",
    "sample_size_log_rank",
    "sample_size_prediction_model",
    "schoenfeld_residuals",
    "schoenfeld_smooth",
    "spearman",
    "table_one",
    "threshold_table",
    "time_dependent_auc",
    "time_dependent_auc_difference",
    "xtile",
    "youden_threshold",
]

__getattr__, __dir__ = lazy_names(__name__, _EXPORTS)
