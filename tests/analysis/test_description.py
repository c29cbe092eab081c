"""Description: counts that can be counted by hand."""

from __future__ import annotations

import numpy as np

from radiogen.analysis import describe

from .making import make_cohort


def test_counts() -> None:
    cohort = make_cohort(50, 3, external=10)
    cohort.mutations["TP53"] = ["mutated"] * 20 + ["wild type"] * 25 + ["not tested"] * 5
    cohort.modalities["bmode"].iloc[:15] = np.nan
    cohort.clinical.loc[cohort.index[:4], "c1"] = np.nan
    tables = describe(cohort).tables
    assert tables["mutations"].to_numpy().tolist() == [["TP53", 20, 25, 5]]
    assert tables["modalities"].to_numpy().tolist() == [["bmode", 35, 0.7, 0, 3]]
    missing = tables["missing"].set_index("variable")
    assert (missing.loc["c1", "missing"], missing.loc["TP53", "missing"], missing.loc["c1", "share"]) == (4, 5, 0.08)
    er = cohort.markers["er"].value_counts()
    assert tables["markers"].query("value == 'positive'")["n"].item() == er["positive"]
    assert tables["subtype"]["n"].sum() == 50
    endpoint = tables["endpoints"].iloc[0]
    assert (endpoint["n"], endpoint["events"]) == (50, int(cohort.endpoints["os"].data["event"].sum()))


def test_table_one_is_split_by_what_the_yaml_says() -> None:
    cohort = make_cohort(60, 2, external=10, table_one="TP53")
    table = describe(cohort).tables["table_one"]
    assert list(table.columns)[:6] == ["variable", "level", "missing", "overall", "TP53: wild type", "TP53: mutated"]
    assert table.iloc[0, 3:6].tolist() == ["60", *map(str, cohort.mutations["TP53"].value_counts()[["wild type", "mutated"]])]
    split = describe(make_cohort(60, 2, external=10)).tables["table_one"]
    assert split.iloc[0][["set: development", "set: external"]].tolist() == ["50", "10"]
    assert list(describe(make_cohort(60, 2)).tables["table_one"].columns) == ["variable", "level", "missing", "overall"]
