"""Regression tables, separation and Firth's penalty: by hand, against R and published data."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from radiogen import stats
from radiogen.errors import RadiogenError


@pytest.fixture(scope="module")
def firth() -> dict[str, Any]:
    return json.loads((Path(__file__).parent / "reference" / "agreement.json").read_text())["firth"]


@pytest.fixture(scope="module")
def endometrial(firth: dict[str, Any]) -> pd.DataFrame:
    """Heinze and Schemper's cancers of the endometrium: neovasculisation separates high from low grade."""
    return pd.DataFrame(firth["data"])


def survival(n: int = 90) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame({
        "t": rng.exponential(10, n) + 0.1, "e": rng.integers(0, 2, n), "x": rng.normal(size=n), "g": rng.choice(list("abc"), n),
    })  # fmt: skip


# ---- Firth


def test_firth_of_a_two_by_two_table_adds_a_half_to_each_cell() -> None:
    a, b, c, d = 9, 3, 2, 6
    frame = pd.DataFrame({"y": np.repeat([1, 0, 1, 0], [a, b, c, d]), "x": np.repeat([1, 1, 0, 0], [a, b, c, d])})
    found = stats.firth_logistic(frame, "y", ["x"])
    ratio = np.log(9.5 * 6.5 / (3.5 * 2.5))
    np.testing.assert_allclose(found.estimate, [np.log(2.5 / 6.5), ratio], rtol=1e-6)
    # the information at that estimate: cells n p q with p = (k + .5)/(n + 1)
    weights = 12 * (9.5 * 3.5) / 13**2, 8 * (2.5 * 6.5) / 9**2
    assert found.se[1] == pytest.approx(np.sqrt(1 / weights[0] + 1 / weights[1]), rel=1e-6)


def test_firth_is_that_of_brglm2_and_of_the_paper(endometrial: pd.DataFrame, firth: dict[str, Any]) -> None:
    found = stats.firth_logistic(endometrial, "HG", ["NV", "PI", "EH"])
    np.testing.assert_allclose(found.estimate, firth["coef"], rtol=1e-5)
    np.testing.assert_allclose(found.se, firth["se"], rtol=1e-5)
    # Heinze and Schemper, table: estimate and profile interval
    table = found.to_frame().set_index("label").round(2)
    assert table.loc["NV", ["estimate", "lower", "upper"]].tolist() == [2.93, 0.61, 7.85]
    assert table.loc["PI", ["estimate", "lower", "upper"]].tolist() == [-0.03, -0.12, 0.04]
    assert table.loc["EH", ["estimate", "lower", "upper"]].tolist() == [-2.60, -4.37, -1.23]


def test_firth_maximises_the_penalised_likelihood(endometrial: pd.DataFrame) -> None:
    found = stats.firth_logistic(endometrial, "HG", ["NV", "EH"])
    x = np.column_stack([np.ones(len(endometrial)), endometrial[["NV", "EH"]]])
    y = endometrial["HG"].to_numpy(float)

    def value(beta: np.ndarray) -> float:
        p = expit(x @ beta)
        inside = x.T @ ((p * (1 - p))[:, None] * x)
        return float(y @ np.log(p) + (1 - y) @ np.log(1 - p) + 0.5 * np.linalg.slogdet(inside)[1])

    best = value(found.estimate)
    for k in range(3):
        for step in (-0.01, 0.01):
            assert value(found.estimate + step * np.eye(3)[k]) < best
    # at the profile limits of EH the maximum over the others is lower by half the chi-squared quantile
    from scipy.optimize import minimize

    for limit in (found.lower[2], found.upper[2]):
        start, options = found.estimate[:2], {"xatol": 1e-8, "fatol": 1e-10}
        inner = minimize(lambda b, last: -value(np.r_[b, last]), start, args=(limit,), method="Nelder-Mead", options=options)
        assert best + inner.fun == pytest.approx(3.841458820694124 / 2, abs=2e-4)


def test_firth_does_not_depend_on_units(endometrial: pd.DataFrame) -> None:
    one = stats.firth_logistic(endometrial, "HG", ["NV", "PI", "EH"])
    two = stats.firth_logistic(endometrial.assign(PI=endometrial["PI"] * 1e4), "HG", ["NV", "PI", "EH"])
    np.testing.assert_allclose(one.estimate[[1, 3]], two.estimate[[1, 3]], rtol=1e-5)
    assert two.estimate[2] * 1e4 == pytest.approx(one.estimate[2], rel=1e-5)


def test_firth_cox_by_hand() -> None:
    # one event among three, of whom one has x = 1: p = e^b/(e^b + 2), score (1 - p) + (1 - 2p)/2 = 0, p = 3/4, b = ln 6
    found = stats.firth_cox(pd.DataFrame({"t": [1.0, 2, 4], "e": [1, 0, 0], "x": [1, 0, 0]}), "t", "e", ["x"])
    assert found.estimate[0] == pytest.approx(np.log(6), rel=1e-5)
    assert found.events == 1 and found.to_frame()["hazard_ratio"].iloc[0] == pytest.approx(6, rel=1e-5)


