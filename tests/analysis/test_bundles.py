"""Bundles: what is saved comes back exactly, holds no patient, is not trusted, and is applied as it was locked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import radiogen as rg
from radiogen.analysis import classify, survive
from radiogen.analysis.bundles.codec import CLASSES, Packer, unpack
from radiogen.analysis.bundles.files import INDEX
from radiogen.analysis.locked import LockedModels
from radiogen.analysis.result import Result
from radiogen.cohort import Cohort
from radiogen.errors import RadiogenError

from .fusing import FEW, TINY, changed, edited, simulated, with_pictures

TOGETHER = "clinical + swe"
MODELS = ["elastic_net", "forest", "svm", "fusion"]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return simulated(tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def result(cohort: Cohort) -> Result:
    return classify(cohort, "TP53", ["clinical", "swe"], models=MODELS, network=TINY, **FEW)


@pytest.fixture(scope="module")
def bundle(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(result.model.save(tmp_path_factory.mktemp("bundles") / "tp53"))


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    folder.mkdir()
    for file in bundle.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def _rows(made: Result) -> pd.DataFrame:
    assert made.predictions is not None
    value = "probability" if "probability" in made.predictions else "risk"
    return made.predictions.set_index(["model", "inputs", "unit"])[value].unstack("unit")


# -- there and back -------------------------------------------------------------------------------------


def test_saved_models_predict_exactly_as_before(result: Result, cohort: Cohort, tmp_path: Path) -> None:
    folder = result.model.save(tmp_path / "b", patient_values=True)
    before, after = rg.analysis.predict(result.model, cohort), rg.analysis.predict(folder, cohort)
    assert set(before.predictions["model"]) == set(MODELS)
    pd.testing.assert_frame_equal(before.predictions, after.predictions, check_exact=True)
    for name, table in before.tables.items():
        pd.testing.assert_frame_equal(table, after.tables[name], check_exact=True, check_dtype=False)


def test_the_external_part_of_an_analysis_is_predicted_as_by_its_models(result: Result, cohort: Cohort) -> None:
    own = result.predictions[result.predictions["set"] == "external"].set_index(["model", "inputs", "unit"])
    again = rg.analysis.predict(result.model, cohort).predictions.set_index(["model", "inputs", "unit"])
    np.testing.assert_allclose(again.loc[own.index, "probability"], own["probability"], rtol=1e-12)
    assert (again.loc[own.index, "predicted"] == own["predicted"]).all()


def test_models_of_survival_come_back_with_harmonisation_and_selection(cohort: Cohort, tmp_path: Path) -> None:
    units = cohort.units.assign(scanner=np.where(np.arange(len(cohort)) % 2, "Alpha", "Beta"))
    mixed = replace(cohort, units=units)
    made = survive(mixed, "os", ["clinical", "swe"], models=["cox", "coxnet", "rsf", "fusion"], network=TINY,
                   harmonize={"batch": "scanner", "covariates": ["age"]}, select="clusters", **FEW)  # fmt: skip
    folder = made.model.save(tmp_path / "b")
    first, second = rg.analysis.predict(made.model, mixed), rg.analysis.predict(folder, mixed)
    pd.testing.assert_frame_equal(_rows(first), _rows(second), check_exact=True)
    assert first.tables["performance"]["metric"].unique().tolist() == ["Harrell C"]
    # a unit of a scanner that was not there in development, and a cohort that does not say which
    with pytest.raises(RadiogenError) as error:
        rg.analysis.predict(folder, replace(mixed, units=units.assign(scanner="Gamma")))
    assert error.value.code == "RG709"
    with pytest.raises(RadiogenError) as error:
        rg.analysis.predict(folder, replace(mixed, units=units.drop(columns="scanner")))
    assert error.value.code == "RG109"


def test_a_bundle_with_pictures_predicts_as_the_models_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIOGEN_CACHE", str(tmp_path / "cache"))
    path = with_pictures(tmp_path / "c")
    cohort = rg.load_cohort(path)
    network = {"pictures": ["bmode"], "size": 32, "epochs": 1, "width": 4}
    made = classify(cohort, "grown", ["clinical", "bmode"], model="fusion", network=network, **FEW)
    folder = made.model.save(tmp_path / "b")
    first, second = rg.analysis.predict(made.model, cohort), rg.analysis.predict(folder, cohort)
    pd.testing.assert_frame_equal(_rows(first), _rows(second), check_exact=True)
    there = rg.load_bundle(folder).get("fusion", "clinical + bmode")
    assert len(there.pictures["bmode:lesion"].pictures.owner) == 0
    # the pictures are seen: without them, and with features alone, the networks say something else
    bare = rg.load_cohort(edited(path, (r"images: bmode.csv, ", "")))
    third = rg.analysis.predict(folder, bare, inputs="clinical + bmode")
    had = third.predictions["absent"] == ""
    assert had.sum() == 20
    assert not np.isclose(_rows(third).to_numpy(), _rows(first).loc[[("fusion", "clinical + bmode")]].to_numpy()).all()
    none = there.fitted.present(there.units(bare))
    assert none[:, 0].all() and not none[:, 1].any()


# -- what is in it, and what is not -----------------------------------------------------------------------


def test_no_id_and_no_row_of_a_patient_is_in_it(bundle: Path, cohort: Cohort) -> None:
    ids = [i.encode() for i in cohort.index]
    words = {p.name: p.read_bytes() for p in bundle.iterdir()}
    assert sorted(words) == ["arrays.safetensors", "bundle.json", "models.json"]
    assert not any(i in content for content in words.values() for i in ids)
    # a patient's values of two predictors never stand side by side
    rows = cohort.modalities["swe"].dropna().to_numpy()
    flat = np.concatenate([np.frombuffer(b, dtype=np.float64) for b in _arrays(bundle)])
    for row in rows:
        at = np.flatnonzero(flat[:-1] == row[0])
        assert not any(flat[k + 1] == row[1] for k in at)


def _arrays(bundle: Path) -> list[bytes]:
    from safetensors.numpy import load_file

    found = load_file(bundle / "arrays.safetensors").values()
    return [np.ascontiguousarray(a).tobytes() for a in found if a.dtype == np.float64]


def test_support_vectors_are_patients_and_stay_out(bundle: Path, result: Result, tmp_path: Path) -> None:
    about = json.loads((bundle / INDEX).read_text())
    assert [e["model"] for e in about["left_out"]] == ["svm"] * 3 and about["patient_values"] is False
    assert {m for m, _ in rg.load_bundle(bundle).models} == {"elastic_net", "forest", "fusion"}
    alone = LockedModels({k: m for k, m in result.model.models.items() if k[0] == "svm"}, result.model.about)
    with pytest.raises(RadiogenError, match="values of single patients") as error:
        alone.save(tmp_path / "s")
    assert error.value.code == "RG708" and not (tmp_path / "s").exists()
    assert json.loads((alone.save(tmp_path / "s", patient_values=True) / INDEX).read_text())["patient_values"] is True


def test_ranges_are_percentiles(bundle: Path, cohort: Cohort, result: Result) -> None:
    about = json.loads((bundle / INDEX).read_text())
    own = cohort.clinical.loc[result.predictions.query("set == 'development'")["unit"].unique(), "age"]
    assert about["predictors"]["age"]["low"] == pytest.approx(np.quantile(own.dropna(), 0.01))
    assert about["n"] == len(own) and about["kind"] == "classify" and sum(about["classes"].values()) == len(own)
    assert about["blocks"]["clinical"][0] == "age"


def test_everybody_may_read_the_files(bundle: Path) -> None:
    assert {p.stat().st_mode & 0o777 for p in bundle.iterdir()} == {0o644}


def test_saving_over_other_files_is_refused_and_over_a_bundle_is_not(result: Result, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.docx").write_text("x")
    with pytest.raises(RadiogenError) as error:
        result.model.save(tmp_path / "mine")
    assert error.value.code == "RG803" and [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.docx"]
    for _ in range(2):
        result.model.save(tmp_path / "b")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b", "mine"]


# -- files are not trusted ----------------------------------------------------------------------------------


def _sealed(folder: Path, parts: Any = None, **index: Any) -> None:
    """Change files and write the checksums anew, as somebody who means harm would."""
    if parts is not None:
        (folder / "models.json").write_text(json.dumps(parts))
    about = {**json.loads((folder / INDEX).read_text()), **index}
    about["files"] = {n: sha256((folder / n).read_bytes()).hexdigest() for n in ("arrays.safetensors", "models.json")}
    about.pop("sha256")
    text = json.dumps(about, sort_keys=True, ensure_ascii=False)
    (folder / INDEX).write_text(json.dumps({**about, "sha256": sha256(text.encode()).hexdigest()}))


def _appended(name: str) -> Callable[[Path], None]:
    return lambda f: (f / name).write_bytes((f / name).read_bytes() + b" ") and None


def _quiet_change(folder: Path) -> None:
    path = folder / INDEX
    path.write_text(path.read_text().replace('"n": ', '"n": 1', 1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: (f / "models.json").unlink(), "models.json is missing"),
        (lambda f: (f / "arrays.safetensors").unlink(), "arrays.safetensors is missing"),
        (lambda f: (f / INDEX).unlink(), "there is no bundle.json"),
        (_appended("models.json"), "was changed"),
        (_appended("arrays.safetensors"), "was changed"),
        (_quiet_change, "bundle.json was changed"),
        (lambda f: (f / INDEX).write_text("{"), "is damaged"),
        (lambda f: (f / INDEX).write_text("[1]"), "is not of a bundle"),
        (lambda f: (f / INDEX).write_text('{"radiogen_bundle": 99}'), "later version"),
        (lambda f: _sealed(f, radiogen_bundle=2), "later version"),
        (lambda f: _sealed(f, predictors=[]), "is not of a bundle"),
        (lambda f: _sealed(f, {"model": "a"}), "holds no model"),
        (lambda f: _sealed(f, []), "holds no model"),
        (lambda f: _sealed(f, ["a"]), "does not list models"),
        (lambda f: _sealed(f, [{"model": "a", "inputs": "b", "object": 3}]), "no model"),
        (lambda f: _sealed(f, _object({"#": "Popen", "state": {"#": "dict", "items": []}})), "names a class 'Popen'"),
        (lambda f: _sealed(f, _object({"#": "os.system", "state": "id"})), "names a class 'os.system'"),
        (lambda f: _sealed(f, _object({"#": ["Plan"], "state": 1})), "damaged"),
        (lambda f: _sealed(f, _object({"#": "array", "name": "../../etc/passwd", "shape": [1]})), "damaged"),
        (lambda f: _sealed(f, _object({"#": "array", "name": "array0", "shape": [10**9]})), "damaged"),
        (lambda f: _sealed(f, _object(_net(width=10**9))), "`width` must be"),
        (lambda f: _sealed(f, _object(_net(colour="red"))), "damaged"),
        (lambda f: _sealed(f, _object(_attribute("fit"))), "does not hold"),
        (lambda f: _sealed(f, _object(_attribute("__class__"))), "does not hold"),
        (lambda f: _sealed(f, _object(_loop())), "not in order"),
        (lambda f: (f / "models.json").write_text("[" * 100_000) and _sealed(f), "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_damaged_or_strange_is_refused(copy: Path, change: Callable[[Path], None], words: str) -> None:
    change(copy)
    with pytest.raises(RadiogenError, match=words) as error:
        rg.load_bundle(copy)
    assert error.value.code == "RG802"


def _object(packed: Any) -> list[dict[str, Any]]:
    return [{"model": "a", "inputs": "b", "object": packed}]


def _dict(**items: Any) -> dict[str, Any]:
    return {"#": "dict", "items": [[k, v] for k, v in items.items()]}


def _net(**items: Any) -> dict[str, Any]:
    return {"#": "NetSettings", "state": _dict(**items)}


def _attribute(name: str) -> dict[str, Any]:
    return {"#": "Preprocessor", "state": _dict(**{name: 1})}


def _loop() -> dict[str, Any]:
    """A tree of which a node is its own child: a walk down it would never end."""
    arrays = {name: {"#": "words", "shape": [1], "items": [0]} for name in ("root", "feature", "threshold", "left", "right", "value")}
    return {"#": "StoredTrees", "state": _dict(**arrays)}


def test_only_classes_of_radiogen_are_made() -> None:
    assert all(module.startswith("radiogen.") for module in CLASSES.values())
    with pytest.raises(TypeError, match="cannot be kept"):
        Packer().pack(subprocess.Popen)
    with pytest.raises(TypeError, match="cannot be kept"):
        Packer().pack(np.random.default_rng(0))


@pytest.mark.parametrize(
    "value",
    [None, True, 3, "a", 0.1, float("inf"), (1, ("b", None)), [1, [2]], {"a": (1,), 2: "b"}, frozenset({"x", "y"})],
)
def test_plain_values_come_back_as_they_were(value: object) -> None:
    packer = Packer()
    back = unpack(json.loads(json.dumps(packer.pack(value))), packer.arrays)
    assert back == value and type(back) is type(value)


def test_arrays_and_frames_come_back_as_they_were() -> None:
    packer = Packer()
    given = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(["x", "y"], dtype=object), "c": np.array([True]), "d": np.zeros((0, 2)),
             "e": np.array(3.5)}  # fmt: skip
    packed = json.loads(json.dumps(packer.pack(given)))
    back = unpack(packed, packer.arrays)
    for name, array in given.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].shape == array.shape
    frame = pd.DataFrame({"p": [1.0, np.nan]}, index=["u", "v"])
    pd.testing.assert_frame_equal(unpack(json.loads(json.dumps(packer.pack(frame))), packer.arrays), frame)


# -- another cohort -----------------------------------------------------------------------------------------


def test_a_cohort_without_a_modality_is_predicted_by_who_can(bundle: Path, cohort: Cohort) -> None:
    config = cohort.config.model_copy(update={"modalities": {k: v for k, v in cohort.config.modalities.items() if k != "swe"}})
    bare = replace(cohort, config=config, modalities={k: v for k, v in cohort.modalities.items() if k != "swe"})
    made = rg.analysis.predict(bundle, bare)
    keys = set(zip(made.predictions["model"], made.predictions["inputs"], strict=True))
    assert keys == {("elastic_net", "clinical"), ("forest", "clinical"), ("fusion", "clinical"), ("fusion", TOGETHER)}
    assert any("forest on clinical + swe was left out: the cohort has no swe" in n for n in made.notes)
    assert any("fusion on clinical + swe predicts from the rest" in n for n in made.notes)
    assert made.predictions.query("inputs == @TOGETHER")["absent"].eq("swe").all()
    # as if nobody had been examined
    locked = rg.load_bundle(bundle).get("fusion", TOGETHER)
    units = locked.units(cohort)
    hidden = locked.fitted.predict(units, np.tile([True, False], (len(cohort), 1)))[:, 1]
    np.testing.assert_array_equal(made.predictions.query("model == 'fusion' and inputs == @TOGETHER")["probability"], hidden)
    with pytest.raises(RadiogenError, match="no model of the bundle") as error:
        rg.analysis.predict(bundle, bare, inputs="swe")
    assert error.value.code == "RG701"


def test_columns_that_are_missing_are_named(bundle: Path, cohort: Cohort) -> None:
    less = changed(cohort, "swe", cohort.modalities["swe"].drop(columns="swe_ratio"))
    with pytest.raises(RadiogenError) as error:
        rg.analysis.predict(bundle, less)
    assert error.value.code == "RG203" and error.value.problems[0].column == "swe_ratio"


def test_words_in_the_place_of_numbers_are_refused(bundle: Path, cohort: Cohort) -> None:
    clinical = cohort.clinical.assign(age=cohort.clinical["age"].map(lambda v: f"about {v}"))
    with pytest.raises(RadiogenError, match="needs numbers in 'age'") as error:
        rg.analysis.predict(bundle, replace(cohort, clinical=clinical))
    assert error.value.code == "RG203"


def test_numbers_in_the_place_of_words_are_the_same_levels(cohort: Cohort) -> None:
    words = cohort.clinical["histology"].astype(object).map({"ductal": "1", "lobular": "2", "other": "3"})
    first = replace(cohort, clinical=cohort.clinical.assign(histology=words))
    made = classify(first, "TP53", ["clinical"], model="elastic_net", **FEW)
    second = replace(cohort, clinical=cohort.clinical.assign(histology=words.astype(float)))
    again = rg.analysis.predict(made.model, second)
    pd.testing.assert_frame_equal(_rows(rg.analysis.predict(made.model, first)), _rows(again), check_exact=True)
    assert again.tables["ranges"].set_index("predictor").loc["histology", "new_levels"] == ""


def test_inputs_outside_the_range_and_new_levels_are_found(bundle: Path, cohort: Cohort) -> None:
    clinical = cohort.clinical.copy()
    clinical["age"] = 200.0
    clinical["histology"] = clinical["histology"].astype(object)
    clinical.iloc[:15, clinical.columns.get_loc("histology")] = "mucinous"
    made = rg.analysis.predict(bundle, replace(cohort, clinical=clinical), model="fusion", inputs="clinical")
    ranges = made.tables["ranges"].set_index("predictor")
    assert ranges.index[0] == "age" and ranges.loc["age", "outside"] == 1.0 and ranges.loc["age", "n"] == 60
    assert ranges.loc["histology", "new_levels"] == "mucinous"
    assert ranges.loc["histology", "outside"] == pytest.approx(15 / cohort.clinical["histology"].notna().sum(), abs=0.01)
    assert "swe_ratio" not in ranges.index
    assert made.predictions["probability"].between(0, 1).all()


def test_an_outcome_that_is_not_known_is_not_judged(bundle: Path, cohort: Cohort) -> None:
    unknown = cohort.mutations.assign(TP53="not tested")
    made = rg.analysis.predict(bundle, replace(cohort, mutations=unknown))
    assert list(made.tables) == ["ranges"] and not made.predictions["known"].any()
    assert any("outcome is not known" in n for n in made.notes)
    some = cohort.mutations.copy()
    some.iloc[:20, some.columns.get_loc("TP53")] = "not tested"
    judged = rg.analysis.predict(bundle, replace(cohort, mutations=some))
    known = (some["TP53"] != "not tested").sum()
    assert judged.tables["drift"].query("metric == 'AUC of mutated'")["n"].eq(known).all()
    assert judged.predictions["known"].groupby(judged.predictions["model"]).sum().eq(3 * known).all()


def test_drift_stands_beside_what_was_found_in_development(bundle: Path, cohort: Cohort, result: Result) -> None:
    drift = rg.analysis.predict(bundle, cohort).tables["drift"]
    own = result.tables["performance"].query("set == 'development' and metric == 'AUC'").set_index(["model", "inputs"])["estimate"]
    row = drift[drift["metric"] == "AUC of mutated"].set_index(["model", "inputs"])
    np.testing.assert_allclose(row["development"], own[row.index])
    assert {"calibration intercept", "calibration slope", "calibration brier"} <= set(drift["metric"])


def test_names_that_the_bundle_does_not_have(bundle: Path, cohort: Cohort) -> None:
    with pytest.raises(RadiogenError, match="no model 'cox'") as error:
        rg.analysis.predict(bundle, cohort, model="cox")
    assert error.value.code == "RG702"


# -- the command --------------------------------------------------------------------------------------------


def _run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "radiogen", "predict", *map(str, words)], capture_output=True, text=True)


def test_the_command_writes_predictions_and_says_what_it_found(bundle: Path, tmp_path: Path) -> None:
    yaml = Path(rg.simulate.cohort(tmp_path / "c", n=60, seed=3, images=False))
    out = tmp_path / "out" / "p.csv"
    done = _run(bundle, yaml, "-o", out, "--model", "elastic_net", "--result", tmp_path / "r")
    assert done.returncode == 0, done.stderr
    assert "out of fold in development" in done.stdout and "60 units predicted" in done.stdout
    frame = pd.read_csv(out)
    assert set(frame["model"]) == {"elastic_net"} and len(frame) == 180
    assert rg.load_result(tmp_path / "r").kind == "predict"


@pytest.mark.parametrize(
    ("words", "code", "rg_code"),
    [
        (["{bundle}", "{yaml}", "-o", "p.xlsx"], 2, "RG708"),
        (["{bundle}", "{yaml}", "--model", "cox"], 1, "RG702"),
        (["{tmp}", "{yaml}"], 1, "RG802"),
        (["{bundle}", "{tmp}/none.yaml"], 2, "RG108"),
        (["{bundle}"], 2, ""),
        (["{bundle}", "{yaml}", "--modell", "a"], 2, ""),
    ],
)
def test_the_command_ends_with_a_code(
    bundle: Path, cohort: Cohort, tmp_path: Path, words: list[str], code: int, rg_code: str
) -> None:
    yaml = tmp_path / "c.yaml"
    yaml.write_text("radiogen: 1\ncohort: {name: a, unit: patient}\n")
    done = _run(*[w.format(bundle=bundle, yaml=yaml, tmp=tmp_path) for w in words])
    assert "Traceback" not in done.stderr
    assert rg_code in done.stderr
    assert done.returncode == code, done.stderr


def test_a_modality_in_another_unit_is_refused(bundle: Path, cohort: Cohort) -> None:
    other = cohort.config.model_copy(
        update={"modalities": {**cohort.config.modalities, "swe": cohort.config.modalities["swe"].model_copy(update={"unit": "m/s"})}}
    )
    with pytest.raises(RadiogenError, match=r"RG705.*in kPa, and the cohort declares m/s"):
        rg.analysis.predict(bundle, replace(cohort, config=other))


def test_a_path_is_no_cohort(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(RadiogenError, match=r"(?s)RG705.*rg\.load_cohort"):
        rg.analysis.predict(bundle, tmp_path)  # type: ignore[arg-type]


def test_contributions_of_single_units_add_up(result: Result, cohort: Cohort) -> None:
    frame = result.model.contributions(cohort, TOGETHER)
    own = frame[frame["kind"] == "modality"]
    assert set(own["first"]) == {"clinical", "swe"} and own["residual"].max() < 1e-8
    proba = result.model.predict(cohort, "fusion", TOGETHER)["mutated"]
    empty = result.model.get("fusion", TOGETHER).empty
    total = own.groupby("unit")["value"].sum() + np.log(empty[1] / empty[0])
    np.testing.assert_allclose(total, np.log(proba / (1 - proba)).loc[total.index], atol=1e-5)
