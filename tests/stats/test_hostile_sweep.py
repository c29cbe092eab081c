"""Every function of radiogen.stats against everything that data sets hold: an answer or a coded error, nothing else."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats import StatResult
from tests.stats.hostile import CALLS, NUMBERS, N, spoilt

#: what cannot be data, whatever the function
NO_DATA = {"text", "number", "mapping", "object", "nothing", "ragged", "generator", "complex", "infinite", "minus infinite", "an object"}
#: labels may be anything that can be told apart; a group, stratum or cluster may be left out
LABELS = {"group", "cluster", "x", "y", "a", "b", "y_true", "y_pred", "ratings"}
#: arguments that may be one number
NUMBER = {"sizes", "k", "n", "thresholds"}
#: rows of a result without a test by design, as the documentation says
UNTESTED = {"bland_altman": {"p", "statistic"}, "association_screen": {"statistic"}, "fdr": {"value"}}


def silent(name: str, result: Any) -> set[str]:
    """Fields with NaN that no note explains."""
    function = name.split(":")[0]
    if isinstance(result, dict):
        return set().union(*(silent(name, r) for r in result.values()))
    if isinstance(result, list):
        return set().union(*(silent(name, r) for r in result))
    if isinstance(result, StatResult):
        if result.notes:
            return set()
        told = np.asarray(result.extra["note"], dtype=object) != "" if "note" in result.extra else np.zeros(result.rows, bool)
        values = {f: getattr(result, f) for f in ("estimate", "se", "lower", "upper", "statistic", "p")}
        found = {f for f, v in values.items() if v is not None and (np.isnan(np.atleast_1d(np.asarray(v, float))) & ~told).any()}
    elif isinstance(result, pd.DataFrame):
        told = result["note"].ne("") if "note" in result else pd.Series(False, index=result.index)
        found = {str(c) for c in result.select_dtypes("number") if (result[c].isna() & ~told).any()}
    else:
        found = {"value"} if isinstance(result, float | np.ndarray) and np.isnan(np.asarray(result, float)).any() else set()
    return found - UNTESTED.get(function, set())


def test_every_function_is_here() -> None:
    functions = {n for n in stats.__all__ if not inspect.isclass(getattr(stats, n))}
    assert functions == {n.split(":")[0] for n in (*CALLS, *NUMBERS)}


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_or_a_coded_error(name: str) -> None:
    call, wrong = CALLS[name], []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not silent(name, call())
        for argument, value in call.data.items():
            for kind, bad in spoilt(value):
                try:
                    result = call(**{argument: bad})
                except RadiogenError as error:
                    assert all(p.code.startswith("RG") and p.message for p in error.problems)
                    continue
                except Exception as error:
                    wrong.append(f"{argument}, {kind}: {type(error).__name__}: {error}")
                    continue
                if silent(name, result):
                    wrong.append(f"{argument}, {kind}: NaN in {silent(name, result)}")
                elif kind in NO_DATA and argument not in LABELS and not (kind == "number" and argument in NUMBER):
                    wrong.append(f"{argument}, {kind}: taken")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("name", CALLS)
def test_masked_values_are_missing_and_the_index_does_not_matter(name: str) -> None:
    call = CALLS[name]
    for argument, value in call.data.items():
        if not isinstance(value, np.ndarray) or value.ndim != 1:
            continue
        # of p-values a missing one is left out, as the documentation says
        if value.dtype.kind in "biuf" and name not in ("fdr", "null_share"):
            with pytest.raises(RadiogenError):
                call(**{argument: np.ma.array(value, mask=np.arange(value.size) == 1)})
        if len(value) == N:
            moved = call(**{argument: pd.Series(value, index=range(100, 100 + N))})
            if isinstance(moved, StatResult) and moved.estimate is not None:
                np.testing.assert_array_equal(np.asarray(moved.estimate), np.asarray(call().estimate))


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("bad", [None, "a", np.nan, np.inf, -1, 0, True, [], [1, 2], object()])
def test_numbers_that_are_none(name: str, bad: Any) -> None:
    (argument,) = NUMBERS[name].data
    with pytest.raises(RadiogenError):
        NUMBERS[name](**{argument: bad})
