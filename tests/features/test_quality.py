"""The table of image quality: rows, copies and flags, and what is said about them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import problem
from radiogen.features.job import Outcome
from radiogen.features.jobs import pictures, rows_of
from radiogen.features.near_duplicates import find_twins
from radiogen.features.quality import COLUMNS, quality_findings, quality_spread, quality_table
from radiogen.imaging import fingerprint
from radiogen.imaging.quality import NAMES

GOOD = {**dict.fromkeys(NAMES, 0.0), "focus": 0.6, "gcnr": 0.7}


def outcome(seed: int = 0, **numbers: float) -> Outcome:
    grey = np.random.default_rng(seed).random((80, 90))
    return Outcome({"a": 1.0}, fingerprint(grey), (), True, {**GOOD, **numbers})


@pytest.fixture
def five(cohort_of):
    """Four units with five images: u0 twice with one picture, u2 a copy of u1, u3 unreadable."""
    units = ["u0", "u0", "u1", "u2", "u3"]
    rows = [{"unit": u, "image": f"folder/{i}.png", "masks": ("m.png",)} for i, u in enumerate(units)]
    rows[3]["mask_source"] = "contour"
    cohort = cohort_of(rows)
    lost = Outcome(problems=(problem("RG502", "truncated"),))
    outcomes = [outcome(0), outcome(0, calipers_in_roi=1.0), outcome(1, focus=0.2), outcome(1, undecoded_pct=7.0), lost]
    return cohort, outcomes


def table_of(cohort, outcomes) -> pd.DataFrame:
    rows = rows_of(cohort.images)
    return quality_table(cohort, rows, outcomes, find_twins(pictures(rows, outcomes), cohort.units["group"]))


def test_a_row_for_each_image_with_its_place_flags_and_numbers(five):
    table = table_of(*five)
    assert tuple(table.columns) == (*COLUMNS, *NAMES, "undecoded_pct")
    assert table["row"].tolist() == [2, 3, 4, 5, 6] and set(table["manifest"]) == {"bmode.csv"}
    assert table["flags"].tolist() == [(), ("calipers", "duplicate"), ("blurred",), ("duplicate",), ("unreadable: RG502",)]
    assert table["readable"].tolist() == [True, True, True, True, False]
    assert table["mask_source"].tolist() == [None, None, None, "contour", None]
    assert table["undecoded_pct"].isna().tolist() == [True, True, True, False, True]
    assert table.loc[4, list(NAMES)].isna().all()


def test_a_copy_names_the_first_of_the_two(five):
    table = table_of(*five)
    assert table["duplicate_of"].tolist() == [None, "0.png", None, "2.png", None]
    assert table["duplicate_row"].tolist()[1::2] == [2, 4]


def test_one_picture_with_two_masks_of_a_unit_is_no_copy(cohort_of):
    cohort = cohort_of([{"unit": "u0", "image": "a.png", "masks": (m,)} for m in ("m1.png", "m2.png")])
    assert table_of(cohort, [outcome(0), outcome(0)])["flags"].tolist() == [(), ()]


def test_an_image_that_was_read_and_not_measured_says_why(cohort_of):
    cohort = cohort_of([{"unit": "u0", "image": "a.png"}])
    failed = Outcome(None, outcome().fingerprint, (problem("RG504", "another size"),), False, {})
    table = table_of(cohort, [failed])
    assert table["flags"].tolist() == [("not measured: RG504",)] and table["readable"].tolist() == [True]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("bmode", ("blurred", "saturated", "low contrast", "text")), ("swe", ("text",)), ("doppler", ("text",)), ("ceus", ("saturated", "text"))],
)
def test_only_flags_that_mean_something_for_the_modality_are_raised(cohort_of, kind, expected):
    cohort = cohort_of([{"unit": "u0", "image": "a.png"}], modality={"kind": kind})
    bad = outcome(focus=0.1, gcnr=0.1, saturated_pct=20.0, text_over_lesion=1.0)
    assert table_of(cohort, [bad])["flags"].tolist() == [expected]


def test_each_flag_of_a_modality_is_one_finding_with_its_first_row(five):
    cohort, outcomes = five
    outcomes[3] = outcome(1, calipers_in_roi=1.0)
    found = quality_findings(cohort, table_of(cohort, outcomes))
    assert [(p.code, p.row, p.value, p.column) for p in found] == [
        ("RG528", 4, "2.png", "image"), ("RG528", 3, "1.png", "image"),
    ]  # fmt: skip
    assert found[1].message.startswith("2 of 5 images of 'bmode': calipers")
    assert all(p.severity == "warning" for p in found)


def test_nothing_is_said_of_good_images(cohort_of):
    cohort = cohort_of([{"unit": "u0", "image": "a.png"}])
    table = table_of(cohort, [outcome()])
    assert quality_findings(cohort, table) == [] and table["flags"].tolist() == [()]


def test_no_image_gives_an_empty_table(cohort_of):
    cohort = cohort_of([{"unit": "u0", "image": "a.png"}])
    table = quality_table(cohort, [], [], [])
    assert len(table) == 0 and list(table.columns)[: len(COLUMNS)] == list(COLUMNS)
    assert quality_findings(cohort, table) == []


def test_the_spread_is_that_of_the_images_of_each_group(cohort_of):
    from dataclasses import replace

    rows = [{"unit": f"u{i}", "image": f"{i}.png"} for i in range(7)]
    cohort = cohort_of(rows)
    cohort = replace(cohort, units=cohort.units.assign(centre=["A"] * 5 + ["B", None]))
    table = table_of(cohort, [outcome(i, focus=0.1 * (i + 1), gcnr=np.nan) for i in range(7)])
    found = quality_spread(cohort, table, ("focus", "gcnr"))
    assert found["group"].tolist() == ["A", "B", "not known"] and set(found["measure"]) == {"focus"}
    a = found.iloc[0]  # 0.1 0.2 0.3 0.4 0.5: the 10th percentile lies four tenths of the way from the first to the second
    assert [a[k] for k in ("p10", "p25", "median", "p75", "p90")] == pytest.approx([0.14, 0.2, 0.3, 0.4, 0.46])
    assert (a["images"], a["patients"]) == (5, 5)
    assert quality_spread(replace(cohort, units=cohort.units.drop(columns="centre")), table, ("focus",))["group"].tolist() == ["all"]
