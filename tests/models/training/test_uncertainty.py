"""Entropies, thresholds and risks, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.models.training import choose_abstention, ensemble_uncertainty, risk_coverage


def test_entropy_and_its_parts() -> None:
    # unit 0: both members say 0.5; unit 1: they are sure of opposite classes; unit 2: both are sure
    p = np.array([[[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]])
    found = ensemble_uncertainty(p)
    assert found["entropy"].tolist() == pytest.approx([np.log(2), np.log(2), 0])
    assert found["expected_entropy"].tolist() == pytest.approx([np.log(2), 0, 0])
    assert found["mutual_information"].tolist() == pytest.approx([0, np.log(2), 0])
    assert found["spread"].tolist() == pytest.approx([0, 0.5, 0])
    assert ensemble_uncertainty(np.full((2, 1, 2), np.nan)).isna().all().all()
    with pytest.raises(RadiogenError):
        ensemble_uncertainty(np.ones((3, 2)))


def test_threshold_at_a_coverage() -> None:
    u = np.array([0.5, 0.1, np.nan, 0.3, 0.3, 0.2])
    rule = choose_abstention(u, 0.6)  # 3 of 5 known: the third smallest is 0.3, which two units share
    assert rule.threshold == 0.3 and rule.coverage == pytest.approx(4 / 5)
    assert rule.keeps(u).tolist() == [False, True, False, True, True, True]
    assert choose_abstention(u, 1.0).coverage == 1.0
    for wrong in ((u, 0.0), (np.array([np.nan]), 0.5)):
        with pytest.raises(RadiogenError):
            choose_abstention(*wrong)


def test_risk_against_coverage() -> None:
    u = np.array([0.3, 0.1, 0.2, 0.3, np.nan])
    wrong = np.array([1, 0, 1, 0, 1])
    frame = risk_coverage(u, wrong)
    assert frame["n"].tolist() == [1, 2, 4]
    assert frame["coverage"].tolist() == [0.25, 0.5, 1.0]
    assert frame["risk"].tolist() == [0, 0.5, 0.5]
    assert frame["threshold"].tolist() == [0.1, 0.2, 0.3]
    assert frame.attrs["area"] == pytest.approx((0 + 0.5 + 0.5 + 0.5) / 4)
    for args in ((u, wrong[:-1]), (np.array([np.nan]), np.array([1.0]))):
        with pytest.raises(RadiogenError):
            risk_coverage(*args)
