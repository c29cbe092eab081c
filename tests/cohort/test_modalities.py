"""What the YAML and the manifest say of pictures, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from radiogen.cohort import read_cohort
from radiogen.cohort.config import ModalitySection
from radiogen.errors import Findings, Problem

from .conftest import Files, Maker


def _with(section: str) -> object:
    return lambda text: text.replace("  bmode: {images: bmode.csv}\n", f"  bmode: {{images: bmode.csv}}\n  {section}\n")


def _manifest(rows: list[list[str]], name: str = "swe.csv") -> object:
    def change(files: Files) -> None:
        files[name] = rows

    return change


def _problems(path: Path) -> list[Problem]:
    findings = Findings()
    read_cohort(path, findings)
    return [p for p in findings if p.severity == "error"]


def test_the_kind_follows_the_name_unless_declared() -> None:
    section = ModalitySection(images="i.csv")
    assert [section.kind_for(n) for n in ("bmode", "swe", "doppler", "ceus", "mri")] == ["bmode", "swe", "doppler", "ceus", "grey"]
    assert ModalitySection(images="i.csv", kind="swe").kind_for("bmode") == "swe"


def test_what_the_manifest_says_of_an_image(make: Maker) -> None:
    rows = [
        ["patient_id", "image", "mask", "reference", "scale_max", "scale_min", "box", "point", "mask_source"],
        ["P001", "P001.png", "P001_mask.png", "P002_mask.png", "120", "-5", "1 9 2 8", "4 5", "unet"],
        ["P002", "P002.png", "", "", "", "", "", "", ""],
    ]
    path = make(_manifest(rows), _with("swe: {images: swe.csv, unit: kPa, scale_max: 180}"))
    findings = Findings()
    cohort = read_cohort(path, findings)
    assert cohort is not None and not findings.errors
    first, second = (r for _, r in cohort.images[cohort.images["modality"] == "swe"].iterrows())
    assert Path(first["reference"]).name == "P002_mask.png"
    assert first["declared"] == {"scale_max": 120.0, "scale_min": -5.0}
    assert (first["box"], first["point"], first["mask_source"]) == ((1, 9, 2, 8), (4, 5), "unet")
    assert second["declared"] == {} and second["reference"] is None and second["masks"] == ()


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("scale_max", "lots", "number above zero"),
        ("scale_max", "0", "number above zero"),
        ("box", "1 2 3", "top bottom left right"),
        ("box", "9 1 2 8", "top bottom left right"),
        ("box", "1.5 9 2 8", "whole pixels"),
        ("point", "4", "row column"),
    ],
)
def test_a_cell_that_is_not_understood_is_named(make: Maker, column: str, value: str, says: str) -> None:
    rows = [["patient_id", "image", column], ["P001", "P001.png", value]]
    (found,) = _problems(make(_manifest(rows), _with("swe: {images: swe.csv, unit: kPa, scale_max: 180}")))
    assert (found.code, found.row, found.column, found.value) == ("RG104", 2, column, value)
    assert says in found.message


def test_the_type_of_a_doppler_picture_is_one_of_three(make: Maker) -> None:
    rows = [["patient_id", "image", "type"], ["P001", "P001.png", "color"]]
    (found,) = _problems(make(_manifest(rows, "doppler.csv"), _with("doppler: {images: doppler.csv}")))
    assert found.code == "RG104" and "colour" in found.message


def test_scale_and_unit_of_an_elastogram_are_declared(make: Maker) -> None:
    rows = [["patient_id", "image"], ["P001", "P001.png"]]
    found = _problems(make(_manifest(rows), _with("swe: {images: swe.csv}")))
    assert {p.code for p in found} == {"RG105", "RG520"}


def test_the_scale_may_stand_in_the_manifest(make: Maker) -> None:
    rows = [["patient_id", "image", "scale_max"], ["P001", "P001.png", "180"]]
    assert _problems(make(_manifest(rows), _with("swe: {images: swe.csv, unit: m/s}"))) == []


def test_an_elastogram_in_bar_is_refused(make: Maker) -> None:
    rows = [["patient_id", "image"], ["P001", "P001.png"]]
    (found,) = _problems(make(_manifest(rows), _with("swe: {images: swe.csv, unit: bar, scale_max: 5}")))
    assert (found.code, found.value) == ("RG104", "bar")


@pytest.mark.parametrize("key", ["scale_max: 180", "dynamic_range_db: 60", "opacity: 0.5", "s_per_px: 0.01"])
def test_keys_of_another_kind_are_refused(make: Maker, key: str) -> None:
    (found,) = _problems(make(None, lambda text: text.replace("{images: bmode.csv}", f"{{images: bmode.csv, {key}}}")))
    assert found.code == "RG104" and found.column == f"modalities.bmode.{key.split(':')[0]}"


def test_a_feature_table_may_carry_its_unit(make: Maker) -> None:
    rows = [["patient_id", "swe_mean_kpa"], ["P001", "31"], ["P002", "40"]]
    assert _problems(make(_manifest(rows), _with("swe: {features: swe.csv, unit: kPa}"))) == []


@pytest.mark.parametrize("box", ["[1, 2, 3]", "[9, 1, 2, 8]", "[-1, 5, 2, 8]"])
def test_a_box_that_is_none(make: Maker, box: str) -> None:
    rows = [["patient_id", "image"], ["P001", "P001.png"]]
    found = _problems(make(_manifest(rows), _with(f"swe: {{images: swe.csv, unit: kPa, scale_max: 180, bar: {box}}}")))
    assert found and found[0].code == "RG104"


def test_the_reference_is_not_the_image(make: Maker) -> None:
    rows = [["patient_id", "image", "reference"], ["P001", "P001.png", "P001.png"]]
    (found,) = _problems(make(_manifest(rows), _with("swe: {images: swe.csv, unit: kPa, scale_max: 180}")))
    assert (found.code, found.column) == ("RG517", "reference")


def test_a_misspelt_column_of_a_manifest_is_told(make: Maker) -> None:
    rows = [["patient_id", "image", "maske"], ["P001", "P001.png", "P001_mask.png"]]
    findings = Findings()
    read_cohort(make(_manifest(rows), _with("swe: {images: swe.csv, unit: kPa, scale_max: 180}")), findings)
    (found,) = [p for p in findings if p.column == "maske"]
    assert (found.code, found.severity) == ("RG203", "warning") and "'mask'" in found.message
