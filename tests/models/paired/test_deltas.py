"""Changes between visits, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.models import delta_features


@pytest.fixture
def visits() -> tuple[pd.DataFrame, pd.DataFrame]:
    before = pd.DataFrame({"size_mm": [20.0, 10.0, 8.0], "kpa": [50.0, 0.0, -2.0]}, index=["P1", "P2", "P3"])
    after = pd.DataFrame({"kpa": [25.0, 5.0, 1.0, 9.0], "size_mm": [10.0, 10.0, np.nan, 4.0]}, index=["P1", "P2", "P3", "P9"])
    return before, after


@pytest.mark.parametrize(
    ("kind", "prefix", "size", "kpa"),
    [
        ("difference", "delta_", [-10, 0, np.nan, np.nan], [-25, 5, 3, np.nan]),
        ("ratio", "delta_ratio_", [0.5, 1, np.nan, np.nan], [0.5, np.nan, -0.5, np.nan]),
        ("log_ratio", "delta_log_ratio_", [-np.log(2), 0, np.nan, np.nan], [-np.log(2), np.nan, np.nan, np.nan]),
        ("percent", "delta_percent_", [-50, 0, np.nan, np.nan], [-50, np.nan, 150, np.nan]),
    ],
)
def test_by_hand(visits: tuple, kind: str, prefix: str, size: list[float], kpa: list[float]) -> None:
    found = delta_features(*visits, kind)
    assert found.columns.tolist() == [f"{prefix}size_mm", f"{prefix}kpa"]
    assert found.index.tolist() == ["P1", "P2", "P3", "P9"]
    assert np.allclose(found[f"{prefix}size_mm"], size, equal_nan=True)
    assert np.allclose(found[f"{prefix}kpa"], kpa, equal_nan=True)


def test_what_is_not_defined_is_said(visits: tuple) -> None:
    assert delta_features(*visits, "difference").attrs["notes"] == ("the first visit of 1 unit is missing",)
    assert delta_features(*visits, "ratio").attrs["notes"] == (
        "the first visit of 1 unit is missing", "delta_ratio_kpa: not defined in 1 unit, whose value is zero",
    )  # fmt: skip
    assert delta_features(*visits, "log_ratio").attrs["notes"][1].startswith("delta_log_ratio_kpa: not defined in 2 units")
    huge = pd.DataFrame({"a": [1e308]}), pd.DataFrame({"a": [-1e308]})
    found = delta_features(*huge)
    assert found["delta_a"].isna().all() and "too large" in found.attrs["notes"][0]


def test_rates_per_day(visits: tuple) -> None:
    found = delta_features(*visits, days=pd.Series({"P9": 3.0, "P2": 5.0, "P1": 50.0}))
    assert found.columns.tolist() == ["delta_size_mm_per_day", "delta_kpa_per_day"]
    assert np.allclose(found["delta_kpa_per_day"], [-0.5, 1.0, np.nan, np.nan], equal_nan=True)
    as_array = delta_features(*visits, days=[50, 5, np.nan, 3])
    pd.testing.assert_frame_equal(found, as_array)
    logs = delta_features(*visits, "log_ratio", days=[50, 5, 5, 3])
    assert logs["delta_log_ratio_kpa_per_day"].iloc[0] == pytest.approx(-np.log(2) / 50)


def test_swapping_the_visits_turns_the_sign(visits: tuple) -> None:
    before, after = visits
    for kind, name in (("difference", "delta_kpa"), ("log_ratio", "delta_log_ratio_kpa")):
        there, back = delta_features(before, after, kind)[name], delta_features(after, before, kind)[name]
        assert np.allclose(there, -back[there.index], equal_nan=True)


def test_refusals(visits: tuple) -> None:
    before, after = visits
    twice = pd.concat([before, before.iloc[:1]])
    for bad, code in (
        (lambda: delta_features(before.to_numpy(), after), "RG705"), (lambda: delta_features(twice, after), "RG705"),
        (lambda: delta_features(before[["kpa"]], after), "RG705"), (lambda: delta_features(before, after, "fold"), "RG708"),
        (lambda: delta_features(before, after, "ratio", days=[1, 1, 1, 1]), "RG708"),
        (lambda: delta_features(before, after, days=[1, 1, 1, 0]), "RG705"), (lambda: delta_features(before, after, days=[1]), "RG705"),
        (lambda: delta_features(before, after, days=["soon"] * 4), "RG705"),
        (lambda: delta_features(before.assign(kpa=np.inf), after), "RG705"),
        (lambda: delta_features(before.assign(kpa="soft"), after), "RG705"),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            bad()
        assert error.value.code == code
