"""Restricted means, scores at horizons, Uno's C and bootstraps of C: answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError


def test_rmst_by_hand() -> None:
    # S = 3/4 from 1, 3/8 from 3: area to 4 is 1 + 2 · 3/4 + 3/8
    r = stats.rmst([1, 2, 3, 4], [1, 0, 1, 0], tau=4)
    assert r.estimate == pytest.approx(2.875)
    # Greenwood terms 1/(4·3) and 1/(2·1); areas left 1.875 and .375
    assert r.se == pytest.approx(np.sqrt(1.875**2 / 12 + 0.375**2 / 2))
    assert r["time_lost"] == pytest.approx(1.125)


def test_rmst_beyond_the_end() -> None:
    # all dead at 3: nothing more to gain
    assert stats.rmst([1, 2, 3], [1, 1, 1], tau=50).estimate == pytest.approx(2)
    # nobody has died by 1
    early = stats.rmst([2, 3], [1, 0], tau=1)
    assert (early.estimate, early.se) == (1, 0)


def test_rmst_difference_by_hand() -> None:
    r = stats.rmst_difference([1, 3, 2, 3], [1, 0, 1, 0], ["b", "b", "a", "a"], tau=3)
    # each group loses half: at 1 leaves 1 + 2/2 = 2, at 2 leaves 2 + 1/2 = 2.5; b - a
    assert r.estimate == pytest.approx(-0.5)
    assert r.label == "b - a"
    # Greenwood 1/(2·1) = 1/2 with areas 1 and 1/2
    assert r.se == pytest.approx(np.sqrt(0.5 * 1 + 0.5 * 0.25))
    assert r["ratio"] == pytest.approx(0.8)
    assert r["loss_ratio"] == pytest.approx(2.0)
    assert r["ratio_p"] == pytest.approx(r["ratio_p"]) and 0 < r["ratio_p"] < 1


def test_auc_by_hand() -> None:
    # horizon 2.5, uncensored: cases 1, 2 (risks 4, 2), controls 3, 4 (risks 3, 2): wins 1 + 1 + 0 + ½ of 4
    r = stats.time_dependent_auc([1, 2, 3, 4], [1, 1, 1, 1], [4, 2, 3, 2], 2.5)
    assert r.estimate.tolist() == [0.625]
    assert (r.n.tolist(), r.events.tolist()) == ([4], [2])


def test_auc_weights_by_hand() -> None:
    # the unit censored at 1 leaves G = 3/4 after it: cases at 0.5 (weight 1) and 2 (4/3), control at 3
    r = stats.time_dependent_auc([0.5, 1, 2, 3, 4], [1, 0, 1, 0, 1], [1, 9, 3, 2, 2], 2.5)
    # case with risk 1 loses to both controls, case with risk 3 beats them
    assert r.estimate[0] == pytest.approx((4 / 3) / (1 + 4 / 3))


def test_brier_by_hand() -> None:
    # G = 3/4 after the censoring at 1; residuals (1 - .5)²/1, 0, (1 - .8)²·4/3, .2²·4/3, .1²·4/3
    r = stats.brier_score([0.5, 1, 2, 3, 4], [1, 0, 1, 0, 1], [0.5, 0.3, 0.8, 0.2, 0.1], 2.5)
    assert r.estimate[1] == pytest.approx((0.25 + 0.04 * 4 / 3 + 0.04 * 4 / 3 + 0.01 * 4 / 3) / 5)
    # Kaplan-Meier at 2.5: 4/5 · 2/3
    null = 1 - 8 / 15
    assert r.estimate[0] == pytest.approx(((1 - null) ** 2 * (1 + 4 / 3) + null**2 * 8 / 3) / 5)
    ipa = stats.index_of_prediction_accuracy([0.5, 1, 2, 3, 4], [1, 0, 1, 0, 1], [0.5, 0.3, 0.8, 0.2, 0.1], 2.5)
    assert ipa.estimate[0] == pytest.approx(1 - r.estimate[1] / r.estimate[0])


def test_competing_brier_and_auc_by_hand() -> None:
    # uncensored: the competing event at 2 is an event that did not happen, and a control
    r = stats.brier_score([1, 2, 3, 4], [1, 2, 1, 0], [0.9, 0.4, 0.5, 0.2], 2.5)
    assert r.estimate[1] == pytest.approx((0.01 + 0.16 + 0.25 + 0.04) / 4)
    assert r.estimate[0] == pytest.approx(0.25 * 0.75)
    auc = stats.time_dependent_auc([1, 2, 3, 4], [1, 2, 1, 0], [0.45, 0.4, 0.5, 0.2], 2.5)
    assert auc.estimate[0] == pytest.approx(2 / 3)
    assert stats.time_dependent_auc([1, 2, 3, 4], [1, 2, 1, 0], [0.1, 0.4, 0.5, 0.2], 2.5, cause=2).estimate[0] == pytest.approx(2 / 3)


def test_score_influence_is_the_derivative() -> None:
    """The standard error agrees with the jackknife, censoring weights included."""
    rng = np.random.default_rng(5)
    n = 250
    x = rng.normal(size=n)
    t, c = rng.exponential(np.exp(-x)).round(2) + 0.01, rng.exponential(1.5, n).round(2) + 0.01
    time, status = np.minimum(t, c), np.where(t <= c, rng.integers(1, 3, n), 0)
    risk = 1 / (1 + np.exp(-x + rng.normal(size=n)))

    def values(keep: np.ndarray) -> list[float]:
        args = (time[keep], status[keep], risk[keep], 1.0)
        return [
            stats.time_dependent_auc(*args).estimate[0], stats.brier_score(*args).estimate[1],
            stats.index_of_prediction_accuracy(*args).estimate[0],
        ]  # fmt: skip

    left_out = np.array([values(np.arange(n) != i) for i in range(n)])
    jackknife = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    args = (time, status, risk, 1.0)
    se = [stats.time_dependent_auc(*args).se[0], stats.brier_score(*args).se[1], stats.index_of_prediction_accuracy(*args).se[0]]
    np.testing.assert_allclose(se, jackknife, rtol=0.02)


def test_differences_are_those_of_the_mapping() -> None:
    rng = np.random.default_rng(6)
    t, e, a, b = rng.exponential(size=80), rng.random(80) < 0.7, rng.random((80, 2)), rng.random((80, 2))
    at = np.quantile(t, [0.3, 0.6])
    both = stats.brier_score(t, e, {"a": a, "b": b}, at).contrasts
    one = stats.brier_difference(t, e, a, b, at)
    np.testing.assert_allclose(one.estimate, both.loc[(both["model"] == "b") & (both["reference"] == "a"), "estimate"])
    auc = stats.time_dependent_auc_difference(t, e, a, b, at)
    np.testing.assert_allclose(auc.estimate, auc["b"] - auc["a"])
    ipa = stats.ipa_difference(t, e, a, b, at)
    np.testing.assert_allclose(ipa.estimate, ipa["b"] - ipa["a"])
    assert (np.sign(ipa.estimate) == -np.sign(one.estimate)).all()


def test_integrated_brier_by_hand() -> None:
    t, e = [1, 2, 3, 4], [1, 1, 1, 1]
    risk = np.array([[0.9, 0.9], [0.6, 0.6], [0.5, 0.5], [0.2, 0.2]])
    at = stats.brier_score(t, e, risk, [1.5, 2.5])
    r = stats.integrated_brier(t, e, risk, [1.5, 2.5])
    assert r.estimate[1] == pytest.approx((at.estimate[2] + at.estimate[3]) / 2)
    with pytest.raises(RadiogenError) as caught:
        stats.integrated_brier(t, e, risk[:, :1], [1.5])
    assert caught.value.code == "RG708"


def test_uno_by_hand() -> None:
    # censored at 2: G = 2/3 before 3 and after.  Pairs: 1 beats all three (weight 1 each), 3 against 4 weight 9/4
    r = stats.concordance([1, 2, 3, 4], [1, 0, 1, 1], [5, 9, 2, 3], method="uno")
    # the first has risk 5: concordant with 2 and 3, not with 9; the third loses to the fourth
    assert r.estimate == pytest.approx(2 / (3 + 9 / 4))
    assert stats.concordance([1, 2, 3, 4], [1, 0, 1, 1], [5, 9, 2, 3], method="uno", tau=3).estimate == pytest.approx(2 / 3)


def test_uno_without_censoring_is_harrell() -> None:
    rng = np.random.default_rng(3)
    t, r = rng.integers(1, 30, 60).astype(float), rng.integers(0, 20, 60)
    u, h = (stats.concordance(t, np.ones(60), r, method=m) for m in ("uno", "harrell"))
    assert (u.estimate, u.se) == pytest.approx((h.estimate, h.se))
    d = stats.concordance_difference(t, np.ones(60), r, -t, method="uno")
    assert d.estimate == pytest.approx(h.estimate - 1)


def test_uno_variance_against_the_jackknife() -> None:
    rng = np.random.default_rng(4)
    n = 200
    x = rng.normal(size=n)
    t, c = rng.exponential(np.exp(-x)).round(2) + 0.01, rng.exponential(1.5, n).round(2) + 0.01
    time, event, risk = np.minimum(t, c), t <= c, x + rng.normal(size=n)
    other = x + rng.normal(size=n)

    def c_of(keep: np.ndarray, r: np.ndarray) -> float:
        return float(stats.concordance(time[keep], event[keep], r[keep], method="uno", tau=1.5).estimate)

    left = np.array([[c_of(np.arange(n) != i, risk), c_of(np.arange(n) != i, other)] for i in range(n)])
    spread = left - left.mean(axis=0)
    jackknife = np.sqrt((n - 1) / n * np.sum(np.c_[spread, spread[:, 0] - spread[:, 1]] ** 2, axis=0))
    d = stats.concordance_difference(time, event, risk, other, method="uno", tau=1.5)
    np.testing.assert_allclose([d["se_a"], d["se_b"], d.se], jackknife, rtol=0.03)


def test_competing_concordance_by_hand() -> None:
    # the competing event at 1 outlives all: pairs (2, 1) (2, 3) (3, 1); risks 3 > 1, 3 > 2, 2 > 1
    r = stats.concordance([1, 2, 3], [3, 1, 1], [1, 3, 2])
    assert (r.estimate, r["concordant"]) == (1.0, 3)
    assert stats.concordance([1, 2, 3], [3, 1, 1], [9, 3, 2]).estimate == pytest.approx(1 / 3)
    assert stats.concordance([1, 2, 3], [0, 1, 1], [9, 3, 2]).estimate == 1


def test_concordance_before_tau() -> None:
    # only pairs whose first event is before 2: (1, 2) and (1, 3)
    assert stats.concordance([1, 2, 3], [1, 1, 1], [2, 1, 3], tau=2).estimate == 0.5


def test_bootstrap_of_c_equals_a_loop() -> None:
    rng = np.random.default_rng(8)
    n = 40
    t, e = rng.integers(1, 15, n).astype(float), rng.random(n) < 0.7
    a, b = rng.integers(0, 9, n), rng.normal(size=n)
    r = stats.concordance_bootstrap(t, e, {"a": a, "b": b}, n_boot=120, seed=2)
    rows = np.random.default_rng(2).integers(0, n, (120, n))
    loop = np.array([[stats.concordance(t[i], e[i], x[i]).estimate for x in (a, b)] for i in rows])
    np.testing.assert_allclose(r["draws"]["a"], loop[:, 0])
    np.testing.assert_allclose(r["draws"]["b - a"], loop[:, 1] - loop[:, 0])
    assert r.label == ["a", "b", "b - a"]
    np.testing.assert_allclose(r.lower[0], np.percentile(loop[:, 0], 2.5))


def test_bootstrap_of_c_by_sorting_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.stats import cbootstrap

    rng = np.random.default_rng(9)
    t, e, x = rng.exponential(size=50), rng.random(50) < 0.7, rng.normal(size=50)
    matrix = stats.concordance_bootstrap(t, e, x, n_boot=100)["draws"]["risk"]
    monkeypatch.setattr(cbootstrap, "_MATRIX", 10)
    np.testing.assert_allclose(stats.concordance_bootstrap(t, e, x, n_boot=100)["draws"]["risk"], matrix)


def test_results_print_as_frames() -> None:
    r = stats.time_dependent_auc([1, 2, 3, 4], [1, 1, 1, 1], {"a": [4, 2, 3, 1], "b": [1, 2, 3, 4]}, [1.5, 2.5])
    assert r.to_frame()[["model", "horizon"]].to_numpy().tolist() == [["a", 1.5], ["a", 2.5], ["b", 1.5], ["b", 2.5]]
    assert "reference" in r._repr_html_()
    assert isinstance(r.contrasts, pd.DataFrame) and len(r.contrasts) == 2
