"""Classification: planted signals, numbers computed again, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from radiogen.analysis import classify
from radiogen.analysis.result import Result
from radiogen.errors import RadiogenError

from .making import make_cohort


@pytest.fixture(scope="module")
def result() -> Result:
    cohort = make_cohort(130, 12, external=25, missing=0.05)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("radiogen.models.classifiers.FOREST_TREES", 60)
        return classify(cohort, "TP53", models=["elastic_net", "forest", "svm"], folds=4, repeats=2)


def row(result: Result, table: str = "performance", **where: str) -> pd.Series:
    frame = result.tables[table]
    for key, value in where.items():
        frame = frame[frame[key] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def rows(result: Result, **where: str) -> pd.DataFrame:
    frame = result.predictions
    assert frame is not None
    for key, value in where.items():
        frame = frame[frame[key] == value]
    return frame


@pytest.mark.parametrize("model", ["elastic_net", "forest", "svm"])
def test_a_planted_signal_is_found_where_it_is(result: Result, model: str) -> None:
    images = row(result, model=model, inputs="bmode", set="development", metric="AUC")
    assert images["estimate"] > 0.7 and images["p"] < 1e-4
    assert images["lower"] < images["estimate"] < images["upper"]
    features = result.tables["features"].query("model == 'elastic_net' and inputs == 'bmode'").set_index("feature")
    assert features["coefficient"].abs().idxmax() == "bmode_f0"
    assert features.loc["bmode_f0", "selected_share"] == 1.0


@pytest.mark.parametrize("model", ["elastic_net", "forest", "svm"])
@pytest.mark.parametrize("inputs", ["clinical", "clinical + bmode"])
def test_areas_again_from_the_predictions(result: Result, model: str, inputs: str) -> None:
    own = rows(result, model=model, inputs=inputs, set="development")
    areas, pairs = [], []
    for _, part in own.groupby(["repeat", "fold"]):
        y = part["truth"] == "mutated"
        areas.append(roc_auc_score(y, part["probability"]))
        pairs.append(y.sum() * (~y).sum())
    expected = np.average(areas, weights=pairs)
    assert row(result, model=model, inputs=inputs, set="development", metric="AUC")["estimate"] == pytest.approx(expected)
    outside = rows(result, model=model, inputs=inputs, set="external")
    again = roc_auc_score(outside["truth"] == "mutated", outside["probability"])
    assert row(result, model=model, inputs=inputs, set="external", metric="AUC")["estimate"] == pytest.approx(again)


def test_the_external_comparison_is_delong(result: Result) -> None:
    from radiogen.stats import delong_test

    a, b = (rows(result, model="forest", inputs=i, set="external").set_index("unit") for i in ("clinical + bmode", "clinical"))
    test = delong_test((a["truth"] == "mutated").astype(int), a["probability"], b["probability"].loc[a.index])
    mine = row(result, "comparisons", model="forest", inputs_a="clinical + bmode", set="external")
    assert (mine["estimate"], mine["statistic"], mine["p"]) == pytest.approx((test.estimate, test.statistic, test.p))


def test_every_unit_is_predicted_once_per_repeat_by_the_same_folds(result: Result) -> None:
    own = rows(result, set="development")
    n = own["unit"].nunique()
    assert (own.groupby(["model", "inputs", "repeat"])["unit"].nunique() == n).all()
    assert len(own) == n * 2 * 3 * 3
    assert (own.groupby(["unit", "repeat"])["fold"].nunique() == 1).all()


def test_thresholds_and_confusion_again_from_the_predictions(result: Result) -> None:
    own = rows(result, model="svm", inputs="bmode", set="development")
    called = own["probability"] >= own["threshold"]
    assert (called == (own["predicted"] == "mutated")).all()
    sick = own["truth"] == "mutated"
    where = {"model": "svm", "inputs": "bmode", "set": "development"}
    assert row(result, "thresholds", metric="sensitivity", **where)["estimate"] == pytest.approx(called[sick].mean())
    assert row(result, "thresholds", metric="specificity", **where)["estimate"] == pytest.approx((~called)[~sick].mean())
    cell = row(result, "confusion", truth="mutated", predicted="mutated", **where)
    assert cell["n"] == pytest.approx((called & sick).sum() / 2)
    assert row(result, metric="accuracy", **where)["estimate"] == pytest.approx((called == sick).mean())
    balanced = (called[sick].mean() + (~called)[~sick].mean()) / 2
    assert row(result, metric="balanced accuracy", **where)["estimate"] == pytest.approx(balanced)


def test_calibration_again_from_the_predictions(result: Result) -> None:
    from radiogen.stats import calibration

    own = rows(result, model="forest", inputs="bmode", set="development")
    parts = [
        calibration((p["truth"] == "mutated").astype(int), p["probability"], clip=0.001) for _, p in own.groupby("repeat")
    ]
    mine = row(result, "calibration", model="forest", inputs="bmode", set="development")
    assert mine["slope"] == pytest.approx(np.mean([p.value("slope") for p in parts]))
    assert mine["brier"] == pytest.approx(((own["truth"] == "mutated") - own["probability"]).pow(2).mean())
    curve = result.tables["calibration_curve"].query("model == 'forest' and inputs == 'bmode' and set == 'development'")
    assert curve["n"].sum() == own["unit"].nunique()


def test_the_roc_curve_has_the_reported_area(result: Result) -> None:
    curve = result.tables["roc"].query("model == 'svm' and inputs == 'bmode' and set == 'development'")
    x, y = curve["fpr"].to_numpy(), curve["tpr"].to_numpy()
    area = np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)
    assert area == pytest.approx(row(result, model="svm", inputs="bmode", set="development", metric="AUC")["estimate"], abs=1e-9)


def test_the_locked_model_gives_the_external_predictions(result: Result) -> None:
    cohort = make_cohort(130, 12, external=25, missing=0.05)
    outside = rows(result, model="forest", inputs="clinical + bmode", set="external").set_index("unit")
    again = result.model.predict(cohort, "forest", "clinical + bmode").loc[outside.index, "mutated"]
    assert again.to_numpy() == pytest.approx(outside["probability"].to_numpy())


def test_the_number_of_processes_and_other_models_change_no_number() -> None:
    cohort = make_cohort(70, 6)
    one = classify(cohort, "TP53", ["bmode"], models=["elastic_net", "forest", "svm"], folds=3, repeats=1)
    two = classify(cohort, "TP53", ["bmode"], models=["elastic_net", "forest", "svm"], folds=3, repeats=1, n_jobs=2)
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, two.tables[name], check_exact=True)
    assert one.predictions is not None and two.predictions is not None
    pd.testing.assert_frame_equal(one.predictions, two.predictions, check_exact=True)
    alone = classify(cohort, "TP53", ["bmode"], model="svm", folds=3, repeats=1)
    pd.testing.assert_frame_equal(
        alone.tables["performance"], one.tables["performance"].query("model == 'svm'").reset_index(drop=True), check_exact=True
    )
    other = classify(cohort, "TP53", ["bmode"], model="svm", folds=3, repeats=1, seed=6)
    assert not alone.tables["performance"]["estimate"].equals(other.tables["performance"]["estimate"])


def test_progress_reaches_the_end() -> None:
    told: list[tuple[int, int, str]] = []
    classify(make_cohort(60, 3), "TP53", ["clinical"], folds=2, repeats=1, progress=lambda *a: told.append(a), title="T")
    assert told == [(1, 3, "T"), (2, 3, "T"), (3, 3, "T")]


def test_several_classes() -> None:
    cohort = make_cohort(120, 6)
    result = classify(cohort, "subtype", ["bmode"], models=["elastic_net", "svm"], folds=3, repeats=1)
    own = rows(result, model="elastic_net")
    columns = ["probability_A", "probability_B", "probability_C"]
    assert own[columns].sum(axis=1).to_numpy() == pytest.approx(np.ones(len(own)))
    areas = {}
    for name in "ABC":
        parts = [(p["truth"] == name, p[f"probability_{name}"]) for _, p in own.groupby("fold")]
        weights = [t.sum() * (~t).sum() for t, _ in parts]
        areas[name] = np.average([roc_auc_score(t, s) for t, s in parts], weights=weights)
        assert row(result, **{"model": "elastic_net", "class": name, "metric": "AUC"})["estimate"] == pytest.approx(areas[name])
    macro = row(result, model="elastic_net", metric="macro AUC")
    assert macro["estimate"] == pytest.approx(np.mean(list(areas.values())))
    assert macro["estimate"] > 0.7
    assert result.tables["confusion"].groupby(["model", "truth"])["n"].sum().unstack().nunique().eq(1).all()
    assert "calibration" not in result.tables


@pytest.mark.parametrize(
    ("change", "call", "code"),
    [
        ("rare", {}, "RG603"), ("one", {}, "RG603"), ("few", {}, "RG701"), ("", {"model": "tree"}, "RG702"),
        ("", {"folds": 1}, "RG708"), ("", {"target": "os"}, "RG703"), ("", {"target": "BRCA1"}, "RG109"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_its_code(change: str, call: dict[str, object], code: str) -> None:
    cohort = make_cohort(60, 3)
    gene = cohort.mutations["TP53"].to_numpy(copy=True)
    if change:
        gene[:] = "wild type" if change in ("rare", "one") else "not tested"
        gene[: {"rare": 3, "one": 0, "few": 15}[change]] = "mutated"
        if change == "few":
            gene[8:15] = "wild type"
    cohort.mutations["TP53"] = gene
    with pytest.raises(RadiogenError) as error:
        classify(cohort, **{"target": "TP53", **call})  # type: ignore[arg-type]
    assert error.value.code == code


def test_a_rare_class_is_named_with_numbers() -> None:
    cohort = make_cohort(60, 3)
    cohort.subtype.iloc[:3] = "Rare"
    with pytest.raises(RadiogenError, match=r"'Rare' has 3 units for 5 folds"):
        classify(cohort, "subtype")


def test_impute_uses_units_without_images() -> None:
    cohort = make_cohort(80, 4, missing=0.2)
    some = classify(cohort, "TP53", folds=3, repeats=1)
    every = classify(cohort, "TP53", folds=3, repeats=1, missing_modality="impute")
    assert some.settings["analysed"] < every.settings["analysed"] == 80
    assert "bmode_f0 (missing)" in set(every.tables["features"]["feature"])


def test_settings_are_json_and_the_text_has_them(result: Result) -> None:
    import json

    assert json.loads(json.dumps(result.settings, allow_nan=False)) == result.settings
    text = " ".join(result.methods)
    assert "2 × 4-fold" in text and "seed 5" in text and "external units" in text
    assert result.versions["scikit-learn"] != "not installed"


def test_external_units_of_a_class_unknown_in_development_are_left_out() -> None:
    cohort = make_cohort(90, 3, external=20)
    cohort.subtype.iloc[-3:] = "Rare"
    result = classify(cohort, "subtype", ["bmode"], folds=3, repeats=1)
    assert result.settings["external"] == 17
    assert any("3 external units" in n and "Rare" in n for n in result.notes)


def test_a_predictor_so_rare_that_folds_lack_it_does_not_stop_the_analysis() -> None:
    cohort = make_cohort(60, 2)
    cohort.mutations["PTEN"] = ["mutated"] * 2 + ["wild type"] * 58
    result = classify(cohort, "TP53", ["mutations"], models=["elastic_net", "forest", "svm"], folds=3, repeats=1)
    assert result.tables["performance"].query("metric == 'AUC'")["estimate"].between(0.3, 0.7).all()
    cohort.mutations["PTEN"] = "wild type"
    with pytest.raises(RadiogenError) as error:
        classify(cohort, "TP53", ["mutations"])
    assert error.value.code == "RG701"


def test_lesions_are_named_where_intervals_ignore_them() -> None:
    cohort = make_cohort(80, 3, patients=[f"p{i // 2}" for i in range(80)])
    assert any("share a patient" in note for note in classify(cohort, "TP53", ["clinical"], folds=2, repeats=1).notes)
    assert not any("share a patient" in note for note in classify(make_cohort(80, 3), "TP53", ["clinical"], folds=2, repeats=1).notes)
