"""The exact partial likelihood of tied events in discrete time, by Gail's recursion."""

from __future__ import annotations

import numpy as np

from radiogen.compiled import compiled
from radiogen.errors import fail
from radiogen.stats._newton import Objective
from radiogen.stats._validate import Bools, Floats, Ints

#: units × tied events × terms², summed over event times: about a second for each step
_MOST_WORK = 5e8
#: with more events at one time the sums of products overflow
_MOST_TIED = 500


@compiled
def _evaluate(x, eta, members, start, deaths, gradient, information):  # type: ignore[no-untyped-def]
    """Sum over sets of the log of the elementary symmetric polynomial, with its first two derivatives.

    ``sums[k]`` is the sum over all choices of k of the members seen so far of the product of their hazards.
    """
    p = x.shape[1]
    value = 0.0
    for s in range(start.size - 1):
        rows = members[start[s] : start[s + 1]]
        d = deaths[s]
        top = -np.inf
        for i in rows:
            top = max(top, eta[i])
        total = 0.0
        for i in rows:
            total += np.exp(eta[i] - top)
        # so scaled, sums of products of d hazards stay near 1
        scale = d / total
        sums, first, second = np.zeros(d + 1), np.zeros((d + 1, p)), np.zeros((d + 1, p, p))
        sums[0] = 1.0
        for m in range(rows.size):
            i = rows[m]
            u = scale * np.exp(eta[i] - top)
            for k in range(min(m + 1, d), 0, -1):
                for a in range(p):
                    for b in range(a + 1):
                        mixed = x[i, a] * first[k - 1, b] + first[k - 1, a] * x[i, b]
                        second[k, a, b] += u * (second[k - 1, a, b] + mixed + x[i, a] * x[i, b] * sums[k - 1])
                for a in range(p):
                    first[k, a] += u * (first[k - 1, a] + x[i, a] * sums[k - 1])
                sums[k] += u * sums[k - 1]
        whole = sums[d]
        value += np.log(whole) - d * np.log(scale) + d * top
        for a in range(p):
            gradient[a] += first[d, a] / whole
            for b in range(a + 1):
                information[a, b] += second[d, a, b] / whole - first[d, a] * first[d, b] / whole / whole
    for a in range(p):
        for b in range(a):
            information[b, a] = information[a, b]
    return value


def exact_objective(time: Floats, event: Bools, x: Floats, strata: Ints, entry: Floats | None) -> Objective:
    """The exact log partial likelihood, its gradient and information as a function of the coefficients.

    Parameters
    ----------
    time : ndarray, shape (n,)
    event : ndarray of bool, shape (n,)
    x : ndarray, shape (n, p)
    strata : ndarray of int, shape (n,)
    entry : ndarray, shape (n,), or None
        At risk at t where entry < t <= time.

    Returns
    -------
    callable

    Raises
    ------
    RadiogenError
        RG708 where so many events are tied that the recursion would overflow or take too long.

    References
    ----------
    Gail MH, Lubin JH, Rubinstein LV. Likelihood calculations for matched case-control studies and survival studies with tied
    death times. Biometrika 1981;68:703-707. doi:10.1093/biomet/68.3.703
    """
    members, deaths, dead = [], [], np.flatnonzero(event)
    for code in np.unique(strata[event]):
        own = strata == code
        for at in np.unique(time[own & event]):
            at_risk = own & (time >= at)
            members.append(np.flatnonzero(at_risk if entry is None else at_risk & (entry < at)))
            deaths.append(int((own & event & (time == at)).sum()))
    work = sum(rows.size * count for rows, count in zip(members, deaths, strict=True)) * x.shape[1] ** 2
    if work > _MOST_WORK or max(deaths) > _MOST_TIED:
        raise fail(
            "RG708", f"Up to {max(deaths)} events share a time: too many for the exact likelihood.", value="exact",
            fix="Use `ties='efron'`.",
        )  # fmt: skip
    start = np.r_[0, np.cumsum([rows.size for rows in members])]
    joined, counts, observed = np.concatenate(members), np.array(deaths, dtype=np.int64), x[dead].sum(axis=0)

    def evaluate(beta: Floats) -> tuple[float, Floats, Floats]:
        eta = x @ beta
        gradient, information = np.zeros(beta.size), np.zeros((beta.size, beta.size))
        value = _evaluate(x, eta, joined, start, counts, gradient, information)
        # without a number a step is no candidate
        loglik = float(eta[dead].sum() - value) if np.isfinite(value) else -np.inf
        return loglik, observed - gradient, information

    return evaluate
