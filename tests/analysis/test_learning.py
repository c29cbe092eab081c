"""Harmonisation, stability filter and selection inside the folds of an analysis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import radiogen as rg
from radiogen.analysis import classify, survive
from radiogen.cohort import Cohort, read_cohort
from radiogen.errors import Findings, RadiogenError
from radiogen.features.stability import StabilityFilter

from .making import make_cohort


def auc(result: Any, inputs: str = "bmode", which: str = "development") -> float:
    table = result.tables["performance"].query("metric == 'AUC' and inputs == @inputs and set == @which")
    return float(table["estimate"].iloc[0])


def with_scanners(cohort: Cohort, shift: float, seed: int = 1, names: tuple[str, ...] = ("A", "B")) -> Cohort:
    """Every second unit is from the second scanner, whose features are shifted and stretched."""
    scanner = np.array([names[i % len(names)] for i in range(len(cohort))])
    bmode = cohort.modalities["bmode"]
    moved = bmode.copy()
    moved[scanner != names[0]] = bmode * 1.5 + shift * np.random.default_rng(seed).choice([-1, 1], bmode.shape[1])
    return replace(cohort, units=cohort.units.assign(scanner=scanner), modalities={"bmode": moved})


def with_repeats(cohort: Cohort, noise: dict[str, float], seed: int = 2) -> Cohort:
    """Three measurements of every unit; each feature with its own error, 0.1 unless said otherwise."""
    rng = np.random.default_rng(seed)
    bmode = cohort.modalities["bmode"]
    sizes = np.array([noise.get(c, 0.1) for c in bmode.columns])
    frames = {str(k): bmode + rng.normal(size=bmode.shape) * sizes for k in range(3)}
    table = pd.concat(frames, names=["repeat"]).swaplevel().sort_index()
    return replace(cohort, repeats={"bmode": table})


@pytest.fixture(autouse=True)
def small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radiogen.models.classifiers.FOREST_TREES", 60)


# -- harmonisation --------------------------------------------------------------------------


def test_harmonised_features_predict_as_if_there_were_one_scanner() -> None:
    cohort = make_cohort(160, 6, effect=1.0)
    spoilt = with_scanners(cohort, 6.0)
    clean = auc(classify(cohort, "TP53", ["bmode"], "forest", folds=4, repeats=1))
    shifted = auc(classify(spoilt, "TP53", ["bmode"], "forest", folds=4, repeats=1))
    mended = auc(classify(spoilt, "TP53", ["bmode"], "forest", folds=4, repeats=1, harmonize="scanner"))
    assert shifted < clean - 0.03
    assert mended > shifted + 0.02
    assert mended == pytest.approx(clean, abs=0.05)


def test_a_scanner_that_training_lacks_is_refused_or_estimated() -> None:
    made = make_cohort(150, 6, external=40)
    cohort, outside = with_scanners(made, 4.0), made.units["external"]
    moved = cohort.modalities["bmode"].mask(outside, made.modalities["bmode"] * 0.6 + 5.0)
    cohort = replace(cohort, units=cohort.units.assign(scanner=cohort.units["scanner"].mask(outside, "C")), modalities={"bmode": moved})
    with pytest.raises(RadiogenError) as caught:
        classify(cohort, "TP53", ["bmode"], folds=3, repeats=1, harmonize="scanner")
    assert caught.value.code == "RG709"
    result = classify(cohort, "TP53", ["bmode"], folds=3, repeats=1, harmonize={"batch": "scanner", "unseen": "estimate"})
    assert auc(result, which="external") > 0.7
    assert any("their own unlabelled features" in sentence for sentence in result.methods)


def test_what_harmonisation_did_is_in_the_result() -> None:
    cohort = with_scanners(make_cohort(120, 6, external=20), 4.0)
    result = classify(cohort, "TP53", ["bmode"], folds=3, repeats=1, harmonize="scanner")
    table = result.tables["batch_variance"].set_index(["stage", "feature"])["partial"]
    assert (table["before"] > 0.4).all() and (table["after"] < 0.01).all()
    scores = result.tables["batch_components"]
    assert scores.groupby(["stage", "batch"]).size().to_dict() == {(s, b): 50 for s in ("before", "after") for b in "AB"}
    gap = scores.groupby(["stage", "batch"])["pc1"].mean().unstack()
    assert abs(gap.loc["before", "A"] - gap.loc["before", "B"]) > 2 > 0.2 > abs(gap.loc["after", "A"] - gap.loc["after", "B"])
    assert "unit" not in scores.columns
    assert "batch_variance" not in classify(cohort, "TP53", ["bmode"], folds=3, repeats=1).tables


def test_external_units_do_not_touch_the_harmonisation() -> None:
    cohort = with_scanners(make_cohort(120, 5, external=20), 4.0)
    outside = cohort.units["external"]
    changed = {"bmode": cohort.modalities["bmode"].mask(outside, 99.0)}
    first = classify(cohort, "TP53", ["bmode"], folds=3, repeats=1, harmonize="scanner").predictions
    second = classify(replace(cohort, modalities=changed), "TP53", ["bmode"], folds=3, repeats=1, harmonize="scanner").predictions
    assert first is not None and second is not None
    inside = first["set"] == "development"
    pd.testing.assert_frame_equal(first[inside], second[inside])


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ("centre", "RG109"),
        ("machine", "RG708"),
        ({"batch": "scanner", "covariates": ["nothing"]}, "RG109"),
        ({"batch": "scanner", "priors": "flat"}, "RG708"),
    ],
)
def test_refusals_of_harmonisation(option: Any, code: str) -> None:
    cohort = with_scanners(make_cohort(80, 4), 1.0)
    with pytest.raises(RadiogenError) as caught:
        classify(cohort, "TP53", ["bmode"], folds=3, repeats=1, harmonize=option)
    assert caught.value.code == code


def test_the_outcome_is_no_covariate_of_the_harmonisation() -> None:
    cohort = with_scanners(make_cohort(120, 4), 1.0)
    with pytest.raises(RadiogenError) as caught:
        survive(cohort, "os", ["bmode"], folds=3, repeats=1, harmonize={"batch": "scanner", "covariates": ["os_months"]})
    assert caught.value.code == "RG408"


def test_final_models_harmonise_new_units() -> None:
    cohort = with_scanners(make_cohort(120, 5), 4.0)
    result = classify(cohort, "TP53", ["bmode"], folds=3, repeats=1, harmonize="scanner")
    new = cohort.subset(cohort.index[:30])
    found = result.model.predict(new, "elastic_net", "bmode")
    assert found["mutated"].between(0, 1).all()
    locked = result.model.get("elastic_net", "bmode")
    with pytest.raises(RadiogenError) as caught:
        locked.predict(new.frame("bmode"))
    assert caught.value.code == "RG705"


# -- stability ------------------------------------------------------------------------------


def test_features_that_do_not_repeat_are_left_out() -> None:
    cohort = with_repeats(make_cohort(120, 6), {"bmode_f0": 3.0})
    free = classify(cohort, "TP53", ["bmode"], folds=3, repeats=1)
    held = classify(cohort, "TP53", ["bmode"], folds=3, repeats=1, stable=0.75)
    assert auc(free) > 0.7 > auc(held)
    used = set(held.tables["features"]["feature"])
    assert "bmode_f0" not in used and used == {f"bmode_f{i}" for i in range(1, 6)}
    assert held.settings["stable"]["modalities"] == ["bmode"]


def test_stability_is_measured_on_training_units_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.features.stability import filter as module

    cohort = with_repeats(make_cohort(90, 4, external=10), {})
    seen: list[frozenset[str]] = []
    original = module.icc

    def watch(values: pd.DataFrame, **options: Any) -> pd.DataFrame:
        seen.append(frozenset(values.index.get_level_values(0)))
        return original(values, **options)

    monkeypatch.setattr(module, "icc", watch)
    classify(cohort, "TP53", ["bmode"], folds=3, repeats=1, stable=0.5)
    outside = set(cohort.index[cohort.units["external"]])
    assert len(seen) == 4 + 4 * 3  # three folds and the final model, each with three inner folds
    assert all(not units & outside for units in seen)
    # the final model alone is fitted on all development units
    assert sum(len(units) == 80 for units in seen) == 1
    assert sorted(len(u) for u in seen)[-4:-1] != [80, 80, 80]


def test_where_no_feature_is_stable_the_model_has_nothing() -> None:
    noise = {f"bmode_f{i}": 9.0 for i in range(4)}
    cohort = with_repeats(make_cohort(100, 4), noise)
    result = classify(cohort, "TP53", ["clinical", "bmode"], folds=3, repeats=1, stable=0.9)
    assert auc(result, "bmode") == pytest.approx(0.5)
    assert auc(result, "clinical + bmode") == pytest.approx(auc(result, "clinical"))
    assert survive(cohort, "os", ["bmode"], "coxnet", folds=3, repeats=1, stable=0.9).predictions is not None


def test_the_offset_of_a_scanner_does_not_make_noise_stable() -> None:
    noisy = {"bmode_f1": 2.0, "bmode_f2": 2.0}
    cohort = with_repeats(make_cohort(120, 4), noisy)
    offset = pd.Series(np.arange(120) % 2 * 40.0, index=cohort.index)
    scanner = offset.map({0.0: "A", 40.0: "B"})
    repeats = cohort.repeats["bmode"]
    shifted = replace(
        cohort, units=cohort.units.assign(scanner=scanner), modalities={"bmode": cohort.modalities["bmode"].add(offset, axis=0)},
        repeats={"bmode": repeats.add(offset.loc[repeats.index.get_level_values(0)].to_numpy(), axis=0)},
    )  # fmt: skip
    naive = StabilityFilter(repeats=shifted.repeats["bmode"]).fit(shifted.modalities["bmode"])
    assert naive.get_support().all()  # the scanner passes for a difference between units
    held = classify(shifted, "TP53", ["bmode"], folds=3, repeats=1, stable=0.75, harmonize="scanner")
    assert set(held.tables["features"]["feature"]) == {"bmode_f0", "bmode_f3"}


def test_repeats_of_other_features_are_refused() -> None:
    cohort = with_repeats(make_cohort(80, 4), {})
    other = replace(cohort, repeats={"bmode": cohort.repeats["bmode"].add_suffix("_x")})
    with pytest.raises(RadiogenError) as caught:
        classify(other, "TP53", ["bmode"], folds=3, repeats=1, stable=0.75)
    assert caught.value.code == "RG228"


def test_what_has_nothing_to_do_is_said() -> None:
    result = classify(make_cohort(80, 4), "TP53", ["clinical"], folds=3, repeats=1, select="mrmr")
    assert any("`select` had nothing to do" in note for note in result.notes)


def test_a_filter_without_repeats_is_refused() -> None:
    with pytest.raises(RadiogenError) as caught:
        classify(make_cohort(80, 4), "TP53", ["bmode"], folds=3, repeats=1, stable=0.75)
    assert caught.value.code == "RG701"


# -- selection ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["mrmr", "fdr", "lasso", "elastic_net", "clusters"])
def test_a_planted_feature_is_selected(method: str) -> None:
    result = classify(make_cohort(110, 8), "TP53", ["bmode"], "svm", folds=2, repeats=1, inner_folds=2, select=method)
    table = result.tables["features"].set_index("feature")
    assert table.loc["bmode_f0", "selected_share"] == 1.0
    assert result.settings["select"]["method"] == method


def test_the_number_of_features_is_held() -> None:
    cohort = make_cohort(130, 15)
    select = {"method": "mrmr", "features": 3}
    result = classify(cohort, "TP53", ["bmode"], "svm", folds=3, repeats=1, select=select)
    shares = result.tables["features"]["selected_share"]
    assert shares.sum() == pytest.approx(3.0)
    risk = survive(cohort, "os", ["bmode"], "coxnet", folds=3, repeats=1, select=select)
    names = {c.removeprefix("bmode_") for c in risk.tables["features"]["feature"]}
    assert "f0" in names
    assert risk.tables["features"]["selected_share"].sum() <= 3.0


def test_clinical_predictors_are_never_selected_away() -> None:
    result = classify(make_cohort(120, 8, effect=0.0), "TP53", ["clinical", "bmode"], "forest", folds=3, repeats=1, select="fdr")
    table = result.tables["features"].query("inputs == 'clinical + bmode'").set_index("feature")
    assert (table.loc[["c0", "c1", "c2"], "selected_share"] == 1.0).all()


def test_selection_inside_the_folds_finds_nothing_in_noise() -> None:
    areas = []
    for seed in range(8):
        cohort = make_cohort(80, 200, effect=0.0, seed=seed)
        areas.append(auc(classify(cohort, "TP53", ["bmode"], "svm", folds=4, repeats=1, select="mrmr")))
    # 8 areas, each with a standard error of about 0.07
    assert np.mean(areas) == pytest.approx(0.5, abs=0.075)


@pytest.mark.parametrize("option", ["best", {"method": "lasso", "features": 3}, {"method": "mrmr", "level": 0.1}, {}])
def test_refusals_of_selection(option: Any) -> None:
    with pytest.raises(RadiogenError) as caught:
        classify(make_cohort(60, 4), "TP53", ["bmode"], folds=3, repeats=1, select=option)
    assert caught.value.code == "RG708"


# -- the YAML -------------------------------------------------------------------------------

YAML = """\
radiogen: 1
cohort: {name: learning}
tables: {clinical: {path: clinical.csv, id: id}}
batch: {scanner: machine}
endpoints: {response: {kind: binary, column: response, positive: [1], negative: [0]}}
modalities: {bmode: {features: bmode.csv, repeats: again.csv}}
analyses:
  - kind: classify
    target: response
    inputs: [bmode]
    folds: 3
    repeats: 1
    harmonize: {batch: scanner}
    stable: {threshold: 0.6}
    select: {method: mrmr, features: 2}
