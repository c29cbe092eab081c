"""Joining, ledger, endpoints, frames and parts of a cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import radiogen as rg
from radiogen.cohort.leakage import determines
from radiogen.errors import RadiogenError

from .conftest import Files, Maker


def _drop_follow_up(files: Files) -> None:
    files["follow_up.csv"] = files["follow_up.csv"][:21]


def test_frames_share_the_index_and_have_safe_names(make: Maker) -> None:
    cohort = rg.load_cohort(make())
    frame = cohort.frame("clinical", "markers", "mutations", "subtype")
    assert frame.index.equals(cohort.index)
    assert list(frame.columns[:2]) == ["age", "grade"]
    assert "mut_TP53" in frame.columns
    assert not [c for c in frame.columns if c.endswith("_source")]
    assert all(str(c).isidentifier() for c in frame.columns)


def test_not_tested_is_not_wild_type(make: Maker) -> None:
    cohort = rg.load_cohort(make())
    assert cohort.mutations["TP53"].value_counts().to_dict() == {"wild type": 14, "mutated": 7, "not tested": 3}
    assert cohort.frame("mutations")["mut_TP53"].isna().sum() == 3
    assert [(e.reason, e.n) for e in cohort.ledger.of("TP53")] == [("TP53: not tested", 3)]
    target = cohort.target("TP53")
    assert (target.known.sum(), target.classes) == (21, ("wild type", "mutated"))


def test_external_and_development_are_disjoint_and_complete(make: Maker) -> None:
    cohort = rg.load_cohort(make())
    inside, outside = cohort.development(), cohort.external()
    assert (len(inside), len(outside)) == (18, 6)
    assert inside.index.union(outside.index).sort_values().equals(cohort.index.sort_values())
    assert set(outside.units["centre"]) == {"B"}
    assert [e.n for e in cohort.ledger.of("external")] == [6]


def test_survival_drops_who_is_not_known_and_the_ledger_says_so(make: Maker) -> None:
    cohort = rg.load_cohort(make(_drop_follow_up))
    data = cohort.survival("os")
    assert len(data) == 20
    assert data["event"].isin([0, 1]).all()
    assert cohort.ledger.of("os")[0].n == 4


def test_time_from_dates_in_months(make: Maker) -> None:
    cohort = rg.load_cohort(make(yaml=lambda t: t.replace("time: months", "origin: start, until: end")))
    days = (pd.Timestamp("2021-06-30") - pd.Timestamp("2020-01-15")).days  # 532
    assert cohort.survival("os")["time"].iloc[0] == pytest.approx(days / (365.2425 / 12))


def test_zero_times_are_excluded_where_declared(make: Maker) -> None:
    def zero(files: Files) -> None:
        files["follow_up.csv"][3][1] = "0"

    cohort = rg.load_cohort(make(zero, lambda t: t.replace("event: dead", "zero_time: exclude, event: dead")))
    assert len(cohort.survival("os")) == 23
    assert [(e.reason, e.ids) for e in cohort.ledger.of("os")] == [("os: time of 0", ("P003",))]


def test_competing_events_are_cause_specific(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,t,s\na,1,alive\nb,2,relapse\nc,3,dead\nd,4,relapse\n")
    (tmp_path / "cohort.yaml").write_text(
        "radiogen: 1\ncohort: {name: x}\ntables: {t: {path: t.csv, id: id}}\nendpoints: {rfs: {kind: competing, time: t, unit: years, "
        "event: s, codes: {alive: censored, relapse: relapse, dead: death}}}\n"
    )
    cohort = rg.load_cohort(tmp_path)
    data = cohort.survival("rfs")
    assert data["status"].tolist() == [0, 1, 2, 1]
    assert data["event"].tolist() == [0, 1, 0, 1]
    assert cohort.endpoints["rfs"].labels == ("relapse", "death")


def test_rules_and_ledger(make: Maker) -> None:
    rule = "exclude:\n  - {column: age, above: 65, reason: older than 65}\n  - {column: grade, values: [3], reason: grade 3}\nbatch:"
    cohort = rg.load_cohort(make(yaml=lambda t: t.replace("batch:", rule, 1)))
    assert cohort.ledger.start == 24
    assert cohort.ledger.remaining == len(cohort)
    assert cohort.clinical["age"].max() <= 65
    assert [e.reason for e in cohort.ledger.of("cohort")] == ["older than 65", "grade 3"]
    assert sum(e.n for e in cohort.ledger.of("cohort")) == 24 - len(cohort)


def test_subset_by_mask_and_by_ids(make: Maker) -> None:
    cohort = rg.load_cohort(make())
    old = cohort.subset(cohort.clinical["age"] > 60)
    assert (old.clinical["age"] > 60).all()
    assert len(cohort.subset(["P002", "P001"])) == 2
    assert cohort.subset(["P002"]).images["unit"].tolist() == ["P002"]
    with pytest.raises(RadiogenError, match="RG705"):
        cohort.subset(["nobody"])
    with pytest.raises(RadiogenError, match="RG705"):
        cohort.subset(np.array([True]))


def test_patients_of_a_cohort_of_patients(make: Maker) -> None:
    cohort = rg.load_cohort(make())
    assert cohort.patients["units"].tolist() == [1] * 24
    assert cohort.patients["centre"].tolist() == cohort.units["centre"].tolist()


def test_a_cohort_is_frozen(make: Maker) -> None:
    cohort = rg.load_cohort(make())
    with pytest.raises(AttributeError):
        cohort.root = Path()  # type: ignore[misc]
    with pytest.raises(TypeError):
        cohort.endpoints["os"] = None  # type: ignore[index]


def test_feature_tables_are_joined_with_safe_names(make: Maker) -> None:
    path = make(yaml=lambda t: t.replace("endpoints:", "  swe: {features: swe.csv}\nendpoints:", 1))
    (path.parent / "swe.csv").write_text("patient_id,mean kPa,swe_sd_kpa,operator\nP001,50,5,kim\nP001,70,7,kim\nP003,20,2,lee\n")
    cohort = rg.load_cohort(path)
    assert list(cohort.modalities["swe"].columns) == ["swe_mean_kPa", "swe_sd_kpa"]
    assert cohort.modalities["swe"].loc["P001"].tolist() == [60.0, 6.0]
    assert cohort.modalities["swe"].loc["P002"].isna().all()
    assert cohort.ledger.of("swe")[0].n == 22


def test_feature_tables_of_several_visits_need_the_visit(make: Maker) -> None:
    yaml = "  swe: {features: swe.csv, decimal: \",\", encoding: latin-1}\nvisits: {baseline: T0, order: [T0, T2]}\nendpoints:"
    path = make(yaml=lambda t: t.replace("  bmode: {images: bmode.csv}\nendpoints:", yaml, 1))
    table = path.parent / "swe.csv"
    table.write_text("patient_id;zeit;härte\nP001;T0;1,5\nP001;T2;9,5\n", encoding="latin-1")
    with pytest.raises(RadiogenError, match="no column 'visit'"):
        rg.load_cohort(path)
    path.write_text(path.read_text().replace("encoding: latin-1}", "encoding: latin-1, columns: {visit: zeit}}"))
    assert rg.load_cohort(path).modalities["swe"].loc["P001"].tolist() == [1.5]


def test_excel_dates_beside_a_declared_form(make: Maker) -> None:
    def german(files: Files) -> None:
        for row in files["follow_up.csv"][1:]:
            row[4] = "30.06.2021"

    with_dates = 'origin: start, until: end, date_format: "%d.%m.%Y"'
    cohort = rg.load_cohort(make(german, lambda t: t.replace("time: months", with_dates)))
    assert cohort.survival("os")["time"].iloc[0] == pytest.approx(532 / (365.2425 / 12))


def test_classes_of_a_derived_subtype(make: Maker) -> None:
    rule = 'subtype: {rule: st_gallen_2013, classes: ["Luminal B-like HER2+", "Triple negative"]}'
    cohort = rg.load_cohort(make(yaml=lambda t: t.replace("subtype: {rule: st_gallen_2013}", rule)))
    assert set(cohort.subtype.dropna()) == {"Luminal B-like HER2+", "Triple negative"}


def test_lesions_take_their_patients_columns(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("patient,age\np1,50\np2,60\n")
    (tmp_path / "l.csv").write_text("lesion,patient,size\nl1,p1,10\nl2,p1,12\nl3,p2,9\n")
    (tmp_path / "m.csv").write_text("patient,gene\np1,TP53\n")
    (tmp_path / "cohort.yaml").write_text(
        "radiogen: 1\ncohort: {name: x, unit: lesion}\ntables:\n  p: {path: p.csv, id: patient, predictors: [age]}\n"
        "  l: {path: l.csv, id: lesion, patient: patient, predictors: [size]}\n"
        "mutations: {path: m.csv, format: long, id: patient, gene: gene, genes: [TP53], absent_is: wild_type}\n"
    )
    cohort = rg.load_cohort(tmp_path)
    assert cohort.frame("clinical")["age"].tolist() == [50.0, 50.0, 60.0]
    assert cohort.mutations["TP53"].tolist() == ["mutated", "mutated", "wild type"]
    assert cohort.units["group"].tolist() == ["p1", "p1", "p2"]
    assert cohort.patients["units"].to_dict() == {"p1": 2, "p2": 1}


def test_metabric(repo: Path, shared: Path) -> None:
    cohort = rg.load_cohort(repo / "cohorts" / "metabric", data=shared / "data" / "metabric")
    assert len(cohort) == 1980
    assert cohort.mutations["TP53"].value_counts()["not tested"] == 121
    assert cohort.markers["er"].value_counts().to_dict() == {"positive": 1498, "negative": 439}
    assert int(cohort.survival("os")["event"].sum()) == 1143
    assert cohort.ledger.of("os")[0].n == 1


def test_gbsg2(repo: Path) -> None:
    cohort = rg.load_cohort(repo / "cohorts" / "gbsg2")
    assert len(cohort) == 686
    assert int(cohort.survival("rfs")["event"].sum()) == 299
    assert cohort.clinical["tgrade"].value_counts().to_dict() == {2.0: 444, 3.0: 161, 1.0: 81}


def test_busi(repo: Path, shared: Path) -> None:
    cohort = rg.load_cohort(repo / "cohorts" / "busi", data=shared / "data" / "busi")
    assert len(cohort) == 92
    assert cohort.ledger.of("cohort")[0].n == 22
    assert cohort.images["masks"].map(len).max() >= 2


def test_to_mudata(make: Maker) -> None:
    pytest.importorskip("mudata")
    path = make(yaml=lambda t: t.replace("endpoints:", "  swe: {features: swe.csv}\nendpoints:", 1))
    (path.parent / "swe.csv").write_text("patient_id,mean\nP001,50\nP003,20\n")
    data = rg.load_cohort(path).to_mudata()
    assert data.mod["swe"].X.ravel().tolist() == [50.0, 20.0]
    assert data.obs.loc["P001", "patient"] == "P001"


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (list(range(20)), ["a"] * 10 + ["b"] * 10, True),
        (list(range(20)), ["a"] * 9 + ["b", "a"] + ["b"] * 9, False),
        (["u"] * 10 + ["v"] * 10, ["a"] * 10 + ["b"] * 10, True),
        (["u"] * 11 + ["v"] * 9, ["a"] * 10 + ["b"] * 10, False),
        (list(range(20)), [2.0 * i + 1 for i in range(20)], True),
        ([*range(19), 30], [2.0 * i + 1 for i in range(20)], True),  # the same order is the same time on another scale
        ([*range(18), 19, 18], [2.0 * i + 1 for i in range(20)], False),
        ([1, 2] * 5, ["a", "b"] * 5, False),  # too few to tell from chance
    ],
)
def test_determines(x: list[object], y: list[object], expected: bool) -> None:
    assert determines(pd.Series(x), pd.Series(y)) is expected


def test_images_are_found_from_a_relative_path(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make()
    monkeypatch.chdir(path.parent.parent)
    cohort = rg.load_cohort(Path(path.parent.name))
    assert all(Path(p).is_absolute() and Path(p).exists() for p in cohort.images["image"])
    assert all(Path(m).exists() for masks in cohort.images["masks"] for m in masks)
