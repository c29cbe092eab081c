"""Unusable input gives a coded error from every function, never a NaN nor a library's traceback."""

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
N = 24
Y = np.tile([0, 1], N // 2)
S = RNG.normal(size=N)
P = RNG.uniform(0.05, 0.95, N)
T = RNG.exponential(size=N) + 0.1
E = RNG.integers(0, 2, N)
G = np.repeat(list("abc"), N // 3)
F = pd.DataFrame({"t": T, "e": E, "y": Y, "x": S, "g": G})
PROBA = np.column_stack([1 - P, P])


def frame(**columns: Any) -> pd.DataFrame:
    return F.assign(**columns)


def but(x: np.ndarray, value: Any) -> np.ndarray:
    """A copy with one value replaced."""
    out = np.asarray(x, dtype=float).copy()
    out[3] = value
    return out


CASES: dict[str, tuple[str, Callable[[], Any]]] = {
    "auc length": ("RG705", lambda: stats.roc_auc(Y, S[:-1])),
    "auc nan": ("RG705", lambda: stats.roc_auc(Y, but(S, np.nan))),
    "auc inf": ("RG705", lambda: stats.roc_auc(Y, but(S, np.inf))),
    "auc nan y": ("RG705", lambda: stats.roc_auc(but(Y, np.nan), S)),
    "auc y 1 2": ("RG705", lambda: stats.roc_auc(Y + 1, S)),
    "auc one class": ("RG701", lambda: stats.roc_auc(np.ones(N), S)),
    "auc one positive": ("RG701", lambda: stats.roc_auc(np.arange(N) == 0, S)),
    "auc text": ("RG705", lambda: stats.roc_auc(Y, G)),
    "auc empty": ("RG705", lambda: stats.roc_auc([], [])),
    "auc two dimensions": ("RG705", lambda: stats.roc_auc(Y, np.column_stack([S, S]))),
    "auc level": ("RG708", lambda: stats.roc_auc(Y, S, level=95)),
    "auc dates": ("RG705", lambda: stats.roc_auc(Y, pd.Series(pd.date_range("2020", periods=N)))),
    "auc missing integer": ("RG705", lambda: stats.roc_auc(Y, pd.array([None, *range(N - 1)], dtype="Int64"))),
    "delong length": ("RG705", lambda: stats.delong_test(Y, S, S[1:])),
    "delong nan": ("RG705", lambda: stats.delong_test(Y, S, but(S, np.nan))),
    "unpaired one class": ("RG701", lambda: stats.delong_test_unpaired(Y, S, np.zeros(N), S)),
    "roc curve one class": ("RG701", lambda: stats.roc_curve(np.zeros(N), S)),
    "youden constant": ("RG705", lambda: stats.youden_threshold(Y, np.ones(N))),
    "multiclass columns": ("RG705", lambda: stats.roc_auc_multiclass(G, PROBA)),
    "multiclass sums": ("RG705", lambda: stats.roc_auc_multiclass(Y, 2 * PROBA)),
    "multiclass class": ("RG705", lambda: stats.roc_auc_multiclass(Y, PROBA, classes=["a", "b"])),
    "multiclass absent": ("RG701", lambda: stats.roc_auc_multiclass(np.zeros(N), PROBA, classes=[0, 1])),
    "thresholds nan": ("RG705", lambda: stats.threshold_table(Y, P, [np.nan])),
    "thresholds one class": ("RG701", lambda: stats.threshold_table(np.zeros(N), P, [0.5])),
    "thresholds method": ("RG708", lambda: stats.threshold_table(Y, P, [0.5], method="wald")),
    "proportion k above n": ("RG705", lambda: stats.proportion_interval(3, 2)),
    "proportion of none": ("RG701", lambda: stats.proportion_interval(0, 0)),
    "proportion fraction": ("RG705", lambda: stats.proportion_interval(0.5, 2)),
    "confusion length": ("RG705", lambda: stats.confusion(G, G[1:])),
    "confusion missing": ("RG705", lambda: stats.confusion([None, "a"], ["a", "a"])),
    "calibration above 1": ("RG705", lambda: stats.calibration(Y, but(P, 1.2))),
    "calibration zero": ("RG705", lambda: stats.calibration(Y, but(P, 0))),
    "calibration constant": ("RG705", lambda: stats.calibration(Y, np.full(N, 0.3))),
    "calibration one class": ("RG701", lambda: stats.calibration(np.ones(N), P)),
    "calibration clip": ("RG708", lambda: stats.calibration(Y, P, clip=0.7)),
    "km negative": ("RG402", lambda: stats.kaplan_meier(but(T, -1), E)),
    "km zero": ("RG403", lambda: stats.kaplan_meier(but(T, 0), E)),
    "km nan": ("RG705", lambda: stats.kaplan_meier(but(T, np.nan), E)),
    "km event 2": ("RG705", lambda: stats.kaplan_meier(T, but(E, 2))),
    "km group missing": ("RG705", lambda: stats.kaplan_meier(T, E, [None, *G[1:]])),
    "km group length": ("RG705", lambda: stats.kaplan_meier(T, E, G[1:])),
    "km type": ("RG708", lambda: stats.kaplan_meier(T, E, conf_type="logit")),
    "reverse nan": ("RG705", lambda: stats.reverse_kaplan_meier(T, but(E, np.nan))),
    "log-rank censored": ("RG701", lambda: stats.log_rank_test(T, np.zeros(N), G)),
    "log-rank one group": ("RG701", lambda: stats.log_rank_test(T, E, ["a"] * N)),
    "c censored": ("RG701", lambda: stats.concordance(T, np.zeros(N), S)),
    "c inf": ("RG705", lambda: stats.concordance(T, E, but(S, -np.inf))),
    "c one unit": ("RG701", lambda: stats.concordance([1], [1], [1])),
    "c method": ("RG708", lambda: stats.concordance(T, E, S, method="other")),
    "c one cluster": ("RG701", lambda: stats.concordance(T, E, S, cluster=["a"] * N)),
    "c difference length": ("RG705", lambda: stats.concordance_difference(T, E, S, S[1:])),
    "cox no column": ("RG203", lambda: stats.cox_regression(F, "t", "e", ["nothing"])),
    "cox censored": ("RG701", lambda: stats.cox_regression(frame(e=0), "t", "e", ["x"])),
    "cox negative": ("RG402", lambda: stats.cox_regression(frame(t=but(T, -2)), "t", "e", ["x"])),
    "cox zero": ("RG403", lambda: stats.cox_regression(frame(t=but(T, 0)), "t", "e", ["x"])),
    "cox nan": ("RG705", lambda: stats.cox_regression(frame(x=but(S, np.nan)), "t", "e", ["x"])),
    "cox inf": ("RG705", lambda: stats.cox_regression(frame(x=but(S, np.inf)), "t", "e", ["x"])),
    "cox constant only": ("RG704", lambda: stats.cox_regression(frame(x=1), "t", "e", ["x"])),
    "cox dates": ("RG703", lambda: stats.cox_regression(frame(x=pd.Timestamp("2020")), "t", "e", ["x"])),
    "cox text for list": ("RG705", lambda: stats.cox_regression(F, "t", "e", "x")),
    "cox no covariate": ("RG705", lambda: stats.cox_regression(F, "t", "e", [])),
    "cox duration twice": ("RG705", lambda: stats.cox_regression(F, "t", "e", ["t"])),
    "cox one event": ("RG704", lambda: stats.cox_regression(frame(e=(S.max() == S).astype(int), t=np.where(S.max() == S, 0.01, T)), "t", "e", ["x"])),
    "logistic one class": ("RG701", lambda: stats.logistic_regression(frame(y=1), "y", ["x"])),
    "logistic nan": ("RG705", lambda: stats.logistic_regression(frame(x=but(S, np.nan)), "y", ["x"])),
    "logistic text outcome": ("RG705", lambda: stats.logistic_regression(F, "g", ["x"])),
    "adjusted one class": ("RG701", lambda: stats.adjusted_odds_ratio(S, np.zeros(N))),
    "adjusted nan": ("RG705", lambda: stats.adjusted_odds_ratio(but(S, np.nan), Y)),
    "adjusted inf": ("RG705", lambda: stats.adjusted_odds_ratio(but(S, np.inf), Y, missing="drop")),
    "adjusted length": ("RG705", lambda: stats.adjusted_odds_ratio(S, Y, F[["g"]][1:])),
    "adjusted option": ("RG708", lambda: stats.adjusted_odds_ratio(S, Y, missing="impute")),
    "rank sum constant": ("RG705", lambda: stats.rank_sum_test(np.ones(N), Y)),
    "rank sum three groups": ("RG705", lambda: stats.rank_sum_test(S, G)),
    "rank sum one of a group": ("RG701", lambda: stats.rank_sum_test(S, np.arange(N) == 0)),
    "kruskal one group": ("RG701", lambda: stats.kruskal_wallis(S, ["a"] * N)),
    "kruskal constant": ("RG705", lambda: stats.kruskal_wallis(np.ones(N), G)),
    "chi one level": ("RG701", lambda: stats.chi_squared(G, ["a"] * N)),
    "chi missing": ("RG705", lambda: stats.chi_squared(G, [None, *G[1:]])),
    "fisher three": ("RG705", lambda: stats.fisher_exact(G, Y)),
    "spearman constant": ("RG705", lambda: stats.spearman(S, np.ones(N))),
    "spearman three": ("RG701", lambda: stats.spearman([1, 2, 3], [1, 3, 2])),
    "fdr above 1": ("RG705", lambda: stats.fdr([0.1, 1.1])),
    "fdr method": ("RG708", lambda: stats.fdr([0.1], "holm")),
    "screen inf": ("RG705", lambda: stats.association_screen(F[["x"]].assign(x=but(S, np.inf)), F[["y"]])),
    "screen empty": ("RG705", lambda: stats.association_screen(F[[]], F[["y"]])),
    "table one column": ("RG203", lambda: stats.table_one(F, by="nothing")),
    "table one empty": ("RG701", lambda: stats.table_one(F[:0], by="g")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_coded_error(name: str) -> None:
    code, call = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RadiogenError) as caught:
            call()
    assert caught.value.code == code, str(caught.value)


def test_good_input_in_every_container() -> None:
    plain = stats.roc_auc(Y, S).estimate
    assert stats.roc_auc(list(Y), list(S)).estimate == plain
    assert stats.roc_auc(pd.Series(Y, dtype="Int64"), pd.Series(S, dtype="Float64")).estimate == plain
    assert stats.roc_auc(Y.astype(bool), S.astype(object)).estimate == plain
    assert stats.roc_auc(pd.Series(Y, index=range(50, 50 + N)), pd.Series(S)).estimate == plain


def test_warning_free_on_degenerate_but_valid_input() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stats.concordance(T, E, np.ones(N)).estimate == 0.5
        assert stats.roc_auc(Y, np.ones(N)).estimate == 0.5
        assert stats.kaplan_meier(T, np.zeros(N)).curve["survival"].eq(1).all()
        assert stats.kaplan_meier(T, np.ones(N)).curve["survival"].iloc[-1] == pytest.approx(0, abs=1e-12)
        tied = stats.cox_regression(frame(t=1.0), "t", "e", ["x"])
        assert np.isfinite(tied.estimate).all()
        screen = stats.association_screen(F[["x", "g"]].assign(k=Y), F[["y", "g", "t"]])
        assert screen.loc[(screen["feature"] == "k") & (screen["target"] == "y"), "effect"].tolist() == [np.inf]