"""


def written(folder: Path, yaml: str = YAML, again: str | None = None) -> Path:
    rng = np.random.default_rng(4)
    n = 60
    ids = [f"p{i:02d}" for i in range(n)]
    truth = rng.normal(size=(n, 5))
    response = (truth[:, 0] + rng.normal(size=n) > 0).astype(int)
    machine = ["A" if i % 2 else "B" for i in range(n)]
    pd.DataFrame({"id": ids, "machine": machine, "response": response}).to_csv(folder / "clinical.csv", index=False)
    names = [f"f{i}" for i in range(5)]
    pd.DataFrame(truth, columns=names).assign(id=ids).to_csv(folder / "bmode.csv", index=False)
    rows = [
        pd.DataFrame(truth + rng.normal(size=truth.shape) * np.array([0.1, 3, 0.1, 0.1, 0.1]), columns=names).assign(id=ids, repeat=k)
        for k in ("a", "b")
    ]
    pd.concat(rows).to_csv(folder / "again.csv", index=False)
    if again is not None:
        (folder / "again.csv").write_text(again)
    (folder / "cohort.yaml").write_text(yaml)
    return folder


def test_all_three_from_a_yaml(tmp_path: Path) -> None:
    cohort = rg.load_cohort(written(tmp_path))
    assert cohort.repeats["bmode"].shape == (120, 5)
    results, failures = rg.analysis.run(cohort)
    assert not failures
    result = results[1]
    assert result.settings["harmonize"]["batch"] == "scanner"
    assert "bmode_f1" not in set(result.tables["features"]["feature"])
    text = " ".join(result.methods)
    for part in ("ComBat", "ICC(2,1)", "minimum redundancy"):
        assert part in text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("batch: {scanner: machine}\n", ""), "RG109"),
        ((", repeats: again.csv", ""), "RG109"),
        (("repeats: again.csv", "repeats: agin.csv"), "RG201"),
        (("harmonize: {batch: scanner}", "harmonize: {batch: scanner, covariates: [agee]}"), "RG109"),
        (("harmonize: {batch: scanner}", "harmonize: {batch: scanner, covariates: [response]}"), "RG408"),
        (("harmonize: {batch: scanner}", "harmonize: {batch: scanner, covariates: [machine]}"), "RG710"),
        (("harmonize: {batch: scanner}", "harmonize: {batch: scanner, reference: C}"), "RG709"),
        (("threshold: 0.6", "threshold: 6"), "RG104"),
        (("method: mrmr", "method: mmr"), "RG104"),
    ],
)
def test_faults_of_the_yaml_are_found_when_it_is_checked(tmp_path: Path, change: tuple[str, str], code: str) -> None:
    assert change[0] in YAML
    findings = Findings()
    read_cohort(written(tmp_path, YAML.replace(*change)), findings)
    assert code in {p.code for p in findings.errors}


def test_batches_that_cannot_be_harmonised_are_warned_of(tmp_path: Path) -> None:
    folder = written(tmp_path)
    clinical = pd.read_csv(folder / "clinical.csv")
    clinical.loc[0, "machine"], clinical.loc[1, "machine"] = "C", None
    clinical.to_csv(folder / "clinical.csv", index=False)
    findings = Findings()
    read_cohort(folder, findings)
    said = {p.code: p.message for p in findings.warnings}
    assert "has one unit" in said["RG701"] and "p01" in said["RG705"]


@pytest.mark.parametrize(
    "table",
    [
        "id,repeat,f0\np00,a,1\np00,a,2\np01,a,1\np01,b,2\n",
        "id,repeat,f0\np00,a,1\np01,a,1\n",
        "id,repeat,g0\np00,a,1\np00,b,2\np01,a,1\np01,b,2\n",
    ],
)
def test_repeats_that_cannot_be_used(tmp_path: Path, table: str) -> None:
    findings = Findings()
    read_cohort(written(tmp_path, again=table), findings)
    assert "RG228" in {p.code for p in findings.errors}
