"""The screen of many features: equal to the tests of one pair and to scipy, adjusted p-values, permutations."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats as scipy_stats

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats import _effects
from radiogen.stats._maxt import Target, step_down

REFERENCE = Path(__file__).parent / "reference" / "agreement.json"


def data(n: int = 120, m: int = 40) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features with ties, gaps of their own, and targets of every kind with gaps."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(n, m))
    x[:, ::3] = np.round(2 * x[:, ::3])
    x[:, 1::4][rng.random((n, len(range(1, m, 4)))) < 0.15] = np.nan
    targets = pd.DataFrame({
        "two": rng.choice(["a", "b"], n), "gaps": rng.choice(["a", "b", None], n), "four": rng.choice(list("wxyz"), n),
        "number": np.round(3 * rng.normal(size=n)), "partly": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
    })  # fmt: skip
    return pd.DataFrame(x, columns=[f"f{k}" for k in range(m)]), targets


def test_every_pair_is_that_of_scipy() -> None:
    features, targets = data()
    screen = stats.association_screen(features, targets).set_index(["feature", "target"])
    for target in targets:
        for name in features:
            both = pd.concat([features[name], targets[target]], axis=1).dropna()
            x, y, row = both[name].to_numpy(), both[target], screen.loc[(name, target)]
            if target in ("two", "gaps"):
                one = scipy_stats.mannwhitneyu(x[y == "b"], x[y == "a"], method="asymptotic")
            elif target == "four":
                one = scipy_stats.kruskal(*(x[y == level] for level in "wxyz"))
            else:
                one = scipy_stats.spearmanr(x, y)
                assert row["effect"] == pytest.approx(one.statistic, abs=1e-13)
            if target in ("two", "gaps", "four"):
                assert row["statistic"] == pytest.approx(one.statistic)
            assert row["n"] == len(both) and row["p"] == pytest.approx(one.pvalue, rel=1e-9)


def test_every_interval_is_that_of_one_pair() -> None:
    features, targets = data()
    screen = stats.association_screen(features, targets, level=0.9).set_index(["feature", "target"])
    single = {"two": stats.rank_sum_test, "gaps": stats.rank_sum_test, "four": stats.kruskal_wallis, "number": stats.spearman}
    for target, test in single.items():
        for name in features:
            both = pd.concat([features[name], targets[target]], axis=1).dropna()
            one = test(both[name], both[target], level=0.9)
            row = screen.loc[(name, target), ["effect", "lower", "upper"]].astype(float)
            np.testing.assert_allclose(row, [one.estimate, one.lower, one.upper], rtol=1e-9, atol=1e-12)


def test_order_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.stats import _screen_columns

    features, targets = data()
    whole = stats.association_screen(features, targets)
    monkeypatch.setattr(_screen_columns, "_BLOCK", 500)
    pd.testing.assert_frame_equal(stats.association_screen(features, targets), whole)
    turned = stats.association_screen(features.iloc[::-1], targets.iloc[::-1])
    pd.testing.assert_frame_equal(turned, whole, rtol=1e-12)


def test_reasons_of_pairs_that_are_not_tested() -> None:
    nan = np.nan
    features = pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 6], "part": [1.0, 2, 3, nan, nan, nan], "flat": 2.0, "none": nan,
                             "once": [1.0, 1, 1, 1, 2, 3]})  # fmt: skip
    targets = pd.DataFrame({"g": list("aabbbb"), "one": list("aaaaab"), "half": [None, None, None, "a", "a", "b"], "t": [1.0, 2, 3, 4, 5, 7]})
    note = stats.association_screen(features, targets).set_index(["feature", "target"])["note"]
    assert note["part", "g"] == "a group has fewer than 2 units" and note["x", "one"] == "a group has fewer than 2 units"
    assert note["part", "half"] == "no unit has both values" and note["none", "t"] == "no unit has both values"
    assert note["flat", "g"] == "the feature is constant" and note["part", "t"] == "fewer than 4 units"
    # without its last two values the feature is constant
    early = targets.assign(t=[1.0, 2, 3, 4, nan, nan])
    assert stats.association_screen(features[["once"]], early[["t"]])["note"][0] == "the feature is constant"


def test_columns_of_every_kind_of_storage() -> None:
    features, targets = data(60, 6)
    plain = stats.association_screen(features, targets)
    odd = features.copy()
    odd["f1"] = odd["f1"].astype("Float64")
    odd["f2"] = odd["f2"].astype(object)
    pd.testing.assert_frame_equal(stats.association_screen(odd, targets), plain)
    thin = features.astype(np.float32).astype(float)
    pd.testing.assert_frame_equal(
        stats.association_screen(features.astype(np.float32), targets), stats.association_screen(thin, targets)
    )


def test_noncentrality_of_many_is_that_of_each() -> None:
    rng = np.random.default_rng(0)
    h = np.r_[rng.chisquare(3, 700), rng.chisquare(3, 100) * 20, 0.0, 1e-9, 900.0]
    for p in (0.025, 0.975):
        np.testing.assert_allclose(_effects._invert(h, 3.0, p), _effects._bisect(h, 3.0, p), rtol=1e-9, atol=1e-9)


# ---- false discovery rates


def test_storey_is_that_of_qvalue() -> None:
    want = json.loads(REFERENCE.read_text())["qvalue"]
    assert stats.null_share(want["p"]) == pytest.approx(want["pi0"], rel=1e-12)
    np.testing.assert_allclose(stats.fdr(want["p"], "storey"), want["q"], rtol=1e-10)


def test_storey_by_hand() -> None:
    # twenty p-values, half of them tiny, the others even: above .5 there are 5 of 20, share .5, and so on along lambda
    p = np.r_[np.full(10, 1e-6), np.arange(1, 11) / 10 - 0.05]
    share = stats.null_share(p)
    assert 0.4 <= share <= 0.6
    assert stats.fdr(p, "storey")[0] == pytest.approx(share * 1e-6 * 20 / 10)
    gap = stats.fdr(np.r_[p, np.nan], "storey")
    assert np.isnan(gap[-1]) and gap[0] == stats.fdr(p, "storey")[0]


def test_storey_refuses_p_values_of_which_none_is_large() -> None:
    with pytest.raises(RadiogenError) as caught:
        stats.fdr(np.full(50, 1e-4), "storey")
    assert caught.value.code == "RG701"


# ---- permutations


def test_maxt_of_all_permutations_by_hand() -> None:
    # five units, two of them in the group: of the ten possible pairs count those whose largest |z| is as large
    x = np.array([[1.0, 2, 3, 4, 5], [2.0, 1, 5, 3, 4]])
    codes = np.array([0, 0, 0, 1, 1])
    ranks = x - 3

    def z(group: tuple[int, ...]) -> np.ndarray:
        return ranks[:, list(group)].sum(axis=1) ** 2

    seen = z((3, 4))
    groups = sorted({tuple(sorted(p[:2])) for p in permutations(range(5))})
    largest = np.mean([max(z(g)) >= seen.max() for g in groups])
    weaker = int(seen.argmin())
    rest = np.mean([z(g)[weaker] >= seen[weaker] for g in groups])
    found = step_down(x, [], Target(np.ones(5, bool), np.empty(5), codes, 2), 20000, [1])
    assert found[1 - weaker] == pytest.approx(largest, abs=0.012)
    assert found[weaker] == pytest.approx(max(largest, rest), abs=0.012)


def test_maxt_of_one_feature_is_its_permutation_test() -> None:
    rng = np.random.default_rng(8)
    y = np.repeat(["a", "b"], 12)
    x = pd.DataFrame({"f": rng.normal(size=24) + 0.8 * (y == "b")})
    row = stats.association_screen(x, {"y": pd.Series(y)}, permutations=20000, seed=3).iloc[0]
    exact = scipy_stats.mannwhitneyu(x["f"][12:], x["f"][:12], method="exact").pvalue
    assert row["p_maxt"] == pytest.approx(exact, abs=0.01)
    again = stats.association_screen(x, {"y": pd.Series(y)}, permutations=20000, seed=3)
    assert again["p_maxt"][0] == row["p_maxt"]


@pytest.mark.parametrize("target", ["two", "gaps", "four", "number", "partly"])
def test_maxt_statistics_are_those_of_the_tests(target: str) -> None:
    # without gaps in the features, the order of maxT is that of the p-values
    features, targets = data(m=12)
    features = features.drop(columns=[c for c in features if features[c].isna().any()]).assign(kind=np.repeat(list("uvw"), 40))
    screen = stats.association_screen(features, targets[[target]], permutations=200, seed=1)
    order = np.argsort(screen["p"].to_numpy(), kind="stable")
    assert (np.diff(screen["p_maxt"].to_numpy()[order]) >= -1e-12).all()
    assert (screen["p_maxt"] >= 1 / 201).all() and (screen["p_maxt"] <= 1).all()


def test_copies_of_a_feature_cost_nothing() -> None:
    rng = np.random.default_rng(4)
    y = pd.Series(rng.integers(0, 2, 50))
    f = rng.normal(size=50) + 0.9 * y
    alone = stats.association_screen(pd.DataFrame({"f": f}), {"y": y}, permutations=2000)["p_maxt"][0]
    many = stats.association_screen(pd.DataFrame({f"f{k}": f for k in range(30)}), {"y": y}, permutations=2000)
    assert (many["p_maxt"] == alone).all()
    assert many["p"].iloc[0] * 30 > 3 * alone


def test_pairs_that_are_not_tested_are_not_in_the_family() -> None:
    features, targets = data(m=5)
    more = features.assign(flat=1.0)
    one = stats.association_screen(features, targets[["two"]], permutations=300)
    two = stats.association_screen(more, targets[["two"]], permutations=300)
    assert np.isnan(two["p_maxt"].iloc[-1])
    assert two["p_maxt"].iloc[:-1].tolist() == one["p_maxt"].tolist()


@pytest.mark.parametrize("count", [1, 50, -3, 2.5])
def test_too_few_permutations_are_refused(count: float) -> None:
    features, targets = data(m=2)
    with pytest.raises(RadiogenError) as caught:
        stats.association_screen(features, targets, permutations=count)  # type: ignore[arg-type]
    assert caught.value.code == "RG708"


@pytest.mark.slow
def test_family_wise_error_of_maxt() -> None:
    rng = np.random.default_rng(6)
    runs, wrong = 1000, 0
    for _ in range(runs):
        common = rng.normal(size=(40, 1))
        features = pd.DataFrame(common + rng.normal(size=(40, 20)))
        screen = stats.association_screen(features, {"y": pd.Series(rng.integers(0, 2, 40))}, permutations=199, seed=1)
        wrong += screen["p_maxt"].min() <= 0.05
    # three standard errors of a share of 5 %
    assert 0.03 <= wrong / runs <= 0.07
