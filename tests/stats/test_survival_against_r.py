"""Survival statistics against R: the shared METABRIC reference, and the data beside ``reference/survival_extra.R``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from tests.stats.r_answers import close

REFERENCE = Path(__file__).parent / "reference" / "survival_extra.json"


@pytest.fixture(scope="module")
def extra() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text())


@pytest.fixture(scope="module")
def lung(extra: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(extra["lung"])


def test_metabric_rmst(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    want = reference["rmst"]
    got = stats.rmst(metabric["time"], metabric["event"], want["tau"], group=metabric["b1"])
    close(got.estimate, want["rmean"], rel=1e-12)
    close(got.se, want["se"], rel=1e-12)
    gap = stats.rmst_difference(metabric["time"], metabric["event"], metabric["b1"], want["tau"])
    close([gap.estimate, gap.se], [np.diff(want["rmean"])[0], np.hypot(*want["se"])], rel=1e-12)


@pytest.mark.parametrize(("key", "transform"), [("zph", "km"), ("zph_rank", "rank")])
def test_metabric_zph(metabric: pd.DataFrame, reference: dict[str, Any], key: str, transform: str) -> None:
    want = reference[key]
    got = stats.proportional_hazards_test(metabric, "time", "event", ["x1", "x2", "b1"], transform)
    assert got.label == ["x1", "x2", "b1", "GLOBAL"]
    # R stops its fit earlier; the rest is the distance of the two estimates
    close(got.statistic, want["chisq"], rel=1e-7)
    close(got.p, want["p"], rel=1e-6, absolute=0)


def test_metabric_cox_variants(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    want = reference["cox_breslow"]
    got = stats.cox_regression(metabric, "time", "event", ["x1", "x2", "b1"], ties="breslow")
    close(got.estimate, want["coef"])
    close(got.se, want["se"])
    close(got.loglik, want["loglik"], rel=1e-13)
    want = reference["cox_strata"]
    got = stats.cox_regression(metabric, "time", "event", ["x1", "x2"], strata="b1")
    close(got.estimate, want["coef"])
    close(got.se, want["se"])


def test_metabric_interaction(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    want = reference["cox_interaction"]
    got = stats.interaction_test(metabric, "time", "event", "b1", "y")
    assert got.coefficients["term"].tolist() == want["terms"]
    close(got.coefficients["estimate"], want["coef"])
    close(got.coefficients["se"], want["se"])
    close(got.coefficients["p"], want["p"], rel=1e-7)
    wald = got.tests.set_index("test").loc["Wald"]
    close([wald["statistic"], wald["p"]], [(want["coef"][2] / want["se"][2]) ** 2, want["p"][2]], rel=1e-7)


def test_metabric_score(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    want, d = reference["score"], metabric
    horizons = [60, 120]
    fits = {"A": ["x1"], "B": ["x1", "x2", "b1"]}
    risks = {k: stats.cox_regression(d, "time", "event", v).predict_risk(d, horizons) for k, v in fits.items()}
    auc = stats.time_dependent_auc(d["time"], d["event"], risks, horizons)
    for got, key in ((auc.estimate, "AUC"), (auc.se, "se"), (auc.lower, "lower"), (auc.upper, "upper")):
        close(got, want["auc"][key], rel=1e-6)
    close(auc.contrasts["estimate"], want["auc_contrast"]["delta.AUC"], rel=1e-9)
    close(auc.contrasts["se"], want["auc_contrast"]["se"], rel=1e-6)
    close(auc.contrasts["p"], want["auc_contrast"]["p"], rel=1e-4, absolute=0)
    brier = stats.brier_score(d["time"], d["event"], risks, horizons)
    assert brier["model"] == want["brier"]["model"]
    close(brier.estimate, want["brier"]["Brier"])
    close(brier.se, want["brier"]["se"], rel=1e-3)
    order = brier.contrasts[["model", "reference"]].to_numpy().tolist()
    assert order == [list(v) for v in zip(want["brier_contrast"]["model"], want["brier_contrast"]["reference"], strict=True)]
    close(brier.contrasts["estimate"], want["brier_contrast"]["delta.Brier"], rel=1e-7)
    close(brier.contrasts["se"], want["brier_contrast"]["se"], rel=1e-5)
    ipa = stats.index_of_prediction_accuracy(d["time"], d["event"], risks, horizons)
    close(ipa.estimate, want["brier"]["IPA"][2:], rel=1e-6)


def test_metabric_maxstat(metabric: pd.DataFrame, reference: dict[str, Any]) -> None:
    for want in reference["maxstat"]:
        got = stats.maximally_selected_cutpoint(metabric["x1"], metabric["time"], metabric["event"], want["method"])
        close([got.statistic, got.p, got.estimate], [want["statistic"], want["p"], want["cutpoint"]], absolute=0)


@pytest.mark.parametrize("key", ["dlbcl", "lung"])
def test_maxstat(extra: dict[str, Any], lung: pd.DataFrame, key: str) -> None:
    if key == "lung":
        x, t, e = (lung[c].to_numpy()[:120] for c in ("age", "time", "event"))
    else:
        x, t, e = (np.array(extra["dlbcl"][c]) for c in ("mge", "time", "event"))
    for method, want in extra[f"maxstat_{key}"].items():
        got = stats.maximally_selected_cutpoint(x, t, e, method)
        close([got.statistic, got.p, got.estimate], want)
    if key == "dlbcl":
        # the values printed in the package's own documentation
        hl = stats.maximally_selected_cutpoint(x, t, e, "HL")
        assert (round(float(hl.statistic), 3), round(float(hl.p), 5)) == (3.171, 0.02218)


def test_maxstat_of_few_units() -> None:
    """maxstat 0.7.25: eight units, and a marker with one cut-point."""
    t, e = [1.108, 0.505, 0.35, 1.059, 0.07, 0.144, 1.85, 1.022], [1, 1, 0, 1, 1, 1, 1, 0]
    x = [0.31, -2.48, -0.7, -0.91, -1.38, 1.24, 0.16, 0.66]
    want = {"Lau92": (1.613429762, 0.7431168455), "Lau94": (1.613429762, 0.4725315229), "HL": (1.761915953, 0.5107142857)}
    for method, numbers in want.items():
        got = stats.maximally_selected_cutpoint(x, t, e, method)
        close([got.statistic, got.p, got.estimate], [*numbers, -0.91])
    t, e = [5, 8, 3, 9, 12, 7, 4, 11, 2, 10, 6, 1], [1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1]
    want = {"Lau92": (0.6666770189, 1), "Lau94": (0.6666770189, 0.5049784611), "HL": (0.6045028774, 600 / 924)}
    for method, numbers in want.items():
        got = stats.maximally_selected_cutpoint([0, 1] * 6, t, e, method)
        # 600 of the 924 groups of six have a sum of integer scores as far from its mean
        close([got.statistic, got.p, got.estimate], [*numbers, 0], rel=1e-9)


def test_zph_of_ovarian(extra: dict[str, Any]) -> None:
    got = stats.proportional_hazards_test(pd.DataFrame(extra["ovarian"]), "time", "event", ["age", "ecog"])
    close(got.statistic, extra["zph_ovarian"]["chisq"])
    assert [round(float(v), 3) for v in got.statistic] == [0.698, 2.371, 3.633]


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_zph_with_a_factor(extra: dict[str, Any], lung: pd.DataFrame, transform: str) -> None:
    d = lung[lung["ecog"] < 3].assign(ecog=lambda f: f["ecog"].astype(str))
    got = stats.proportional_hazards_test(d, "time", "event", ["age", "sex", "ecog"], transform)
    want = extra[f"zph_{transform}"]
    close(got.statistic, want["chisq"])
    close(got.df, want["df"])
    close(got.p, want["p"])


def test_zph_and_residuals_with_strata(extra: dict[str, Any], lung: pd.DataFrame) -> None:
    got = stats.proportional_hazards_test(lung, "time", "event", ["age", "ecog"], strata="sex")
    close(got.statistic, extra["zph_strata"]["chisq"])
    want = extra["residuals_strata"]
    close(got.residuals[["time", "transformed", "age", "ecog"]], np.column_stack([want[k] for k in ("time", "x", "age", "ecog")]))
    plain = stats.schoenfeld_residuals(lung, "time", "event", ["age", "ecog"], strata="sex", scaled=False)
    close(plain["age"], extra["schoenfeld"]["age"], absolute=1e-9)


def test_cox_variants(extra: dict[str, Any], lung: pd.DataFrame) -> None:
    def cox(*columns: str, **options: Any) -> Any:
        return stats.cox_regression(lung, "time", "event", columns or ("age", "sex"), **options)

    for key, got in {
        "strata": cox("age", "ecog", strata="sex"), "entry": cox(entry="entry"), "breslow": cox(ties="breslow"),
    }.items():  # fmt: skip
        close(got.estimate, extra[key]["coef"])
        close(got.se, extra[key]["se"])
        if "loglik" in extra[key]:
            close(got.loglik, extra[key]["loglik"], rel=1e-12)
    close(cox(robust=True).se, extra["robust"]["se"])
    by = cox(cluster="inst")
    close(by.se, extra["cluster"]["se"])
    # R prints the Wald test with two decimals
    close(by.tests.set_index("test").loc["Wald", "statistic"], extra["cluster"]["wald"], rel=2e-3)
    risk = cox().predict_risk(pd.DataFrame({"age": [60], "sex": [2]}), [180, 365])
    close(risk[0], extra["risk"]["risk"])


def test_royston(extra: dict[str, Any], lung: pd.DataFrame) -> None:
    lp = stats.cox_regression(lung, "time", "event", ["age", "sex"]).linear_predictor
    got = stats.royston_d(lung["time"], lung["event"], np.round(lp, 10))
    close([got.estimate, got.se, got["r2"]], extra["royston"][:3], rel=1e-7)


def test_uno(extra: dict[str, Any], lung: pd.DataFrame) -> None:
    got = stats.concordance(lung["time"], lung["event"], lung["age"], method="uno")
    close(got.estimate, extra["uno"])
    short = stats.concordance(lung["time"], lung["event"], lung["age"], method="uno", tau=365)
    close(short.estimate, extra["uno_tau"])


def test_weighted_log_rank(extra: dict[str, Any], lung: pd.DataFrame) -> None:
    want = extra["survdiff"]
    for key, options in {
        "rho1": {"rho": 1}, "rho05": {"rho": 0.5}, "strata": {"strata": lung["sex"]},
        "strata1": {"strata": lung["sex"], "rho": 1},
    }.items():  # fmt: skip
        got = stats.log_rank_test(lung["time"], lung["event"], lung["ecog"], **options)
        close(got.statistic, want[key]["chisq"])
        close(got.table[["observed", "expected"]], np.column_stack([want[key]["obs"], want[key]["exp"]]))


def test_rmst(extra: dict[str, Any], lung: pd.DataFrame) -> None:
    got = stats.rmst(lung["time"], lung["event"], 365, group=lung["sex"])
    close([*got.estimate, *got.se], [*extra["rmst"]["mean"], *extra["rmst"]["se"]])


@pytest.mark.parametrize("key", ["score_competing", "score_survival", "score_cause2", "score_tied", "score_tied_competing"])
def test_scores_of_pbc(extra: dict[str, Any], key: str) -> None:
    d = pd.DataFrame(extra["pbc"])
    two = np.arange(2)
    a = 1 - np.exp(-np.exp(-4 + 0.03 * d["age"].to_numpy())[:, None] * np.array([1, 2]))
    b = 1 / (1 + np.exp(-(-2.2 + 0.9 * np.log(d["bili"].to_numpy())[:, None] + 0.6 * two)))
    status = (d["status"] == 1).astype(int) if key in ("score_survival", "score_tied") else d["status"]
    cause, times = (2, [2000, 3000]) if key == "score_cause2" else (1, [1000, 2000])
    if "tied" in key:
        d, times = d.assign(time=extra["tied"]["year"]), [4, 7]
    want = extra[key]
    auc = stats.time_dependent_auc(d["time"], status, {"a": a, "b": b}, times, cause=cause)
    close(auc.estimate, want["auc"])
    close(auc.se, want["auc_se"], rel=1e-6)
    close(auc.contrasts["se"], want["auc_delta_se"], rel=1e-6)
    brier = stats.brier_score(d["time"], status, {"a": a, "b": b}, times, cause=cause)
    close(brier.estimate, want["brier"], rel=1e-7)
    close(brier.se, want["brier_se"], rel=1e-6)
    close(brier.contrasts["se"], want["brier_delta_se"], rel=1e-6)
    ipa = stats.index_of_prediction_accuracy(d["time"], status, {"a": a, "b": b}, times, cause=cause)
    close(ipa.estimate, want["ipa"][2:], rel=1e-6)


def test_heavy_ties(extra: dict[str, Any]) -> None:
    """Times in whole years: 417 units at 13 times."""
    d = pd.DataFrame(extra["pbc"]).assign(year=extra["tied"]["year"], log_bili=lambda f: np.log(f["bili"]))
    d["dead"] = (d["status"] == 1).astype(int)
    ph = stats.proportional_hazards_test(d, "year", "dead", ["age", "log_bili"])
    close(ph.statistic, extra["zph_tied"]["chisq"])
    close(ph.residuals["age"], extra["tied"]["scaled"])
    close(stats.cox_regression(d, "year", "dead", ["age", "log_bili"], robust=True).se, extra["tied"]["robust"])
    c = stats.concordance(d["year"], d["dead"], d["age"])
    close([c.estimate, c.se**2], extra["tied"]["concordance"])
    close(stats.concordance(d["year"], d["dead"], d["age"], method="uno").estimate, extra["tied"]["uno"])
    for method, want in extra["maxstat_tied"].items():
        got = stats.maximally_selected_cutpoint(d["age"], d["year"], d["dead"], method)
        close([got.statistic, got.p, got.estimate], want)
    mean = stats.rmst(d["year"], d["dead"], 8)
    close([mean.estimate, mean.se], extra["rmst_tied"])
