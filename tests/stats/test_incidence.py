"""Cumulative incidence: by hand and against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.stats.incidence import cumulative_incidence


def test_by_hand() -> None:
    # times 1 (cause 1), 2 (cause 2), 3 (censored), 4 (cause 1), 5 (censored)
    frame = cumulative_incidence(np.array([1.0, 2, 3, 4, 5]), np.array([1, 2, 0, 1, 0]))
    # 1/5; nothing; nothing; then survival before 4 is 4/5 × 3/4 = 3/5, of which 1/2
    assert frame["incidence"].tolist() == pytest.approx([0.2, 0.2, 0.2, 0.5, 0.5])
    assert frame["n_risk"].tolist() == [5, 4, 3, 2, 1]
    assert frame["n_competing"].tolist() == [0, 1, 0, 0, 0]
    # at the first event it is a proportion: p (1 - p) / n
    assert frame["std_err"].iloc[0] == pytest.approx(np.sqrt(0.2 * 0.8 / 5))


def test_causes_and_survival_add_up_to_one() -> None:
    r = np.random.default_rng(0)
    time, status = r.integers(1, 9, 80) + 0.0, r.integers(0, 3, 80)
    one, two = (cumulative_incidence(time, status, c)["incidence"].to_numpy() for c in (1, 2))
    survival = np.cumprod([1 - ((time == t) & (status > 0)).sum() / (time >= t).sum() for t in np.unique(time)])
    assert one + two + survival == pytest.approx(np.ones(8))


def test_against_statsmodels() -> None:
    duration = pytest.importorskip("statsmodels.duration.survfunc")
    r = np.random.default_rng(1)
    time, status = r.integers(1, 12, 100) + 0.0, r.choice([0, 1, 2], 100, p=[0.4, 0.4, 0.2])
    other = duration.CumIncidenceRight(time, status)
    mine = cumulative_incidence(time, status).set_index("time")
    at = mine.loc[other.times]
    assert at["incidence"].to_numpy() == pytest.approx(other.cinc[0])


def test_without_competing_events_it_is_one_minus_kaplan_meier() -> None:
    from radiogen.stats import kaplan_meier

    r = np.random.default_rng(2)
    time, event = r.integers(1, 20, 60) + 0.0, r.integers(0, 2, 60)
    mine, km = cumulative_incidence(time, event), kaplan_meier(time, event).curve
    assert mine["incidence"].to_numpy() == pytest.approx(1 - km["survival"].to_numpy())
    known = (km["survival"] > 0).to_numpy()
    # without competition the delta method is close to Greenwood's formula, not equal to it
    assert mine["std_err"].to_numpy()[known] == pytest.approx(km["std_err"].to_numpy()[known], rel=0.1)
