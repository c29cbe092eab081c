"""Cumulative incidence and Gray's test: by hand, against R and against statsmodels, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats.incidence import cause_curve

REFERENCE = Path(__file__).parent / "reference" / "competing.json"
TIME, STATUS = np.array([1.0, 2, 3, 4, 5]), np.array([1, 2, 0, 1, 0])


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text())


@pytest.fixture(scope="module")
def pbc(reference: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(reference["data"])


def test_by_hand() -> None:
    frame = cause_curve(TIME, STATUS)
    # 1/5; nothing; nothing; then survival before 4 is 4/5 × 3/4 = 3/5, of which 1/2
    assert frame["incidence"].tolist() == pytest.approx([0.2, 0.2, 0.2, 0.5, 0.5])
    assert frame["n_risk"].tolist() == [5, 4, 3, 2, 1]
    assert frame["n_competing"].tolist() == [0, 1, 0, 0, 0]
    # variance at 4, from the events at 1, 2 and 4, with S = 0.8, 0.6, 0.3 after them:
    # (1 - 0.3/0.8)² / 25 + (0.3/0.6)² 0.8²/16 + 0.6²/4
    assert frame["std_err"].iloc[0] == pytest.approx(0.2)
    assert frame["std_err"].iloc[3] == pytest.approx(np.sqrt(0.015625 + 0.01 + 0.09))


def test_every_cause_and_group_has_a_row_and_a_curve() -> None:
    r = stats.cumulative_incidence([*TIME, 1, 2], [*STATUS, 0, 1], [*"aaaaa", *"bb"])
    assert (r.groups, r.causes) == (("a", "b"), (1, 2))
    assert r.label == ["a, cause 1", "a, cause 2", "b, cause 1", "b, cause 2"]
    # the last unit of b has the event: all that were at risk; cause 2 never happens there
    assert np.asarray(r.estimate).tolist() == pytest.approx([0.5, 0.2, 1.0, 0.0])
    assert np.asarray(r.events).tolist() == [2, 1, 1, 0]
    at = r.incidence_at([0.5, 3])
    assert at["incidence"].tolist() == pytest.approx([0, 0.2, 0, 0.2, 0, 1, 0, 0])
    assert at["n_risk"].tolist() == [5, 3, 5, 3, 2, 0, 2, 0]
    assert r.to_frame()["cause"].tolist() == [1, 2, 1, 2]


def test_causes_and_survival_add_up_to_one() -> None:
    r = np.random.default_rng(0)
    time, status = r.integers(1, 9, 80) + 0.0, r.integers(0, 3, 80)
    curve = stats.cumulative_incidence(time, status).curve
    survival = np.cumprod([1 - ((time == t) & (status > 0)).sum() / (time >= t).sum() for t in np.unique(time)])
    assert curve.groupby("time")["incidence"].sum().to_numpy() + survival == pytest.approx(np.ones(8))


def test_against_statsmodels() -> None:
    duration = pytest.importorskip("statsmodels.duration.survfunc")
    r = np.random.default_rng(1)
    time, status = r.integers(1, 12, 100) + 0.0, r.choice([0, 1, 2], 100, p=[0.4, 0.4, 0.2])
    other = duration.CumIncidenceRight(time, status)
    for cause in (1, 2):
        mine = cause_curve(time, status, cause).set_index("time").loc[other.times]
        assert mine["incidence"].to_numpy() == pytest.approx(other.cinc[cause - 1])


def test_without_competing_events_it_is_one_minus_kaplan_meier() -> None:
    r = np.random.default_rng(2)
    time, event = r.integers(1, 20, 60) + 0.0, r.integers(0, 2, 60)
    mine, km = cause_curve(time, event), stats.kaplan_meier(time, event).curve
    assert mine["incidence"].to_numpy() == pytest.approx(1 - km["survival"].to_numpy())


def test_cuminc(reference: dict[str, Any], pbc: pd.DataFrame) -> None:
    want = reference["cuminc"]
    at = stats.cumulative_incidence(pbc["time"], pbc["status"], pbc["sex"]).incidence_at(want["times"])
    for row in want["rows"]:
        group, cause = row.split()
        part = at[(at["group"] == group) & (at["cause"] == int(cause))]
        np.testing.assert_allclose(part["incidence"], want["est"][row], rtol=1e-12)
        np.testing.assert_allclose(part["std_err"] ** 2, want["var"][row], rtol=1e-11)


def test_metabric(shared: Path) -> None:
    folder = shared / "reference" / "r"
    data, want = pd.read_csv(folder / "metabric.csv"), json.loads((folder / "metabric.json").read_text())["competing"]
    at = stats.cumulative_incidence(data["time"], data["status"], data["b1"]).incidence_at(want["cif_times"])
    for row, values in want["cif"].items():
        group, cause = map(float, row.split())
        part = at[(at["group"] == group) & (at["cause"] == cause)]
        np.testing.assert_allclose(part["incidence"], values, rtol=1e-12)
    got = stats.gray_test(data["time"], data["status"], data["b1"])
    np.testing.assert_allclose(got.statistic, want["gray_test"]["stat"], rtol=1e-11)
    # R takes 1 - pchisq, which loses digits
    np.testing.assert_allclose(got.p, want["gray_test"]["p"], rtol=1e-7)


def test_the_score_of_grays_test_by_hand() -> None:
    # events of cause 1 at 1 (a) and 2 (b), censorings at 3 (a) and 4 (b); at 1 two of four at risk are in a: 1 - 2/4.
    # At 2 a has 1 at risk with S = 1/2 and F = 1/2: 1 / (1/2) × (1 - 1/2) = 1 beside b's 2: 0 - 1/3
    r = stats.gray_test([1, 3, 2, 4], [1, 0, 1, 0], list("aabb"))
    assert r["scores"][0] == pytest.approx([1 / 2 - 1 / 3])


@pytest.mark.parametrize(("key", "more"), [("gray_stage", {}), ("gray_strata", {"strata": "sex"}), ("gray_rho", {"rho": 1})])
def test_gray_in_r(reference: dict[str, Any], pbc: pd.DataFrame, key: str, more: dict[str, Any]) -> None:
    arguments = {k: pbc[v] if isinstance(v, str) else v for k, v in more.items()}
    got = stats.gray_test(pbc["time"], pbc["status"], pbc["stage"], **arguments)
    np.testing.assert_allclose(got.statistic, reference[key]["stat"], rtol=1e-12)
    np.testing.assert_allclose(got.df, reference[key]["df"])
    assert np.asarray(got.events).tolist() == [157, 25]


def test_a_cause_that_cannot_be_tested_says_so() -> None:
    # R's cmprsk gives 0.2153692 for cause 1 and -1 for cause 2, whose only event leaves its difference without variance
    r = stats.gray_test([1, 3, 2, 4, 5, 2.5], [1, 0, 1, 0, 2, 1], list("aabbab"))
    assert np.asarray(r.statistic)[0] == pytest.approx(0.215369245734417)
    assert np.isnan(np.asarray(r.statistic)[1])
    assert "cause 2" in r.notes[0]


def test_without_competing_events_grays_test_is_near_the_log_rank_test() -> None:
    r = np.random.default_rng(3)
    time, group = r.exponential(size=600), r.integers(0, 2, 600)
    event = (r.uniform(size=600) < 0.7).astype(int)
    gray, rank = stats.gray_test(time, event, group), stats.log_rank_test(time, event, group)
    # the scores are the same, the variances differ by terms that vanish
    assert float(np.asarray(gray.statistic)[0]) == pytest.approx(float(np.asarray(rank.statistic)), rel=0.05, abs=0.02)


CASES: dict[str, tuple[str, Any]] = {
    "negative time": ("RG402", lambda f: f([-1, 2, 3, 4], [1, 0, 2, 1])),
    "zero time": ("RG403", lambda f: f([0, 2, 3, 4], [1, 0, 2, 1])),
    "nan time": ("RG705", lambda f: f([np.nan, 2, 3, 4], [1, 0, 2, 1])),
    "infinite time": ("RG705", lambda f: f([np.inf, 2, 3, 4], [1, 0, 2, 1])),
    "nan status": ("RG705", lambda f: f([1, 2, 3, 4], [1, 0, np.nan, 1])),
    "half status": ("RG705", lambda f: f([1, 2, 3, 4], [1, 0, 0.5, 1])),
    "negative status": ("RG705", lambda f: f([1, 2, 3, 4], [1, 0, -1, 1])),
    "length": ("RG705", lambda f: f([1, 2, 3], [1, 0, 2, 1])),
    "empty": ("RG705", lambda f: f([], [])),
    "all censored": ("RG701", lambda f: f([1, 2, 3, 4], [0, 0, 0, 0])),
    "missing group": ("RG705", lambda f: f([1, 2, 3, 4], [1, 0, 2, 1], ["a", None, "b", "b"])),
    "group length": ("RG705", lambda f: f([1, 2, 3, 4], [1, 0, 2, 1], ["a", "b"])),
}


@pytest.mark.parametrize("case", sorted(CASES))
@pytest.mark.parametrize("function", ["cumulative_incidence", "gray_test"])
def test_bad_input(case: str, function: str) -> None:
    code, call = CASES[case]

    def run(time: Any, status: Any, group: Any = None) -> Any:
        chosen = list("aabb")[: len(time)] if group is None and function == "gray_test" else group
        return getattr(stats, function)(time, status, chosen)

    with pytest.raises(RadiogenError) as error:
        run_case = call(run)
        assert run_case is None
    assert error.value.code == code


@pytest.mark.parametrize(("code", "call"), [
    ("RG701", lambda: stats.gray_test([1, 2, 3], [1, 0, 2], ["a", "a", "a"])),
    ("RG704", lambda: stats.gray_test([1, 2, 3], [0, 1, 1], ["a", "b", "b"])),
    ("RG708", lambda: stats.gray_test([1, 2, 3], [1, 1, 1], ["a", "b", "b"], rho=np.nan)),
    ("RG705", lambda: stats.gray_test([1, 2, 3], [1, 1, 1], ["a", "b", "b"], strata=["x"])),
    ("RG708", lambda: stats.cumulative_incidence([1, 2], [1, 2], level=2)),
    ("RG708", lambda: stats.cumulative_incidence([1, 2], [1, 3]).incidence_at(3, extend=False)),
])  # fmt: skip
def test_more_bad_input(code: str, call: Any) -> None:
    with pytest.raises(RadiogenError) as error:
        call()
    assert error.value.code == code


def test_ties_everywhere_give_a_proportion() -> None:
    r = stats.cumulative_incidence([2, 2, 2, 2], [1, 2, 0, 1])
    assert np.asarray(r.estimate).tolist() == pytest.approx([0.5, 0.25])


@pytest.mark.slow
def test_grays_test_keeps_its_level_and_intervals_cover() -> None:
    rng = np.random.default_rng(5)
    rejected, covered, runs = 0, 0, 2000
    # two exponential events with rates 0.5 and 0.3: incidence of the first by 1 is 0.625 (1 - exp(-0.8))
    truth = 0.625 * -np.expm1(-0.8)
    for _ in range(runs):
        first, cause = rng.exponential(1 / 0.8, 200), rng.uniform(size=200) < 0.625
        lost = rng.uniform(0.3, 3.0, 200)
        status = np.where(lost < first, 0, np.where(cause, 1, 2))
        time, group = np.minimum(first, lost), rng.integers(0, 2, 200)
        rejected += float(np.asarray(stats.gray_test(time, status, group).p)[0]) < 0.05
        row = stats.cumulative_incidence(time, status).incidence_at(1.0).iloc[0]
        covered += row["lower"] <= truth <= row["upper"]
    assert 0.04 <= rejected / runs <= 0.06
    assert 0.935 <= covered / runs <= 0.965
