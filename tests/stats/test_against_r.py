"""Agreement with R: the shared METABRIC reference, and survival's lung data kept beside this test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from radiogen import stats
from radiogen.stats._lowess import lowess
from tests.stats.r_answers import close

EXTRA = Path(__file__).parent / "reference" / "extra.json"


@pytest.fixture(scope="module")
def extra() -> dict[str, Any]:
    return json.loads(EXTRA.read_text())


@pytest.fixture(scope="module")
def lung(extra: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(extra["data"])


def test_metabric_cox(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    want = reference["cox_efron"]
    got = stats.cox_regression(metabric, "time", "event", ["x1", "x2", "b1"])
    assert got.label == want["terms"]
    assert (got.n, got.events) == (want["n"], want["nevent"])
    # R stops at a relative change of 1e-9 of the log-likelihood, so its own last digits are open
    close(got.estimate, want["coef"])
    close(got.se, want["se"])
    close(got.loglik, want["loglik"], rel=1e-13)
    assert got.concordance is not None
    close(got.concordance.estimate, want["concordance"], rel=1e-12)
    close(got.concordance.se, want["concordance_se"], rel=1e-9)


def test_metabric_log_rank(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    want = reference["logrank"]
    got = stats.log_rank_test(metabric["time"], metabric["event"], metabric["g"])
    assert ["g=" + g for g in got.table["group"]] == want["groups"]
    close(got.statistic, want["chisq"], rel=1e-11)
    assert got.df == want["df"]
    close(got.table[["n", "observed", "expected"]], np.column_stack([want["n"], want["obs"], want["exp"]]))


def test_metabric_kaplan_meier(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    want = reference["km"]
    got = stats.kaplan_meier(metabric["time"], metabric["event"], metabric["b1"])
    at = got.survival_at(want["times"])
    close(at["survival"], want["surv_b0"] + want["surv_b1"], rel=1e-12)
    close(at["lower"][:2], want["lower_b0"], rel=1e-12)
    close(at["upper"][:2], want["upper_b0"], rel=1e-12)
    close(got.estimate, reference["rmst"]["median"])


def test_metabric_delong(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    want, d = reference["delong"], metabric
    one, two = stats.roc_auc(d["y"], d["m1"]), stats.roc_auc(d["y"], d["m2"])
    close([one.lower, one.estimate, one.upper], want["ci1"])
    close([two.lower, two.estimate, two.upper], want["ci2"])
    paired = stats.delong_test(d["y"], d["m1"], d["m2"])
    close([one.se**2, paired["covariance"]], [want["var1"], want["cov"]], absolute=0)
    close([paired.statistic, paired.p], [want["z"], want["p"]], absolute=0)
    close([paired.lower, paired.upper], want["diff_ci"])
    ix = d["b1"] == 1
    got = stats.delong_test_unpaired(d["y"][ix], d["m1"][ix], d["y"][~ix], d["m1"][~ix])
    w = want["unpaired"]
    close([got["auc_1"], got["auc_2"], got.statistic, got.df, got.p], [w["auc_b1"], w["auc_b0"], w["D"], w["df"], w["p"]])


def test_metabric_association(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    want, d = reference["association"], metabric
    rank = stats.rank_sum_test(d["m1"], d["y"])
    close([rank.statistic, rank.p], [want["wilcox_W"], want["wilcox_p"]], absolute=0)
    kruskal = stats.kruskal_wallis(d["x1"], d["g"])
    close([kruskal.statistic, kruskal.p], [want["kruskal"], want["kruskal_p"]], absolute=0)
    rho = stats.spearman(d["m1"], d["m2"])
    close([rho.estimate, rho.p], [want["spearman"], want["spearman_p"]])
    chi = stats.chi_squared(d["b1"], d["y"])
    close([chi.statistic, chi.p], [want["chisq"], want["chisq_p"]], absolute=0)
    fisher = stats.fisher_exact(d["b1"], d["y"])
    close([fisher.estimate, fisher.p], [want["fisher_or"], want["fisher_p"]], absolute=0)
    # R's own odds ratio is found to a tolerance of 1.2e-4
    close(fisher.estimate, want["fisher_or"], rel=1e-3)
    screen = stats.association_screen(d[["x1", "x2", "m1", "m2"]], d[["y"]])
    close(screen["p"], want["screen_p"], absolute=0)
    close(screen["q"], want["screen_bh"], absolute=0)


def test_metabric_logistic_and_calibration(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    want = reference["logistic"]
    got = stats.logistic_regression(metabric, "y", ["x1", "b1", "m1"])
    assert got.label == want["terms"]
    close(got.estimate, want["coef"])
    # R's glm takes the standard errors from the step before the last
    close(got.se, want["se"], rel=1e-6)
    close(got.loglik[1], want["loglik"], rel=1e-13)
    values = dict(zip(reference["val_prob"]["names"], reference["val_prob"]["values"], strict=True))
    cal = stats.calibration(metabric["y"], expit(0.3 + 0.7 * got.linear_predictor))
    for ours, theirs in (("brier", "Brier"), ("slope", "Slope"), ("emax", "Emax"), ("e90", "E90"), ("ici", "Eavg")):
        close(cal.value(ours), values[theirs])
    close(cal["slope_intercept"], values["Intercept"])


def test_lung_cox(lung: pd.DataFrame, extra: dict[str, Any]) -> None:
    want = extra["cox"]
    got = stats.cox_regression(lung, "time", "event", ["age", "sex", "ecog"])
    close(got.estimate, want["coef"], rel=1e-11)
    close(got.se, want["se"], rel=1e-11)
    close(got.loglik, want["loglik"], rel=1e-13)
    tests = got.tests.set_index("test")
    close(tests.loc["likelihood ratio", ["statistic", "df", "p"]], want["lr"], rel=1e-10)
    close(tests.loc["score", ["statistic", "df", "p"]], want["score"], rel=1e-10)
    assert round(tests.loc["Wald", "statistic"], 2) == want["wald"][0]  # R rounds it
    assert got.concordance is not None
    close([got.concordance.estimate, got.concordance.se], want["concordance"], rel=1e-11)


def test_lung_cox_names_aliased_terms(lung: pd.DataFrame, extra: dict[str, Any]) -> None:
    d = lung.assign(copy=2 * lung["age"] - lung["sex"], ecog=lung["ecog"].astype(int).astype(str))
    got = stats.cox_regression(d, "time", "event", ["age", "sex", "copy", "ecog"])
    close(got.estimate, [np.nan if v is None else v for v in extra["aliased"]["coef"]], rel=1e-9)
    assert got.not_estimable == {"copy": "linear combination of age, sex"}
    assert got.label == ["age", "sex", "copy", "ecog[1]", "ecog[2]", "ecog[3]"]


def test_lung_kaplan_meier(lung: pd.DataFrame, extra: dict[str, Any]) -> None:
    want = extra["km"]
    got = stats.kaplan_meier(lung["time"], lung["event"], lung["sex"])
    close(got.estimate, want["median"])
    close(got.lower, want["lower"])
    close(got.upper, want["upper"])
    at = got.survival_at([0, 100, 365, 1000, 1500])
    close(
        at[["survival", "std_err", "lower", "upper", "n_risk"]],
        np.column_stack([want[k] for k in ("surv", "std_err", "low", "high", "n_risk")]),
        rel=1e-11,
    )
    curve = stats.kaplan_meier(lung["time"], lung["event"], conf_type="log-log").curve
    want = extra["km_loglog"]
    close(curve[["time", "survival", "lower", "upper"]], np.column_stack([want[k] for k in ("time", "surv", "lower", "upper")]))
    reverse = stats.reverse_kaplan_meier(lung["time"], lung["event"])
    close(np.r_[reverse.estimate, reverse.lower, reverse.upper], extra["reverse"]["median"])


def test_lung_log_rank(lung: pd.DataFrame, extra: dict[str, Any]) -> None:
    got = stats.log_rank_test(lung["time"], lung["event"], lung["ecog"])
    close([got.statistic, got.p], [extra["logrank"]["chisq"][0], extra["logrank"]["p"][0]], rel=1e-10)
    close(got.table["expected"], extra["logrank"]["expected"])


def test_lung_concordance(lung: pd.DataFrame, extra: dict[str, Any]) -> None:
    want = extra["concordance"]
    vcov = np.reshape(want["vcov"], (2, 2))
    got = stats.concordance_difference(lung["time"], lung["event"], lung["age"], lung["ecog"])
    close([got["c_a"], got["c_b"]], want["both"], rel=1e-12)
    close([got["se_a"] ** 2, got["se_b"] ** 2, got["covariance"]], [vcov[0, 0], vcov[1, 1], vcov[0, 1]], rel=1e-10)
    close(got.se, np.sqrt(vcov[0, 0] + vcov[1, 1] - 2 * vcov[0, 1]), rel=1e-10)
    clustered = stats.concordance(lung["time"], lung["event"], lung["age"], cluster=lung["inst"])
    close(clustered.se, want["cluster_se"][0], rel=1e-10)
    one = stats.concordance(lung["time"], lung["event"], lung["ecog"])
    names = ("concordant", "discordant", "tied_risk", "tied_time", "tied_both")
    assert [one[name] for name in names] == want["count"]


def test_lung_glm_lowess_and_small_tests(lung: pd.DataFrame, extra: dict[str, Any]) -> None:
    d = lung.assign(out=(lung["ecog"] > 0).astype(int), sex=lung["sex"].map({1: "m", 2: "w"}))
    got = stats.logistic_regression(d, "out", ["age", "sex"])
    close(got.estimate, extra["glm"]["coef"], rel=1e-10)
    close(got.se, extra["glm"]["se"], rel=1e-10)
    smooth = lowess(lung["age"].to_numpy(float), lung["event"].to_numpy(float))
    close(np.sort(lung["age"].to_numpy(float)).size, len(extra["lowess"]["y"]))
    close(smooth[np.argsort(lung["age"].to_numpy(), kind="stable")], extra["lowess"]["y"], rel=1e-11)
    want = extra["association"]
    kruskal = stats.kruskal_wallis(lung["age"], lung["ecog"])
    close([kruskal.statistic, kruskal.p], want["kruskal"])
    rho = stats.spearman(lung["age"], lung["time"])
    close([rho.estimate, rho.p], want["spearman"])
    yates = stats.chi_squared(lung["sex"], lung["event"], correct=True)
    close([yates.statistic, yates.p], want["yates"])
    # R's formula takes the first level as x, radiogen the second
    rank = stats.rank_sum_test(lung["age"], -lung["sex"])
    close([rank.statistic, rank.p], want["wilcox"])


def test_adjusted_p_fisher_and_proportions(extra: dict[str, Any]) -> None:
    close(stats.fdr(extra["adjust"]["p"]), extra["adjust"]["bh"])
    close(stats.fdr(extra["adjust"]["p"], "by"), extra["adjust"]["by"])
    tables = np.reshape(extra["fisher"]["table"], (-1, 4)).astype(int)
    for table, estimate, p in zip(tables, extra["fisher"]["estimate"], extra["fisher"]["p"], strict=True):
        got = stats.fisher_exact(np.repeat([0, 0, 1, 1], table), np.repeat([0, 1, 0, 1], table))
        close([got.estimate, got.p], [estimate, p], rel=1e-10)
    exact, wilson = stats.proportion_interval(7, 20, "exact"), stats.proportion_interval(7, 20)
    close([exact.lower, exact.upper], extra["binom"]["exact"])
    close([wilson.lower, wilson.upper], extra["binom"]["wilson"])
