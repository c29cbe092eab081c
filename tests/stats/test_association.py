"""Tests of two variables, screens, false discovery rates and Table 1."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from scipy.stats.contingency import odds_ratio

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats._effects import midranks


def test_rank_sum_by_hand() -> None:
    # b beats a in 5 of 6 pairs: W = 5, mean 3, variance 2·3·6/12 = 3, z = (2 - .5)/sqrt(3)
    r = stats.rank_sum_test([1, 4, 2, 5, 6.0], ["a", "b", "b", "b", "a"])
    assert r.statistic == 3
    r = stats.rank_sum_test([1, 3, 2, 4, 5.0], ["a", "a", "b", "b", "b"])
    assert r.statistic == 5
    assert r.estimate == pytest.approx(5 / 6)
    assert r["cliffs_delta"] == pytest.approx(2 / 3)
    from scipy.stats import norm

    assert r.p == pytest.approx(2 * norm.sf(1.5 / np.sqrt(3)))
    assert r.se == pytest.approx(stats.roc_auc([0, 0, 1, 1, 1], [1, 3, 2, 4, 5]).se)


def test_midranks_by_hand_and_against_scipy() -> None:
    x = np.array([[3.0, 1], [1, 1], [3, 1], [2, 0]])
    assert midranks(x).T.tolist() == [[3.5, 1, 3.5, 2], [3, 3, 3, 1]]
    y = np.random.default_rng(0).integers(0, 20, (50, 7)).astype(float)
    np.testing.assert_array_equal(midranks(y), rankdata(y, axis=0))


def test_rank_sum_p_is_never_above_one() -> None:
    # W at its mean: no continuity correction, p = 1
    assert stats.rank_sum_test([1, 4, 2, 3.0], [0, 0, 1, 1]).p == 1


def test_kruskal_by_hand() -> None:
    # rank sums 3, 7, 11: H = 12/(6·7)·(9 + 49 + 121)/2 - 21 = 32/7
    r = stats.kruskal_wallis([1, 2, 3, 4, 5, 6], list("aabbcc"))
    assert r.statistic == pytest.approx(32 / 7)
    assert r.estimate == pytest.approx(32 / 7 / 5)
    assert r.df == 2


def test_noncentral_interval_inverts_the_distribution() -> None:
    from scipy.stats import ncx2

    rng = np.random.default_rng(0)
    x = rng.normal(size=90) + np.repeat([0, 0.5, 1.0], 30)
    r = stats.kruskal_wallis(x, np.repeat(list("abc"), 30))
    assert ncx2.cdf(r.statistic, 2, r.lower * 89) == pytest.approx(0.975)
    assert ncx2.cdf(r.statistic, 2, r.upper * 89) == pytest.approx(0.025)
    flat = stats.kruskal_wallis(rng.permutation(30).astype(float), np.repeat(list("abc"), 10))
    assert flat.lower == 0
    assert flat.lower <= flat.estimate <= flat.upper


def test_chi_squared_by_hand() -> None:
    # 3 1 / 1 3 : expected 2 everywhere, chi² = 4·1/2 = 2, V = sqrt(2/8)
    r = stats.chi_squared(["a"] * 4 + ["b"] * 4, [0, 0, 0, 1, 1, 1, 1, 0])
    assert (r.statistic, r.df, r.estimate) == (2, 1, 0.5)
    assert "below 5" in r.notes[0]
    # Yates: 4·(1 - .5)²/2 = .5, the effect is unchanged
    yates = stats.chi_squared(["a"] * 4 + ["b"] * 4, [0, 0, 0, 1, 1, 1, 1, 0], correct=True)
    assert (yates.statistic, yates.estimate) == (0.5, 0.5)


def test_fisher_tea_tasting() -> None:
    # Fisher's lady: P(3 or 4 right or as extreme) = (16 + 1 + 16 + 1)/70
    r = stats.fisher_exact([0] * 4 + [1] * 4, [0, 0, 0, 1, 0, 1, 1, 1])
    assert r.p == pytest.approx(34 / 70)
    # the conditional likelihood of 3 in the margin: 16 psi³/(1 + 16psi + 36psi² + 16psi³ + psi⁴)
    psi = np.array([r["exact"], r["exact"] * 1.0001, r["exact"] / 1.0001])
    value = psi**3 / (1 + 16 * psi + 36 * psi**2 + 16 * psi**3 + psi**4)
    assert value.argmax() == 0


@pytest.mark.parametrize("table", [(3, 9, 14, 2), (30, 12, 45, 50), (0, 5, 7, 3), (5, 0, 2, 6)])
def test_fisher_against_scipy(table: tuple[int, int, int, int]) -> None:
    r = stats.fisher_exact(np.repeat([0, 0, 1, 1], table), np.repeat([0, 1, 0, 1], table))
    other = odds_ratio(np.reshape(table, (2, 2)))
    low, high = other.confidence_interval()
    np.testing.assert_allclose([r["exact"], r.lower, r.upper], [other.statistic, low, high], rtol=1e-6)
    assert bool(r.notes) == (0 in table)


def test_spearman_by_hand() -> None:
    # differences of ranks 1, 1, 1, 1, 0: 1 - 6·4/(5·24) = .8
    r = stats.spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    assert r.estimate == pytest.approx(0.8)
    assert r.statistic == pytest.approx(0.8 * np.sqrt(3 / 0.36))
    se = np.sqrt((1 + 0.32) / 2)
    assert r.upper == pytest.approx(np.tanh(np.arctanh(0.8) + 1.959963984540054 * se))
    perfect = stats.spearman([1, 2, 3, 4], [1, 4, 9, 16])
    assert (perfect.estimate, perfect.lower, perfect.upper, perfect.p) == (1, 1, 1, 0)
    assert perfect.notes


def test_fdr_by_hand() -> None:
    # .01·3/1, .02·3/2, .9
    assert stats.fdr([0.02, 0.9, 0.01]).tolist() == pytest.approx([0.03, 0.9, 0.03])
    assert stats.fdr([0.02, np.nan, 0.01]).tolist() == pytest.approx([0.02, np.nan, 0.02], nan_ok=True)
    factor = 1 + 1 / 2 + 1 / 3
    assert stats.fdr([0.02, 0.9, 0.01], "by").tolist() == pytest.approx([0.03 * factor, 1, 0.03 * factor])


def mixed(n: int = 80) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(12)
    features = pd.DataFrame(
        {
            "num": rng.normal(size=n),
            "gaps": np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 9, n)),
            "flag": rng.integers(0, 2, n),
            "three": rng.choice(list("uvw"), n),
            "flat": 1.0,
            "empty": np.nan,
        }
    )
    targets = pd.DataFrame(
        {
            "TP53": rng.choice(["WT", "MUT", None], n, p=[0.5, 0.4, 0.1]),
            "subtype": rng.choice(list("ABC"), n),
            "ki67": rng.gamma(2, 10, n),
        }
    )
    return features, targets


def test_screen_gives_the_tests_of_one_pair() -> None:
    features, targets = mixed()
    screen = stats.association_screen(features, targets).set_index(["feature", "target"])
    assert len(screen) == 18
    single = {
        ("num", "TP53"): stats.rank_sum_test,
        ("gaps", "TP53"): stats.rank_sum_test,
        ("num", "subtype"): stats.kruskal_wallis,
        ("gaps", "subtype"): stats.kruskal_wallis,
        ("num", "ki67"): stats.spearman,
        ("gaps", "ki67"): stats.spearman,
        ("flag", "TP53"): stats.fisher_exact,
        ("three", "TP53"): stats.chi_squared,
        ("three", "subtype"): stats.chi_squared,
        ("flag", "subtype"): stats.chi_squared,
    }
    for (feature, target), test in single.items():
        both = pd.concat([features[feature], targets[target]], axis=1).dropna()
        one, row = test(both[feature], both[target]), screen.loc[(feature, target)]
        assert row["n"] == len(both)
        np.testing.assert_allclose(
            row[["p", "effect", "lower", "upper"]].astype(float), [one.p, one.estimate, one.lower, one.upper], rtol=1e-10
        )
    turned = stats.rank_sum_test(targets["ki67"], features["flag"])
    assert screen.loc[("flag", "ki67"), "p"] == pytest.approx(turned.p)
    assert screen.loc[("flag", "ki67"), "contrast"] == "1 > 0"
    assert screen.loc[("three", "ki67"), "test"] == "Kruskal-Wallis"
    for name in ("flat", "empty"):
        rows = screen.loc[name]
        assert (rows["test"] == "not tested").all()
        assert (rows["note"] != "").all()
        assert rows[["p", "q", "effect"]].isna().all(axis=None)


def test_screen_families_are_the_targets() -> None:
    features, targets = mixed()
    screen = stats.association_screen(features, targets)
    for _, part in screen.groupby("target"):
        np.testing.assert_allclose(part["q"], stats.fdr(part["p"]))


def test_screen_refuses_rows_that_do_not_belong_together() -> None:
    features, targets = mixed()
    with pytest.raises(RadiogenError) as caught:
        stats.association_screen(features, targets[::-1])
    assert caught.value.code == "RG705"


def test_table_one_by_hand() -> None:
    d = pd.DataFrame(
        {
            "arm": ["a"] * 4 + ["b"] * 4,
            "age": [1.0, 2, 3, 4, 3, 4, 5, np.nan],
            "er": [1, 0, 0, 0, 1, 1, 1, 0],
            "site": list("xyzxxyzz"),
        }
    )
    t = stats.table_one(d, by="arm")
    assert t.groups == ("Overall", "a", "b")
    age = t.tidy[t.tidy["variable"] == "age"].set_index("group")
    assert age.loc["b", ["n", "missing", "median", "q1", "q3", "mean", "sd"]].tolist() == [3, 1, 4, 3.5, 4.5, 4, 1]
    er = t.tidy[(t.tidy["variable"] == "er") & (t.tidy["level"] == "1")].set_index("group")
    assert er["percent"].to_dict() == {"Overall": 50, "a": 25, "b": 75}
    tests = t.tests.set_index("variable")
    assert tests["test"].to_dict() == {"age": "Wilcoxon rank-sum", "er": "Fisher exact", "site": "chi-squared"}
    # age: means 2.5 and 4, variances 5/3 and 1
    assert tests.loc["age", "smd"] == pytest.approx(1.5 / np.sqrt((5 / 3 + 1) / 2))
    # er: .25 against .75, both variances .1875
    assert tests.loc["er", "smd"] == pytest.approx(0.5 / np.sqrt(0.1875))
    # site: a is (2, 1, 1)/4, b is (1, 1, 2)/4; levels y and z: difference (0, -1/4),
    # covariances [[3/16, -1/16], [-1/16, 3/16]] and [[3/16, -1/8], [-1/8, 1/4]]
    pooled = (np.array([[3, -1], [-1, 3]]) / 16 + np.array([[3, -2], [-2, 4]]) / 16) / 2
    gap = np.array([0, -0.25])
    assert tests.loc["site", "smd"] == pytest.approx(np.sqrt(gap @ np.linalg.inv(pooled) @ gap))
    row = t.formatted[t.formatted["Variable"] == "age"].iloc[0]
    assert (row["a"], row["b"], row["Missing"]) == ("2.5 [1.75, 3.25]", "4 [3.5, 4.5]", "1")
    means = stats.table_one(d, by="arm", mean=["age"]).formatted
    assert means.loc[means["Variable"] == "age", "b"].tolist() == ["4 (1)"]


def test_table_one_takes_the_largest_smd_of_three_groups() -> None:
    d = pd.DataFrame({"g": np.repeat(list("abc"), 3), "x": [1, 2, 3, 2, 3, 4, 11, 12, 13.0]})
    tests = stats.table_one(d, by="g").tests
    assert tests.loc[0, "smd"] == pytest.approx(10)
    assert tests.loc[0, "smd_groups"] == "a / c"
    assert tests.loc[0, "test"] == "Kruskal-Wallis"


def test_table_one_says_why_there_is_no_test() -> None:
    d = pd.DataFrame({"g": [*"aabb", None], "same": 1, "void": [np.nan] * 5, "x": [1, 2, 3, 4, 5.0]})
    t = stats.table_one(d, by="g")
    tests = t.tests.set_index("variable")
    assert tests.loc["same", "test"] == "none"
    assert "one level" in tests.loc["same", "note"]
    assert "missing" in tests.loc["void", "note"]
    assert "1 rows without 'g'" in t.notes[1]
    assert t.formatted.loc[0, "Overall"] == "4"


def test_table_one_escapes_html() -> None:
    d = pd.DataFrame({"<img src=x onerror=alert(1)>": ["<script>", "b", "b"], "g": ["<i>", "q", "q"]})
    html = stats.table_one(d, by="g")._repr_html_()
    assert "<script>" not in html
    assert "<img" not in html
    assert "<i>" not in html
