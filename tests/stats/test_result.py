"""Results are frozen: neither a field nor what stands in it can be written to."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from radiogen import stats
from radiogen.stats import StatResult


def test_arrays_cannot_be_written_to() -> None:
    given = np.array([1.0, 2.0])
    result = StatResult(method="by hand", estimate=given)
    assert isinstance(result.estimate, np.ndarray)
    with pytest.raises(ValueError, match="read-only"):
        result.estimate[0] = 9.0
    with pytest.raises(FrozenInstanceError):
        result.method = "other"  # type: ignore[misc]
    given[0] = 5.0  # the caller's own array is neither locked nor tied to the result
    assert result.estimate.tolist() == [1.0, 2.0]


def test_the_tie_rule_stands_in_the_method() -> None:
    times, events = [1.0, 2.0, 2.0, 3.0], [1, 1, 0, 1]
    for result in (stats.kaplan_meier(times, events), stats.rmst(times, events, 2.5), stats.cumulative_incidence(times, events)):
        assert "events before censorings of the same time" in result.method
    assert "tied scores one half" in stats.roc_auc([0, 1, 0, 1], [1.0, 2.0, 2.0, 3.0]).method
