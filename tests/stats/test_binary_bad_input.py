"""Unusable input to the functions of binary and censored outcomes gives a coded error or the right answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError

RNG = np.random.default_rng(0)
N = 40
Y = np.tile([0, 1], N // 2)
P, Q = RNG.uniform(0.05, 0.95, N), RNG.uniform(0.05, 0.95, N)
T = RNG.exponential(size=N) + 0.1
E = RNG.integers(0, 2, N)
H = float(np.median(T))

Args = dict[str, Any]


def but(x: Any, value: Any) -> np.ndarray:
    """A copy with one value replaced."""
    out = np.asarray(x, dtype=float).copy()
    out[3] = value
    return out


BINARY: dict[str, Callable[..., Any]] = {
    "nri": lambda y, p: stats.net_reclassification(y, Q, p),
    "nri old": lambda y, p: stats.net_reclassification(y, p, Q, cuts=[0.2, 0.5]),
    "idi": lambda y, p: stats.integrated_discrimination(y, Q, p),
    "calibration": stats.calibration,
    "decisions": lambda y, p: stats.decision_curve(y, {"m": p}, n_boot=3),
    "bootstrap": lambda y, p: stats.bootstrap_ci("auc", (y, p), n_boot=10),
}
BAD_BINARY: dict[str, tuple[str, Any, Any]] = {
    "length": ("RG705", Y, P[1:]),
    "nan p": ("RG705", Y, but(P, np.nan)),
    "inf p": ("RG705", Y, but(P, np.inf)),
    "nan y": ("RG705", but(Y, np.nan), P),
    "y 1 2": ("RG705", Y + 1, P),
    "one class": ("RG701", np.ones(N), P),
    "text": ("RG705", Y, np.array(["a"] * N)),
    "empty": ("RG705", [], []),
    "two dimensions": ("RG705", Y, np.column_stack([P, P])),
}


@pytest.mark.parametrize("bad", BAD_BINARY)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str, bad: str) -> None:
    code, y, p = BAD_BINARY[bad]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RadiogenError) as caught:
            BINARY[name](y, p)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["nri", "nri old", "idi", "decisions", "calibration"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_no_probability(name: str, value: float) -> None:
    with pytest.raises(RadiogenError) as caught:
        BINARY[name](Y, but(P, value))
    assert caught.value.code == "RG705"


SURVIVAL: dict[str, Callable[..., Any]] = {
    "nri": lambda t, e, p, h: stats.net_reclassification_survival(t, e, Q, p, h, n_boot=5),
    "idi": lambda t, e, p, h: stats.integrated_discrimination_survival(t, e, Q, p, h, n_boot=5),
    "calibration": stats.calibration_survival,
    "decisions": lambda t, e, p, h: stats.decision_curve_survival(t, e, {"m": p}, h, n_boot=5),
}
BAD_SURVIVAL: dict[str, tuple[str, Any, Any, Any, Any]] = {
    "length": ("RG705", T[1:], E, P, H),
    "negative time": ("RG402", but(T, -1), E, P, H),
    "zero time": ("RG403", but(T, 0), E, P, H),
    "nan time": ("RG705", but(T, np.nan), E, P, H),
    "infinite time": ("RG705", but(T, np.inf), E, P, H),
    "nan event": ("RG705", T, but(E, np.nan), P, H),
    "event of one half": ("RG705", T, but(E, 0.5), P, H),
    "negative event": ("RG705", T, but(E, -1), P, H),
    "all censored": ("RG701", T, np.zeros(N), P, H),
    "nan risk": ("RG705", T, E, but(P, np.nan), H),
    "risk above 1": ("RG705", T, E, but(P, 1.2), H),
    "risk length": ("RG705", T, E, P[1:], H),
    "horizon beyond": ("RG708", T, E, P, 99.0),
    "horizon negative": ("RG708", T, E, P, -1.0),
    "horizon nan": ("RG708", T, E, P, np.nan),
    "horizon text": ("RG708", T, E, P, "5 years"),
    "horizon before all": ("RG701", T, E, P, 1e-6),
}


@pytest.mark.parametrize("bad", BAD_SURVIVAL)
@pytest.mark.parametrize("name", SURVIVAL)
def test_survival(name: str, bad: str) -> None:
    code, t, e, p, h = BAD_SURVIVAL[bad]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RadiogenError) as caught:
            SURVIVAL[name](t, e, p, h)
    assert caught.value.code == code


ODD: dict[str, Callable[[], Any]] = {
    "nri of 0 and 1": lambda: stats.net_reclassification(Y, np.zeros(N), np.ones(N)),
    "nri of constants": lambda: stats.net_reclassification(Y, np.full(N, 0.5), np.full(N, 0.4), cuts=0.45),
    "idi of a perfect model": lambda: stats.integrated_discrimination(Y, P, Y.astype(float)),
    "decisions of 0 and 1": lambda: stats.decision_curve(Y, {"perfect": Y.astype(float), "never": np.zeros(N)}, n_boot=20),
    "decisions of ties": lambda: stats.decision_curve(Y, {"m": np.full(N, 0.5)}, n_boot=20),
    "decisions, one event": lambda: stats.decision_curve(np.arange(N) == 0, {"m": P}, n_boot=20),
    "survival decisions of 0 and 1": lambda: stats.decision_curve_survival(T, E, {"m": (T <= H) * 1.0}, H, n_boot=20),
    "survival decisions, all events": lambda: stats.decision_curve_survival(T, np.ones(N), {"m": P}, float(T.max()), n_boot=20),
    "survival decisions, ties": lambda: stats.decision_curve_survival(np.repeat([1.0, 2.0], N // 2), E, {"m": P}, 1.5, n_boot=20),
    "nri, events everywhere": lambda: stats.net_reclassification_survival(T, np.ones(N), P, Q, H, n_boot=20),
    "survival calibration, ties": lambda: stats.calibration_survival(np.repeat([1.0, 2.0, 3.0, 4.0], N // 4), np.ones(N), P, 2.0),
    "survival calibration, clipped": lambda: stats.calibration_survival(T, E, but(P, 1.0), H, clip=0.01),
    "calibration, one event": lambda: stats.calibration(np.arange(N) == 7, P),
    "bootstrap of a constant": lambda: stats.bootstrap_ci(np.mean, np.ones(9), n_boot=20),
    "bootstrap of a separated score": lambda: stats.bootstrap_ci("auc", (Y, Y + 0.0), n_boot=20),
    "n < p": lambda: stats.optimism_bootstrap(lambda a, b: lambda new: np.full(len(new), b.mean()), np.ones((9, 30)), Y[:9],
                                              ["brier"], n_boot=5),
    "collinear": lambda: stats.optimism_bootstrap("logistic", np.column_stack([P, 2 * P, np.ones(N)]), Y, ["auc"], n_boot=5),
    "mcnemar, one unit": lambda: stats.mcnemar_test([1], [0]),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_input_has_an_answer_without_a_warning(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        r = ODD[name]()
    assert np.isfinite(np.atleast_1d(r.estimate)).all()
    # a test without a value says why
    if r.p is not None and np.isnan(np.atleast_1d(r.p)).any():
        assert r.notes
    repr(r), r.to_frame(), r._repr_html_()


@pytest.mark.parametrize("name", ["n < p logistic", "separated", "separated times", "constant horizon class"])
def test_what_has_no_answer(name: str) -> None:
    cases: dict[str, Callable[[], Any]] = {
        "n < p logistic": lambda: stats.optimism_bootstrap("logistic", RNG.normal(size=(12, 30)), Y[:12], ["auc"], n_boot=5),
        "separated": lambda: stats.calibration(Y, np.where(Y == 1, 0.8, 0.2) + P / 10),
        "separated times": lambda: stats.calibration_survival(
            np.r_[np.linspace(0.1, 1, 20), np.linspace(3, 5, 20)], np.repeat([1, 0], 20), np.repeat([0.9, 0.1], 20), 2.0),
        "constant horizon class": lambda: stats.net_reclassification_survival(T, np.ones(N), P, Q, float(T.max()), n_boot=5),
    }
    with pytest.raises(RadiogenError) as caught:
        cases[name]()
    assert caught.value.code in ("RG701", "RG704")
