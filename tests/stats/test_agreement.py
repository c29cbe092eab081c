"""Agreement: intraclass correlation, kappa, limits of agreement, Dice; by hand, against R, and in simulation."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nct

from radiogen import stats
from radiogen.errors import RadiogenError

KINDS = ["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]
#: peak flow by two meters (Bland and Altman, Lancet 1986)
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


@pytest.fixture(scope="module")
def r() -> dict[str, Any]:
    return json.loads((Path(__file__).parent / "reference" / "agreement.json").read_text())


def units(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ratings of two raters that a table counts."""
    i, j = np.indices(table.shape)
    return np.repeat(i.ravel(), table.ravel()), np.repeat(j.ravel(), table.ravel())


# ---- intraclass correlation


def test_icc_by_hand() -> None:
    # rows 1 2, 3 4, 5 9: means 1.5, 3.5, 7, grand 4; SSR = 2(6.25 + .25 + 9) = 31, MSR = 15.5;
    # columns 3 and 5: SSC = 3(1 + 1) = 6 = MSC; within .5 + .5 + 8 = 9, MSW = 3; SSE = 9 - 6 = 3, MSE = 1.5
    found = stats.icc([[1, 2], [3, 4], [5, 9]], KINDS)
    one, two, three = 12.5 / 18.5, 14 / (15.5 + 1.5 + 2 * 4.5 / 3), 14 / 17
    np.testing.assert_allclose(found.estimate, [one, two, three, *(2 * v / (1 + v) for v in (one, two, three))])
    np.testing.assert_allclose(found.statistic[:3], [15.5 / 3, 15.5 / 1.5, 15.5 / 1.5])
    assert found.df.tolist() == [2] * 6 and found["df2"].tolist() == [3, 2, 2, 3, 2, 2] and found.n == 3 and found["k"] == 2


@pytest.mark.parametrize("table", ["shrout", "three"])
def test_icc_is_that_of_psych(r: dict[str, Any], table: str) -> None:
    want = r["icc"][table]
    found = stats.icc(want["table"], KINDS)
    for field, key in (("estimate", "icc"), ("lower", "lower"), ("upper", "upper"), ("statistic", "f"), ("df", "df1"), ("p", "p")):
        np.testing.assert_allclose(getattr(found, field), want[key], rtol=1e-10)
    np.testing.assert_allclose(found["df2"], want["df2"])


def test_icc_of_metabric_is_that_of_psych(shared: Path) -> None:
    data = pd.read_csv(shared / "reference" / "r" / "metabric.csv")
    want = json.loads((shared / "reference" / "r" / "metabric.json").read_text())["icc"]
    table = data[["m1", "m2"]].apply(lambda c: (c - c.mean()) / c.std())
    found = stats.icc(table, KINDS)
    for field, key in (("estimate", "icc"), ("statistic", "F"), ("lower", "lower"), ("upper", "upper")):
        np.testing.assert_allclose(getattr(found, field), want[key], rtol=1e-8)


def test_icc_of_one_kind_has_numbers_and_of_features_the_same() -> None:
    from radiogen.features import stability

    x = np.random.default_rng(0).normal(size=(20, 1)) + np.random.default_rng(1).normal(size=(20, 3))
    one = stats.icc(x, "ICC(2,1)")
    assert isinstance(one.estimate, float) and "ICC(2,1)" in one.method
    row = stability.icc(x, model="2,1").iloc[0]
    assert (row["icc"], row["lower"], row["upper"]) == (one.estimate, one.lower, one.upper)


def test_icc_drops_targets_without_a_rater_only_when_told() -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 3)), columns=list("abc"))
    gaps = table.copy()
    gaps.iloc[4, 1] = np.nan
    assert stats.icc(gaps, missing="drop").estimate == stats.icc(table.drop(4)).estimate
    with pytest.raises(RadiogenError, match="column b"):
        stats.icc(gaps)


# ---- kappa


def test_cohen_kappa_by_hand() -> None:
    # 20 5 / 10 15 of 50: observed .7, margins 25 25 and 30 20, expected .5 -> .4
    found = stats.cohen_kappa(*units(np.array([[20, 5], [10, 15]])))
    assert found.estimate == pytest.approx(0.4) and found["observed"] == pytest.approx(0.7) and found["expected"] == 0.5
    # under chance: sum p_i. p_.j (w - sums)² - .25 with sums 1.1 .9 / 1.1 .9 … : .3(.1)² + .2(1)² … by cells
    margins, sums = np.outer([0.5, 0.5], [0.6, 0.4]), np.add.outer([0.6, 0.4], [0.5, 0.5])
    null = np.sqrt(((margins * (np.eye(2) - sums) ** 2).sum() - 0.25) / 50) / 0.5
    assert found["se_null"] == pytest.approx(null) and found.statistic == pytest.approx(0.4 / null)


