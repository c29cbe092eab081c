"""Tests and indices of calibration that go beside the curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import chi2, norm

from radiogen.stats._validate import Bools, Floats, Ints
from radiogen.stats.roc import components

#: rms counts pairs after putting probabilities into this many bins
_RMS_BINS = 5000


def log_likelihood(y: Bools, log_odds: Floats) -> float:
    """Bernoulli log-likelihood of predictions given as log odds."""
    return float(log_odds[y].sum() - np.logaddexp(0.0, log_odds).sum())


def quantile_groups(p: Floats, groups: int) -> Ints:
    """Group of each unit by quantiles of p (type 7, right-closed); equal p share a group."""
    breaks = np.unique(np.quantile(p, np.linspace(0, 1, groups + 1)))
    # groups that ties leave empty are dropped
    return np.unique(np.searchsorted(breaks[1:-1], p, side="left"), return_inverse=True)[1]


def bins(y: Bools, p: Floats, groups: int) -> pd.DataFrame:
    """Units, events and mean prediction of each group of similar predictions."""
    code = quantile_groups(p, groups)
    order = np.lexsort((p, code))
    first = np.flatnonzero(np.r_[True, np.diff(code[order]) != 0])
    n, events = np.bincount(code), np.bincount(code, weights=y).astype(np.int64)
    expected = np.bincount(code, weights=p)
    return pd.DataFrame(
        {
            "n": n, "events": events, "expected": expected, "predicted": expected / n, "observed": events / n,
            "lowest": p[order][first], "highest": p[order][np.r_[first[1:], p.size] - 1],
        }
    )  # fmt: skip


def hosmer_lemeshow(table: pd.DataFrame) -> float:
    """Hosmer and Lemeshow's statistic of the groups."""
    total = 0.0
    for observed, expected in (
        (table["events"], table["expected"]),
        (table["n"] - table["events"], table["n"] - table["expected"]),
    ):
        gap, size = (observed - expected).to_numpy(dtype=float) ** 2, expected.to_numpy(dtype=float)
        # a group for which the event is ruled out: right, or infinitely wrong
        total += float(np.divide(gap, size, out=np.where(gap > 0, np.inf, 0.0), where=size > 0).sum())
    return total


def spiegelhalter(y: Bools, p: Floats) -> float:
    """Spiegelhalter's z: the Brier score less its expectation, over its standard deviation under calibration."""
    bend = 1 - 2 * p
    spread = float((bend**2 * p * (1 - p)).sum())
    return float(((y - p) * bend).sum() / np.sqrt(spread)) if spread > 0 else np.nan


def tests(
    y: Bools, p: Floats, log_odds: Floats, recalibrated: float, table: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The tests of calibration, one row each, with notes on those that cannot be made."""
    rows: list[dict[str, object]] = []
    notes: list[str] = []
    if len(table) > 2:
        statistic = hosmer_lemeshow(table)
        for name, df in (("hosmer_lemeshow", len(table) - 2), ("hosmer_lemeshow_external", len(table))):
            rows.append({"test": name, "statistic": statistic, "df": float(df), "p": float(chi2.sf(statistic, df))})
    else:
        notes.append(f"The predictions form only {len(table)} groups; the Hosmer-Lemeshow test needs three.")
    z = spiegelhalter(y, p)
    if np.isfinite(z):
        rows.append({"test": "spiegelhalter", "statistic": z, "df": np.nan, "p": float(2 * norm.sf(abs(z)))})
    else:
        notes.append("All predictions are 0, 1/2 or 1: Spiegelhalter's test has no variance.")
    unreliability = max(0.0, 2 * (recalibrated - log_likelihood(y, log_odds)))
    rows.append({"test": "unreliability", "statistic": unreliability, "df": 2.0, "p": float(chi2.sf(unreliability, 2))})
    return pd.DataFrame(rows), tuple(notes)


def rms_indices(
    y: Bools, p: Floats, log_odds: Floats, line: tuple[float, float], recalibrated: float, gaps: Floats
) -> dict[str, float]:
    """What R's ``rms::val.prob`` prints, under its names.

    D, R2 and Q are those of the predictions as they are (not recalibrated).  C and Dxy come, as in rms, from
    probabilities in 5,000 bins; ``radiogen.stats.roc_auc`` gives the exact value.
    """
    n, share = y.size, float(y.mean())
    null = n * (share * np.log(share) + (1 - share) * np.log1p(-share))
    ratio = 2 * (log_likelihood(y, log_odds) - null)
    unreliability = 2 * (recalibrated - log_likelihood(y, log_odds))
    d, u = (ratio - 1) / n, (unreliability - 2) / n
    c = components(y, np.floor(expit(log_odds) * _RMS_BINS))[0]
    z = spiegelhalter(y, p)
    return {
        "Dxy": 2 * c - 1, "C (ROC)": c, "R2": float((1 - np.exp(-ratio / n)) / (1 - np.exp(2 * null / n))),
        "D": d, "D:Chi-sq": ratio, "D:p": float(chi2.sf(max(0.0, ratio), 1)),
        "U": u, "U:Chi-sq": unreliability, "U:p": float(chi2.sf(max(0.0, unreliability), 2)), "Q": d - u,
        "Brier": float(((p - y) ** 2).mean()), "Intercept": line[0], "Slope": line[1],
        "Emax": float(gaps.max()), "E90": float(np.quantile(gaps, 0.9)), "Eavg": float(gaps.mean()),
        "S:z": z, "S:p": float(2 * norm.sf(abs(z))),
    }  # fmt: skip


def histogram(y: Bools, p: Floats, count: int = 20) -> pd.DataFrame:
    """How many events and non-events have each predicted probability, in bins of equal width from 0 to 1."""
    edges = np.linspace(0, 1, count + 1)
    place = np.minimum((p * count).astype(np.int64), count - 1)
    return pd.DataFrame(
        {
            "lower": edges[:-1], "upper": edges[1:],
            "events": np.bincount(place[y], minlength=count), "nonevents": np.bincount(place[~y], minlength=count),
        }
    )  # fmt: skip
