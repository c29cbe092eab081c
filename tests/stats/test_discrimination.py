"""ROC areas, thresholds, proportions and calibration on data small enough to work by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError


def test_auc_and_delong_variance_by_hand() -> None:
    # positives 3, 5; negatives 1, 3, 4: pairs won 3>1, 5>1, 5>3, 5>4, one tie of 3 with 3
    # V10: 3 -> (1 + .5)/3 = .5, 5 -> 1; mean .75; variance .125
    # V01: 1 -> 1, 3 -> (.5 + 1)/2 = .75, 4 -> .5; mean .75; variance .0625
    # var(AUC) = .125/2 + .0625/3
    r = stats.roc_auc([1, 1, 0, 0, 0], [3, 5, 1, 3, 4])
    assert r.estimate == pytest.approx(0.75)
    assert r.se == pytest.approx(np.sqrt(0.125 / 2 + 0.0625 / 3))
    assert r.lower == pytest.approx(0.75 - 1.959963984540054 * np.sqrt(0.125 / 2 + 0.0625 / 3))
    assert r.upper == 1.0  # cut
    assert (r.n, r.events) == (5, 2)


def test_auc_of_reversed_score_and_full_separation() -> None:
    y, s = [0, 1, 0, 1, 1], np.array([1.0, 2, 3, 4, 5])
    assert stats.roc_auc(y, s).estimate + stats.roc_auc(y, -s).estimate == pytest.approx(1)
    r = stats.roc_auc([0, 0, 1, 1], [1, 2, 3, 4])
    assert (r.estimate, r.se, r.lower, r.upper) == (1, 0, 1, 1)
    assert "no width" in r.notes[0]


def test_paired_delong_by_brute_force() -> None:
    rng = np.random.default_rng(3)
    y = np.r_[np.ones(7), np.zeros(9)].astype(int)
    a, b = rng.integers(0, 6, 16).astype(float), rng.integers(0, 6, 16).astype(float)

    def kernel(s: np.ndarray) -> np.ndarray:
        gap = s[:7, None] - s[None, 7:]
        return (gap > 0) + 0.5 * (gap == 0)

    d = kernel(a) - kernel(b)
    variance = d.mean(axis=1).var(ddof=1) / 7 + d.mean(axis=0).var(ddof=1) / 9
    r = stats.delong_test(y, a, b)
    assert r.estimate == pytest.approx(d.mean())
    assert r.se == pytest.approx(np.sqrt(variance))
    assert r.statistic == pytest.approx(d.mean() / np.sqrt(variance))
    assert r["auc_a"] - r["auc_b"] == pytest.approx(r.estimate)
    back = stats.delong_test(y, b, a)
    assert back.statistic == pytest.approx(-r.statistic)
    assert back.p == pytest.approx(r.p)


def test_same_order_gives_p_one_and_no_variance_is_refused() -> None:
    y, s = [0, 1, 0, 1, 1, 0], np.array([1.0, 2, 3, 4, 5, 2.5])
    r = stats.delong_test(y, s, np.exp(s))
    assert (r.estimate, r.statistic, r.p) == (0, 0, 1)
    with pytest.raises(RadiogenError) as caught:
        stats.delong_test([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1])
    assert caught.value.code == "RG705"


def test_roc_curve_and_youden() -> None:
    curve = stats.roc_curve([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    assert curve["threshold"].tolist() == [np.inf, 0.8, 0.4, 0.1]
    assert curve["tpr"].tolist() == [0, 0.5, 1, 1]
    assert curve["fpr"].tolist() == [0, 0, 0.5, 1]
    # cuts .6: J = .5 + 1 - 1 = .5; .25: J = 1 + .5 - 1 = .5; the lower of the two equals is taken
    best = stats.youden_threshold([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    assert best.estimate == pytest.approx(0.25)
    assert (best["youden"], best["sensitivity"], best["specificity"]) == (0.5, 1, 0.5)
    # neighbouring floats: the cut must still stand above the lower score
    low = 1.0
    high = np.nextafter(low, 2)
    cut = stats.youden_threshold([0, 1], [low, high]).estimate
    assert low < cut <= high


def test_multiclass_macro() -> None:
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 40)
    p = np.clip(0.3 * y + rng.uniform(0, 0.7, 40), 0, 1)
    two = stats.roc_auc_multiclass(y, np.column_stack([1 - p, p]))
    binary = stats.roc_auc(y, p)
    # with two classes each class, and macro, is the one AUC
    np.testing.assert_allclose(two.estimate, [binary.estimate] * 3)
    np.testing.assert_allclose(two.se, [binary.se] * 3)
    assert stats.roc_auc_multiclass(y, p).label == ["0", "1", "macro"]
    labels = np.array(list("abc"))[rng.integers(0, 3, 60)]
    q = rng.dirichlet([1, 1, 1], 60)
    three = stats.roc_auc_multiclass(labels, pd.DataFrame(q, columns=list("cab")))
    one = stats.roc_auc(labels == "a", q[:, 1])
    assert three.label == ["c", "a", "b", "macro"]
    assert three.estimate[1] == pytest.approx(one.estimate)
    assert three.se[1] == pytest.approx(one.se)
    assert three.estimate[3] == pytest.approx(three.estimate[:3].mean())
    # the mean of three numbers never varies more than the most variable
    assert 0 < three.se[3] < three.se[:3].max()


def test_macro_standard_error_against_the_bootstrap() -> None:
    rng = np.random.default_rng(11)
    y = rng.integers(0, 3, 300)
    score = rng.normal(size=(300, 3)) + 1.2 * np.eye(3)[y]
    p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    se = stats.roc_auc_multiclass(y, p).se[3]
    draws = []
    for _ in range(200):
        rows = rng.integers(0, 300, 300)
        draws.append(stats.roc_auc_multiclass(y[rows], p[rows]).estimate[3])
    # the standard deviation of 200 draws is itself uncertain by 5 %
    assert se == pytest.approx(np.std(draws, ddof=1), rel=0.2)


def test_threshold_table_by_hand() -> None:
    y = np.r_[np.ones(10), np.zeros(20)].astype(int)
    p = np.r_[np.full(8, 0.9), np.full(2, 0.1), np.full(5, 0.9), np.full(15, 0.1)]
    row = stats.threshold_table(y, p, [0.5]).iloc[0]
    assert row[["tp", "fp", "tn", "fn"]].tolist() == [8, 5, 15, 2]
    expected = {"sensitivity": 0.8, "specificity": 0.75, "ppv": 8 / 13, "npv": 15 / 17, "accuracy": 23 / 30}
    for name, value in expected.items():
        assert row[name] == pytest.approx(value)
    assert row["lr_positive"] == pytest.approx(0.8 / 0.25)
    assert row["lr_negative"] == pytest.approx(0.2 / 0.75)
    margin = 1.959963984540054 * np.sqrt(1 / 8 - 1 / 10 + 1 / 5 - 1 / 20)
    assert row["lr_positive_upper"] == pytest.approx(3.2 * np.exp(margin))
    # Wilson for 8/10: centre (p + z²/2n)/(1 + z²/n)
    assert (row["sensitivity_lower"], row["sensitivity_upper"]) == pytest.approx((0.490162, 0.943318), abs=1e-6)
    assert row["note"] == ""


def test_threshold_at_the_edges_says_what_is_missing() -> None:
    table = stats.threshold_table([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [0.0, 0.5])
    all_called, none_called = table.iloc[0], table.iloc[1]
    assert all_called["sensitivity"] == 1
    assert np.isnan(all_called["npv"])
    assert "npv" in all_called["note"]
    assert np.isnan(none_called["ppv"])
    assert "ppv" in none_called["note"]
    assert "lr_positive" in none_called["note"]


def test_exact_interval_by_hand() -> None:
    # 0 of n: upper limit 1 - (alpha/2)^(1/n); n of n: its mirror image
    none = stats.proportion_interval(0, 10, "exact")
    assert (none.lower, none.upper) == pytest.approx((0, 1 - 0.025 ** (1 / 10)))
    every = stats.proportion_interval(10, 10, "exact")
    assert (every.lower, every.upper) == pytest.approx((0.025 ** (1 / 10), 1))
    wilson = stats.proportion_interval([0, 10], 10)
    assert (wilson.lower[0], wilson.upper[1]) == (0, 1)


def test_confusion() -> None:
    table = stats.confusion(["a", "b", "b", "c"], ["a", "b", "c", "c"], classes=["c", "b", "a"])
    assert table.loc["b"].to_dict() == {"c": 1, "b": 1, "a": 0}
    assert table.to_numpy().sum() == 4
    with pytest.raises(RadiogenError) as caught:
        stats.confusion(["a"], ["z"], classes=["a"])
    assert caught.value.code == "RG705"


def test_calibration_of_two_risk_groups_by_hand() -> None:
    # 20 at .2 with 4 events, 20 at .5 with 10: perfectly calibrated
    p = np.repeat([0.2, 0.5], 20)
    y = np.r_[np.ones(4), np.zeros(16), np.ones(10), np.zeros(10)].astype(int)
    r = stats.calibration(y, p)
    assert r.value("intercept") == pytest.approx(0, abs=1e-9)
    assert r.value("slope") == pytest.approx(1, abs=1e-9)
    brier = (20 * 0.16 + 20 * 0.25) / 40
    assert r.value("brier") == pytest.approx(brier)
    assert r.value("scaled_brier") == pytest.approx(1 - brier / (0.35 * 0.65))
    # intercept: information is the sum of p(1 - p)
    assert r.se[0] == pytest.approx(1 / np.sqrt(20 * 0.16 + 20 * 0.25))
    assert r.value("emax") == pytest.approx(0, abs=1e-9)


def test_calibration_slope_undoes_what_was_done() -> None:
    rng = np.random.default_rng(2)
    eta = rng.normal(size=4000)
    y = rng.random(4000) < 1 / (1 + np.exp(-eta))
    r = stats.calibration(y, 1 / (1 + np.exp(-2 * eta)), n_boot=20)
    assert r.value("slope") == pytest.approx(0.5, abs=0.06)
    assert r.lower[4] <= r.value("ici") <= r.upper[4]
    assert {"lower", "upper"} <= set(r.curve.columns)
    again = stats.calibration(y, 1 / (1 + np.exp(-2 * eta)), n_boot=20)
    np.testing.assert_array_equal(r.lower, again.lower)


def test_calibration_with_certain_predictions() -> None:
    y, p = [0, 1, 0, 1, 0, 1], [0.0, 1.0, 0.6, 0.4, 0.3, 0.7]
    with pytest.raises(RadiogenError) as caught:
        stats.calibration(y, p)
    assert caught.value.code == "RG705"
    r = stats.calibration(y, p, clip=0.01)
    assert "2 of 6" in r.notes[0]
    assert r.value("brier") == pytest.approx((0.36 + 0.36 + 0.09 + 0.09) / 6)
    with pytest.raises(RadiogenError) as caught:
        stats.calibration([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert caught.value.code == "RG704"


def test_result_frame_and_html_are_escaped() -> None:
    r = stats.StatResult(method="<b>m</b>", label=["<img src=x>", "b"], estimate=np.array([1.0, 2.0]), n=3)
    assert r.to_frame()["n"].tolist() == [3, 3]
    html = r._repr_html_()
    assert "<img" not in html
    assert "<b>" not in html
    assert "&lt;img" in html
    with pytest.raises(AttributeError):
        r.method = "other"  # type: ignore[misc]
