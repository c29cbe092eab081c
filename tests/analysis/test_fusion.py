"""The model ``fusion`` in the engine: beside classical models, masked, without leaks, taken apart exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import radiogen as rg
from radiogen.analysis import classify, survive
from radiogen.analysis.contributions import contribution_tables, modality_shares
from radiogen.analysis.networks import CurveScale, Units, source_column
from radiogen.analysis.result import Result
from radiogen.cohort import Cohort
from radiogen.errors import RadiogenError
from radiogen.models import FusionClassifier
from radiogen.models.fusion.crossfit import CrossFitted, on_additive_scale
from radiogen.models.fusion.spec import FUSIONS

from .fusing import FEW, TINY, changed, edited, simulated, with_pictures
from .making import make_cohort

TOGETHER = "clinical + swe + ceus"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return simulated(tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def result(cohort: Cohort) -> Result:
    return classify(
        cohort, "TP53", ["clinical", "swe", "ceus"], models=["elastic_net", "fusion"], network=TINY, fusion="gated", **FEW
    )


@pytest.fixture(scope="module")
def survival(cohort: Cohort) -> Result:
    return survive(cohort, "os", ["clinical", "swe"], models=["coxnet", "fusion"], network={**TINY, "also": ["TP53"]}, **FEW)


# -- beside the classical models ---------------------------------------------------------------------


@pytest.mark.parametrize("table", ["performance", "comparisons", "roc", "confusion", "thresholds", "calibration"])
def test_every_table_of_a_classification_shows_both(result: Result, table: str) -> None:
    frame = result.tables[table]
    keys = [c for c in ("inputs", "inputs_a", "set", "metric", "truth", "predicted", "class") if c in frame]
    rows = {m: set(map(tuple, part[keys].drop_duplicates().to_numpy())) for m, part in frame.groupby("model")}
    if table in ("roc", "confusion"):
        assert rows["elastic_net"] == rows["fusion"]
    else:
        assert rows["elastic_net"] == rows["fusion"] and len(frame[frame["model"] == "fusion"]) == len(frame) // 2


def test_every_unit_is_predicted_once_per_repeat_by_both(result: Result) -> None:
    assert result.predictions is not None
    counts = result.predictions.groupby(["model", "inputs", "unit"]).size()
    assert (counts == 1).all()
    sizes = result.predictions.groupby(["model", "inputs"]).size()
    assert sizes.nunique() == 1 and len(sizes) == 8
    assert result.predictions["probability"].between(0, 1).all()


def test_both_stand_in_the_tables_of_survival(survival: Result) -> None:
    performance = survival.tables["performance"]
    assert performance.groupby("model").size().to_dict() == {"coxnet": 6, "fusion": 6}
    assert set(survival.tables["comparisons"]["model"]) == {"coxnet", "fusion"}
    assert set(survival.tables["modalities"]["modality"]) == {"clinical", "swe"}
    assert survival.tables["modalities"]["class"].unique().tolist() == ["os"]


def test_settings_and_methods_say_what_was_done(result: Result, survival: Result) -> None:
    assert result.settings["network"]["fusion"] == "gated"
    assert result.settings["network"]["epochs"] == 2
    text = " ".join(result.methods)
    assert "joined by gates" in text and "at most 2 epochs" in text
    assert "with an indicator in the models other than the networks" in text
    assert "temperature" not in " ".join(survival.methods)
    assert "learnt TP53" in " ".join(survival.methods)


def test_a_network_that_is_not_asked_for_is_not_described(cohort: Cohort) -> None:
    made = classify(cohort, "TP53", ["swe"], model="elastic_net", fusion="late", **FEW)
    assert "network" not in made.settings
    assert not any("network" in m for m in made.methods)
    assert any("`network` had nothing to do" in n for n in made.notes)
    assert "modalities" not in made.tables


# -- presence -----------------------------------------------------------------------------------------


def test_an_absent_modality_is_never_read(result: Result, cohort: Cohort) -> None:
    locked = result.model.get("fusion", TOGETHER)
    units = locked.units(cohort)
    for assembler, trained in locked.fitted.members:
        examples = assembler(units)
        absent = ~examples.present
        assert absent.any()
        spoilt = {}
        for k, name in enumerate(examples.modalities):
            table = examples.tables[name].copy()
            table[absent[:, k]] = np.nan
            table[absent[:, k], 0] = 1e9
            spoilt[name] = table
        clean = trained.predict(examples)["TP53"]
        np.testing.assert_array_equal(clean, trained.predict(replace(examples, tables=spoilt))["TP53"])
        present = np.ones_like(absent)
        assert not np.array_equal(clean, trained.predict(replace(examples, present=present))["TP53"], equal_nan=True)


def test_a_modality_without_a_known_value_is_hidden_by_the_mask(result: Result, cohort: Cohort) -> None:
    locked = result.model.get("fusion", TOGETHER)
    frame = cohort.modalities["swe"].copy()
    before = locked.units(cohort)
    had = locked.fitted.present(before)
    assert had[:, 1].any()
    frame.loc[:] = np.nan
    hidden = had.copy()
    hidden[:, 1] = False
    without = locked.predict_units(locked.units(changed(cohort, "swe", frame))).to_numpy()
    masked = locked.fitted.predict(before, hidden)
    assert not np.array_equal(masked, locked.fitted.predict(before))
    np.testing.assert_array_equal(without, masked)


def test_units_with_too_few_modalities_take_the_prevalence(cohort: Cohort) -> None:
    made = classify(cohort, "TP53", ["swe", "ceus"], model="fusion", network={**TINY, "min_modalities": 2}, **FEW)
    rows = made.predictions[(made.predictions["inputs"] == "swe + ceus") & (made.predictions["set"] == "external")]
    there = cohort.modalities["swe"].notna().any(axis=1) & cohort.modalities["ceus"].notna().any(axis=1)
    few = ~there.loc[rows["unit"]].to_numpy()
    share = (cohort.target("TP53").values[~cohort.units["external"]].dropna() == "mutated").mean()
    assert few.any() and not few.all()
    np.testing.assert_allclose(rows["probability"][few], share)
    assert not np.isclose(rows["probability"][~few], share).any()


def test_members_know_the_same_modalities_where_a_selection_leaves_nothing(cohort: Cohort) -> None:
    select = {"method": "fdr", "level": 1e-6}
    noise = pd.DataFrame(np.random.default_rng(1).normal(size=(len(cohort), 2)), cohort.index, ["swe_a", "swe_b"])
    made = classify(changed(cohort, "swe", noise), "TP53", ["clinical", "swe"], model="fusion", network=TINY, select=select, **FEW)
    members = made.model.get("fusion", "clinical + swe").fitted.members
    assert {trained.plan.modalities for _, trained in members} == {("clinical", "swe")}
    assert set(made.tables["modalities"]["modality"]) == {"clinical", "swe"}


def test_columns_of_the_matrix_find_their_predictor() -> None:
    columns = {"grade", "age", "a=b"}
    assert source_column("grade=3", columns) == "grade"
    assert source_column("age (missing)", columns) == "age"
    assert source_column("a=b", columns) == "a=b"
    assert source_column("grade_2", columns) is None


def test_curves_are_scaled_by_training_units_and_gaps_take_their_mean() -> None:
    scale = CurveScale.of(np.array([[1.0, 4.0], [3.0, np.nan], [np.nan, np.nan]]))
    assert scale.top == 4.0 and scale.mean.tolist() == [2.0, 4.0]
    np.testing.assert_array_equal(scale(np.array([[8.0, np.nan]])), [[2.0, 1.0]])
    assert CurveScale.of(np.full((2, 2), np.nan)).top == 1.0


# -- leaks --------------------------------------------------------------------------------------------


def _flipped(cohort: Cohort, units: pd.Index) -> Cohort:
    markers = cohort.markers.copy()
    markers.loc[units, "er"] = markers.loc[units, "er"].map({"positive": "negative", "negative": "positive"})
    return replace(cohort, markers=markers)


def test_further_targets_are_learnt_from_the_training_part_alone() -> None:
    cohort = make_cohort(60, 3)
    options: dict[str, Any] = {"inputs": ["bmode"], "model": "fusion", "network": {"epochs": 2, "also": ["er", "os"]}, **FEW}
    first = classify(cohort, "TP53", **options).predictions
    test = first.loc[first["fold"] == 0, "unit"].unique()
    # not all of them: a head that starts at zero learns the same from exchanged classes
    second = classify(_flipped(cohort, pd.Index(test[::3])), "TP53", **options).predictions
    own = first["fold"] == 0
    np.testing.assert_array_equal(first["probability"][own], second["probability"][own])
    # the same labels do teach the networks of the other fold
    assert not np.array_equal(first["probability"][~own], second["probability"][~own])


def test_labels_of_the_test_part_do_not_matter() -> None:
    cohort = make_cohort(60, 3)
    options: dict[str, Any] = {"inputs": ["bmode"], "model": "fusion", "network": {"epochs": 2}, **FEW}
    first = classify(cohort, "TP53", **options).predictions
    test = first.loc[first["fold"] == 0]
    # exchanging two labels of the test part keeps the folds, which balance the classes
    a, b = test.loc[test["truth"] == "mutated", "unit"].iloc[0], test.loc[test["truth"] != "mutated", "unit"].iloc[0]
    frame = cohort.modalities["bmode"].copy()
    frame.loc[[a, b]] = frame.loc[[b, a]].to_numpy()
    second = classify(changed(cohort, "bmode", frame), "TP53", **options).predictions.set_index("unit")["probability"]
    assert second[a] == test.set_index("unit")["probability"][b]
    rest = test["unit"][~test["unit"].isin([a, b])]
    np.testing.assert_array_equal(second[rest], test.set_index("unit")["probability"][rest])


def test_the_number_of_processes_changes_nothing() -> None:
    cohort = make_cohort(60, 3, missing=0.2)
    options: dict[str, Any] = {"inputs": ["bmode"], "model": "fusion", "network": TINY, **FEW}
    one, two = (classify(cohort, "TP53", n_jobs=n, **options) for n in (1, 2))
    pd.testing.assert_frame_equal(one.predictions, two.predictions, check_exact=True)


# -- contributions ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(48, 4)), [f"u{i}" for i in range(48)], ["age", "swe_a", "swe_b", "ceus_a"])
    frame.iloc[::4, 1:3] = np.nan
    return frame, np.tile([0, 1], 24), np.tile(["a", "b", "c"], 16)


def _as_units(fitted: CrossFitted) -> CrossFitted:
    return replace(fitted, members=tuple((lambda u, own=own: own(u.frame), trained) for own, trained in fitted.members))


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("many", [False, True])
def test_contributions_add_up_for_every_fusion(frames: tuple[Any, ...], fusion: str, many: bool) -> None:
    frame, two, three = frames
    blocks = {"clinical": ["age"], "swe": ["swe_a", "swe_b"], "ceus": ["ceus_a"]}
    made = FusionClassifier(blocks, fusion=fusion, folds=2, options=TINY).fit(frame, three if many else two)
    units, fitted = Units(frame, pd.DataFrame(index=frame.index)), _as_units(made.fitted_)
    empty = np.full(3 if many else 2, 1 / (3 if many else 2))
    shares = modality_shares(fitted, units, empty)
    assert shares is not None and shares["residual"].max() < 1e-5
    score, start = fitted.score(units), on_additive_scale(empty[None, :], fitted.head)[0]
    own = shares[shares["kind"] == "modality"].pivot_table(index="unit", columns="output", values="value", aggfunc="sum")
    wanted = pd.DataFrame(score - start, frame.index, list(dict.fromkeys(shares["output"])))
    np.testing.assert_allclose(own.loc[frame.index, wanted.columns], wanted, atol=1e-5)
    counts = contribution_tables("y", [("all", shares)], fitted.head.kind)["modalities"].set_index(["class", "modality"])["n"]
    # who has not a modality is not among those to whom it contributed
    assert set(counts.xs("swe", level="modality")) == {36} and set(counts.xs("ceus", level="modality")) == {48}


def test_the_table_of_contributions_is_the_mean_absolute_value() -> None:
    frame = pd.DataFrame({
        "unit": ["a", "a", "b", "b", "a"], "output": "mutated", "kind": ["modality"] * 4 + ["interaction"],
        "first": ["x", "y", "x", "y", "x"], "second": ["", "", "", "", "y"], "value": [1.0, -1.0, -3.0, 0.0, -0.5],
        "residual": [0.0, 0.0, 2e-8, 0.0, 0.0],
    })  # fmt: skip
    tables = contribution_tables("TP53", [("x + y", frame)], "binary")
    rows = tables["modalities"].set_index("modality")
    assert rows["estimate"].to_dict() == {"x": 2.0, "y": 0.5}
    assert rows["share"].to_dict() == {"x": 0.8, "y": 0.2}
    # sd of 1 and 3 is sqrt(2); half the interval 1.959964 * sqrt(2) / sqrt(2)
    assert rows.loc["x", "lower"] == pytest.approx(2 - 1.959964, abs=1e-6)
    assert rows.loc["x", "residual"] == 2e-8
    assert tables["modality_interactions"]["estimate"].tolist() == [0.5]
    assert contribution_tables("TP53", [], "binary") == {}


# -- wrong calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"fusion": "foo"}, "RG708", "no fusion 'foo'"),
        ({"network": {"epoch": 3}}, "RG708", "network.epoch"),
        ({"network": {"epochs": 0}}, "RG708", "network.epochs"),
        ({"network": {"pictures": ["swe"]}}, "RG706", "no images"),
        ({"network": {"pictures": ["mri"]}}, "RG708", "'mri'"),
        ({"network": {"pictures": ["clinical"]}}, "RG708", "'clinical'"),
        ({"network": {"also": ["TP53"]}}, "RG708", "target itself"),
        ({"network": {"also": ["er", "ER"]}}, "RG708", "twice"),
        ({"network": {"also": ["TP35"]}}, "RG109", "TP35"),
        ({"network": {"also": {"er": -1}}}, "RG708", "network.also.er.*greater than 0"),
        ({"network": {"pictures": {"swe": "lession"}}}, "RG708", "network.pictures.swe.*'lesion'"),
        ({"network": {"min_modalities": 3}}, "RG708", "there are 2 inputs"),
        ({"network": {"features": False}}, "RG708", "nothing to see"),
        ({"fusion": "late", "network": {"fusion": "gated"}}, "RG708", "'late'.*'gated'"),
        ({"network": {"device": "cuda:99"}}, "RG723", "GPU"),
    ],
)
def test_a_wrong_call_is_refused(cohort: Cohort, options: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(RadiogenError, match=words) as error:
        classify(cohort, "TP53", ["clinical", "swe"], model="fusion", **options, **FEW)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("network", "code", "place"),
    [
        ("{pictures: [swe]}", "RG706", "network.pictures"),
        ("{pictures: [swee]}", "RG109", "network.pictures"),
        ("{pictures: [bmode]}", "RG706", "network.pictures"),
        ("{also: [TP35]}", "RG109", "network.also"),
        ("{also: [TP53]}", "RG708", "network.also"),
        ("{epoch: 3}", "RG102", "epoch"),
        ("{fusion: foo}", "RG104", "network.fusion"),
    ],
)
def test_a_wrong_yaml_is_refused_when_it_is_loaded(cohort: Cohort, tmp_path: Path, network: str, code: str, place: str) -> None:
    folder = Path(rg.simulate.cohort(tmp_path / "c", n=20, images=False)).parent
    analyses = "analyses:\n  - {kind: classify, target: TP53, inputs: [clinical, swe], models: [fusion], network: " + network + "}\n\n"
    path = edited(folder / "cohort.yaml", (r"^analyses:.*?(?=^#)", analyses))
    with pytest.raises(RadiogenError) as error:
        rg.load_cohort(path)
    found = error.value.problems[0]
    assert found.code == code
    assert place in str(found.column) and found.line == path.read_text().splitlines().index(analyses.splitlines()[1]) + 1
    if code == "RG102":
        assert "epochs" in found.message + found.fix


def test_pictures_make_an_input_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIOGEN_CACHE", str(tmp_path / "cache"))
    cohort = rg.load_cohort(with_pictures(tmp_path / "c"))
    network = {"pictures": {"bmode": "masked"}, "size": 32, "epochs": 1, "width": 4, "features": False}
    made = classify(cohort, "grown", ["clinical", "bmode"], model="fusion", network=network, **FEW)
    locked = made.model.get("fusion", "clinical + bmode")
    plan = locked.fitted.members[0][1].plan
    assert [(i.name, i.kind, i.modality) for i in plan.inputs] == [
        ("clinical", "table", "clinical"), ("bmode:masked", "image", "bmode")
    ]  # fmt: skip
    assert locked.fitted.present(locked.units(cohort))[:, 1].sum() == 20
    seen = made.settings["network"]["pictures_seen"]["bmode:masked"]
    assert seen["n"] == 20 and seen["view"] == "masked" and len(seen["digest"]) == 64
    assert "pictures of bmode (masked) at 32 × 32" in " ".join(made.methods)
    with pytest.raises(RadiogenError) as error:
        classify(cohort, "grown", ["bmode"], model="fusion", network={**network, "backbone": "resnet19"}, **FEW)
    assert error.value.code == "RG730"


# -- nothing to learn ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_where_there_is_nothing_to_learn_the_auc_is_one_half(tmp_path: Path) -> None:
    found = []
    for seed in range(6):
        cohort = simulated(tmp_path / str(seed), n=150, seed=seed, effects=None)
        made = classify(cohort, "TP53", ["clinical", "swe"], model="fusion", network={"epochs": 20},
                        folds=3, repeats=1, inner_folds=2, missing_modality="impute")  # fmt: skip
        rows = made.tables["performance"].query("metric == 'AUC' and set == 'development' and inputs == 'clinical + swe'")
        found.append(rows["estimate"].iloc[0])
    assert abs(np.mean(found) - 0.5) <= 0.05
