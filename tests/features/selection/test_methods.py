"""Small tables worked out by hand, and agreement with other implementations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.feature_selection import SelectFdr, SelectKBest, f_classif

from radiogen.errors import RadiogenError
from radiogen.features.selection import MRMR, CorrelationClusters, UnivariableFDR, Variance, as_target
from radiogen.features.selection.relevance import concordance, information, statistic, three_levels
from radiogen.features.selection.survival import cox_score
from radiogen.stats import concordance as harrell
from radiogen.stats import cox_regression, kruskal_wallis, rank_sum_test
from radiogen.stats.nelson import breslow_likelihood, null_martingale
from tests.features.selection.conftest import planted


def test_variance_by_hand() -> None:
    # variances 2/3, 0, 0.0475 (one of 20 differs) and 0.0475 · 1e-12
    x = np.ones((20, 4))
    x[:, 0] = np.resize([0.0, 1.0, 2.0], 20)
    x[0, 2], x[0, 3] = 0.0, 1 - 1e-6
    found = Variance(max_share=1).fit(x)
    assert found.get_support().tolist() == [True, False, True, True]
    assert found.variance_[[1, 2]].round(6).tolist() == [0.0, 0.0475]
    assert found.share_.tolist() == [0.35, 1.0, 0.95, 0.95]
    assert Variance(max_share=0.9).fit(x).get_support().tolist() == [True, False, False, False]
    assert Variance(threshold=0.5).fit(x).get_support().tolist() == [True, False, False, False]


def test_rounding_is_no_variance() -> None:
    x = np.full((10, 2), 0.1)
    x[:, 1] = 0.1 + 1e-17 * np.arange(10)
    x[0, 1] = np.nextafter(0.1, 1)
    assert not Variance().fit(x).get_support().any()


def clusters_table() -> tuple[np.ndarray, np.ndarray]:
    """Ranks: a, its monotone copy b, its mirror c; d stands alone. Class 1 is the upper half of b but for one."""
    a = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    d = np.array([1.0, 8, 2, 7, 4, 5, 3, 6])
    return np.column_stack([a, np.exp(a), -a + [0, 0, 0, 0, 0, 0, 1.5, 0], d]), np.array([0, 0, 0, 1, 0, 1, 1, 1])


def test_clusters_by_hand() -> None:
    x, y = clusters_table()
    found = CorrelationClusters().fit(x)
    # c exchanges the ranks of the last two: rho = −(1 − 6·2/504) = −0.976
    assert found.cluster_.tolist() == [1, 1, 1, 2]
    # a and b are equal medoids: the first stays
    assert found.get_support().tolist() == [True, False, False, True]
    assert CorrelationClusters(max_correlation=0.98).fit(x).cluster_.tolist() == [1, 1, 2, 3]
    # the exponential is no linear copy: r = 0.70
    assert CorrelationClusters(method="pearson").fit(x).cluster_.tolist() == [1, 2, 1, 3]
    f = f_classif(x, y)[0]
    assert CorrelationClusters().fit(x, y).get_support(indices=True).tolist() == [int(np.argmax(f[:3])), 3]
    assert CorrelationClusters(use_outcome=False).fit(x, y).get_support().tolist() == [True, False, False, True]


def test_a_constant_is_a_cluster_of_its_own() -> None:
    x = np.column_stack([np.arange(5.0), np.ones(5), 2 * np.arange(5.0)])
    assert CorrelationClusters().fit(x).cluster_.tolist() == [1, 2, 1]
    assert CorrelationClusters().fit(x[:, :1]).cluster_.tolist() == [1]


def test_f_by_hand_and_as_scikit_learn() -> None:
    # groups 1,2,3 and 4,5,6: between 6·1.5² = 13.5 with 1 df, within 4 with 4 df
    assert statistic(np.arange(1.0, 7)[:, None], as_target([0, 0, 0, 1, 1, 1])).tolist() == pytest.approx([13.5])
    x, y = load_wine(return_X_y=True)
    np.testing.assert_allclose(statistic(x, as_target(y)), f_classif(x, y)[0], rtol=1e-10)


def test_mutual_information_by_hand() -> None:
    # mean 0, half of the standard deviation 0.707: −2 is below, −0.5, 0 and 0.5 within, 2 above
    x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])[:, None]
    assert three_levels(x)[:, 0].tolist() == [0, 1, 1, 1, 2]
    levels = np.array([0, 0, 2, 2])[:, None]
    assert information(levels, np.array([0, 0, 1, 1])).tolist() == pytest.approx([np.log(2)])
    assert information(levels, np.array([0, 1, 0, 1])).tolist() == pytest.approx([0.0], abs=1e-15)


def test_mrmr_by_hand() -> None:
    """Relevance by concordance: a 1, its near copy b 1, c 5/9; after a, b is worth 1 − 0.99, c 5/9 − 0.3."""
    y = np.array([0, 0, 0, 1, 1, 1])
    a = np.array([1.0, 2, 3, 4, 5, 6])
    x = np.column_stack([a, a + np.array([0.1, 0, 0, 0, 0, 0.1]), [3.0, 1, 2, 3, 4, 2]])
    np.testing.assert_allclose(concordance(x, as_target(y)), [1, 1, 5 / 9])
    found = MRMR(n_features=3, criterion="difference", relevance="concordance").fit(x, y)
    assert found.rank_.tolist() == [1, 3, 2]


def test_mrmr_leaves_constants_out() -> None:
    frame, y = planted("binary", n=40, p=3)
    frame["constant"] = 1.0
    assert "constant" not in MRMR(n_features=10).fit(frame, y).get_feature_names_out()


#: orders of choice of mrmr_selection 0.2.8 (`mrmr_base` with F statistics, absolute Pearson correlations)
MRMR_SELECTION = {
    "cancer": [
        "worst concave points", "worst perimeter", "mean concave points", "worst radius", "mean perimeter",
        "worst area", "mean radius", "mean concavity", "worst concavity", "mean area",
    ],
    "wine": [
        "flavanoids", "color_intensity", "proline", "od280/od315_of_diluted_wines", "alcohol", "hue",
        "total_phenols", "alcalinity_of_ash", "malic_acid", "proanthocyanins",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "load"), [("cancer", load_breast_cancer), ("wine", load_wine)])
def test_mrmr_as_mrmr_selection(name: str, load: object) -> None:
    frame, y = load(return_X_y=True, as_frame=True)  # type: ignore[operator]
    rank = pd.Series(MRMR(n_features=10).fit(frame, y).rank_, index=frame.columns)
    assert rank[rank > 0].sort_values().index.tolist() == MRMR_SELECTION[name]


def test_the_first_of_mrmr_is_the_best_alone() -> None:
    x, y = load_wine(return_X_y=True)
    for criterion in ("quotient", "difference"):
        best = SelectKBest(f_classif, k=1).fit(x, y).get_support()
        assert MRMR(n_features=1, criterion=criterion).fit(x, y).get_support().tolist() == best.tolist()


def test_mrmr_of_survival_and_its_limits() -> None:
    frame, y = planted("survival")
    for relevance in ("statistic", "concordance"):
        assert set(MRMR(3, "difference", relevance).fit(frame, y).get_feature_names_out()) == {"f03", "f07", "f11"}
    with pytest.raises(RadiogenError, match="mutual information needs classes"):
        MRMR(relevance="information").fit(frame, y)
    with pytest.raises(RadiogenError, match="two classes"):
        MRMR(relevance="concordance").fit(*planted("multiclass"))


def test_concordance_as_harrell() -> None:
    frame, y = planted("survival", n=60, p=4)
    own = concordance(frame.to_numpy(), as_target(y))
    theirs = [abs(2 * harrell(y["time"], y["event"], frame[c]).estimate - 1) for c in frame]
    np.testing.assert_allclose(own, theirs, atol=1e-12)


# -- univariable ----------------------------------------------------------------------


def test_cox_score_by_hand() -> None:
    """Times 1, 2, 3 with events at 1 and 2, x = 0, 1, 0.5.

    Risk set {0, 1, 0.5}: mean 0.5, variance 1/6; {1, 0.5}: mean 0.75, variance 1/16.  U = (0 − 0.5) + (1 − 0.75) = −0.25.
    """
    found = cox_score(np.array([[0.0], [1.0], [0.5]]), np.array([1.0, 2, 3]), np.array([True, True, False]))
    assert found.tolist() == pytest.approx([0.0625 / (1 / 6 + 1 / 16)])


def test_cox_score_as_the_score_test_with_ties() -> None:
    rng = np.random.default_rng(3)
    time, event, x = np.round(rng.exponential(5, 60)) + 1, rng.integers(0, 2, 60), rng.normal(size=(60, 3))
    assert len(np.unique(time[event == 1])) < event.sum()
    frame = pd.DataFrame(x, columns=list("abc")).assign(time=time, event=event)
    tests = [cox_regression(frame, "time", "event", [c]).tests.set_index("test") for c in "abc"]
    theirs = [table.loc["score", "statistic"] for table in tests]
    np.testing.assert_allclose(cox_score(x, time, event == 1), theirs, rtol=1e-9)


def test_martingale_and_likelihood_by_hand() -> None:
    time, event = np.array([1.0, 2, 3]), np.array([True, True, False])
    assert null_martingale(time, event).tolist() == pytest.approx([1 - 1 / 3, 1 - 5 / 6, -5 / 6])
    eta = np.array([[0.0, np.log(2)], [0.0, 0.0], [0.0, 0.0]])
    assert breslow_likelihood(eta, time, event).tolist() == pytest.approx([-np.log(6), np.log(2 / 4) + np.log(1 / 2)])


def test_p_values_as_the_statistics_room() -> None:
    frame, y = planted("binary", n=50, p=4)
    frame = frame.round(1)  # ties
    found = UnivariableFDR().fit(frame, y)
    theirs = [rank_sum_test(frame[c], y).p for c in frame]
    np.testing.assert_allclose(found.p_, theirs, rtol=1e-9)
    frame, y = planted("multiclass", n=50, p=4)
    np.testing.assert_allclose(UnivariableFDR().fit(frame, y).p_, [kruskal_wallis(frame[c], y).p for c in frame], rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.3])
def test_fdr_of_f_as_scikit_learn(alpha: float) -> None:
    frame, y = planted("multiclass", n=60, p=60, effect=0.6)
    theirs = SelectFdr(f_classif, alpha=alpha).fit(frame, y)
    own = UnivariableFDR(alpha=alpha, test="f").fit(frame, y)
    np.testing.assert_allclose(own.p_, theirs.pvalues_, rtol=1e-9)
    assert own.get_support().tolist() == theirs.get_support().tolist()


def test_constants_are_not_counted_as_tests() -> None:
    frame, y = planted("binary", n=60, p=4)
    wide = frame.assign(**{f"constant{i}": 3.0 for i in range(50)})
    found = UnivariableFDR().fit(wide, y)
    np.testing.assert_allclose(found.q_[:4], UnivariableFDR().fit(frame, y).q_)
    assert np.isnan(found.q_[4:]).all() and not found.get_support()[4:].any()


def test_fdr_is_held_and_by_is_stricter() -> None:
    """40 data sets, 60 columns of which 3 are true, alpha 0.2: mean share of false ones at most 0.2 (standard error 0.03)."""
    shares, sizes = [], {"bh": 0, "by": 0}
    for seed in range(40):
        frame, y = planted("binary", n=80, p=60, seed=seed, effect=1.0)
        for method in ("bh", "by"):
            found = UnivariableFDR(alpha=0.2, method=method).fit(frame, y).get_feature_names_out()
            sizes[method] += len(found)
            if method == "bh":
                shares.append(len(set(found) - {"f03", "f07", "f11"}) / max(len(found), 1))
    assert 0 < np.mean(shares) < 0.2 + 2 * 0.03
    assert sizes["by"] < sizes["bh"]


def test_at_least_fills_up_with_the_smallest_p() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 8)), np.repeat([0, 1], 20)
    none = UnivariableFDR(alpha=1e-6).fit(x, y)
    assert not none.get_support().any() and none.transform(x).shape == (40, 0)
    two = UnivariableFDR(alpha=1e-6, at_least=2).fit(x, y)
    assert set(two.get_support(indices=True)) == set(np.argsort(two.p_)[:2])
