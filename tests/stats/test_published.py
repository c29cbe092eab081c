"""Analyses that manuals, vignettes and papers print, run again in R beside ``reference/published.R``.

Numbers written out here are those of the publication; the others are R's, to all digits.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError
from tests.stats.r_answers import close

REFERENCE = json.loads((Path(__file__).parent / "reference" / "published.json").read_text())


def data(key: str, part: str = "data") -> pd.DataFrame:
    return pd.DataFrame(REFERENCE[key][part])


def test_subarachnoid_haemorrhage_of_proc() -> None:
    want, d = REFERENCE["asah"], data("asah")
    one = [stats.roc_auc(d["y"], d[name]) for name in ("wfns", "s100b", "ndka")]
    close([r.estimate for r in one], want["auc"])
    close([[r.lower, r.estimate, r.upper] for r in one], want["ci"])
    paired = stats.delong_test(d["y"], d["wfns"], d["s100b"])
    close([paired.statistic, paired.p], want["paired"])
    close([paired.statistic, paired.p], [2.20898359144091, 0.0271757822291882], rel=1e-13)
    apart = stats.delong_test_unpaired(d["y"], d["wfns"], d["y"], d["s100b"])
    close([apart.statistic, apart.df, apart.p], want["unpaired"])
    close(apart.statistic, 1.43490640926908, rel=1e-13)
    best = stats.youden_threshold(d["y"], d["s100b"])
    # R's threshold lies between the values 0.20 and 0.21
    close([best["specificity"], best["sensitivity"]], want["best"][1:])


def test_proportional_hazards_of_the_veteran_data() -> None:
    want, d = REFERENCE["veteran"], data("veteran")
    close(stats.cox_regression(d, "time", "status", ["trt", "prior", "karno"]).estimate, want["coef"])
    got = stats.proportional_hazards_test(d, "time", "status", ["trt", "prior", "karno"])
    close(got.statistic, want["chisq"])
    close(got.p, want["p"])


def test_monoclonal_gammopathy_by_another_route_than_cmprsk() -> None:
    """R's ``finegray`` makes weighted data for ``coxph``; here the likelihood is weighted."""
    want, d = REFERENCE["mgus2"], data("mgus2")
    fit = stats.fine_gray(d, "time", "status", ["age", "sex", "mspike"])
    # months are full of ties, and finegray takes the censorings of a month another way (cmprsk's digits: test_oracle.py)
    assert fit.label == ["age", "sex[M]", "mspike"]
    close(fit.estimate, want["fine_gray"], rel=3e-3)
    cause = stats.cox_regression(d.assign(event=d["status"] == 1), "time", "event", ["age", "sex", "mspike"])
    close(cause.estimate, want["cause_specific"])
    close(cause.se, want["cause_se"])
    at = stats.cumulative_incidence(d["time"], d["status"], d["sex"]).incidence_at([120, 240])
    own = at[at["cause"] == 1]
    close(own["incidence"], want["pstate"])


def test_a_hazard_ratio_without_bound() -> None:
    """infcox of survival's own tests: x1 and x2 order the events."""
    d = pd.DataFrame({"t": range(1, 13), "e": [1, 0, 1] + [0] * 9, "x1": [0, 1] * 6, "x2": [0] * 6 + [1] * 6})
    with pytest.raises(RadiogenError, match="no maximum along") as caught:
        stats.cox_regression(d, "t", "e", ["x1", "x2"])
    assert caught.value.code == "RG704"
    # R prints the log-likelihoods -6.8669 and -1.7918; Firth's penalty has an answer
    assert np.isfinite(stats.firth_cox(d, "t", "e", ["x1", "x2"]).estimate).all()


@pytest.mark.parametrize(("ties", "beta"), [("breslow", np.log((3 + np.sqrt(33)) / 2)), ("efron", 1.676857)])
def test_the_first_data_of_the_validation_vignette(ties: str, beta: float) -> None:
    """Therneau and Grambsch, Modeling Survival Data (2000), appendix E: solved by hand."""
    d = pd.DataFrame({"t": [9, 1, 1, 6, 6, 8], "e": [1, 1, 0, 1, 1, 0], "x": [0, 1, 1, 1, 0, 0]})
    got = stats.cox_regression(d, "t", "e", ["x"], ties=ties)
    close(got.estimate, [beta], rel=1e-6)


#: predictors of McLernon et al., Ann Intern Med 2023;176:105: a model of Rotterdam, validated in the GBSG trial at 5 years
STRATOS = ["size", "cnode", "nodes3", "grade3"]
Parts = tuple[pd.DataFrame, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def stratos() -> Parts:
    """The validation data with risks and linear predictors."""

    def ready(part: str) -> pd.DataFrame:
        d = data("stratos", part)
        order = pd.Categorical(d["size"], ["<=20", ">50", "20-50"])
        return d.assign(size=order, nodes3=stats.rcs(d["cnode"], [0, 1, 9])[:, 1])

    fit = stats.cox_regression(ready("rotterdam"), "time", "event", STRATOS)
    close(fit.estimate, REFERENCE["stratos"]["coef"])
    new = ready("gbsg")
    return new, fit.predict_risk(new, 5)[:, 0], fit.predict_linear(new)


def test_discrimination_of_stratos(stratos: Parts) -> None:
    d, risk, lp = stratos
    want = REFERENCE["stratos"]
    close(risk[:20], want["risk"])
    harrell = stats.concordance(d["time"], d["event"], np.round(lp, 10))
    close([harrell.estimate, harrell.se], want["harrell"])
    uno = stats.concordance(d["time"], d["event"], np.round(lp, 10), method="uno")
    close(uno.estimate, want["uno"])
    auc = stats.time_dependent_auc(d["time"], d["event"], np.round(risk, 10), 4.99)
    close([auc.estimate[0], auc.se[0]], want["auc"], rel=1e-6)
    royston = stats.royston_d(d["time"], d["event"], np.round(lp, 10))
    close([royston.estimate, royston.se], want["royston"], rel=1e-6)
    assert [round(float(v), 2) for v in (harrell.estimate, uno.estimate, royston.estimate)] == [0.65, 0.64, 0.88]


def test_stratos_calibration_and_overall_performance(stratos: Parts) -> None:
    d, risk, _ = stratos
    want = REFERENCE["stratos"]
    brier = stats.brier_score(d["time"], d["event"], risk, 4.99)
    # the null model first, as in R
    close(brier.estimate, want["brier"][:2])
    ipa = stats.index_of_prediction_accuracy(d["time"], d["event"], risk, 4.99)
    close(ipa.estimate, want["brier"][3:], rel=1e-7)
    got = stats.calibration_survival(d["time"], d["event"], risk, 5)
    close(got.value("oe"), want["oe"])
    close(got.value("ici"), want["ici"][0], rel=1e-6)
    close([got.value(k) for k in ("e50", "e90", "emax")], want["ici"][1:], rel=1e-6)
    assert round(got.value("oe"), 2) == 1.02
