"""The models of a regression table: each covariate alone and all together, separation explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from radiogen.errors import RadiogenError, fail
from radiogen.stats._design import design, is_numeric, listed, take
from radiogen.stats.cox import cox_regression
from radiogen.stats.firth import firth_cox, firth_logistic
from radiogen.stats.logistic import logistic_regression
from radiogen.stats.result import StatResult

_OFFER = "Firth's penalty gives finite estimates: `firth=True`"


def regression_fits(
    frame: pd.DataFrame,
    covariates: Sequence[str],
    outcome: str | None = None,
    duration: str | None = None,
    event: str | None = None,
    firth: bool = False,
    level: float = 0.95,
) -> dict[str, StatResult | list[StatResult]]:
    """Fit each covariate alone and all together, logistic or Cox, for :func:`regression_table`.

    Parameters
    ----------
    frame : DataFrame, n rows
        One row per unit.  Rows with a missing value are left out model by model; ``n`` of each says how many remain.
    covariates : sequence of str
        Columns; text and categories enter as indicators against the first level.
    outcome : str, optional
        Column of 0 and 1: logistic regression.
    duration, event : str, optional
        Columns of time and event: Cox regression, Efron ties.
    firth : bool, default False
        Fit with Firth's penalty the models that have no maximum because the classes, or the hazards, are separated.
        Others stay as they are.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    dict
        ``"univariable"``: one result per covariate; ``"multivariable"``: the result of all, where there are two or more.
        A model without a maximum has rows without numbers whose note says which columns separate what, and how.

    Raises
    ------
    RadiogenError
        RG708 unless ``outcome``, or ``duration`` and ``event``, are given; RG203, RG705 for unusable columns; RG701
        where one class, or no event, is left.

    Examples
    --------
    >>> d = pd.DataFrame({"y": [0, 0, 0, 1, 1, 0, 1, 1], "a": [0, 0, 0, 0, 1, 1, 1, 1], "b": [0, 0, 0, 1, 1, 0, 1, 1]})
    >>> fits = regression_fits(d, ["a", "b"], outcome="y")
    >>> fits["univariable"][1].extra["note"][0]
    "separated: all 4 with b = 1 have the event, none of 4 with b = 0; Firth's penalty gives finite estimates: `firth=True`"
    """
    names = listed(covariates)
    if (outcome is None) == (duration is None) or (duration is None) != (event is None):
        raise fail("RG708", "Give `outcome` for a logistic model, or `duration` and `event` for a Cox model.")
    if not names:
        raise fail("RG705", "Give at least one covariate.")
    answer = [outcome] if outcome is not None else [str(duration), str(event)]
    data = take(frame, [*answer, *names])

    def fit(columns: list[str]) -> StatResult:
        used = data[[*answer, *columns]].dropna()
        if not len(used):
            raise fail("RG701", f"No row has {', '.join(columns)} and the outcome.", column=columns[0])
        plain, penalised = _models(answer, columns, level)
        try:
            return plain(used)
        except RadiogenError as error:
            if error.problems[0].code != "RG704":
                raise
            why = _why(used, answer[-1], columns, error.problems[0].message)
            if firth and "separated" in why:
                return _penalised(penalised, used, why)
            return _without(used, columns, answer, why, level)

    fits: dict[str, StatResult | list[StatResult]] = {"univariable": [fit([name]) for name in names]}
    if len(names) > 1:
        fits["multivariable"] = fit(names)
    return fits


Model = Callable[[pd.DataFrame], StatResult]


def _models(answer: list[str], columns: list[str], level: float) -> tuple[Model, Model]:
    """The maximum-likelihood and the penalised model."""
    if len(answer) == 1:
        return (
            lambda used: logistic_regression(used, answer[0], columns, level),
            lambda used: firth_logistic(used, answer[0], columns, level),
        )
    return (
        lambda used: cox_regression(used, answer[0], answer[1], columns, level),
        lambda used: firth_cox(used, answer[0], answer[1], columns, level),
    )


def _penalised(model: Model, used: pd.DataFrame, why: str) -> StatResult:
    from dataclasses import replace

    found = model(used)
    notes = [note or (f"Firth's penalty, since {why}" if k == 0 else "") for k, note in enumerate(found.extra["note"])]
    labels = list(found.label or ())
    if labels[0] == "(Intercept)" and len(labels) > 1:
        # the intercept has no row in a table: its note goes to the first term
        notes[1] = notes[1] or notes[0]
        notes[0] = ""
    return replace(found, extra={**found.extra, "note": notes})


def _without(used: pd.DataFrame, columns: list[str], answer: list[str], why: str, level: float) -> StatResult:
    """A model without a maximum: its terms, no numbers, and the reason."""
    terms = design(used[columns]).terms
    nothing = np.full(len(terms), np.nan)
    ratio = "odds_ratio" if len(answer) == 1 else "hazard_ratio"
    note = f"{why}; {_OFFER}" if "separated" in why else why
    return StatResult(
        method=f"{'logistic' if len(answer) == 1 else 'Cox'} regression, no maximum", estimate=nothing, se=nothing, lower=nothing,
        upper=nothing, statistic=nothing, p=nothing, n=len(used), events=int(used[answer[-1]].astype(float).sum()), label=terms,
        level=level, extra={ratio: nothing, "note": [note] * len(terms)},
    )  # fmt: skip


def _why(used: pd.DataFrame, event: str, columns: list[str], message: str) -> str:
    """Which column separates the events, and how; the fit's own words where no column does so alone."""
    if "separated" not in message and "no maximum" not in message:
        return f"not estimable: {message.rstrip('.')}"
    happened = used[event].to_numpy(dtype=float) == 1
    parts = [words for name in columns if (words := _one(used[name], happened, name))]
    if not parts:
        # what a column does not do alone, several do together
        parts = [message.rstrip(".")]
    return "separated: " + "; ".join(parts)


def _one(column: pd.Series, happened: np.ndarray, name: str) -> str:
    """How one column separates those with the event, or nothing."""
    if is_numeric(column) and column.nunique() > 2:
        x = column.to_numpy(dtype=float)
        with_, without = x[happened], x[~happened]
        for first, second, word in ((with_, without, "above"), (without, with_, "below")):
            if first.size and second.size and first.min() >= second.max():
                edge = (first.min() + second.max()) / 2
                return f"the events lie {word} {name} = {edge:.4g} and the others on the other side"
        return ""
    table = pd.crosstab(column, happened).reindex(columns=[False, True], fill_value=0)
    found: dict[bool, list[str]] = {True: [], False: []}
    for level, (none, some) in zip(table.index, table.to_numpy().tolist(), strict=True):
        shown = f"{name} = {int(level) if isinstance(level, float) and level.is_integer() else level}"
        if none == 0 or some == 0:
            found[none == 0].append(f"{some} with {shown}" if none == 0 else f"none of {none} with {shown}")
    parts = [f"all {' and all '.join(found[True])} have the event"] if found[True] else []
    if found[False]:
        parts.append(", ".join(found[False]) + ("" if parts else " has the event"))
    return ", ".join(parts)
