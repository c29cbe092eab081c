"""Kaplan-Meier, log-rank and concordance on data small enough to work by hand."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError

# the six-row data of the R package's validation vignette, plus ties of event and censoring
TIME = [1, 1, 2, 3, 3, 5]
EVENT = [1, 0, 1, 1, 0, 0]


def test_kaplan_meier_by_hand() -> None:
    # n at risk 6, 4, 3, 1; events 1, 1, 1, 0: S = 5/6, 5/8, 5/12, 5/12
    km = stats.kaplan_meier(TIME, EVENT)
    assert km.curve["time"].tolist() == [1, 2, 3, 5]
    assert km.curve["n_risk"].tolist() == [6, 4, 3, 1]
    assert km.curve["n_event"].tolist() == [1, 1, 1, 0]
    assert km.curve["n_censor"].tolist() == [1, 0, 1, 1]
    np.testing.assert_allclose(km.curve["survival"], [5 / 6, 5 / 8, 5 / 12, 5 / 12])
    # Greenwood: 1/(6·5) + 1/(4·3) + 1/(3·2)
    greenwood = 1 / 30 + 1 / 12 + 1 / 6
    assert km.curve["std_err"].iloc[2] == pytest.approx(5 / 12 * np.sqrt(greenwood))
    low = 5 / 12 * np.exp(-1.959963984540054 * np.sqrt(greenwood))
    assert km.curve["lower"].iloc[2] == pytest.approx(low)
    assert km.curve["upper"].iloc[2] == 1
    assert km.estimate.tolist() == [3]
    assert np.isnan(km.upper[0])


def test_plain_interval_is_symmetric_until_it_is_cut() -> None:
    curve = stats.kaplan_meier(TIME, EVENT, conf_type="plain").curve
    assert curve["lower"].iloc[0] == pytest.approx(5 / 6 - 1.959963984540054 * 5 / 6 * np.sqrt(1 / 30))
    assert curve["upper"].iloc[0] == 1


def test_median_on_a_flat_piece_is_its_middle() -> None:
    # S = 1/2 from 2 to 3
    assert stats.kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).estimate.tolist() == [2.5]
    never = stats.kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0])
    assert np.isnan(never.estimate[0])
    assert "not reached" in never.notes[0]


def test_values_at_times_and_beyond_the_last() -> None:
    km = stats.kaplan_meier(TIME, EVENT, ["a", "a", "b", "b", "a", "b"])
    # group a: 1 (event), 1, 3 censored -> S = 2/3; group b: 2, 3 events, 5 censored -> 2/3, 1/3
    at = km.survival_at([0.5, 3, 4])
    np.testing.assert_allclose(at["survival"], [1, 2 / 3, 2 / 3, 1, 1 / 3, 1 / 3])
    assert at["n_risk"].tolist() == [3, 1, 0, 3, 2, 1]
    assert km.at_risk([3])["n_event"].tolist() == [1, 2]
    with pytest.raises(RadiogenError) as caught:
        km.survival_at([4], extend=False)
    assert caught.value.code == "RG708"
    assert km.survival_at([3], extend=False)["survival"].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_survival_of_zero_has_no_interval_but_a_value() -> None:
    curve = stats.kaplan_meier([1, 2], [1, 1]).curve
    assert curve["survival"].tolist() == [0.5, 0]
    assert curve[["std_err", "lower", "upper"]].iloc[1].isna().all()


def test_times_apart_by_rounding_are_tied() -> None:
    curve = stats.kaplan_meier([0.3, 0.1 + 0.2, 1], [1, 1, 0]).curve
    assert curve["n_event"].tolist() == [2, 0]


def test_median_follow_up() -> None:
    # reversed: n at risk 4, 3, 2, 1; censored at 2, 3, 4: S = 1, 2/3, 1/3, 0
    assert stats.reverse_kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0]).estimate.tolist() == [3]


def test_log_rank_by_hand() -> None:
    # a: 1, 2; b: 3, 4, all events. E(a) = 2/4 + 1/3 = 5/6; V = 1/4 + 2/9 = 17/36
    r = stats.log_rank_test([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"])
    assert r.table["expected"].tolist() == pytest.approx([5 / 6, 19 / 6])
    assert r.table["observed"].tolist() == [2, 2]
    assert r.statistic == pytest.approx((2 - 5 / 6) ** 2 / (17 / 36))
    assert (r.df, r.n, r.events) == (1, 4, 4)


def test_log_rank_with_ties_by_hand() -> None:
    # both events at time 1 with 2 of 4 at risk in a: V = 2·(1/2)(1/2)·(4 - 2)/(4 - 1) = 1/3
    r = stats.log_rank_test([1, 1, 2, 2], [1, 1, 0, 0], ["a", "a", "b", "b"])
    assert r.statistic == pytest.approx((2 - 1) ** 2 / (1 / 3))


def test_log_rank_refuses_groups_that_never_meet() -> None:
    with pytest.raises(RadiogenError) as caught:
        stats.log_rank_test([1, 2, 5, 6], [0, 0, 1, 1], ["a", "a", "b", "b"])
    assert caught.value.code == "RG701"


def brute(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> tuple[float, np.ndarray]:
    """Harrell's C over all pairs and its derivative with respect to each unit's weight."""
    n = len(time)
    won, pairs = np.zeros((n, n)), np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            first = event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j]))
            if i != j and first:
                pairs[i, j] = 1
                won[i, j] = 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    c = won.sum() / pairs.sum()
    each = pairs.sum(axis=0) + pairs.sum(axis=1)
    return c, (won.sum(axis=0) + won.sum(axis=1) - c * each) / pairs.sum()


def test_concordance_by_hand() -> None:
    # comparable: (1,2) (1,3) (1,4) (2,3) (2,4); 4 beats all three, 1 loses to 3 and 2
    r = stats.concordance([1, 2, 3, 4], [1, 1, 0, 1], [4, 1, 3, 2])
    assert (r["concordant"], r["discordant"], r["tied_risk"]) == (3, 2, 0)
    assert r.estimate == pytest.approx(0.6)


def test_concordance_tie_rules() -> None:
    # an event and a censoring at one time are a pair, two events are not, equal risks count one half
    assert stats.concordance([1, 1], [1, 0], [2, 1]).estimate == 1
    assert stats.concordance([1, 1], [1, 0], [1, 2]).estimate == 0
    assert stats.concordance([1, 2], [1, 0], [1, 1]).estimate == 0.5
    with pytest.raises(RadiogenError) as caught:
        stats.concordance([1, 1], [1, 1], [1, 2])
    assert caught.value.code == "RG701"


@pytest.mark.parametrize("seed", range(6))
def test_concordance_against_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 60))
    time = rng.integers(1, 12, n).astype(float)
    event = rng.random(n) < 0.6
    event[np.argmin(time)] = True
    risk = rng.integers(0, 7, n).astype(float)
    other = rng.normal(size=n)
    c, influence = brute(time, event, risk)
    r = stats.concordance(time, event, risk)
    assert r.estimate == pytest.approx(c)
    assert r.se == pytest.approx(np.sqrt((influence**2).sum()))
    c2, influence2 = brute(time, event, other)
    d = stats.concordance_difference(time, event, risk, other)
    assert d.estimate == pytest.approx(c - c2)
    assert d.se == pytest.approx(np.sqrt(((influence - influence2) ** 2).sum()))
    cluster = rng.integers(0, 4, n)
    grouped = np.bincount(cluster, weights=influence)
    assert stats.concordance(time, event, risk, cluster=cluster).se == pytest.approx(np.sqrt((grouped**2).sum()))


def test_concordance_of_reversed_risk() -> None:
    rng = np.random.default_rng(9)
    time, event, risk = rng.exponential(size=50), rng.random(50) < 0.7, rng.normal(size=50)
    up, down = stats.concordance(time, event, risk), stats.concordance(time, event, -risk)
    assert up.estimate + down.estimate == pytest.approx(1)
    assert up.se == pytest.approx(down.se)
