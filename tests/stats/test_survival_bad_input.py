"""Unusable input to the survival statistics gives a coded error, or the right answer; never a warning."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError

RNG = np.random.default_rng(0)
N = 30
S = RNG.normal(size=N)
P = RNG.uniform(0.05, 0.95, N)
T = RNG.exponential(size=N) + 0.1
E = np.tile([1, 1, 0], N // 3)
G = np.tile(list("ab"), N // 2)
F = pd.DataFrame({"t": T, "e": E, "x": S, "y": P, "g": G, "arm": np.repeat([0, 1], N // 2)})
H = float(np.median(T))


def but(x: Any, value: Any) -> np.ndarray:
    out = np.asarray(x, dtype=float).copy()
    out[3] = value
    return out


def frame(**columns: Any) -> pd.DataFrame:
    return F.assign(**columns)


#: every function of times, events and one more argument, by the same bad times and events
CALLS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "rmst": lambda t, e, x: stats.rmst(t, e, 0.5),
    "rmst difference": lambda t, e, x: stats.rmst_difference(t, e, G, 0.5),
    "uno": lambda t, e, x: stats.concordance(t, e, x, method="uno"),
    "uno difference": lambda t, e, x: stats.concordance_difference(t, e, x, P, method="uno"),
    "c bootstrap": lambda t, e, x: stats.concordance_bootstrap(t, e, x, n_boot=100),
    "auc": lambda t, e, x: stats.time_dependent_auc(t, e, x, H),
    "brier": lambda t, e, x: stats.brier_score(t, e, 1 / (1 + np.exp(-np.asarray(x))), H),
    "ipa": lambda t, e, x: stats.index_of_prediction_accuracy(t, e, 1 / (1 + np.exp(-np.asarray(x))), H),
    "auc difference": lambda t, e, x: stats.time_dependent_auc_difference(t, e, x, P, H),
    "brier difference": lambda t, e, x: stats.brier_difference(t, e, 1 / (1 + np.exp(-np.asarray(x))), P, H),
    "ipa difference": lambda t, e, x: stats.ipa_difference(t, e, 1 / (1 + np.exp(-np.asarray(x))), P, H),
    "royston": stats.royston_d,
    "cut-point": lambda t, e, x: stats.maximally_selected_cutpoint(x, t, e),
    "xtile": lambda t, e, x: stats.xtile(x, t, e, n_perm=100),
    "gehan": lambda t, e, x: stats.log_rank_test(t, e, G, weight="gehan"),
    "screen": lambda t, e, x: stats.cox_screen(pd.DataFrame({"x": x}), t, e),
}
#: functions that look at the marker too
MARKED = [k for k in CALLS if k not in ("rmst", "rmst difference", "gehan", "screen")]


def code_of(call: Callable[[], Any]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RadiogenError) as caught:
            call()
    return caught.value.code


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("code", "time", "event"),
    [
        ("RG402", but(T, -1), E), ("RG403", but(T, 0), E), ("RG705", but(T, np.nan), E), ("RG705", but(T, np.inf), E),
        ("RG705", T, but(E, np.nan)), ("RG705", T, but(E, 0.5)), ("RG705", T[1:], E), ("RG705", [], []),
        ("RG705", np.column_stack([T, T]), E),
    ],
)  # fmt: skip
def test_bad_outcomes(name: str, code: str, time: Any, event: Any) -> None:
    assert code_of(lambda: CALLS[name](time, event, S)) == code


@pytest.mark.parametrize("name", [k for k in CALLS if k not in ("rmst",)])
def test_all_censored(name: str) -> None:
    assert code_of(lambda: CALLS[name](T, np.zeros(N), S)) == "RG701"


@pytest.mark.parametrize("name", MARKED)
def test_missing_markers(name: str) -> None:
    assert code_of(lambda: CALLS[name](T, E, but(S, np.nan))) == "RG705"


@pytest.mark.parametrize("name", [k for k in MARKED if "brier" not in k and "ipa" not in k])
def test_infinite_markers(name: str) -> None:
    assert code_of(lambda: CALLS[name](T, E, but(S, np.inf))) == "RG705"


OTHERS: dict[str, tuple[str, Callable[[], Any]]] = {
    "rmst tau": ("RG708", lambda: stats.rmst(T, E, 0)),
    "rmst tau nan": ("RG708", lambda: stats.rmst(T, E, np.nan)),
    "rmst tau beyond": ("RG708", lambda: stats.rmst([1, 2], [1, 0], 3)),
    "rmst three groups": ("RG701", lambda: stats.rmst_difference(T, E, np.arange(N) % 3, 0.5)),
    "rmst one group": ("RG701", lambda: stats.rmst_difference(T, E, np.zeros(N), 0.5)),
    "rmst before any event": ("RG701", lambda: stats.rmst_difference(T, E, G, 0.01)),
    "uno tau before events": ("RG701", lambda: stats.concordance(T, E, S, method="uno", tau=0.01)),
    "c tau": ("RG708", lambda: stats.concordance(T, E, S, tau=-1)),
    "bootstrap few": ("RG708", lambda: stats.concordance_bootstrap(T, E, S, n_boot=10)),
    "bootstrap level": ("RG708", lambda: stats.concordance_bootstrap(T, E, S, level=2)),
    "bootstrap one event": ("RG701", lambda: stats.concordance_bootstrap(np.arange(1, 31), np.arange(30) == 28, S)),
    "horizon before events": ("RG701", lambda: stats.time_dependent_auc(T, E, S, 0.01)),
    "horizon beyond all": ("RG701", lambda: stats.time_dependent_auc([1, 2, 3], [1, 1, 1], [1, 2, 3], 9)),
    "horizon beyond follow-up": ("RG708", lambda: stats.brier_score([1, 2, 3], [1, 1, 0], [0.1, 0.2, 0.3], 9)),
    "horizon zero": ("RG708", lambda: stats.brier_score(T, E, P, 0)),
    "horizons descending": ("RG708", lambda: stats.time_dependent_auc(T, E, S, [1, 0.5])),
    "horizon nan": ("RG705", lambda: stats.time_dependent_auc(T, E, S, [np.nan])),
    "one risk for two horizons": ("RG705", lambda: stats.brier_score(T, E, P, [0.5, 1])),
    "risk above 1": ("RG705", lambda: stats.brier_score(T, E, but(P, 1.01), H)),
    "risk below 0": ("RG705", lambda: stats.index_of_prediction_accuracy(T, E, but(P, -0.01), H)),
    "no model": ("RG705", lambda: stats.brier_score(T, E, {}, H)),
    "null model's name": ("RG708", lambda: stats.brier_score(T, E, {"Null model": P}, H)),
    "cause": ("RG708", lambda: stats.time_dependent_auc(T, E, S, H, cause=0)),
    "cause absent": ("RG701", lambda: stats.time_dependent_auc(T, E, S, H, cause=3)),
    "all have it": ("RG701", lambda: stats.index_of_prediction_accuracy([1, 2, 3], [1, 1, 1], [0.1, 0.2, 0.3], 3)),
    "no variance": ("RG705", lambda: stats.time_dependent_auc_difference([1, 2, 3, 4], [1] * 4, [4, 3, 2, 1], [1, 2, 3, 4], 2)),
    "royston constant": ("RG704", lambda: stats.royston_d(T, E, np.ones(N))),
    "royston separation": ("RG704", lambda: stats.royston_d(np.arange(1, 31), np.ones(30), -np.arange(30))),
    "cut-point constant": ("RG705", lambda: stats.maximally_selected_cutpoint(np.ones(N), T, E)),
    "cut-point method": ("RG708", lambda: stats.maximally_selected_cutpoint(S, T, E, "Lausen")),
    "cut-point shares": ("RG708", lambda: stats.maximally_selected_cutpoint(S, T, E, min_prop=0.9, max_prop=0.1)),
    "cut-point none": ("RG701", lambda: stats.maximally_selected_cutpoint(np.arange(N) == 0, T, E)),
    "cut-point same outcome": ("RG701", lambda: stats.maximally_selected_cutpoint(S, np.ones(N), np.ones(N))),
    "HL large": ("RG708", lambda: stats.maximally_selected_cutpoint(np.tile(S, 14), np.tile(T, 14), np.tile(E, 14), "HL")),
    "permutations": ("RG708", lambda: stats.maximally_selected_cutpoint(S, T, E, "permutation", n_perm=5)),
    "xtile share": ("RG708", lambda: stats.xtile(S, T, E, min_prop=0.5)),
    "xtile two values": ("RG701", lambda: stats.xtile(S > 0, T, E)),
    "groups constant": ("RG705", lambda: stats.risk_groups(np.ones(N))),
    "groups method": ("RG708", lambda: stats.risk_groups(S, "thirds")),
    "groups empty": ("RG701", lambda: stats.risk_groups([1, 2, 2, 2, 2], "median")),
    "groups no cut": ("RG708", lambda: stats.risk_groups(S, "cutpoint")),
    "groups cut descending": ("RG708", lambda: stats.risk_groups(S, "cutpoint", cutpoints=[1, 0])),
    "groups labels": ("RG708", lambda: stats.risk_groups(S, labels=["a"])),
    "groups outcome": ("RG708", lambda: stats.risk_groups(S, "xtile")),
    "groups nan": ("RG705", lambda: stats.risk_groups(but(S, np.nan))),
    "log-rank weight": ("RG708", lambda: stats.log_rank_test(T, E, G, weight="wilcoxon")),
    "log-rank rho": ("RG708", lambda: stats.log_rank_test(T, E, G, rho=-1)),
    "log-rank rho with gehan": ("RG708", lambda: stats.log_rank_test(T, E, G, weight="gehan", rho=1)),
    "log-rank strata length": ("RG705", lambda: stats.log_rank_test(T, E, G, strata=G[1:])),
    "log-rank strata are groups": ("RG701", lambda: stats.log_rank_test(T, E, G, strata=G)),
    "log-rank trend scores": ("RG705", lambda: stats.log_rank_test(T, E, G, trend=[1, 2, 3])),
    "log-rank trend constant": ("RG705", lambda: stats.log_rank_test(T, E, G, trend=[1, 1])),
    "log-rank adjust": ("RG708", lambda: stats.log_rank_test(T, E, G, pairwise="sidak")),
    "ph transform": ("RG708", lambda: stats.proportional_hazards_test(F, "t", "e", ["x"], "sqrt")),
    "ph one time": ("RG701", lambda: stats.proportional_hazards_test(frame(t=1.0), "t", "e", ["x"])),
    "ph censored": ("RG701", lambda: stats.proportional_hazards_test(frame(e=0), "t", "e", ["x"])),
    "ph column": ("RG203", lambda: stats.proportional_hazards_test(F, "t", "e", ["q"])),
    "ph nan": ("RG705", lambda: stats.schoenfeld_residuals(frame(x=but(S, np.nan)), "t", "e", ["x"])),
    "ph constant": ("RG704", lambda: stats.proportional_hazards_test(frame(x=1), "t", "e", ["x"])),
    "cox ties": ("RG708", lambda: stats.cox_regression(F, "t", "e", ["x"], ties="exact")),
    "cox entry late": ("RG705", lambda: stats.cox_regression(frame(s=T), "t", "e", ["x"], entry="s")),
    "cox entry negative": ("RG402", lambda: stats.cox_regression(frame(s=-1.0), "t", "e", ["x"], entry="s")),
    "cox stratum is covariate": ("RG704", lambda: stats.cox_regression(frame(h=F["arm"]), "t", "e", ["arm"], strata="h")),
    "cox few clusters": ("RG701", lambda: stats.cox_regression(frame(c=1), "t", "e", ["x"], cluster="c")),
    "cox strata predict": ("RG708", lambda: stats.cox_regression(F, "t", "e", ["x"], strata="g").predict_risk(F, 1)),
    "interaction censored": ("RG701", lambda: stats.interaction_test(frame(e=0), "t", "e", "arm", "g")),
    "interaction column": ("RG203", lambda: stats.interaction_test(F, "t", "e", "arm", "h")),
    "interaction same": ("RG705", lambda: stats.interaction_test(F, "t", "e", "arm", "arm")),
    "interaction constant": ("RG704", lambda: stats.interaction_test(frame(arm=1), "t", "e", "arm", "g")),
    "interaction copy": ("RG704", lambda: stats.interaction_test(frame(h=F["arm"]), "t", "e", "arm", "h")),
    "landmark late": ("RG701", lambda: stats.landmark(F, "t", "e", at=99)),
    "landmark negative": ("RG708", lambda: stats.landmark(F, "t", "e", at=-1)),
    "landmark window": ("RG708", lambda: stats.landmark(F, "t", "e", at=0.1, window=0)),
    "landmark twice": ("RG705", lambda: stats.landmark(frame(landmark=1), "t", "e", at=0.1)),
    "landmark column": ("RG203", lambda: stats.landmark(F, "t", "e", at=0.1, occurred="r")),
    "landmark occurred": ("RG402", lambda: stats.landmark(frame(r=-1.0), "t", "e", at=0.1, occurred="r")),
    "screen inf": ("RG705", lambda: stats.cox_screen(F[["x"]].assign(x=but(S, np.inf)), T, E)),
    "screen text": ("RG703", lambda: stats.cox_screen(F[["x", "g"]], T, E)),
    "screen empty": ("RG705", lambda: stats.cox_screen(F[[]], T, E)),
    "screen one dimension": ("RG705", lambda: stats.cox_screen(S, T, E)),
    "screen test": ("RG708", lambda: stats.cox_screen(F[["x"]], T, E, test="lr")),
    "screen permutations": ("RG708", lambda: stats.cox_screen(F[["x"]], T, E, n_perm=3)),
    "screen permuted and adjusted": ("RG708", lambda: stats.cox_screen(F[["x"]], T, E, adjust=F[["y"]], n_perm=200)),
    "screen adjust length": ("RG705", lambda: stats.cox_screen(F[["x"]], T, E, adjust=F[["y"]][1:])),
    "screen adjust nan": ("RG705", lambda: stats.cox_screen(F[["x"]], T, E, adjust=pd.DataFrame({"y": but(P, np.nan)}))),
    "screen adjust constant": ("RG704", lambda: stats.cox_screen(F[["x"]], T, E, adjust=frame(y=1)[["y"]])),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_coded_error(name: str) -> None:
    code, call = OTHERS[name]
    assert code_of(call) == code


def test_degenerate_but_valid() -> None:
    """One event, ties everywhere, more columns than rows and risks of 0 and 1 have right answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = (np.argsort(np.argsort(T)) == 3).astype(int)
        assert stats.rmst(T, one, 0.3).estimate <= 0.3
        assert stats.concordance(T, one, S, method="uno").estimate == pytest.approx(stats.concordance(T, one, S).estimate)
        assert np.isfinite(stats.time_dependent_auc(T, one, S, H).estimate).all()
        assert stats.brier_score([1, 2, 3, 4], [1, 1, 1, 1], [1, 1, 0, 0], 2.5).estimate[1] == 0
        assert stats.index_of_prediction_accuracy([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 1, 1], 2.5).estimate[0] == -3
        assert stats.time_dependent_auc(T, E, np.ones(N), H).estimate[0] == pytest.approx(0.5)
        assert stats.concordance(T, E, np.ones(N), method="uno").estimate == pytest.approx(0.5)
        tied = np.repeat([1.0, 2.0], N // 2)
        assert 0 < stats.log_rank_test(tied, E, G, weight="peto").p <= 1
        assert np.isfinite(stats.maximally_selected_cutpoint(S, tied, E).statistic)
        wide = stats.cox_screen(RNG.normal(size=(N, 3 * N)), T, E)
        assert wide["p"].between(0, 1).all()
        missing = stats.cox_screen(pd.DataFrame({"none": np.full(N, np.nan), "one": but(np.full(N, np.nan), 1)}), T, E)
        assert missing["n"].tolist() == [0, 1] and missing["p"].isna().all() and missing["note"].ne("").all()
        copies = stats.proportional_hazards_test(frame(copy=2 * S), "t", "e", ["x", "copy"])
        assert copies.label == ["x", "GLOBAL"] and "copy" in copies.notes[0]


@pytest.mark.parametrize(
    "call",
    [
        stats.concordance,
        lambda t, e, r: stats.time_dependent_auc(t, e, r, 3.0),
        lambda t, e, r: stats.brier_score(t, e, r, 3.0),
        lambda t, e, r: stats.cumulative_incidence(t, e),
        lambda t, e, r: stats.gray_test(t, e, ["a", "b"] * 3),
        lambda t, e, r: stats.fine_gray(pd.DataFrame({"t": t, "s": e, "x": r}), "t", "s", ["x"]),
    ],
)
def test_codes_of_one_and_two_are_refused(call: Any) -> None:
    """R's lung writes censored as 1 and dead as 2; nobody can tell it from data without censoring."""
    times, risk = np.arange(1.0, 7.0), np.array([0.9, 0.4, 0.6, 0.3, 0.5, 0.1])
    with pytest.raises(RadiogenError) as caught:
        call(times, np.array([1, 2, 1, 2, 2, 1]), risk)
    assert caught.value.code == "RG705" and "who is censored" in str(caught.value)


def test_a_horizon_that_leaves_nothing_to_predict_is_refused() -> None:
    times, events = np.arange(1.0, 11.0), np.ones(10, dtype=int)
    risk = np.linspace(0.9, 0.1, 10)
    for call in (stats.index_of_prediction_accuracy, stats.brier_score):
        with pytest.raises(RadiogenError) as caught:
            call(times, events, risk, 12.0)
        assert caught.value.code in ("RG701", "RG708")


@pytest.mark.parametrize(
    "call",
    [
        lambda t, e: stats.rmst(t, e, "x"),
        lambda t, e: stats.rmst(t, e, None),
        lambda t, e: stats.concordance(t, e, t, "uno", tau="x"),
        lambda t, e: stats.maximally_selected_cutpoint(t, t, e, "Lau92", "a"),
        lambda t, e: stats.xtile(t, t, e, "a"),
        lambda t, e: stats.calibration(e, np.linspace(0.1, 0.9, len(e)), clip="a"),
    ],
)
def test_options_that_are_no_numbers(call: Any) -> None:
    times = np.arange(1.0, 31.0)
    with pytest.raises(RadiogenError) as caught:
        call(times, np.tile([1, 0, 1], 10))
    assert caught.value.code == "RG708"