def test_weighted_kappa_by_hand() -> None:
    # one unit of three is one step off: linear credit .5, observed 2.5/3; margins 1/3 2/3 0 and 1/3 1/3 1/3 …
    found = stats.cohen_kappa([0, 1, 1], [0, 1, 2], "linear", categories=[0, 1, 2])
    expected = (1 * 1 + 1 * 0.5 + 1 * 0 + 2 * 0.5 + 2 * 1 + 2 * 0.5) / 9
    assert found.estimate == pytest.approx((2.5 / 3 - expected) / (1 - expected))
    own = stats.cohen_kappa([0, 1, 1], [0, 1, 2], [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]])
    assert own.estimate == pytest.approx(found.estimate) and own.se == pytest.approx(found.se)


def test_kappa_is_that_of_vcd(r: dict[str, Any]) -> None:
    want = r["kappa"]
    a, b = units(np.array(want["table"], dtype=int))
    for weights, key in ((None, "unweighted"), ("linear", "linear"), ("quadratic", "quadratic")):
        found = stats.cohen_kappa(a, b, weights)
        np.testing.assert_allclose([found.estimate, found.se], want[key], rtol=1e-10)


def test_kappa_does_not_depend_on_names_or_order_of_units() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    names = np.array(["x", "y", "z"], dtype=object)
    shuffled = rng.permutation(60)
    one, two = stats.cohen_kappa(a, b, "linear"), stats.cohen_kappa(names[a][shuffled], names[b][shuffled], "linear")
    assert (one.estimate, one.se) == pytest.approx((two.estimate, two.se))
    # an ordered category keeps its order: mild before severe, which sorting would turn round
    grades = pd.Categorical(np.array(["none", "mild", "hard"])[a], ["none", "mild", "hard"])
    assert stats.cohen_kappa(grades, np.array(["none", "mild", "hard"], dtype=object)[b], "linear").estimate == pytest.approx(one.estimate)


def test_full_agreement_is_one_and_says_so() -> None:
    found = stats.cohen_kappa([0, 1, 2], [0, 1, 2])
    assert (found.estimate, found.se) == (1, 0) and found.notes


def test_fleiss_kappa_of_a_published_table() -> None:
    # ten subjects, fourteen raters, five categories: P = .378, P_e = .213, kappa .210
    table = np.array([
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ])  # fmt: skip
    found = stats.fleiss_kappa(table, counts=True)
    assert round(found.estimate, 3) == 0.210
    by = found["categories"]
    # kappa is the mean of the categories' kappas, weighted by share (1 - share)
    weight = by["share"] * (1 - by["share"])
    assert (by["kappa"] * weight).sum() / weight.sum() == pytest.approx(found.estimate)
    words = [[c for c, k in enumerate(row) for _ in range(k)] for row in table]
    assert stats.fleiss_kappa(words).estimate == pytest.approx(found.estimate)


def test_fleiss_kappa_by_hand_and_its_errors() -> None:
    # three raters, four units: agreement 1, 1, 1, 1/3 -> 5/6; shares 7/12 and 5/12 -> 74/144
    found = stats.fleiss_kappa([[3, 0], [0, 3], [3, 0], [1, 2]], counts=True)
    assert found.estimate == pytest.approx((5 / 6 - 74 / 144) / (70 / 144))
    # two categories: the standard error under chance is sqrt(2 / (N m (m - 1)))
    assert found["se_null"] == pytest.approx(np.sqrt(2 / (4 * 3 * 2)))


def test_fleiss_standard_error_is_that_of_a_jackknife() -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, 300)
    ratings = np.where(rng.random((300, 4)) < 0.7, truth[:, None], rng.integers(0, 3, (300, 4)))
    found = stats.fleiss_kappa(ratings)
    left = np.array([float(stats.fleiss_kappa(np.delete(ratings, k, axis=0)).estimate) for k in range(300)])
    assert found.se == pytest.approx(np.sqrt(299 / 300 * ((left - left.mean()) ** 2).sum()), rel=0.01)


# ---- limits of agreement


