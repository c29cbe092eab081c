"""Decision curves: by hand, against the package dcurves given risks, with censoring and competing events."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError
from tests.stats.binary_data import answers, close, pbc


def of(result: stats.DecisionCurve, model: str, column: str = "net_benefit") -> np.ndarray:
    return result.curve.loc[result.curve["model"] == model, column].to_numpy()


def test_by_hand() -> None:
    y = [1, 1, 0, 0, 0]
    r = stats.decision_curve(y, {"m": [0.9, 0.2, 0.5, 0.2, 0.1]}, [0.2, 0.5], n_boot=0)
    # at 0.2 (odds 1/4): 2 true and 2 false positives, 0.2 itself is positive; at 0.5 (odds 1): 1 and 1
    close(of(r, "m"), [2 / 5 - 2 / 5 / 4, 1 / 5 - 1 / 5])
    close(of(r, "all"), [2 / 5 - 3 / 5 / 4, 2 / 5 - 3 / 5])
    close(of(r, "none"), [0, 0])
    close(of(r, "m", "standardised"), of(r, "m") / 0.4)
    # one of five is spared at 0.2: (0.3 - 0.25) / (1/4) = 0.2
    close(of(r, "m", "interventions_avoided"), [20, 20])
    close(of(r, "m", "positive"), [4 / 5, 2 / 5])
    assert r.lower is None and np.isnan(of(r, "m", "lower")).all()
    close(r.difference("m", "all")["difference"], of(r, "m") - of(r, "all"))


def test_harm_is_taken_off() -> None:
    y, p = [1, 1, 0, 0], [0.9, 0.2, 0.5, 0.1]
    plain, dear = (stats.decision_curve(y, {"m": p}, [0.3], n_boot=0, harm=h) for h in (None, {"m": 0.05}))
    close(of(plain, "m") - of(dear, "m"), 0.05)
    close(of(plain, "all"), of(dear, "all"))


def test_prevalence_of_a_case_control_sample() -> None:
    # sensitivity 1/2, false-positive rate 1/4; prevalence 10 %, odds 1/4
    y = [1, 1, 0, 0, 0, 0]
    r = stats.decision_curve(y, [0.9, 0.1, 0.5, 0.1, 0.1, 0.1], [0.2], n_boot=50, prevalence=0.1)
    close(of(r, "model"), 0.1 / 2 - 0.9 / 4 / 4)
    close(of(r, "all"), 0.1 - 0.9 / 4)
    close(of(r, "all", "lower"), of(r, "all"))


def test_against_dcurves() -> None:
    want, p = answers("net_benefit.json"), answers()["risks"]
    r = stats.decision_curve(pbc()["y"], pd.DataFrame(p), want["thresholds"], n_boot=0)
    for model in ("old", "new", "all"):
        close(of(r, model), want["binary"][f"{model} net_benefit"])
        close(of(r, model, "interventions_avoided"), 100 * np.array(want["binary"][f"{model} net_intervention_avoided"]))


def test_survival_against_dcurves() -> None:
    want, s, d = answers("net_benefit.json"), answers()["survival"], pbc()
    r = stats.decision_curve_survival(d["time"], d["event"], {"risk": s["risk"]}, 3, want["thresholds"], n_boot=0)
    theirs = np.array(want["survival"]["risk net_benefit"], dtype=float)
    # dcurves has no value where the follow-up of those at risk ends before the horizon
    known = ~np.isnan(theirs)
    assert known.sum() >= 10
    close(of(r, "risk")[known], theirs[known])
    close(of(r, "all"), want["survival"]["all net_benefit"])
    close(r.prevalence, s["km_risk"])


def test_survival_by_hand() -> None:
    # of those at or above 0.5 (times 1, 2+, 3): S(3) = 2/3 * 0; below: nobody
    time, event, risk = [1, 2, 3, 4, 5], [1, 0, 1, 1, 0], [0.9, 0.8, 0.5, 0.2, 0.1]
    r = stats.decision_curve_survival(time, event, risk, 4.5, [0.5], n_boot=0)
    close(of(r, "model"), 3 / 5)
    # all: S = 4/5 * 2/3 * 1/2
    close(r.prevalence, 1 - 4 / 15)
    assert r.notes == ()
    short = stats.decision_curve_survival(time, [1, 0, 0, 1, 0], risk, 4.5, [0.5], n_boot=0)
    close(of(short, "model"), 3 / 5 * (1 / 3 - 2 / 3))
    assert "follow-up ends" in short.notes[0]


def test_competing_events_against_r() -> None:
    want, s, d = answers()["competing"], answers()["survival"], pbc()
    r = stats.decision_curve_survival(d["time"], d["status"], s["risk"], 3, [want["threshold"]], n_boot=0)
    share = np.mean(np.array(s["risk"]) >= want["threshold"])
    close(of(r, "model", "tp_rate"), share * want["high"])
    close(of(r, "model", "fp_rate"), share * (1 - want["high"]))
    close(r.prevalence, want["all"])
    assert "Aalen-Johansen" in r.method


def test_without_censoring_both_are_the_same() -> None:
    rng = np.random.default_rng(1)
    time, risk = rng.exponential(size=80), rng.uniform(size=80)
    binary = stats.decision_curve((time <= 0.6).astype(int), risk, [0.1, 0.3, 0.7], n_boot=200)
    timed = stats.decision_curve_survival(time, np.ones(80), risk, 0.6, [0.1, 0.3, 0.7], n_boot=200)
    for column in ("net_benefit", "lower", "upper", "standardised_lower", "interventions_avoided_upper"):
        close(timed.curve[column], binary.curve[column])


def test_bands_are_those_of_resampled_rows() -> None:
    rng = np.random.default_rng(2)
    y, p = rng.integers(0, 2, 60), rng.uniform(size=60)
    r = stats.decision_curve(y, p, [0.4], n_boot=2000)
    slow = []
    for _ in range(2000):
        i = rng.integers(0, 60, 60)
        called = p[i] >= 0.4
        slow.append((called & (y[i] == 1)).mean() - (called & (y[i] == 0)).mean() * 2 / 3)
    close([of(r, "model", "lower")[0], of(r, "model", "upper")[0]], np.quantile(slow, [0.025, 0.975]), absolute=0.02, rel=0)


def test_differences_are_paired() -> None:
    rng = np.random.default_rng(3)
    y, p = rng.integers(0, 2, 100), rng.uniform(size=100)
    r = stats.decision_curve(y, {"a": p, "b": p}, [0.3, 0.6], n_boot=50)
    table = r.difference("a", "b")
    assert (table[["difference", "lower", "upper"]] == 0).all().all()


def test_the_frame_has_a_row_for_each_strategy_and_threshold() -> None:
    r = stats.decision_curve([0, 1, 1, 0], {"m": [0.2, 0.6, 0.4, 0.1]}, [0.3, 0.5], n_boot=10)
    frame = r.to_frame()
    assert len(frame) == 6 and {"threshold", "standardised", "interventions_avoided"} <= set(frame)
    assert "treat" not in repr(r) and "none" in repr(r)


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("RG705", {"risks": {"all": [0.1, 0.2, 0.3, 0.4]}}), ("RG705", {"risks": {"m": [0.1, 0.2, 0.3, 1.4]}}),
        ("RG705", {"risks": {"m": [0.1, 0.2, 0.3]}}), ("RG705", {"risks": {}}), ("RG708", {"thresholds": [0.0, 0.5]}),
        ("RG708", {"thresholds": [1.0]}), ("RG708", {"n_boot": -1}), ("RG708", {"prevalence": 1.2}), ("RG708", {"harm": {"x": 0.1}}),
        ("RG708", {"seed": -1}), ("RG701", {"y": [1, 1, 1, 1]}), ("RG705", {"y": [1, 0, np.nan, 1]}),
    ],
)  # fmt: skip
def test_refused(code: str, how: dict[str, object]) -> None:
    with pytest.raises(RadiogenError) as caught:
        stats.decision_curve(**{"y": [0, 1, 1, 0], "risks": {"m": [0.2, 0.6, 0.4, 0.1]}, "n_boot": 5, **how})
    assert caught.value.code == code


def test_two_without_zero_is_not_taken_for_competing() -> None:
    # survival's lung data code censored 1 and dead 2
    with pytest.raises(RadiogenError) as caught:
        stats.decision_curve_survival([1, 2, 3, 4], [1, 2, 2, 1], [0.1, 0.2, 0.3, 0.4], 2, [0.2])
    assert caught.value.code == "RG705" and "censored" in str(caught.value)
    r = stats.decision_curve_survival([1, 2, 3, 4], [1, 2, 2, 1], [0.1, 0.2, 0.3, 0.4], 2, [0.2], competing=True, n_boot=0)
    close(r.prevalence, 1 / 4)
