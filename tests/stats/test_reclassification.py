"""Net reclassification and integrated discrimination: by hand, against R, with censoring."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from radiogen import stats
from tests.stats.binary_data import answers, close, pbc


def test_continuous_by_hand() -> None:
    # events: 3 up, 1 down of 4; non-events: 1 up, 2 down, 1 same of 4
    y = [1, 1, 1, 1, 0, 0, 0, 0]
    old = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    new = [0.6, 0.7, 0.8, 0.4, 0.6, 0.1, 0.2, 0.5]
    r = stats.net_reclassification(y, old, new)
    close(r.estimate, [0.75, 0.5, 0.25])
    # (up + down) / n^2 - (up - down)^2 / n^3
    events, nonevents = 4 / 16 - 4 / 64, 3 / 16 - 1 / 64
    close(r.se, np.sqrt([events + nonevents, events, nonevents]))
    close(r.statistic, np.asarray(r.estimate) / np.asarray(r.se))
    assert r["up"].tolist() == [4, 3, 1] and r["down"].tolist() == [3, 1, 2]
    assert r.table["n"].tolist() == [1, 0, 3, 2, 1, 1]


def test_categorical_counts_only_moves_between_classes() -> None:
    # a probability equal to a cut is in the higher class
    y = [1, 1, 1, 0, 0, 0]
    old = [0.10, 0.19, 0.30, 0.25, 0.20, 0.05]
    new = [0.15, 0.20, 0.10, 0.10, 0.30, 0.01]
    r = stats.net_reclassification(y, old, new, cuts=0.2)
    # events: one up (0.19 to 0.20), one down; non-events: one down (0.25 to 0.10), 0.20 stays high
    close(r.estimate, [1 / 3, 0, 1 / 3])
    t = r.table.set_index(["outcome", "old", "new"])["n"]
    assert t["event", "<0.2", "≥0.2"] == 1 and t["nonevent", "≥0.2", "<0.2"] == 1 and t.sum() == 6


def test_three_classes_and_their_names() -> None:
    r = stats.net_reclassification([1, 1, 0, 0], [0.1, 0.3, 0.3, 0.7], [0.3, 0.8, 0.1, 0.3], cuts=[0.2, 0.6])
    close(r.estimate, [2, 1, 1])
    assert list(dict.fromkeys(r.table["old"])) == ["<0.2", "0.2 to <0.6", "≥0.6"]
    # everybody moves in the same way: no variance, and this is said
    assert r.se.tolist() == [0, 0, 0] and np.isnan(r.p).all() and len(r.notes) == 3


def test_nothing_changes() -> None:
    p = [0.1, 0.4, 0.6, 0.3]
    r = stats.net_reclassification([0, 1, 1, 0], p, p)
    assert r.estimate.tolist() == [0, 0, 0] and r.p.tolist() == [1, 1, 1]
    assert "nothing changes" in r.notes[0]
    close(stats.integrated_discrimination([0, 1, 1, 0], p, p).p, [1, 1, 1])


def test_rounding_that_counts_as_a_move_is_told() -> None:
    old = np.array([0.1, 0.4, 0.6, 0.3])
    r = stats.net_reclassification([0, 1, 1, 0], old, old + np.array([1e-12, 0.1, 0.1, -0.1]))
    assert "1 units differ by less" in r.notes[-1]


def test_integrated_discrimination_by_hand() -> None:
    r = stats.integrated_discrimination([1, 1, 0, 0], [0.4, 0.5, 0.4, 0.5], [0.6, 0.4, 0.3, 0.2])
    # changes 0.2, -0.1 and -0.1, -0.3: variances 0.045 and 0.02
    close(r.estimate, [0.25, 0.05, 0.2])
    close(r.se, np.sqrt([0.045 / 2 + 0.02 / 2, 0.045 / 2, 0.02 / 2]))
    close([r["slope_old"], r["slope_new"]], [0, 0.25])
    assert r["relative"] is None


def test_against_improve_prob() -> None:
    want, p = answers()["improve"], answers()["risks"]
    n = stats.net_reclassification(pbc()["y"], p["old"], p["new"])
    i = stats.integrated_discrimination(pbc()["y"], p["old"], p["new"])
    close(n.estimate, [want["nri"], want["nri.ev"], want["nri.ne"]])
    close(n.se, [want["se.nri"], want["se.nri.ev"], want["se.nri.ne"]])
    close(n.statistic, [want["z.nri"], want["z.nri.ev"], want["z.nri.ne"]])
    close(i.estimate, [want["idi"], want["improveSens"], want["improveSpec"]])
    close([i.se[0], i.statistic[0]], [want["se.idi"], want["z.idi"]])


def test_metabric(shared: Path) -> None:
    folder = shared / "reference" / "r"
    d, want = pd.read_csv(folder / "metabric.csv"), json.loads((folder / "metabric.json").read_text())["reclassification"]
    d = d.dropna(subset=["m1", "m2", "y"])
    old, new = (expit(stats.logistic_regression(d, "y", x).linear_predictor) for x in (["x1", "b1"], ["x1", "b1", "m1"]))
    n, i = stats.net_reclassification(d["y"], old, new), stats.integrated_discrimination(d["y"], old, new)
    close([*n.estimate, n.se[0], n.statistic[0]], [want[k] for k in ("nri", "nri_events", "nri_nonevents", "se_nri", "z_nri")])
    close([i.estimate[0], i.se[0], i.statistic[0]], [want[k] for k in ("idi", "se_idi", "z_idi")])


def test_censored_kaplan_meier_by_hand() -> None:
    # up: events at 1 and 3 of 4 units, one censored at 2: S(4) = 3/4 * 1/2; down: one event at 2 of 4: S(4) = 3/4
    time = [1, 2, 3, 9, 2, 9, 9, 9]
    event = [1, 0, 1, 0, 1, 0, 0, 0]
    old = np.full(8, 0.3)
    new = np.r_[np.full(4, 0.5), np.full(4, 0.1)]
    r = stats.net_reclassification_survival(time, event, old, new, 4, n_boot=20)
    up, down = 1 - 3 / 8, 1 / 4
    # all: 8 at risk at 1, 7 at 2, 5 at 3
    risk = 1 - 7 / 8 * 6 / 7 * 4 / 5
    close(r["risk"], risk)
    close([r["risk_up"], r["risk_down"]], [up, down])
    close(r.estimate[1:], [(up / 2 - down / 2) / risk, ((1 - down) / 2 - (1 - up) / 2) / (1 - risk)])


def test_censored_ipcw_by_hand() -> None:
    # the only censoring before 4 is at 2, where 6 of 7 (one has the event there) could be censored: G = 5/6 after
    time = [1, 2, 3, 9, 2, 9, 9, 9]
    event = [1, 0, 1, 0, 1, 0, 0, 0]
    old, new = np.full(8, 0.3), np.array([0.5, 0.9, 0.1, 0.2, 0.6, 0.1, 0.5, 0.3])
    r = stats.net_reclassification_survival(time, event, old, new, 4, method="ipcw", n_boot=20)
    weight = 6 / 5
    # events at 1 and 2 (weight 1) move up, the one at 3 (weight 6/5) down; of four non-events two down, one up
    close(r.estimate[1:], [(1 + 1 - weight) / (2 + weight), (2 - 1) / 4])
    i = stats.integrated_discrimination_survival(time, event, old, new, 4, n_boot=20)
    close(i.estimate[1:], [(0.2 + 0.3 - 0.2 * weight) / (2 + weight), (0.1 + 0.2 - 0.2 - 0.0) / 4])


def test_without_censoring_the_censored_versions_are_the_plain_ones() -> None:
    rng = np.random.default_rng(3)
    time = rng.exponential(size=60)
    old, new = rng.uniform(size=60), rng.uniform(size=60)
    y = (time <= 0.7).astype(int)
    plain, idi = stats.net_reclassification(y, old, new), stats.integrated_discrimination(y, old, new)
    for method in ("kaplan_meier", "ipcw"):
        r = stats.net_reclassification_survival(time, np.ones(60), old, new, 0.7, method=method, n_boot=500)
        close(r.estimate, plain.estimate)
        close(r.se, plain.se, rel=0.15)
    r = stats.integrated_discrimination_survival(time, np.ones(60), old, new, 0.7, n_boot=500)
    close(r.estimate, idi.estimate)
    close(r.se, idi.se, rel=0.15)


def test_censored_against_r() -> None:
    want, s = answers()["nri_survival"], answers()["survival"]
    r = stats.net_reclassification_survival(
        pbc()["time"], pbc()["event"], want["old"], s["risk"], s["horizon"], n_boot=50
    )
    close(r.estimate[1:], [want["events"], want["nonevents"]])


def test_clusters_are_drawn_whole() -> None:
    rng = np.random.default_rng(5)
    time, old, new = rng.exponential(size=40) + 0.01, rng.uniform(size=40), rng.uniform(size=40)
    event = rng.random(40) < 0.8
    # each unit twice: by cluster the standard error is that of the single units, without it is too small
    twice = [np.repeat(v, 2) for v in (time, event, old, new)]
    one = stats.integrated_discrimination_survival(time, event, old, new, 0.5, n_boot=1000)
    both = stats.integrated_discrimination_survival(*twice, 0.5, n_boot=1000, cluster=np.repeat(np.arange(40), 2))
    close(both.estimate, one.estimate)
    close(both.se, one.se, rel=1e-9)  # the same draws
    naive = stats.integrated_discrimination_survival(*twice, 0.5, n_boot=1000)
    assert naive.se[0] < 0.8 * one.se[0]


@pytest.mark.parametrize("method", ["kaplan_meier", "ipcw"])
def test_same_seed_same_interval(method: str) -> None:
    rng = np.random.default_rng(6)
    time, p, q = rng.exponential(size=50) + 0.01, rng.uniform(size=50), rng.uniform(size=50)
    a, b = (stats.net_reclassification_survival(time, np.ones(50), p, q, 0.5, method=method, n_boot=50) for _ in range(2))
    assert a.lower.tolist() == b.lower.tolist()
