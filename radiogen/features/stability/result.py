"""What repeated measurement gives: the agreement of every feature, the measurements, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.features.stability.agreement import icc
from radiogen.features.stability.repeats import LESION, REPEAT


@dataclass(frozen=True, eq=False)
class Stability:
    """How well features agree when they are measured again.

    Parameters
    ----------
    table : DataFrame, index feature
        As :func:`icc` gives it.
    repeats : DataFrame, index (lesion, repeat)
        Every feature in every repeat; NaN where it could not be measured.  What :class:`StabilityFilter` takes for
        use inside folds.
    problems : DataFrame
        Columns ``lesion``, ``repeat``, ``code``, ``message``: what could not be measured, and why.
    """

    table: pd.DataFrame
    repeats: pd.DataFrame
    problems: pd.DataFrame


def joined(
    rows: Sequence[tuple[str, str, pd.Series | None]], problems: Sequence[tuple[str, str, str, str]], *,
    aggregate: str | None, model: str | Sequence[str], confidence: float,
) -> Stability:
    """Measurements (lesion, repeat, features or None) and problems (lesion, repeat, code, message) as one result.

    Several measurements of one lesion in one repeat are joined by ``aggregate``; None refuses them (RG705).

    Raises
    ------
    RadiogenError
        RG701 for fewer than two lesions, or where nothing could be measured.
    """
    lesions = list(dict.fromkeys(r[0] for r in rows))
    if len(lesions) < 2:
        raise fail("RG701", f"stability needs at least 2 lesions with a region; there are {len(lesions)}")
    columns = list(dict.fromkeys(c for _, _, s in rows if s is not None for c in s.index))
    if not columns:
        first = f"; the first: {problems[0][3]} ({problems[0][2]})" if problems else ""
        raise fail("RG701", f"no region could be measured{first}")
    values = np.full((len(rows), len(columns)), np.nan)
    for i, (_, _, found) in enumerate(rows):
        if found is not None:
            values[i] = found.reindex(columns).to_numpy()
    index = pd.MultiIndex.from_arrays([[r[0] for r in rows], [r[1] for r in rows]], names=[LESION, REPEAT])
    repeats = pd.DataFrame(values, index=index, columns=columns)
    if index.has_duplicates and aggregate is None:
        lesion = index[index.duplicated()][0][0]
        raise fail("RG705", f"two cases have the id '{lesion}'", value=lesion)
    if index.has_duplicates:
        repeats = pd.DataFrame(repeats.groupby(level=[0, 1], sort=False).agg(aggregate))
    said = pd.DataFrame(list(problems), columns=[LESION, REPEAT, "code", "message"])
    return Stability(icc(repeats, model=model, confidence=confidence), repeats, said)
