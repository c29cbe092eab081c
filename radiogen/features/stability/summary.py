"""How many features are stable, by class and by filter."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.features.radiomics import FEATURES

#: the part of a name from the filtered picture, or the ring, on
_FILTER = re.compile(
    r"(?:^|_)((?:outside_|inside_|original|wavelet|log|square|exponential|gradient|lbp|laws|gabor|mean).*)$", re.DOTALL
)
#: limits of poor, moderate, good and excellent reliability (Koo and Li 2016)
LIMITS = (0.5, 0.75, 0.9)


def share_above(table: pd.DataFrame, thresholds: Sequence[float] = LIMITS, *, bound: str = "lower") -> pd.DataFrame:
    """Features whose ICC reaches each threshold.

    Parameters
    ----------
    table : DataFrame, index feature
        As :func:`icc` gives it.
    thresholds : sequence of float, default (0.5, 0.75, 0.9)
        Koo and Li's limits of moderate, good and excellent.
    bound : {"lower", "estimate"}, default "lower"
        Whether the lower limit of the interval or the estimate must reach it.

    Returns
    -------
    DataFrame
        ``model``, ``threshold``, ``n`` (features that reach it), ``of`` (features with an ICC), ``share``.

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.features.stability import share_above
    >>> table = pd.DataFrame({"model": "2,1", "icc": [0.95, 0.8], "lower": [0.9, 0.6]}, index=["mean", "busyness"])
    >>> share_above(table)["share"].to_list()
    [1.0, 0.5, 0.5]
    """
    column = _column(bound)
    rows = []
    for model, part in table.groupby("model", sort=False):
        known = part[column].dropna().to_numpy(dtype=float)
        for limit in thresholds:
            reached = int((known >= limit).sum())
            rows.append((model, float(limit), reached, len(known), reached / len(known) if len(known) else np.nan))
    return pd.DataFrame(rows, columns=["model", "threshold", "n", "of", "share"])


def summarise(table: pd.DataFrame, *, threshold: float = 0.75, bound: str = "lower") -> pd.DataFrame:
    """Stability by feature class and filtered picture.

    Parameters
    ----------
    table : DataFrame, index feature
        As :func:`icc` gives it; names are radiomics', with or without a modality in front.
    threshold : float, default 0.75
    bound : {"lower", "estimate"}, default "lower"

    Returns
    -------
    DataFrame
        ``model``, ``filter``, ``class``, ``n`` (features with an ICC), ``median`` (of their ICCs), ``stable``
        (features that reach the threshold), ``share``.  Features that are none of radiomics' have the class
        ``"other"`` and an empty filter.

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.features.stability import summarise
    >>> names = ["bmode_wavelet_LH_glcm_Contrast", "bmode_wavelet_LH_glcm_Idm"]
    >>> table = pd.DataFrame({"model": "2,1", "icc": [0.75, 1.0], "lower": [0.6, 0.9]}, index=names)
    >>> summarise(table).iloc[0].to_dict()
    {'model': '2,1', 'filter': 'wavelet_LH', 'class': 'glcm', 'n': 2, 'median': 0.875, 'stable': 1, 'share': 0.5}
    """
    column = _column(bound)
    parts = [split_name(str(name)) for name in table.index]
    data = pd.DataFrame({
        "model": table["model"].to_numpy(), "filter": [p[0] for p in parts], "class": [p[1] for p in parts],
        "icc": table["icc"].to_numpy(dtype=float), "limit": table[column].to_numpy(dtype=float),
    })
    data = data[data["icc"].notna()]
    rows = []
    for (model, kind, group), part in data.groupby(["model", "filter", "class"], sort=False):
        stable = int((part["limit"] >= threshold).sum())
        rows.append((model, kind, group, len(part), float(part["icc"].median()), stable, stable / len(part)))
    return pd.DataFrame(rows, columns=["model", "filter", "class", "n", "median", "stable", "share"])


def split_name(name: str) -> tuple[str, str]:
    """Filtered picture and class of a radiomics feature; ``("", "other")`` of any other.

    Examples
    --------
    >>> split_name("log-sigma-2-0-mm-3D_glszm_ZoneEntropy"), split_name("swe_mean_kpa")
    (('log-sigma-2-0-mm-3D', 'glszm'), ('', 'other'))
    """
    for group, features in FEATURES.items():
        before, found, feature = name.rpartition(f"_{group}_")
        if found and feature in features:
            return _without_modality(before), group
    return "", "other"


def _without_modality(name: str) -> str:
    found = _FILTER.search(name)
    return found[1] if found else name


def _column(bound: str) -> str:
    if bound not in ("lower", "estimate"):
        raise fail("RG708", "`bound` must be 'lower' or 'estimate'", value=bound)
    return "lower" if bound == "lower" else "icc"
