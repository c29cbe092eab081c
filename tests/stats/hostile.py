"""A sound call of every function of radiogen.stats, and things that must not reach it unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from radiogen import stats

RNG = np.random.default_rng(0)
N = 24
S = RNG.normal(size=N)
S2 = S + RNG.normal(size=N)
P = RNG.uniform(0.05, 0.95, N)
P2 = np.clip(P + 0.1 * RNG.normal(size=N), 0.01, 0.99)
T = RNG.exponential(size=N) + 0.1
E = np.tile([1, 1, 0, 1], N // 4)
CODES = np.tile([1, 2, 0, 1], N // 4)
Y = np.tile([0, 1, 1, 0, 0, 1], N // 6)
Y2 = np.tile([0, 1], N // 2)
G = np.repeat(list("ab"), N // 2)
G3 = np.tile(list("abc"), N // 3)
H = float(np.median(T))
F = pd.DataFrame({"t": T, "e": E, "s": CODES, "y": Y, "x": S, "z": S2, "g": G3, "arm": Y2})
PROBA = RNG.dirichlet([2, 2, 2], N)
TABLE = S[:, None] + 0.5 * RNG.normal(size=(N, 3))
RIGHT = (RNG.random((N, 3)) < 0.6).astype(int)


@dataclass(frozen=True)
class Call:
    """A function with arguments that are to be spoilt, and others."""

    function: Callable[..., Any]
    data: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, **changed: Any) -> Any:
        return self.function(**{**self.data, **self.options, **changed})


def _call(name: str, options: dict[str, Any] | None = None, **data: Any) -> tuple[str, Call]:
    function = name.split(":")[0]
    return name, Call(getattr(stats, function), data, options or {})


def _nomogram(frame: Any) -> Any:
    return stats.nomogram(stats.cox_regression(frame, "t", "e", ["x", "g"]), [H])


_COX = {"duration": "t", "event": "e", "covariates": ["x", "z", "g"]}
_TIMED = {"time": T, "event": E}
_COMPETING = {"time": T, "event": CODES}
CALLS: dict[str, Call] = dict([
    _call("adjusted_odds_ratio", x=S, y=Y), _call("association_screen", features=F[["x", "g"]], targets=F[["arm"]]),
    _call("bland_altman", a=S, b=S2), _call("bootstrap_ci", {"statistic": np.mean, "n_boot": 50}, data=S),
    _call("brier_score", {"horizons": H}, **_TIMED, risk=P), _call("brier_score:competing", {"horizons": H}, **_COMPETING, risk=P),
    _call("brier_difference", {"horizons": H}, **_TIMED, risk_a=P, risk_b=P2),
    _call("calibration", y=Y, p=P), _call("calibration_survival", {"horizon": H}, **_TIMED, risk=P),
    _call("chi_squared", x=G3, y=Y), _call("cochran_q", correct=RIGHT), _call("cohen_kappa", a=G3, b=np.roll(G3, 1)),
    _call("compare_proportions", k=np.array([3, 5, 4]), n=np.array([10, 12, 9])),
    _call("concordance", **_TIMED, risk=S), _call("concordance:uno", {"method": "uno"}, **_TIMED, risk=S),
    _call("concordance:competing", **_COMPETING, risk=S), _call("concordance:ipcw", {"method": "uno"}, **_COMPETING, risk=S),
    _call("concordance_bootstrap", {"n_boot": 100}, **_TIMED, risk=S),
    _call("concordance_difference", **_TIMED, risk_a=S, risk_b=S2), _call("confusion", y_true=G3, y_pred=G),
    _call("cox_elastic_net", {**_COX, "penalties": [0.1, 0.01]}, frame=F.drop(columns=["s", "y", "arm"])), _call("cox_regression", _COX, frame=F.drop(columns=["s", "y", "arm"])),
    _call("cox_regression:strata", {"duration": "t", "event": "e", "covariates": ["x"], "strata": "g"}, frame=F[["t", "e", "x", "g"]]),
    _call("cox_screen", features=F[["x", "z"]], **_TIMED), _call("cumulative_incidence", time=T, status=CODES, group=G),
    _call("decision_curve", {"n_boot": 10}, y=Y, risks=P),
    _call("decision_curve_survival", {"n_boot": 10, "horizon": H}, **_TIMED, risks=P), _call("delong_test", y=Y, a=S, b=S2),
    _call("delong_test_unpaired", y1=Y, s1=S, y2=Y2, s2=S2), _call("dice", a=RIGHT, b=RIGHT[::-1].copy()), _call("fdr", p=P),
    _call("fine_gray", {"duration": "t", "status": "s", "covariates": ["x", "g"]}, frame=F[["t", "s", "x", "g"]]),
    _call("firth_cox", {"duration": "t", "event": "e", "covariates": ["x"]}, frame=F[["t", "e", "x"]]),
    _call("firth_logistic", {"outcome": "y", "covariates": ["x"]}, frame=F[["y", "x"]]), _call("fisher_exact", x=G, y=Y),
    _call("fleiss_kappa", ratings=RIGHT), _call("gray_test", time=T, status=CODES, group=G), _call("icc", table=TABLE),
    _call("index_of_prediction_accuracy", {"horizons": H}, **_TIMED, risk=P),
    _call("integrated_brier", {"horizons": [H / 2, H]}, **_TIMED, risk=np.column_stack([P / 2, P])),
    _call("integrated_discrimination", y=Y, p_old=P, p_new=P2),
    _call("integrated_discrimination_survival", {"horizon": H, "n_boot": 10}, **_TIMED, p_old=P, p_new=P2),
    _call("interaction_test", {"duration": "t", "event": "e", "treatment": "arm", "group": "x"}, frame=F[["t", "e", "arm", "x"]]),
    _call("ipa_difference", {"horizons": H}, **_TIMED, risk_a=P, risk_b=P2), _call("kaplan_meier", **_TIMED, group=G),
    _call("kruskal_wallis", x=S, group=G3), _call("landmark", {"duration": "t", "event": "e", "at": 0.2}, frame=F[["t", "e", "x"]]),
    _call("log_rank_test", **_TIMED, group=G), _call("logistic_regression", {"outcome": "y", "covariates": ["x", "z"]}, frame=F[["y", "x", "z"]]),
    _call("maximally_selected_cutpoint", x=S, **_TIMED), _call("maximally_selected_cutpoint:HL", {"method": "HL"}, x=S, **_TIMED),
    _call("mcnemar_test", correct_a=Y, correct_b=Y2),
    _call("model_terms", {"covariates": ["x", "g"], "splines": {"x": 3}}, frame=F[["x", "g"]]),
    _call("net_reclassification", y=Y, p_old=P, p_new=P2),
    _call("net_reclassification_survival", {"horizon": H, "n_boot": 10}, **_TIMED, p_old=P, p_new=P2),
    ("nomogram", Call(_nomogram, {"frame": F[["t", "e", "x", "g"]]})), _call("null_share", p=P),
    _call("optimism_bootstrap", {"fit": "logistic", "n_boot": 10, "metrics": ["auc", "brier"]}, X=F[["x", "z"]], y=Y),
    _call("power_by_simulation", {"draw": lambda n, r: r.normal(size=n), "test": lambda d: 0.01, "simulations": 100}, sizes=np.array([4, 5])),
    _call("proportion_interval", k=np.array([3, 5, 2]), n=np.array([10, 12, 4])),
    _call("proportional_hazards_test", {**_COX, "covariates": ["x"]}, frame=F[["t", "e", "x"]]), _call("rank_sum_test", x=S, group=G),
    _call("rcs", {"knots": 3}, x=S), _call("rcs_knots", {"count": 3}, x=S),
    _call("regression_fits", {"covariates": ["x", "g"], "outcome": "y"}, frame=F[["y", "x", "g"]]),
    ("regression_table", Call(lambda frame: stats.regression_table(stats.regression_fits(frame, ["x", "g"], "y")), {"frame": F[["y", "x", "g"]]})),
    _call("reverse_kaplan_meier", **_TIMED), _call("risk_groups", score=S), _call("rmst", {"tau": H}, **_TIMED, group=G),
    _call("rmst_difference", {"tau": H}, **_TIMED, group=G), _call("roc_auc", y=Y, score=S),
    _call("roc_auc_multiclass", y=np.tile([0, 1, 2], N // 3), proba=PROBA), _call("roc_curve", y=Y, score=S),
    _call("royston_d", **_TIMED, risk=S), _call("schoenfeld_residuals", {**_COX, "covariates": ["x"]}, frame=F[["t", "e", "x"]]),
    _call("schoenfeld_smooth", residuals=stats.schoenfeld_residuals(F, "t", "e", ["x"])), _call("spearman", x=S, y=S2),
    _call("table_one", {"by": "g"}, frame=F[["g", "x", "y"]]), _call("threshold_table", y=Y, p=P, thresholds=np.array([0.2, 0.5])),
    _call("time_dependent_auc", {"horizons": H}, **_TIMED, risk=P), _call("youden_threshold", y=Y, score=S),
    _call("time_dependent_auc_difference", {"horizons": H}, **_TIMED, risk_a=P, risk_b=P2),
    _call("xtile", {"n_perm": 100}, x=S, **_TIMED),
])  # fmt: skip
#: functions of single numbers
NUMBERS: dict[str, Call] = dict([
    _call("sample_size_auc", auc=0.8), _call("sample_size_log_rank", hazard_ratio=0.6),
    _call("sample_size_prediction_model", {"kind": "binary", "r2_cs": 0.2, "prevalence": 0.3}, parameters=5),
])  # fmt: skip


def spoilt(value: Any) -> Iterator[tuple[str, Any]]:
    """What is given instead of an array or a frame."""
    yield from (("None", None), ("text", "abc"), ("number", 3), ("mapping", {"a": 1}), ("object", object()), ("nothing", []))
    yield "ragged", [[1, 2], [1]]
    yield "generator", (k for k in range(3))
    if isinstance(value, pd.DataFrame):
        yield from _frames(value)
    else:
        yield from _arrays(np.asarray(value))


def _arrays(a: np.ndarray) -> Iterator[tuple[str, Any]]:
    yield from (("short", a[1:]), ("one", a[:1]), ("two", a[:2]), ("deep", np.stack([a, a], axis=-1)), ("words", np.full(a.shape, "q")))
    yield "dates", pd.Series(pd.date_range("2020", periods=len(a)))
    yield "all missing", np.full(a.shape, np.nan)
    hidden = np.arange(a.size).reshape(a.shape) == 1
    yield "masked", np.ma.array(a if a.dtype.kind in "biuf" else np.arange(len(a)), mask=hidden)
    if a.dtype.kind not in "biuf":
        yield from (("one level", np.full(a.shape, "a")), ("all different", np.arange(a.size).astype(str)))
        yield "a missing label", np.where(hidden, None, a.astype(object))
        return
    for name, bad in (("nan", np.nan), ("infinite", np.inf), ("minus infinite", -np.inf), ("negative", -1.0), ("half", 0.5), ("huge", 1e300)):
        yield name, np.where(hidden, bad, a.astype(float))
    yield "an object", np.where(hidden, "x", a.astype(object))
    yield from (("constant", np.full(a.shape, a.ravel()[0])), ("zeros", np.zeros(a.shape)), ("ones", np.ones(a.shape)))
    yield from (("truth", a > np.median(a)), ("complex", a.astype(complex)), ("digits", a.astype(str)), ("one in all", hidden.astype(int)))
    yield from (("times 1e200", a * 1e200), ("times 1e-200", a * 1e-200), ("minus", -a), ("far", a + 1e9), ("round", np.round(a)))


def _frames(f: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    yield from (("no rows", f[:0]), ("no columns", f[[]]), ("one row", f[:1]), ("two rows", f[:2]), ("three rows", f[:3]))
    yield "columns twice", pd.concat([f, f], axis=1)
    yield "numbers for names", f.set_axis(range(f.shape[1]), axis=1)
    for column in f.columns:
        for name, values in _arrays(f[column].to_numpy()):
            if name not in ("short", "one", "two", "deep", "masked"):
                yield f"{column}: {name}", f.assign(**{column: values})
    plain = [c for c in f.columns if f[c].dtype.kind in "iuf"]
    for first, second in zip(plain, plain[1:] + plain[:1], strict=True):
        yield f"{first} is {second}", f.assign(**{first: f[second]})
        yield f"{first} separates {second}", f.assign(**{first: 10 * f[second] + 0.01 * f[first]})
