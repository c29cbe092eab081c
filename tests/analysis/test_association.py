"""Associations: columns, families, adjustment, several lesions per patient."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.analysis import associate
from radiogen.analysis.association import COLUMNS
from radiogen.errors import RadiogenError
from radiogen.stats import adjusted_odds_ratio, fdr, rank_sum_test

from .making import make_cohort


def test_each_number_is_that_of_the_statistics() -> None:
    cohort = make_cohort(100, 5, external=10, missing=0.1)
    result = associate(cohort, ["TP53", "subtype"])
    table = result.tables["associations"]
    assert list(table.columns) == COLUMNS
    assert len(table) == 2 * 5
    inside = cohort.development()
    both = inside.modalities["bmode"]["bmode_f0"].dropna()
    test = rank_sum_test(both, (inside.mutations["TP53"].loc[both.index] == "mutated").astype(int))
    row = table.query("feature == 'bmode_f0' and target == 'TP53'").iloc[0]
    assert (row["p"], row["effect"], row["n"]) == (pytest.approx(test.p), pytest.approx(test.estimate), len(both))
    assert row["effect"] > 0.6 and row["modality"] == "bmode"
    covariates = inside.clinical[["c0", "c1", "c2", "grade"]]
    y = (inside.mutations["TP53"] == "mutated").astype(int)
    ratio = adjusted_odds_ratio(inside.modalities["bmode"]["bmode_f0"], y, covariates, missing="drop")
    assert (row["adjusted_or"], row["adjusted_p"]) == (pytest.approx(ratio.estimate), pytest.approx(ratio.p))
    assert f"adjusted: n = {ratio.n}" in row["note"]
    assert table.query("target == 'subtype'")["adjusted_or"].isna().all()


def test_one_family_per_target_over_all_blocks() -> None:
    result = associate(make_cohort(80, 6), ["TP53", "subtype"], ["bmode", "clinical"])
    for _, part in result.tables["associations"].groupby("target"):
        assert len(part) == 10
        assert part["q"].to_numpy() == pytest.approx(fdr(part["p"].to_numpy()))
        assert part["adjusted_q"].to_numpy() == pytest.approx(fdr(part["adjusted_p"].to_numpy()), nan_ok=True)
    assert result.tables["families"]["tests"].tolist() == [10, 10]


def test_a_clinical_feature_is_adjusted_for_the_others_only() -> None:
    cohort = make_cohort(80, 2)
    row = associate(cohort, ["TP53"], ["clinical"]).tables["associations"].query("feature == 'c0'").iloc[0]
    y = (cohort.mutations["TP53"] == "mutated").astype(int)
    expected = adjusted_odds_ratio(cohort.clinical["c0"], y, cohort.clinical[["c1", "c2", "grade"]])
    assert row["adjusted_or"] == pytest.approx(expected.estimate)


def test_lesions_of_a_patient_count_once() -> None:
    patients = [f"p{i // 2}" for i in range(80)]
    cohort = make_cohort(80, 3, patients=patients)
    result = associate(cohort, ["TP53"], adjust=[])
    label = cohort.mutations["TP53"].groupby(np.array(patients)).nunique()
    agree = int((label == 1).sum())
    assert (result.tables["associations"]["n"] == agree).all()
    assert f"{40 - agree} patients whose lesions differ" in result.notes[0]
    same = label.index[label == 1]
    mean = cohort.modalities["bmode"]["bmode_f0"].groupby(np.array(patients)).mean().loc[same]
    truth = cohort.mutations["TP53"].groupby(np.array(patients)).first().loc[same]
    expected = rank_sum_test(mean, (truth == "mutated").astype(int))
    assert result.tables["associations"]["p"].iloc[0] == pytest.approx(expected.p)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"targets": []}, "RG705"), ({"targets": ["X"]}, "RG109"), ({"targets": ["os"]}, "RG703"), ({"adjust": ["zz"]}, "RG109"),
        ({"adjust": ["os_status"]}, "RG408"), ({"inputs": ["ceus"]}, "RG109"),
    ],
)  # fmt: skip
def test_wrong_calls(call: dict[str, object], code: str) -> None:
    with pytest.raises(RadiogenError) as error:
        associate(make_cohort(40, 2), **{"targets": ["TP53"], **call})  # type: ignore[arg-type]
    assert error.value.code == code


def test_a_category_of_one_class_does_not_stop_the_adjustment() -> None:
    cohort = make_cohort(80, 2)
    rare = cohort.index[cohort.mutations["TP53"] == "mutated"][:4]
    cohort.clinical["grade"] = cohort.clinical["grade"].cat.add_categories("GX")
    cohort.clinical.loc[rare, "grade"] = "GX"
    result = associate(cohort, ["TP53"])
    row = result.tables["associations"].iloc[0]
    others = cohort.subset(~cohort.index.isin(rare))
    expected = adjusted_odds_ratio(
        others.modalities["bmode"]["bmode_f0"], (others.mutations["TP53"] == "mutated").astype(int),
        others.clinical[["c0", "c1", "c2", "grade"]], per_sd=False,
    )  # fmt: skip
    spread = others.modalities["bmode"]["bmode_f0"].std()
    assert row["adjusted_or"] == pytest.approx(expected.estimate**spread)
    assert any("grade = GX (4)" in note for note in result.notes)


def test_a_target_with_one_class_does_not_cost_the_others() -> None:
    from dataclasses import replace

    cohort = make_cohort(60, 3)
    cohort = replace(cohort, mutations=cohort.mutations.assign(PTEN="wild type"))
    result = associate(cohort, ["PTEN", "TP53"])
    assert set(result.tables["associations"]["target"]) == {"TP53"}
    assert any("PTEN was left out (RG603)" in note for note in result.notes)
    with pytest.raises(RadiogenError, match="RG603"):
        associate(cohort, ["PTEN"])