def test_firth_of_enough_data_is_near_the_likelihood() -> None:
    d = survival(600)
    one, two = stats.firth_cox(d, "t", "e", ["x", "g"]), stats.cox_regression(d, "t", "e", ["x", "g"], ties="breslow")
    np.testing.assert_allclose(one.estimate, two.estimate, atol=0.01)
    np.testing.assert_allclose(one.lower, two.lower, atol=0.03)


# ---- tables


def test_univariable_beside_multivariable() -> None:
    d = survival()
    table = stats.regression_table(stats.regression_fits(d, ["x", "g"], duration="t", event="e"))
    tidy = table.tidy.set_index(["model", "label"])
    alone, both = stats.cox_regression(d, "t", "e", ["x"]), stats.cox_regression(d, "t", "e", ["x", "g"])
    assert tidy.loc[("univariable", "x"), "estimate"] == pytest.approx(np.exp(alone.estimate[0]))
    np.testing.assert_allclose(
        tidy.loc["multivariable"].loc[["x", "g[b]", "g[c]"], ["estimate", "lower", "upper", "p"]],
        np.column_stack([np.exp(both.estimate), np.exp(both.lower), np.exp(both.upper), both.p]),
    )
    assert tidy.loc[("multivariable", "g[a]"), "note"] == "reference"
    shown = table.formatted
    assert shown["Variable"].tolist() == ["x", "g", "", ""] and shown["Level"].tolist() == ["", "a", "b", "c"]
    assert shown["multivariable HR (95% CI)"].iloc[1] == "1 (reference)" and table.effect == "hazard ratio"
    assert "Efron" in table.notes[0]


def test_fits_are_told_apart_by_their_covariates() -> None:
    d = survival()
    fits = [stats.cox_regression(d, "t", "e", ["x", "g"]), stats.cox_regression(d, "t", "e", ["x"]), stats.cox_regression(d, "t", "e", ["g"])]
    table = stats.regression_table(fits)
    assert table.tidy["model"].tolist() == ["univariable"] * 4 + ["multivariable"] * 4
    named = stats.regression_table({"clinic": fits[1], "with group": fits[0]})
    assert list(dict.fromkeys(named.tidy["model"])) == ["clinic", "with group"]
    single = stats.regression_table(fits[0])
    assert list(single.formatted.columns) == ["Variable", "Level", "HR (95% CI)", "p"]


def test_aliased_terms_keep_their_row() -> None:
    d = survival().assign(y=lambda f: f["e"], twice=lambda f: 2 * f["x"], flat=1.0)
    table = stats.regression_table(stats.logistic_regression(d, "y", ["x", "twice", "flat", "g"]))
    row = table.tidy.set_index("label")
    assert np.isnan(row.loc["twice", "estimate"]) and row.loc["twice", "note"] == "not estimable: linear combination of x"
    assert row.loc["flat", "note"] == "not estimable: constant"
    assert table.formatted.set_index("Variable").loc["twice", "OR (95% CI)"] == "not estimable"
    assert any("twice" in note and "linear combination of x" in note for note in table.notes)
    assert "(Intercept)" not in set(table.tidy["label"])


def test_separation_is_found_explained_and_firth_offered(endometrial: pd.DataFrame) -> None:
    table = stats.regression_table(stats.regression_fits(endometrial, ["NV", "PI", "EH"], outcome="HG"))
    row = table.tidy.set_index(["model", "label"]).loc[("univariable", "NV")]
    assert np.isnan(row["estimate"]) and "all 13 with NV = 1 have the event" in row["note"] and "firth=True" in row["note"]
    # the others alone are as they were
    alone = stats.logistic_regression(endometrial, "HG", ["EH"])
    assert table.tidy.set_index(["model", "label"]).loc[("univariable", "EH"), "estimate"] == pytest.approx(np.exp(alone.estimate[1]))
    mended = stats.regression_table(stats.regression_fits(endometrial, ["NV", "PI", "EH"], outcome="HG", firth=True))
    both = mended.tidy.set_index(["model", "label"])
    assert both.loc[("multivariable", "NV"), "estimate"] == pytest.approx(np.exp(2.92927335), rel=1e-5)
    assert "Firth" in both.loc[("multivariable", "NV"), "note"] and "Firth" not in both.loc[("univariable", "EH"), "method"]


def test_a_number_that_separates_is_named_with_its_edge() -> None:
    d = pd.DataFrame({"y": [0, 0, 0, 1, 1, 1], "x": [1.0, 2, 3, 5, 6, 8]})
    fit = stats.regression_fits(d, ["x"], outcome="y")["univariable"][0]
    assert fit.extra["note"][0].startswith("separated: the events lie above x = 4 and the others on the other side")