def test_bland_altman_of_the_lancet() -> None:
    # the paper: mean -2.1, SD 38.8, interval of the bias -22.0 to 17.8
    found = stats.bland_altman(WRIGHT, MINI)
    assert (round(found.estimate[0], 1), round(found["sd"], 1)) == (-2.1, 38.8)
    assert (round(found.lower[0], 1), round(found.upper[0], 1)) == (-22.0, 17.8)
    np.testing.assert_allclose(found.estimate[1:], found.estimate[0] + np.array([-1, 1]) * 1.959963985 * found["sd"])
    assert found.points["mean"].iloc[0] == 503 and found.points["difference"].iloc[0] == -18


def test_exact_limits_are_those_of_the_noncentral_t() -> None:
    found = stats.bland_altman(WRIGHT, MINI)
    n, z = 17, 1.959963984540054
    for side, q in (("lower", 0.025), ("upper", 0.975)):
        share = (getattr(found, side)[2] - found.estimate[0]) / found["sd"] * np.sqrt(n)
        assert nct.cdf(share, n - 1, z * np.sqrt(n)) == pytest.approx(q)
    # both limits mirror one another, and the exact ones reach farther out than in
    assert found.estimate[0] - found.lower[1] == pytest.approx(found.upper[2] - found.estimate[0])
    assert found.upper[2] - found.estimate[2] > found.estimate[2] - found.lower[2]
    rough = stats.bland_altman(WRIGHT, MINI, method="approximate")
    # t of 16 degrees, 2.1199, times s sqrt(1/17 + z²/32)
    assert rough.upper[2] - rough.estimate[2] == pytest.approx(2.119905 * 38.76513 * np.sqrt(1 / 17 + z**2 / 32), rel=1e-6)


def test_ratios_do_not_depend_on_units_and_slope_finds_growth() -> None:
    a, b = np.array(WRIGHT, float), np.array(MINI, float)
    one, two = stats.bland_altman(a, b, scale="ratio"), stats.bland_altman(10 * a, 10 * b, scale="ratio")
    np.testing.assert_allclose(one.estimate, two.estimate)
    x = np.linspace(1, 10, 30)
    growing = stats.bland_altman(1.2 * x + 0.05 * np.sin(9 * x), x)
    assert growing.slope is not None and growing.slope.p < 1e-6 and growing.slope.estimate == pytest.approx(0.2 / 1.1, rel=0.05)


# ---- Dice


def test_dice_by_hand_and_as_of_outlines() -> None:
    from radiogen.imaging.outlines.overlap import dice

    a, b = np.zeros((6, 6), bool), np.zeros((6, 6), bool)
    a[1:4, 1:4], b[2:5, 2:5] = True, True
    found = stats.dice(a, b)
    # 9 and 9 pixels, 4 common
    assert found.estimate == 8 / 18 == dice(a, b) and found["jaccard"] == 4 / 14 and found.n == 14


# ---- refusals

