"""Repeated measurements in one form: lesions × repeats × features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail

Floats = NDArray[np.float64]
#: names of the levels of a table of repeated measurements
LESION, REPEAT = "lesion", "repeat"


@dataclass(frozen=True)
class Repeats:
    """Features that were measured in the same repeats.

    Parameters
    ----------
    values : ndarray, shape (n, k, p)
    names : tuple of str, length p
    order : tuple of str
        All features of the table these come from, in its order.
    """

    values: Floats
    names: tuple[str, ...]
    order: tuple[str, ...]


def as_repeats(values: Floats | pd.DataFrame, names: Sequence[str] | None) -> list[Repeats]:
    """Arrays and tables in one form; features of a table are grouped by the repeats that have them."""
    if isinstance(values, pd.DataFrame):
        if names is not None:
            raise fail("RG705", "a table has names of its own; `names` belong to an array")
        return _from_table(values)
    cube = _numbers(np.asarray(values))
    if cube.ndim == 2:
        cube = cube[:, :, None]
    if cube.ndim != 3 or 0 in cube.shape:
        raise fail("RG705", f"the values must be lesions × repeats × features; they are {np.shape(values)}")
    if cube.shape[1] < 2:
        raise fail("RG705", "agreement needs at least 2 repeats")
    found = tuple(str(n) for n in names) if names is not None else tuple(f"x{i}" for i in range(cube.shape[2]))
    if len(found) != cube.shape[2] or len(set(found)) < len(found):
        raise fail("RG705", f"`names` must be {cube.shape[2]} different names; there are {len(set(found))}")
    _finite(cube, found)
    return [Repeats(cube, found, found)]


def _from_table(table: pd.DataFrame) -> list[Repeats]:
    check_index(table)
    names = tuple(str(c) for c in table.columns)
    if len(set(names)) < len(names) or not names:
        raise fail("RG705", "the table of repeats needs columns, each with a name of its own")
    cells = _numbers(table.to_numpy(dtype=np.float64, na_value=np.nan))
    _finite(cells, names)
    lesions, repeats = (pd.factorize(table.index.get_level_values(i)) for i in (0, 1))
    n, k = len(lesions[1]), len(repeats[1])
    known = ~np.isnan(cells)
    measured = np.array([known[repeats[0] == r].any(axis=0) for r in range(k)])
    groups: dict[bytes, list[int]] = {}
    for j in range(len(names)):
        groups.setdefault(measured[:, j].tobytes(), []).append(j)
    found = []
    for columns in groups.values():
        kept = np.flatnonzero(measured[:, columns[0]])
        place = np.full(k, -1)
        place[kept] = np.arange(len(kept))
        rows = np.flatnonzero(place[repeats[0]] >= 0)
        part = cells[rows] if len(columns) == len(names) else cells[np.ix_(rows, np.array(columns))]
        cube = np.full((n, len(kept), len(columns)), np.nan)
        cube[lesions[0][rows], place[repeats[0][rows]]] = part
        found.append(Repeats(cube, tuple(names[j] for j in columns), names))
    return found


def check_index(table: pd.DataFrame) -> None:
    """Refuse a table whose index is not (lesion, repeat), each pair once: RG705."""
    if table.index.nlevels != 2:
        raise fail("RG705", f"a table of repeats has the index (lesion, repeat); this one has {table.index.nlevels} level(s)")
    if not len(table):
        raise fail("RG705", "the table of repeats has no rows")
    if table.index.has_duplicates:
        lesion, repeat = table.index[table.index.duplicated()][0]
        raise fail("RG705", f"the lesion '{lesion}' has the repeat '{repeat}' twice", value=lesion)
    if table.index.to_frame().isna().to_numpy().any():
        raise fail("RG705", "the index of a table of repeats may not be empty")


def _numbers(array: NDArray) -> Floats:
    if array.dtype.kind not in "biuf":
        raise fail("RG705", f"repeated measurements must be numbers; they are {array.dtype}")
    return array.astype(np.float64, copy=False)


def _finite(values: Floats, names: tuple[str, ...]) -> None:
    infinite = np.isinf(values).reshape(-1, values.shape[-1]).any(axis=0)
    if infinite.any():
        first = names[int(np.flatnonzero(infinite)[0])]
        raise fail("RG705", f"{int(infinite.sum())} features have infinite values, such as '{first}'", column=first)


def from_tables(tables: Mapping[str, pd.DataFrame] | Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Feature tables of several readers, scanners or sessions as one table of repeats.

    Parameters
    ----------
    tables : mapping of str to DataFrame, or sequence of DataFrame
        One feature table for each repeat, index lesion; a sequence is numbered from 1.  Lesions that a table
        lacks are missing in that repeat.

    Returns
    -------
    DataFrame, index (lesion, repeat)
        Of the columns that all tables have.

    Raises
    ------
    RadiogenError
        RG705 for fewer than two tables, a lesion twice in one, no lesion or no column in common.

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.features.stability import from_tables, icc
    >>> a = pd.DataFrame({"mean": [10.0, 20.0, 30.0]}, index=["u1", "u2", "u3"])
    >>> icc(from_tables({"reader A": a, "reader B": a + 1}))["icc"].round(3).to_list()
    [0.995]
    """
    named = dict(tables) if isinstance(tables, Mapping) else {str(i): t for i, t in enumerate(tables, 1)}
    if len(named) < 2:
        raise fail("RG705", f"repeats need at least two tables; there is {len(named)}")
    for name, table in named.items():
        if table.index.has_duplicates:
            raise fail("RG705", f"the table '{name}' has a lesion twice", value=table.index[table.index.duplicated()][0])
    first, *others = named.values()
    columns = [c for c in first.columns if all(c in t.columns for t in others)]
    shared = [i for i in first.index if all(i in t.index for t in others)]
    if not columns or not shared:
        raise fail("RG705", f"the tables have {len(columns)} columns and {len(shared)} lesions in common")
    joined = pd.concat({n: t[columns] for n, t in named.items()}, names=[REPEAT, LESION]).swaplevel()
    order = list(dict.fromkeys(joined.index.get_level_values(0)))
    return joined.reindex(order, level=0)
