"""Concordance with competing events: by hand, against R's pec, by brute force and by the jackknife."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from radiogen import stats
from tests.stats.r_answers import close

REFERENCE = json.loads((Path(__file__).parent / "reference" / "concordance.json").read_text())
TIME, STATUS, RISK = (np.array(REFERENCE["data"][k], dtype=float) for k in ("time", "status", "risk"))


def test_by_hand() -> None:
    # events of interest at 1 and 4, a competing event at 2, censored at 3 and 5.  G is 1 until 3, then 2/3 (3 at risk).
    # First at 1 (risk 3): against 5, 2, 1, 4: two of four won, weight 1 each.  First at 4 (risk 1): against the unit at 5
    # (risk 4), lost, weight 1 / G(4-)² = 9/4; against the competing event at 2 (risk 5), lost, weight 1 / {G(4-) G(2-)} = 3/2
    got = stats.concordance([1, 2, 3, 4, 5], [1, 2, 0, 1, 0], [3, 5, 2, 1, 4], method="uno")
    close(got.estimate, 2 / (4 + 9 / 4 + 3 / 2))
    # Harrell: the same pairs with weight 1
    close(stats.concordance([1, 2, 3, 4, 5], [1, 2, 0, 1, 0], [3, 5, 2, 1, 4]).estimate, 2 / 6)


def test_pec() -> None:
    for tau, want in zip(REFERENCE["times"], REFERENCE["cindex"], strict=True):
        close(stats.concordance(TIME, STATUS, RISK, method="uno", tau=tau).estimate, want, rel=1e-10)


def test_brute_force_with_ties() -> None:
    rng = np.random.default_rng(3)
    time, status, risk = rng.integers(1, 8, 60).astype(float), rng.choice([0, 1, 2], 60), rng.integers(0, 5, 60).astype(float)
    free = np.array([
        np.prod([1 - np.sum((time == u) & (status == 0)) / (np.sum(time > u) + np.sum((time == u) & (status == 0)))
                 for u in np.unique(time[status == 0]) if u < t])
        for t in time
    ])  # fmt: skip
    won = total = 0.0
    for i in np.flatnonzero(status == 1):
        for j in range(60):
            if time[j] > time[i] or (time[j] == time[i] and status[j] == 0):
                weight = 1 / free[i] ** 2
            elif status[j] == 2:
                weight = 1 / (free[i] * free[j])
            else:
                continue
            total += weight
            won += weight * ((risk[i] > risk[j]) + (risk[i] == risk[j]) / 2)
    close(stats.concordance(time, status, risk, method="uno").estimate, won / total)


def test_without_censoring_it_is_harrells() -> None:
    status = np.where(STATUS == 0, 3, STATUS)
    one, two = (stats.concordance(TIME, status, RISK, method=m) for m in ("uno", "harrell"))
    close([one.estimate, one.se], [two.estimate, two.se])


def test_the_standard_error_is_the_jackknifes() -> None:
    n = 90
    time, status, risk, other = TIME[:n], STATUS[:n], RISK[:n], TIME[:n] % 7

    def difference(rows: np.ndarray) -> tuple[float, float]:
        both = stats.concordance_difference(time[rows], status[rows], risk[rows], other[rows], method="uno", tau=3000)
        return both["c_a"], float(both.estimate)

    left = np.array([difference(np.delete(np.arange(n), i)) for i in range(n)])
    jackknife = np.sqrt((n - 1) / n * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    both = stats.concordance_difference(time, status, risk, other, method="uno", tau=3000)
    close([both["se_a"], both.se], jackknife, rel=0.04)
