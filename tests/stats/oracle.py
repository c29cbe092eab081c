"""What radiogen gives for every key of the shared reference script, beside what R wrote.

Each function yields rows (what, own numbers, R's numbers, relative tolerance).  The tolerance is 1e-6 where R's
arithmetic is exact and 1e-5 where R stops an iteration before the maximum; standard errors of ``score`` have 2 %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from radiogen import stats

Row = tuple[str, Any, Any, float]
_EXACT, _ITERATED, _SCORE = 1e-6, 1e-5, 0.02
_COX = ["x1", "x2", "b1"]


def complete(d: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """As R's model frames: rows with everything that is used."""
    return d.dropna(subset=list(columns)).reset_index(drop=True)


def binary(d: pd.DataFrame) -> pd.DataFrame:
    return complete(d, "m1", "m2", "y")


def cox(d: pd.DataFrame, columns: list[str] | None = None, **options: Any) -> stats.CoxResult:
    columns = columns or _COX
    return stats.cox_regression(complete(d, "time", "event", *columns), "time", "event", columns, **options)


def cox_efron(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    got = cox(d)
    assert got.label == w["terms"] and (got.n, got.events) == (w["n"], w["nevent"])
    yield "coef", got.estimate, w["coef"], _ITERATED
    yield "se", got.se, w["se"], _ITERATED
    yield "loglik", got.loglik, w["loglik"], _EXACT
    assert got.concordance is not None
    yield "concordance", got.concordance.estimate, w["concordance"], _EXACT
    yield "concordance_se", got.concordance.se, w["concordance_se"], _EXACT


def cox_breslow(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    got = cox(d, ties="breslow")
    yield "coef", got.estimate, w["coef"], _ITERATED
    yield "se", got.se, w["se"], _ITERATED
    yield "loglik", got.loglik, w["loglik"], _EXACT


def cox_strata(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    got = stats.cox_regression(complete(d, "x1", "x2", "b1"), "time", "event", ["x1", "x2"], strata="b1")
    yield "coef", got.estimate, w["coef"], _ITERATED
    yield "se", got.se, w["se"], _ITERATED


def cox_interaction(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    got = stats.interaction_test(complete(d, "b1", "y"), "time", "event", "b1", "y").coefficients
    assert got["term"].tolist() == w["terms"]
    for own, key in (("estimate", "coef"), ("se", "se"), ("p", "p")):
        yield key, got[own], w[key], _ITERATED


def zph(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any], transform: str = "km") -> Iterator[Row]:
    got = stats.proportional_hazards_test(complete(d, *_COX), "time", "event", _COX, transform)
    yield "chisq", got.statistic, w["chisq"], _ITERATED
    yield "p", got.p, w["p"], 1e-4


def zph_rank(d: pd.DataFrame, w: dict[str, Any], all_: dict[str, Any]) -> Iterator[Row]:
    yield from zph(d, w, all_, "rank")


def logrank(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    got = stats.log_rank_test(d["time"], d["event"], d["g"])
    yield "chisq", got.statistic, w["chisq"], _EXACT
    # R orders the groups by the locale
    table = got.table.assign(name="g=" + got.table["group"].astype(str)).set_index("name").loc[w["groups"]]
    for own, key in (("n", "n"), ("observed", "obs"), ("expected", "exp")):
        yield key, table[own], w[key], _EXACT


def rmst(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    got = stats.rmst(d["time"], d["event"], w["tau"], group=d["b1"])
    yield "rmean", got.estimate, w["rmean"], _EXACT
    yield "se", got.se, w["se"], _EXACT
    yield "median", stats.kaplan_meier(d["time"], d["event"], d["b1"]).estimate, w["median"], _EXACT


def km(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    at = stats.kaplan_meier(d["time"], d["event"], d["b1"]).survival_at(w["times"])
    yield "surv", at["survival"], w["surv_b0"] + w["surv_b1"], _EXACT
    yield "lower", at["lower"][:2], w["lower_b0"], _EXACT
    yield "upper", at["upper"][:2], w["upper_b0"], _EXACT


def delong(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    q = binary(d)
    one, two = stats.roc_auc(q["y"], q["m1"]), stats.roc_auc(q["y"], q["m2"])
    yield "auc1", one.estimate, w["auc1"], _EXACT
    yield "auc2", two.estimate, w["auc2"], _EXACT
    yield "ci1", [one.lower, one.estimate, one.upper], w["ci1"], _EXACT
    yield "ci2", [two.lower, two.estimate, two.upper], w["ci2"], _EXACT
    got = stats.delong_test(q["y"], q["m1"], q["m2"])
    yield "var1", one.se**2, w["var1"], _EXACT
    yield "cov", got["covariance"], w["cov"], _EXACT
    yield "z p", [got.statistic, got.p], [w["z"], w["p"]], _EXACT
    yield "diff_ci", [got.lower, got.upper], w["diff_ci"], _EXACT
    ix, u = q["b1"] == 1, w["unpaired"]
    got = stats.delong_test_unpaired(q["y"][ix], q["m1"][ix], q["y"][~ix], q["m1"][~ix])
    own = [got["auc_1"], got["auc_2"], got.statistic, got.df, got.p]
    yield "unpaired", own, [u[k] for k in ("auc_b1", "auc_b0", "D", "df", "p")], _EXACT


def logistic(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    got = stats.logistic_regression(binary(d), "y", ["x1", "b1", "m1"])
    assert got.label == w["terms"]
    yield "coef", got.estimate, w["coef"], _ITERATED
    yield "se", got.se, w["se"], _ITERATED
    yield "loglik", got.loglik[1], w["loglik"], _EXACT


def _fitted(q: pd.DataFrame, columns: list[str]) -> np.ndarray:
    return np.asarray(expit(stats.logistic_regression(q, "y", columns).linear_predictor))


def reclassification(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    q = binary(d)
    old, new = _fitted(q, ["x1", "b1"]), _fitted(q, ["x1", "b1", "m1"])
    n, i = stats.net_reclassification(q["y"], old, new), stats.integrated_discrimination(q["y"], old, new)
    yield "nri", [*n.estimate, n.se[0], n.statistic[0]], [w[k] for k in ("nri", "nri_events", "nri_nonevents", "se_nri", "z_nri")], _ITERATED
    yield "idi", [i.estimate[0], i.se[0], i.statistic[0]], [w[k] for k in ("idi", "se_idi", "z_idi")], _ITERATED


def val_prob(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    q = binary(d)
    p = expit(0.3 + 0.7 * stats.logistic_regression(q, "y", ["x1", "b1", "m1"]).linear_predictor)
    got = stats.calibration(q["y"], p)
    for name, value in zip(w["names"], w["values"], strict=True):
        if value is not None and value != 0:
            yield name, got.indices[name], value, _ITERATED


def nomogram(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    # rms::cph stops where a step changes the log-likelihood by less than 1e-4 of itself
    got = stats.nomogram(cox(d, eps=1e-4))
    for name in _COX:
        own = got.axes[got.axes["axis"] == name]
        yield f"{name} values", own["number"], w[name]["value"], 1e-12
        yield f"{name} points", own["points"], w[name]["points"], 1e-10
    yield "total", got.total, w["total_points"], 1e-12
    yield "lp", got.linear["points"], w["lp"], 1e-10
    yield "lp values", got.linear["linear_predictor"], w["lp_points"], 1e-12


def score(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    q = complete(d, "time", "event", *_COX)
    horizons = sorted(set(w["auc"]["times"]))
    risks = {name: cox(q, x).predict_risk(q, horizons) for name, x in (("A", ["x1"]), ("B", _COX))}
    auc = stats.time_dependent_auc(q["time"], q["event"], risks, horizons)
    yield "auc", auc.estimate, w["auc"]["AUC"], _ITERATED
    yield "auc contrast", auc.contrasts["estimate"], w["auc_contrast"]["delta.AUC"], _ITERATED
    brier = stats.brier_score(q["time"], q["event"], risks, horizons)
    yield "brier", brier.estimate, w["brier"]["Brier"], _ITERATED
    yield "brier contrast", brier.contrasts["estimate"], w["brier_contrast"]["delta.Brier"], _ITERATED
    ipa = stats.index_of_prediction_accuracy(q["time"], q["event"], risks, horizons)
    yield "ipa", ipa.estimate, w["brier"]["IPA"][2:], _ITERATED
    for name, own, theirs in (("auc se", auc.se, w["auc"]), ("brier se", brier.se, w["brier"])):
        yield name, own, theirs["se"], _SCORE
    for name, own, theirs in (("auc", auc, w["auc_contrast"]), ("brier", brier, w["brier_contrast"])):
        yield f"{name} contrast se", own.contrasts["se"], theirs["se"], _SCORE
        yield f"{name} contrast limits", own.contrasts["lower"], theirs["lower"], _SCORE


def maxstat(d: pd.DataFrame, w: list[dict[str, Any]], _: dict[str, Any]) -> Iterator[Row]:
    q = complete(d, "x1")
    for one in w:
        got = stats.maximally_selected_cutpoint(q["x1"], q["time"], q["event"], one["method"])
        yield one["method"], [got.statistic, got.p, got.estimate], [one["statistic"], one["p"], one["cutpoint"]], _EXACT


def competing(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    q = complete(d, "time", "status", *_COX)
    fit = stats.fine_gray(q, "time", "status", _COX)
    yield "coef", fit.estimate, w["fine_gray_coef"], _ITERATED
    yield "se", fit.se, w["fine_gray_se"], _ITERATED
    test = stats.gray_test(q["time"], q["status"], q["b1"])
    yield "gray", test.statistic, w["gray_test"]["stat"], _EXACT
    yield "gray p", test.p, w["gray_test"]["p"], _EXACT
    at = stats.cumulative_incidence(q["time"], q["status"], q["b1"]).incidence_at(w["cif_times"])
    for row in w["cif_rows"]:
        group, cause = map(float, row.split())
        part = at[(at["group"] == group) & (at["cause"] == cause)]
        yield f"cif {row}", part["incidence"], w["cif"][row], _EXACT


def association(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    q = binary(d)
    rank, rho = stats.rank_sum_test(q["m1"], q["y"]), stats.spearman(q["m1"], q["m2"])
    yield "wilcox", [rank.statistic, rank.p], [w["wilcox_W"], w["wilcox_p"]], _EXACT
    yield "spearman", [rho.estimate, rho.p], [w["spearman"], w["spearman_p"]], _EXACT
    known = complete(d, "x1", "g")
    kruskal = stats.kruskal_wallis(known["x1"], known["g"])
    yield "kruskal", [kruskal.statistic, kruskal.p], [w["kruskal"], w["kruskal_p"]], _EXACT
    known = complete(d, "b1", "y")
    fisher, chi = stats.fisher_exact(known["b1"], known["y"]), stats.chi_squared(known["b1"], known["y"])
    # R finds its odds ratio to 1.2e-4
    yield "fisher_or", fisher.estimate, w["fisher_or"], 1e-3
    yield "fisher_p", fisher.p, w["fisher_p"], _EXACT
    yield "chisq", [chi.statistic, chi.p], [w["chisq"], w["chisq_p"]], _EXACT
    screen = stats.association_screen(d[["x1", "x2", "m1", "m2"]], d[["y"]])
    yield "screen_p", screen["p"], w["screen_p"], _EXACT
    yield "screen_bh", screen["q"], w["screen_bh"], _EXACT


def mcnemar(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    q = binary(d)
    right = [(q[m] > q[m].median()) == (q["y"] == 1) for m in ("m1", "m2")]
    exact, chi = stats.mcnemar_test(*right), stats.mcnemar_test(*right, exact=False)
    yield "table", [exact[k] for k in ("neither", "a_only", "b_only", "both")], w["table"], _EXACT
    yield "tests", [chi.statistic, chi.p, exact.p], [w["chisq"], w["p"], w["exact_p"]], _EXACT


def icc(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    table = binary(d)[["m1", "m2"]].apply(lambda c: (c - c.mean()) / c.std())
    got = stats.icc(table, ["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"])
    for field, key in (("estimate", "icc"), ("statistic", "F"), ("lower", "lower"), ("upper", "upper")):
        yield key, getattr(got, field), w[key], _EXACT


def coxnet(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    q = complete(d, "time", "event", *_COX)
    got = stats.cox_elastic_net(q, "time", "event", _COX, w["lambda"], ties="glmnet")
    own, r = got.coefficients.to_numpy().T, np.asarray(w["coef"], float)
    assert (own == 0).tolist() == (r == 0).tolist()
    # glmnet's descent ends where a coefficient may be off by 1e-7 of the largest
    far = 3 * np.abs(r).max()
    yield "coef", own + far, r + far, 1e-7


def optimism(d: pd.DataFrame, w: dict[str, Any], _: dict[str, Any]) -> Iterator[Row]:
    q = binary(d)
    got = stats.optimism_bootstrap("logistic", q[["x1", "b1", "m1"]], q["y"], n_boot=100)
    spread = dict(zip(got.label or (), np.asarray(got.se), strict=True)) | {"intercept": 0.3, "slope": 0.2, "u": 0.01}
    for name, row in got.table.iterrows():
        key = {"brier": "B", "g": "g", "gp": "gp"}.get(str(name), str(name).capitalize())
        if name == "auc":
            continue
        values = w["values"][key]
        if values[0]:
            yield f"{name} apparent", row["index.orig"], values[0], 1e-4 if name == "emax" else _EXACT
        if name != "emax":
            # within four standard errors of the mean over both programs' resamples
            width = 4 * spread[str(name)] * np.sqrt(1 / 100 + 1 / values[5])
            yield f"{name} optimism", (row["optimism"] - values[3]) / width + 10, 10.0, 0.1


CHECKS: dict[str, Callable[[pd.DataFrame, Any, dict[str, Any]], Iterator[Row]]] = {
    one.__name__: one
    for one in (
        cox_efron, cox_breslow, cox_strata, cox_interaction, zph, zph_rank, logrank, rmst, km, delong, logistic,
        reclassification, val_prob, nomogram, score, maxstat, competing, association, mcnemar, icc, coxnet, optimism,
    )
}  # fmt: skip