def test_a_group_without_events_has_an_infinite_hazard_ratio_and_firth_a_finite_one() -> None:
    d = survival().assign(rare=lambda f: (f.index < 12).astype(int))
    d.loc[d["rare"] == 1, "e"] = 0
    plain = stats.regression_fits(d, ["rare"], duration="t", event="e")["univariable"][0]
    assert "none of 12 with rare = 1 has the event" in plain.extra["note"][0]
    firth = stats.regression_fits(d, ["rare"], duration="t", event="e", firth=True)["univariable"][0]
    assert np.isfinite(firth.estimate[0]) and firth.estimate[0] < 0


def test_rows_without_a_value_are_left_out_model_by_model() -> None:
    d = survival()
    d.loc[:9, "x"] = np.nan
    fits = stats.regression_fits(d, ["x", "g"], duration="t", event="e")
    assert [fit.n for fit in fits["univariable"]] == [80, 90] and fits["multivariable"].n == 80


def test_hazards_and_subdistribution_hazards_are_not_mixed() -> None:
    d = survival().assign(s=lambda f: np.where(f["e"] == 1, 1 + f.index % 2, 0))
    fine = stats.fine_gray(d, "t", "s", ["x"])
    table = stats.regression_table(fine)
    assert table.effect == "subdistribution hazard ratio" and "sHR (95% CI)" in table.formatted
    with pytest.raises(RadiogenError, match="one kind"):
        stats.regression_table({"a": fine, "b": stats.cox_regression(d, "t", "e", ["x"])})


def test_html_is_escaped() -> None:
    d = survival().rename(columns={"x": "<b>x</b>"})
    html = stats.regression_table(stats.cox_regression(d, "t", "e", ["<b>x</b>"]))._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;" in html


D = survival()
COX = stats.cox_regression(D, "t", "e", ["x"])
LOGIT = stats.logistic_regression(D, "e", ["x"])
CASES: dict[str, tuple[str, Callable[[], Any]]] = {
    "nothing": ("RG705", lambda: stats.regression_table([])),
    "no regression": ("RG705", lambda: stats.regression_table([stats.roc_auc(D["e"], D["x"])])),
    "two kinds": ("RG705", lambda: stats.regression_table([COX, LOGIT])),
    "two levels": ("RG705", lambda: stats.regression_table({"a": COX, "b": stats.cox_regression(D, "t", "e", ["x"], level=0.9)})),
    "term twice": ("RG705", lambda: stats.regression_table({"a": [COX, COX]})),
    "no outcome": ("RG708", lambda: stats.regression_fits(D, ["x"])),
    "both outcomes": ("RG708", lambda: stats.regression_fits(D, ["x"], outcome="e", duration="t", event="e")),
    "no event": ("RG708", lambda: stats.regression_fits(D, ["x"], duration="t")),
    "no covariate": ("RG705", lambda: stats.regression_fits(D, [], outcome="e")),
    "unknown column": ("RG203", lambda: stats.regression_fits(D, ["nothing"], outcome="e")),
    "one class": ("RG701", lambda: stats.regression_fits(D.assign(e=1), ["x"], outcome="e")),
    "all censored": ("RG701", lambda: stats.regression_fits(D.assign(e=0), ["x"], duration="t", event="e")),
    "all missing": ("RG701", lambda: stats.regression_fits(D.assign(x=np.nan), ["x"], outcome="e")),
    "negative time": ("RG402", lambda: stats.regression_fits(D.assign(t=-1.0), ["x"], duration="t", event="e")),
    "infinite": ("RG705", lambda: stats.firth_logistic(D.assign(x=np.inf), "e", ["x"])),
    "firth missing": ("RG705", lambda: stats.firth_logistic(D.assign(x=np.nan), "e", ["x"])),
    "firth constant": ("RG704", lambda: stats.firth_logistic(D.assign(x=1.0), "e", ["x"])),
    "firth one class": ("RG701", lambda: stats.firth_logistic(D.assign(e=0), "e", ["x"])),
    "firth no event": ("RG701", lambda: stats.firth_cox(D.assign(e=0), "t", "e", ["x"])),
    "firth n < p": ("RG701", lambda: stats.firth_logistic(
        pd.DataFrame(np.random.default_rng(0).normal(size=(5, 6)), columns=list("abcdef")).assign(y=[0, 1, 0, 1, 1]), "y", list("abcdef"))),
    "firth string": ("RG705", lambda: stats.firth_logistic(D, "e", "x")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_coded_error(name: str) -> None:
    code, call = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RadiogenError) as caught:
            call()
    assert caught.value.code == code, str(caught.value)