ONES = np.ones(5)
CASES: dict[str, tuple[str, Callable[[], Any]]] = {
    "icc constant": ("RG705", lambda: stats.icc(np.ones((5, 3)))),
    "icc one rater": ("RG701", lambda: stats.icc(np.arange(5.0)[:, None])),
    "icc one target": ("RG701", lambda: stats.icc([[1.0, 2.0]])),
    "icc kind": ("RG708", lambda: stats.icc(np.eye(3), "ICC(4,1)")),
    "icc ragged": ("RG705", lambda: stats.icc([[1.0, 2.0], [1.0]])),
    "icc flat": ("RG705", lambda: stats.icc(np.arange(5.0))),
    "icc infinite": ("RG705", lambda: stats.icc([[1, np.inf], [2, 3]])),
    "icc text": ("RG705", lambda: stats.icc([["a", "b"], ["c", "d"]])),
    "icc no spread": ("RG705", lambda: stats.icc([[1, 2.0], [1, 2], [1, 2]], "ICC(3,1)")),
    "icc no spread, absolute": ("RG705", lambda: stats.icc([[1, 2.0], [1, 2]], "ICC(2,1)")),
    "icc all dropped": ("RG701", lambda: stats.icc([[1, np.nan], [np.nan, 2.0]], missing="drop")),
    "icc level": ("RG708", lambda: stats.icc(np.eye(3), level=95)),
    "icc no kind": ("RG708", lambda: stats.icc(np.eye(3), [])),
    "kappa length": ("RG705", lambda: stats.cohen_kappa([0, 1], [0, 1, 1])),
    "kappa one category": ("RG705", lambda: stats.cohen_kappa(ONES, ONES)),
    "kappa one rater constant": ("RG705", lambda: stats.cohen_kappa(ONES, [0, 1, 1, 0, 1])),
    "kappa missing": ("RG705", lambda: stats.cohen_kappa([0, None, 1], [0, 1, 1])),
    "kappa weights": ("RG708", lambda: stats.cohen_kappa([0, 1], [0, 1], "cubic")),
    "kappa weight table": ("RG705", lambda: stats.cohen_kappa([0, 1], [0, 1], np.ones((3, 3)))),
    "kappa strange": ("RG705", lambda: stats.cohen_kappa([0, 1], [0, 2], categories=[0, 1])),
    "kappa one unit": ("RG701", lambda: stats.cohen_kappa([0], [1])),
    "fleiss unequal": ("RG705", lambda: stats.fleiss_kappa([[3, 0], [1, 1]], counts=True)),
    "fleiss one category": ("RG705", lambda: stats.fleiss_kappa([[1, 1], [1, 1]])),
    "fleiss one rater": ("RG701", lambda: stats.fleiss_kappa([[0], [1]])),
    "fleiss negative": ("RG705", lambda: stats.fleiss_kappa([[3, -1], [1, 1]], counts=True)),
    "fleiss missing": ("RG705", lambda: stats.fleiss_kappa([[0, None], [1, 1]])),
    "bland equal differences": ("RG705", lambda: stats.bland_altman([1, 2, 3.0], [2, 3, 4.0])),
    "bland overflow": ("RG705", lambda: stats.bland_altman([1e300, 2e300, 3e300], [1e300, 2.5e300, 3e300])),
    "bland length": ("RG705", lambda: stats.bland_altman([1, 2, 3.0], [2, 3.0])),
    "bland two": ("RG701", lambda: stats.bland_altman([1, 2.0], [2, 3.5])),
    "bland ratio": ("RG705", lambda: stats.bland_altman([1, 2, -3.0], [2, 3, 4.5], scale="ratio")),
    "bland scale": ("RG708", lambda: stats.bland_altman([1, 2, 3.0], [2, 3, 4.5], scale="log")),
    "bland missing": ("RG705", lambda: stats.bland_altman([1, 2, np.nan], [2, 3, 4.5])),
    "dice shape": ("RG705", lambda: stats.dice(np.ones(3), np.ones(4))),
    "dice empty": ("RG705", lambda: stats.dice(np.zeros(3), np.zeros(3))),
    "dice grey": ("RG705", lambda: stats.dice([0, 2, 1], [0, 1, 1])),
    "dice text": ("RG705", lambda: stats.dice(["a"], ["b"])),
}


@pytest.mark.parametrize("name", CASES)
def test_coded_error(name: str) -> None:
    code, call = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RadiogenError) as caught:
            call()
    assert caught.value.code == code, str(caught.value)


# ---- coverage


@pytest.mark.slow
def test_coverage_of_intervals() -> None:
    rng = np.random.default_rng(20)
    inside = dict.fromkeys(("icc1", "icc2", "icc3", "cohen", "fleiss", "limit", "bias"), 0)
    runs = 2000
    # four raters of variance .25, error .5, targets 1: ICC(2,1) = 1/1.75, ICC(3,1) = 1/1.5
    for _ in range(runs):
        target, error = rng.normal(size=(50, 1)), np.sqrt(0.5) * rng.normal(size=(50, 20))
        one = stats.icc(target + error[:, :3], ["ICC(1,1)", "ICC(3,1)"])
        inside["icc1"] += one.lower[0] <= 1 / 1.5 <= one.upper[0]
        inside["icc3"] += one.lower[1] <= 1 / 1.5 <= one.upper[1]
        two = stats.icc(target + 0.5 * rng.normal(size=(1, 20)) + error, "ICC(2,1)")
        inside["icc2"] += two.lower <= 1 / 1.75 <= two.upper
        # each rater repeats the truth with probability .8, else calls at random: kappa .64
        truth = rng.integers(0, 3, 150)
        called = np.where(rng.random((150, 4)) < 0.8, truth[:, None], rng.integers(0, 3, (150, 4)))
        cohen, fleiss = stats.cohen_kappa(called[:, 0], called[:, 1]), stats.fleiss_kappa(called)
        inside["cohen"] += cohen.lower <= 0.64 <= cohen.upper
        inside["fleiss"] += fleiss.lower <= 0.64 <= fleiss.upper
        bland = stats.bland_altman(rng.normal(0.3, 1, 15), np.zeros(15))
        inside["limit"] += bland.lower[2] <= 0.3 + 1.959963985 <= bland.upper[2]
        inside["bias"] += bland.lower[0] <= 0.3 <= bland.upper[0]
    shares = {name: count / runs for name, count in inside.items()}
    assert all(0.935 <= share <= 0.965 for share in shares.values()), shares
