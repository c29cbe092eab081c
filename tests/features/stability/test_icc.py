"""ICCs by hand, published, by R, by another implementation, and in simulations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.features.stability import from_tables, icc

FORMS = ["1,1", "2,1", "3,1", "1,k", "2,k", "3,k"]
# the tables of make_reference.R
TABLES = {
    "judges": [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
    "sizes": [[12.1, 12.4, 11.8], [20.3, 19.5, 20.9], [8.8, 9.4, 9.1], [15.0, 15.9, 15.2], [31.2, 30.1, 32.8],
              [18.7, 18.9, 17.5], [25.5, 26.6, 24.9]],
    "nothing": [[1, 5, 2, 4], [3, 1, 4, 2], [2, 2, 5, 1], [4, 3, 1, 5], [5, 4, 3, 3]],
}  # fmt: skip


def code(call) -> str:
    with pytest.raises(RadiogenError) as error:
        call()
    return error.value.code


def test_by_hand() -> None:
    # two lesions, two readers: 1, 3 and 5, 7.  Lesion means 2 and 6, readers 3 and 5, in all 4.
    # MSR = 2 (4 + 4) / 1 = 16, MSC = 2 (1 + 1) / 1 = 4, MSE = 0, MSW = (1 + 1 + 1 + 1) / 2 = 2
    found = icc(np.array([[1.0, 3.0], [5.0, 7.0]]), model=["1,1", "2,1", "3,1"]).set_index("model")
    assert found.loc["1,1", "icc"] == pytest.approx((16 - 2) / (16 + 2))
    assert found.loc["2,1", "icc"] == pytest.approx(16 / (16 + 2 * 4 / 2))
    assert found.loc["3,1", "icc"] == pytest.approx(1) and found.loc["3,1", "f"] == np.inf
    assert found.loc["3,1", ["lower", "upper"]].to_list() == [1, 1]
    # F(1, 2) = 8: its 97.5 % quantile is 38.506, that of F(2, 1) is 799.5
    assert found.loc["1,1", "lower"] == pytest.approx((8 / 38.50633 - 1) / (8 / 38.50633 + 1), rel=1e-6)
    assert found.loc["1,1", "upper"] == pytest.approx((8 * 799.5 - 1) / (8 * 799.5 + 1), rel=1e-6)
    assert found["n"].to_list() == [2] * 3 and found["k"].to_list() == [2] * 3


def test_the_published_table_of_shrout_and_fleiss() -> None:
    found = icc(np.array(TABLES["judges"]), model=FORMS)["icc"].round(2).to_list()
    assert found == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]


def test_equals_base_r() -> None:
    expected = pd.read_csv(Path(__file__).with_name("reference.csv")).set_index(["table", "model"])
    for name, values in TABLES.items():
        found = icc(np.array(values, dtype=float), model=FORMS).set_index("model")
        for model in FORMS:
            for column in ("icc", "lower", "upper", "f", "df1", "df2", "p"):
                assert found.loc[model, column] == pytest.approx(expected.loc[(name, model), column], rel=1e-9), (name, model, column)


def test_equals_pingouin_where_it_is_installed() -> None:
    pingouin = pytest.importorskip("pingouin")
    x = np.array(TABLES["sizes"])
    long = pd.DataFrame({"y": x.ravel(), "lesion": np.repeat(np.arange(7), 3), "reader": np.tile(np.arange(3), 7)})
    expected = pingouin.intraclass_corr(long, "lesion", "reader", "y")
    found = icc(x, model=FORMS)
    np.testing.assert_allclose(found["icc"], expected["ICC"], rtol=1e-9)
    np.testing.assert_allclose(found["f"], expected["F"], rtol=1e-9)


def test_a_shift_is_an_error_of_agreement_and_none_of_consistency() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 1)) + 0.1 * rng.normal(size=(40, 3))
    shifted = x + np.array([0.0, 0.0, 2.0])
    one, two = (icc(v, model=["2,1", "3,1"])["icc"].to_numpy() for v in (x, shifted))
    assert two[1] == pytest.approx(one[1]) and two[0] < one[0] - 0.2


def test_no_feature_depends_on_its_unit_or_on_the_others() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 1, 5)) + 0.5 * rng.normal(size=(30, 4, 5))
    whole = icc(x)
    scaled = icc(x * 1e6 + 1e9)
    np.testing.assert_allclose(whole[["icc", "lower", "upper"]], scaled[["icc", "lower", "upper"]], rtol=1e-6)
    alone = pd.concat([icc(x[:, :, j], names=[f"x{j}"]) for j in range(5)])
    pd.testing.assert_frame_equal(whole, alone)


def test_many_features_in_blocks_are_what_they_are_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.features.stability import agreement

    x = np.random.default_rng(2).normal(size=(12, 3, 40))
    whole = icc(x, model=["2,1", "1,1"])
    monkeypatch.setattr(agreement, "_BLOCK", 100)
    pd.testing.assert_frame_equal(icc(x, model=["2,1", "1,1"]), whole)


def test_lesions_without_all_repeats_do_not_count() -> None:
    x = np.random.default_rng(3).normal(size=(10, 3, 2)) + np.arange(10)[:, None, None]
    gone = x.copy()
    gone[4, 1, 0] = np.nan
    found = icc(gone)
    assert found["n"].to_list() == [9, 10]
    assert found["icc"].iloc[0] == pytest.approx(icc(np.delete(x, 4, axis=0))["icc"].iloc[0])
    assert found["icc"].iloc[1] == pytest.approx(icc(x)["icc"].iloc[1])


def test_what_has_no_icc_says_why() -> None:
    x = np.random.default_rng(4).normal(size=(6, 2, 3))
    x[:, :, 1] = 0.1
    x[1:, 0, 2] = np.nan
    found = icc(x, model=["1,1", "2,1", "3,1"])
    assert found.loc["x1", "reason"].unique().tolist() == ["all values are equal"]
    assert found.loc["x2", "reason"].unique().tolist() == ["fewer than 2 lesions have all repeats"]
    assert found.loc["x0", "reason"].isna().all() and found.loc[["x1", "x2"], ["icc", "lower", "upper", "f", "p"]].isna().all(axis=None)


def test_perfect_agreement_is_one_with_an_interval_of_one() -> None:
    x = np.repeat(np.arange(5.0)[:, None], 3, axis=1)
    found = icc(x, model=FORMS)
    np.testing.assert_allclose(found[["icc", "lower", "upper"]], 1.0)


def test_a_table_by_lesion_and_repeat() -> None:
    x = np.random.default_rng(5).normal(size=(6, 3, 2)) + np.arange(6)[:, None, None]
    index = pd.MultiIndex.from_product([[f"u{i}" for i in range(6)], ["a", "b", "c"]], names=["lesion", "repeat"])
    table = pd.DataFrame(x.reshape(18, 2), index=index, columns=["mean", "entropy"])
    expected = icc(x, names=["mean", "entropy"])
    pd.testing.assert_frame_equal(icc(table.sample(frac=1, random_state=0)), expected)
    # a missing row is a missing repeat; a repeat that no lesion has for a feature does not count for it
    short = icc(table.drop(index=("u2", "b")))
    assert short["n"].to_list() == [5, 5]
    table.loc[(slice(None), "c"), "mean"] = np.nan
    found = icc(table)
    assert found["k"].to_list() == [2, 3] and found["n"].to_list() == [6, 6]
    assert found.loc["mean", "icc"] == pytest.approx(icc(x[:, :2, 0])["icc"].iloc[0])
    assert found.loc["entropy", "icc"] == pytest.approx(expected.loc["entropy", "icc"])


def test_tables_of_readers_become_repeats() -> None:
    a = pd.DataFrame({"mean": [1.0, 2.0, 4.0], "own": 1.0}, index=["u1", "u2", "u3"])
    b = pd.DataFrame({"mean": [2.0, 1.0]}, index=["u2", "u1"])
    found = from_tables({"A": a, "B": b})
    assert found.index.to_list() == [("u1", "A"), ("u1", "B"), ("u2", "A"), ("u2", "B"), ("u3", "A")]
    assert found["mean"].to_list() == [1, 1, 2, 2, 4] and list(found.columns) == ["mean"]
    assert icc(found)["n"].to_list() == [2] and icc(found)["icc"].iloc[0] == pytest.approx(1)


def test_what_is_refused() -> None:
    x = np.ones((4, 2, 1))
    index = pd.MultiIndex.from_tuples([("u1", "a"), ("u1", "a")])
    assert code(lambda: icc(x, model="2,2")) == "RG708"
    assert code(lambda: icc(x, model=[])) == "RG708"
    assert code(lambda: icc(x, confidence=95)) == "RG708"
    assert code(lambda: icc(x[:, :1])) == "RG705"
    assert code(lambda: icc(np.ones(4))) == "RG705"
    assert code(lambda: icc(x, names=["a", "b"])) == "RG705"
    assert code(lambda: icc(np.where(np.arange(8).reshape(4, 2, 1) == 3, np.inf, x))) == "RG705"
    assert code(lambda: icc(pd.DataFrame({"a": [1.0, 2.0]}))) == "RG705"
    assert code(lambda: icc(pd.DataFrame({"a": [1.0, 2.0]}, index=index))) == "RG705"
    assert code(lambda: from_tables([pd.DataFrame({"a": [1.0]})])) == "RG705"
    assert code(lambda: from_tables([pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})])) == "RG705"


def draws(rng: np.random.Generator, lesions: int, repeats: int, times: int, truth: tuple[float, float, float]) -> np.ndarray:
    """Lesions × repeats with these variances of lesion, repeat and rest; each time is a feature."""
    between, repeat, rest = truth
    x = rng.normal(0, between**0.5, (lesions, 1, times)) + rng.normal(0, rest**0.5, (lesions, repeats, times))
    return x + rng.normal(0, repeat**0.5, (1, repeats, times))


@pytest.mark.parametrize(
    ("model", "truth"),
    [("1,1", (6.0, 0.0, 4.0)), ("2,1", (6.0, 1.0, 3.0)), ("3,1", (6.0, 0.0, 4.0)), ("2,1", (1.0, 0.5, 8.5))],
)
def test_intervals_cover_the_truth(model: str, truth: tuple[float, float, float]) -> None:
    found = icc(draws(np.random.default_rng(8), 25, 4, 4000, truth), model=model)
    covered = ((found["lower"] <= truth[0] / 10) & (truth[0] / 10 <= found["upper"])).mean()
    # 4,000 draws: a standard error of 0.0034; the interval of agreement is an approximation
    assert covered == pytest.approx(0.95, abs=0.012 if model != "2,1" else 0.03)
    assert found["icc"].mean() == pytest.approx(truth[0] / 10, abs=0.03)


def coverage(lesions: int, repeats: int, model: str, truth: tuple[float, float, float], times: int = 20_000) -> float:
    found = icc(draws(np.random.default_rng(lesions + repeats), lesions, repeats, times, truth), model=model)
    return float(((found["lower"] <= truth[0] / 10) & (found["upper"] >= truth[0] / 10)).mean())


@pytest.mark.slow
@pytest.mark.parametrize("lesions", [10, 50, 200])
@pytest.mark.parametrize("repeats", [2, 5, 10])
def test_coverage_over_sizes(lesions: int, repeats: int) -> None:
    for model in ("1,1", "3,1"):
        assert coverage(lesions, repeats, model, (8.0, 0.0, 2.0)) == pytest.approx(0.95, abs=0.006)
    # repeats that hardly differ in level, as perturbations do
    assert coverage(lesions, repeats, "2,1", (8.0, 0.02, 1.98)) == pytest.approx(0.95, abs=0.02)


@pytest.mark.slow
def test_the_interval_of_agreement_is_short_where_few_readers_differ_much() -> None:
    """Two readers say nearly nothing of how much readers differ: what the documentation warns of."""
    assert coverage(200, 2, "2,1", (8.0, 0.5, 1.5)) == pytest.approx(0.855, abs=0.015)
    assert coverage(200, 5, "2,1", (8.0, 0.5, 1.5)) == pytest.approx(0.915, abs=0.015)
    assert coverage(20, 5, "2,1", (8.0, 0.5, 1.5)) == pytest.approx(0.95, abs=0.02)


def test_under_no_agreement_p_is_uniform() -> None:
    found = icc(np.random.default_rng(9).normal(size=(20, 3, 4000)), model="1,1")
    assert (found["p"] < 0.05).mean() == pytest.approx(0.05, abs=0.012)
