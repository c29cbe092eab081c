"""Associations: columns, families, adjustment, several lesions per patient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
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
    assert f"{40 - agree} that differ in the target" in result.notes[0]
    same = label.index[label == 1]
    mean = cohort.modalities["bmode"]["bmode_f0"].groupby(np.array(patients)).mean().loc[same]
    truth = cohort.mutations["TP53"].groupby(np.array(patients)).first().loc[same]
    expected = rank_sum_test(mean, (truth == "mutated").astype(int))
    assert result.tables["associations"]["p"].iloc[0] == pytest.approx(expected.p)


def test_a_class_that_lesions_take_away_does_not_turn_the_odds_ratio_round() -> None:
    cohort = make_cohort(120, 3, patients=[f"p{i // 2}" for i in range(120)])
    z = np.repeat(np.random.default_rng(0).normal(size=60), 2)
    subtype = np.where(z > 0, "C", "B").astype(object)
    subtype[:8:2] = "A"  # each of these patients has a lesion of another class
    cohort.modalities["bmode"]["bmode_f0"] = z + np.random.default_rng(1).normal(size=120)
    result = associate(replace(cohort, subtype=pd.Series(subtype, index=cohort.index)), ["subtype"], adjust=["c1"])
    row = result.tables["associations"].iloc[0]
    assert row["effect"] > 0.6 and row["adjusted_or"] > 1.5
    assert result.tables["families"]["classes"].iloc[0].startswith("B ")


def test_patients_with_one_picture_count_once() -> None:
    twins = [f"g{max(i, 1)}" for i in range(60)]
    cohort = make_cohort(60, 2, groups=twins, patients=[f"p{i}" for i in range(60)])
    same = cohort.mutations["TP53"].iloc[0] == cohort.mutations["TP53"].iloc[1]
    result = associate(cohort, ["TP53"])
    assert result.tables["associations"]["n"].max() == (59 if same else 58)
    assert any("59 independent ones" in note for note in result.notes)


def test_repeated_pictures_do_not_make_p_values_small() -> None:
    p = []
    for seed in range(12):
        groups = [f"g{i // 3}" for i in range(90)]
        cohort = make_cohort(90, 2, seed=seed, effect=0.0, groups=groups, patients=[f"p{i}" for i in range(90)])
        first = cohort.index[::3].repeat(3)
        features = cohort.modalities["bmode"].loc[first].set_axis(cohort.index, axis=0)
        genes = cohort.mutations.loc[first].set_axis(cohort.index, axis=0)
        cohort = replace(cohort, modalities={"bmode": features}, mutations=genes)
        p += associate(cohort, ["TP53"], adjust=[]).tables["associations"]["p"].tolist()
    # three copies of each would give one in four below .05; one in twenty is expected
    assert np.mean(np.array(p) < 0.05) < 0.2


def test_covariates_that_an_outcome_is_made_from_are_not_said_to_be_adjusted_for() -> None:
    cohort = replace(make_cohort(80, 3), predictors=("c0", "os_months"))
    result = associate(cohort, ["TP53"], ["bmode"])
    assert result.settings["adjust"] == ["c0"]
    assert "os_months" not in " ".join(result.methods)
    assert any("not adjusted for os_months" in note for note in result.notes)


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
