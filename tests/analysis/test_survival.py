"""Survival: curves and Cox tables against the statistics, concordance computed again, competing events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radiogen.analysis import survive
from radiogen.analysis.result import Result
from radiogen.analysis.survtables import tick_times
from radiogen.errors import RadiogenError
from radiogen.stats import proportional_hazards_test

from .making import make_cohort


@pytest.fixture(scope="module")
def result() -> Result:
    cohort = make_cohort(130, 6, external=20, missing=0.05)
    return survive(cohort, "os", models=["cox", "coxnet", "rsf"], groups=["grade", "TP53", "c2", "er", "subtype"], folds=4, repeats=2)


def brute_c(part: pd.DataFrame) -> tuple[float, int]:
    """Concordant and comparable pairs of one fold, pair by pair."""
    won, pairs = 0.0, 0
    rows = part[["time", "event", "risk"]].to_numpy()
    for t, e, r in rows:
        for t2, e2, r2 in rows:
            if e and (t < t2 or (t == t2 and not e2)):
                pairs += 1
                won += 1.0 if r > r2 else 0.5 if r == r2 else 0.0
    return won, pairs


@pytest.mark.parametrize("model", ["cox", "coxnet", "rsf"])
def test_concordance_again_from_the_predictions(result: Result, model: str) -> None:
    assert result.predictions is not None
    table = result.tables["performance"].set_index(["model", "inputs", "set"])
    own = result.predictions.query("model == @model and inputs == 'bmode'")
    found = [brute_c(p) for _, p in own[own["set"] == "development"].groupby(["repeat", "fold"])]
    expected = sum(w for w, _ in found) / sum(n for _, n in found)
    assert table.loc[(model, "bmode", "development"), "estimate"] == pytest.approx(expected)
    won, pairs = brute_c(own[own["set"] == "external"])
    assert table.loc[(model, "bmode", "external"), "estimate"] == pytest.approx(won / pairs)


def test_a_planted_signal_is_found(result: Result) -> None:
    table = result.tables["performance"].set_index(["model", "inputs", "set"])
    for model in ("cox", "coxnet", "rsf"):
        assert table.loc[(model, "bmode", "development"), "lower"] > 0.5
    cox = result.tables["cox"].query("model == 'univariable'").set_index("term")
    assert cox.loc["bmode_f0", "lower"] > 1 and cox.loc["bmode_f0", "p"] == cox["p"].min()


def test_curves_and_tests_are_those_of_the_statistics(result: Result) -> None:
    from radiogen.stats import kaplan_meier, log_rank_test

    cohort = make_cohort(130, 6, external=20, missing=0.05).development()
    data = cohort.survival("os")
    km = result.tables["km"].query("grouping == 'overall'")
    expected = kaplan_meier(data["time"], data["event"]).curve
    assert km["survival"].to_numpy() == pytest.approx(expected["survival"].to_numpy())
    test = log_rank_test(data["time"], data["event"], cohort.mutations["TP53"])
    mine = result.tables["logrank"].set_index("grouping").loc["TP53"]
    assert (mine["statistic"], mine["p"], mine["n"]) == (pytest.approx(test.statistic), pytest.approx(test.p), len(data))
    risk = result.tables["risk_table"].query("grouping == 'overall' and time == 20")["n_risk"].item()
    assert risk == (data["time"] >= 20).sum()
    assert list(result.tables["km"].query("grouping == 'TP53'")["group"].unique()) == ["wild type", "mutated"]


def test_a_numeric_grouping_is_split_at_its_median_and_says_so(result: Result) -> None:
    groups = result.tables["medians"].query("grouping == 'c2'")
    assert len(groups) == 2 and abs(int(groups["n"].diff().iloc[1])) <= 1
    assert any("'c2' is split at its median" in note for note in result.notes)


def test_cox_table_has_references_and_agrees_with_the_statistics(result: Result) -> None:
    from radiogen.stats import cox_regression

    table = result.tables["cox"]
    grade = table.query("model == 'univariable' and term == 'grade'")
    assert grade["level"].tolist() == ["G1", "G2", "G3"]
    assert grade["estimate"].iloc[0] == 1.0 and grade["note"].iloc[0] == "reference"
    cohort = make_cohort(130, 6, external=20, missing=0.05)
    assert result.predictions is not None
    units = result.predictions.query("set == 'development'")["unit"].unique()
    frame = cohort.survival("os").loc[units].join(cohort.clinical["grade"])
    fit = cox_regression(frame, "time", "event", ["grade"])
    assert grade["estimate"].iloc[1:].to_numpy() == pytest.approx(np.exp(fit.estimate))
    assert (grade["n"] == len(units)).all()


def test_competing_events_give_incidence_and_no_survival_curve() -> None:
    cohort = make_cohort(100, 3, competing=True)
    result = survive(cohort, "os", ["clinical"], groups=["TP53"], folds=3, repeats=1)
    assert "km" not in result.tables and "medians" not in result.tables
    curve = result.tables["cumulative_incidence"]
    assert set(curve["cause"]) == {"relapse", "death"}
    status = cohort.endpoints["os"].data["status"]
    performance = result.tables["performance"]
    assert performance["events"].unique().tolist() == [int((status == 1).sum())]
    assert any("cause-specific" in m for m in result.methods) and any("cause-specific" in n for n in result.notes)


def test_processes_change_no_number() -> None:
    cohort = make_cohort(80, 4)
    one, two = (survive(cohort, "os", ["bmode"], models=["cox", "rsf"], folds=3, repeats=1, n_jobs=n) for n in (1, 2))
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, two.tables[name], check_exact=True)


@pytest.mark.parametrize(
    ("call", "code"),
    [({"endpoint": "rfs"}, "RG109"), ({"model": "lstm"}, "RG702"), ({"groups": ["os_status"]}, "RG408"), ({"groups": ["x"]}, "RG109")],
)
def test_wrong_calls(call: dict[str, object], code: str) -> None:
    with pytest.raises(RadiogenError) as error:
        survive(make_cohort(60, 3), **{"endpoint": "os", "inputs": ["clinical"], "folds": 2, "repeats": 1, **call})  # type: ignore[arg-type]
    assert error.value.code == code


def test_too_few_events_are_refused_with_their_number() -> None:
    cohort = make_cohort(60, 3)
    event = cohort.endpoints["os"].data["event"].to_numpy(copy=True)
    event[np.flatnonzero(event)[6:]] = 0
    cohort.endpoints["os"].data["event"] = event
    with pytest.raises(RadiogenError, match="6 events in 60") as error:
        survive(cohort, "os", ["clinical"])
    assert error.value.code == "RG701"


def test_tick_times() -> None:
    assert tick_times(70).tolist() == [0, 20, 40, 60]
    assert tick_times(6).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert tick_times(9000).tolist() == [0, 2000, 4000, 6000, 8000]


def test_a_predictor_so_rare_that_folds_lack_it_does_not_stop_the_analysis() -> None:
    cohort = make_cohort(60, 2)
    cohort.mutations["TP53"] = ["mutated"] * 2 + ["wild type"] * 58
    result = survive(cohort, "os", ["mutations"], models=["cox", "coxnet", "rsf"], folds=3, repeats=1)
    assert result.tables["performance"]["estimate"].between(0.3, 0.7).all()


def test_accepted_predictors_never_include_the_endpoint_itself() -> None:
    cohort = replace(make_cohort(60, 3, accept_predictors=["os_months"]), predictors=("c0", "c1", "os_months"))
    made = survive(cohort, "os", ["clinical"], folds=2, repeats=1, inner_folds=2)
    assert set(made.tables["features"]["feature"]) == {"c0", "c1"}
    assert "os_months" in made.notes[0]


def test_lesions_are_named_where_tests_ignore_them_even_without_a_cox_table() -> None:
    cohort = make_cohort(80, 13, patients=[f"p{i // 2}" for i in range(80)])
    made = survive(cohort, "os", ["bmode"], groups=["grade"], folds=2, repeats=1, inner_folds=2)
    assert made.tables["cox"].empty and len(made.tables["logrank"]) == 1
    assert any("log-rank tests and the Cox table are left out" in note for note in made.notes)


def test_lesions_of_one_patient_get_no_p_values() -> None:
    cohort = make_cohort(120, 2, patients=[f"p{i // 2}" for i in range(120)])
    result = survive(cohort, "os", ["clinical"], groups=["subtype"], folds=2, repeats=1)
    assert result.tables["logrank"]["p"].isna().all()
    assert result.tables["cox"]["p"].isna().all()
    assert result.tables["km"]["lower"].isna().all()
    assert any("belong to one patient" in note for note in result.notes)
    assert result.figures()
    alone = survive(make_cohort(120, 2), "os", ["clinical"], groups=["subtype"], folds=2, repeats=1)
    assert alone.tables["logrank"]["p"].notna().all()


def test_proportional_hazards_are_tested(result: Result) -> None:
    table = result.tables["proportional_hazards"].set_index("term")
    assert list(table.index) == ["c0", "c1", "c2", "grade", *(f"bmode_f{i}" for i in range(6)), "GLOBAL"]
    assert table.loc["grade", "df"] == 2 and table.loc["GLOBAL", "df"] == 11
    assert table["p"].between(0, 1).all()
    cohort = make_cohort(130, 6, external=20, missing=0.05)
    inside = ~cohort.units["external"]
    frame = cohort.frame("clinical", "bmode").join(cohort.survival("os"))[inside].dropna()
    columns = list(table.index[:-1])
    again = proportional_hazards_test(frame, "time", "event", columns)
    assert table["statistic"].to_numpy() == pytest.approx(again.statistic, rel=1e-6)
    assert (table["n"] == len(frame)).all()


def test_hazards_that_cross_are_found() -> None:
    """c0 doubles the hazard early and halves it late: Weibull shapes differ by sign."""
    cohort = make_cohort(400, 2, effect=0.0)
    rng = np.random.default_rng(3)
    shape = np.where(cohort.clinical["c0"] > 0, 0.5, 3.0)
    time = 20 * rng.exponential(size=400) ** (1 / shape) + 0.1
    data = pd.DataFrame({"time": time, "event": 1.0}, index=cohort.index)
    crossing = replace(cohort, endpoints={"os": replace(cohort.endpoints["os"], data=data)})
    found = survive(crossing, "os", ["clinical"], folds=3, repeats=1).tables["proportional_hazards"].set_index("term")["p"]
    assert found["c0"] < 1e-6 and found["c1"] > 0.001


def test_lesions_of_one_patient_get_no_p_of_proportional_hazards() -> None:
    patients = [f"p{i // 2}" for i in range(120)]
    found = survive(make_cohort(120, 2, patients=patients), "os", ["clinical"], folds=3, repeats=1)
    assert found.tables["proportional_hazards"]["p"].isna().all()
