"""Which units and columns an analysis may use, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radiogen.analysis.design import make_design
from radiogen.errors import RadiogenError

from .making import make_cohort


def known(cohort: object) -> pd.Series:
    return pd.Series(True, index=cohort.index)  # type: ignore[attr-defined]


def test_complete_keeps_units_with_some_value_in_every_block() -> None:
    cohort = make_cohort(40)
    bmode = cohort.modalities["bmode"]
    bmode.iloc[:5] = np.nan
    bmode.iloc[5, 0] = np.nan  # one feature missing is not a missing modality
    truth = known(cohort)
    truth.iloc[-2:] = False
    design = make_design(cohort, ["clinical", "bmode"], truth, "TP53")
    assert list(design.frame.index) == list(cohort.index[5:-2])
    assert design.flow.to_numpy().tolist() == [
        ["TP53", "cohort", "TP53 not known", 2], ["bmode", "cohort", "no bmode features", 5],
    ]  # fmt: skip
    assert list(design.sets) == ["clinical", "bmode", "clinical + bmode"]
    assert (design.base, design.together, design.start) == ("clinical", "clinical + bmode", 40)
    assert design.screened == frozenset(bmode.columns)


def test_impute_keeps_all_units_with_an_outcome() -> None:
    cohort = make_cohort(40)
    cohort.modalities["bmode"].iloc[:5] = np.nan
    assert len(make_design(cohort, None, known(cohort), "x", missing_modality="impute").frame) == 40


def test_columns_that_endpoints_are_made_from_are_never_predictors() -> None:
    cohort = replace(make_cohort(40), predictors=("c0", "os_months", "os_status"))
    design = make_design(cohort, ["clinical"], known(cohort), "TP53")
    assert list(design.frame.columns) == ["c0"]
    assert "os_months, os_status" in design.notes[0]


def test_exclude_predictors_and_forbidden_columns_are_left_out() -> None:
    cohort = make_cohort(40, exclude_predictors=["c1"])
    design = make_design(cohort, ["clinical"], known(cohort), "x", forbidden=["c2"])
    assert list(design.frame.columns) == ["c0", "grade"]


def test_features_can_be_excluded_by_name() -> None:
    cohort = make_cohort(40, 3, exclude_predictors=["bmode_f1"])
    design = make_design(cohort, ["bmode"], known(cohort), "x")
    assert list(design.frame.columns) == ["bmode_f0", "bmode_f2"]
    assert design.notes == ("Left out of the predictors by `exclude_predictors`: bmode_f1.",)


def test_a_gene_with_a_hyphen_does_not_predict_itself() -> None:
    cohort = make_cohort(40)
    genes = cohort.mutations.rename(columns={"TP53": "HLA-A"})
    cohort = replace(cohort, mutations=genes.assign(KRAS=genes["HLA-A"].to_numpy()[::-1]))
    target = cohort.target("HLA-A")
    design = make_design(cohort, ["mutations"], target.known, target.name, target=target)
    assert list(design.frame.columns) == ["mut_KRAS"]


def test_empty_columns_are_left_out() -> None:
    cohort = make_cohort(40)
    cohort.clinical["c1"] = np.nan
    assert list(make_design(cohort, ["clinical"], known(cohort), "x").frame.columns) == ["c0", "c2", "grade"]


@pytest.mark.parametrize(("target", "block"), [("er", "markers"), ("er", "subtype"), ("subtype", "subtype")])
def test_blocks_that_determine_the_target_are_refused(target: str, block: str) -> None:
    cohort = make_cohort(40)
    with pytest.raises(RadiogenError) as error:
        make_design(cohort, ["clinical", block], known(cohort), target, target=cohort.target(target))
    assert error.value.code == "RG408"


def test_a_gene_does_not_predict_itself() -> None:
    cohort = make_cohort(40)
    cohort.mutations["PIK3CA"] = ["mutated", "wild type"] * 20
    design = make_design(cohort, ["mutations"], known(cohort), "TP53", target=cohort.target("TP53"))
    assert list(design.frame.columns) == ["mut_PIK3CA"]


def test_external_units_in_a_group_with_development_units_are_left_out() -> None:
    groups = [f"g{i}" for i in range(38)] + ["g0", "g38"]
    cohort = make_cohort(40, external=2, groups=groups)
    design = make_design(cohort, None, known(cohort), "x")
    assert int(design.external.sum()) == 1
    assert design.flow["n"].tolist() == [1, 1]
    assert design.flow["scope"].tolist() == ["cohort", "external"]


@pytest.mark.parametrize(
    ("inputs", "option", "code"),
    [(["ceus"], "complete", "RG109"), (["clinical"], "drop", "RG708"), ("clinical", "complete", "RG705")],
)
def test_wrong_calls(inputs: list[str], option: str, code: str) -> None:
    cohort = make_cohort(40)
    with pytest.raises(RadiogenError) as error:
        make_design(cohort, inputs, known(cohort), "x", missing_modality=option)
    assert error.value.code == code


def test_nobody_left_says_why() -> None:
    cohort = make_cohort(40)
    cohort.modalities["bmode"].loc[:] = np.nan
    with pytest.raises(RadiogenError) as error:
        make_design(cohort, ["clinical", "bmode"], known(cohort), "x")
    assert error.value.code == "RG701"
