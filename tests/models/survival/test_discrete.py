"""Discrete-time networks: intervals by hand, competing risks against Aalen and Johansen, curves that are probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.models.survival import DiscreteTime
from radiogen.models.survival.discrete import _from_hazards, _from_masses
from radiogen.models.survival.intervals import between_cuts, cut_points, to_intervals
from radiogen.stats import concordance, cumulative_incidence

SMALL = {"hidden": (8,), "epochs": 80, "patience": 20, "n_intervals": 8}


def _competing(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cause 1 comes sooner with the first column, cause 2 with the second."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 2))
    times = np.column_stack([random.exponential(np.exp(-x[:, 0])), random.exponential(np.exp(-x[:, 1])), random.exponential(2, n)])
    return x, times.min(axis=1), np.array([1, 2, 0])[times.argmin(axis=1)]


def test_cuts_and_intervals_by_hand() -> None:
    time, event = np.array([0.0, 1, 2, 3, 4, 5, 6, 10]), np.array([1, 1, 1, 1, 0, 1, 2, 0])
    # six events in three intervals: two each, by 1, by 3 and by the end
    cuts = cut_points(time, event, 3)
    assert cuts.tolist() == [1, 3, 10]
    # the unit censored at 4 lies before the middle 6.5 of the last interval, that at 10 after it; time 0 is in the first
    assert to_intervals(time, event, cuts).tolist() == [0, 0, 1, 1, 2, 2, 2, 3]
    # all tied: one interval
    assert cut_points(np.full(5, 2.0), np.ones(5, dtype=int), 4).tolist() == [2.0]
    assert cut_points(np.zeros(5), np.ones(5, dtype=int), 4).tolist() == [1.0]


def test_lines_between_cuts_by_hand() -> None:
    values = np.array([[0.8, 0.4]])
    assert between_cuts(values, 1.0, np.array([2.0, 6.0]), np.array([0, 1, 2, 3, 6, 99.0])) == pytest.approx(
        np.array([[1, 0.9, 0.8, 0.7, 0.4, 0.4]])
    )


def test_incidence_from_outputs_by_hand() -> None:
    # nothing : cause 1 : cause 2 as 1 : 1 : 2, twice: (1/4, 2/4), then a quarter of the remaining quarter
    hazards = _from_hazards(np.log([[1.0, 2, 1, 2]]), (2, 2))
    assert hazards == pytest.approx(np.array([[[0.25, 0.5], [0.25 + 0.0625, 0.5 + 0.125]]]))
    masses = _from_masses(np.log([[1.0, 2, 3, 4, 10]]), (2, 2))
    assert masses == pytest.approx(np.array([[[1, 2], [4, 6]]]) / 20)


@pytest.mark.parametrize("kind", ["nnet_survival", "deephit"])
def test_competing_risks(kind: str) -> None:
    x, time, event = _competing(1000)
    model = DiscreteTime(kind, hidden=(16,), epochs=200, patience=40).fit(x[:700], time[:700], event[:700])
    at = np.quantile(time, [0.0, 0.3, 0.6])
    one, two = (model.predict_incidence(x[700:], at, cause) for cause in (1, 2))
    assert model.predict_survival(x[700:], at) == pytest.approx(1 - one - two)
    assert (one >= 0).all() and (np.diff(one, axis=1) >= 0).all() and (one + two <= 1 + 1e-12).all()
    # each cause is ordered by its own column
    for cause, incidence, column in ((1, one, 0), (2, two, 1)):
        seen = event[700:] == cause
        assert concordance(time[700:], seen, incidence[:, -1]).estimate > 0.65
        assert np.corrcoef(incidence[:, -1], x[700:, column])[0, 1] > 0.7
    # on average it is the cumulative incidence of Aalen and Johansen
    table = cumulative_incidence(time[:700], event[:700]).incidence_at([at[2]])
    level = table.loc[table["cause"] == 1, "incidence"].item()
    assert model.predict_incidence(x[:700], [at[2]])[:, 0].mean() == pytest.approx(level, abs=0.05)
    assert model.predict_risk(x[700:]).shape == model.log_hazard(x[700:]).shape == (300,)


@pytest.mark.parametrize("kind", ["nnet_survival", "deephit"])
def test_reproducible_and_averaged(kind: str) -> None:
    x, time, event = _competing(150)
    one, two = (DiscreteTime(kind, **SMALL, ensemble=2).fit(x, time, event) for _ in range(2))
    assert np.array_equal(one.predict_incidence(x, [0.5], 2), two.predict_incidence(x, [0.5], 2))
    single = DiscreteTime(kind, **SMALL).fit(x, time, event)
    assert np.array_equal(single.members_[0](x), one.members_[0](x))


def test_hard_data() -> None:
    x, time, event = _competing(100)
    for status, times in ((event, np.zeros(100)), (event, np.full(100, 2.0)), ((time < np.sort(time)[5]).astype(int), time)):
        for kind in ("nnet_survival", "deephit"):
            curve = DiscreteTime(kind, **SMALL).fit(x, times, status).predict_survival(x, [0.0, 1.0, 5.0])
            assert np.isfinite(curve).all() and (curve <= 1 + 1e-12).all() and (curve >= -1e-12).all()


@pytest.mark.parametrize(("name", "value"), [("kind", "cox"), ("n_intervals", 0), ("ranking", -1), ("ensemble", 0), ("dropout", 2)])
def test_parameters_out_of_range(name: str, value: object) -> None:
    with pytest.raises(RadiogenError, match="RG708"):
        DiscreteTime(**{**SMALL, name: value}).fit(*_competing(30))


def test_refused() -> None:
    x, time, event = _competing(60)
    model = DiscreteTime(**SMALL).fit(x, time, event)
    with pytest.raises(RadiogenError, match="RG708"):
        model.predict_incidence(x, [1.0], cause=3)
    with pytest.raises(RadiogenError, match="RG705"):
        DiscreteTime(**SMALL).fit(x, time, event + 0.5)
    with pytest.raises(RadiogenError, match="RG410"):
        DiscreteTime(**SMALL).fit(x, time, 2 * (event == 2))
