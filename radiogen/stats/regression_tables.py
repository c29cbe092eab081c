"""Regression tables: univariable beside multivariable, what cannot be estimated named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.stats.result import StatResult

_INTERCEPT = "(Intercept)"
_SHORT = {"odds ratio": "OR", "hazard ratio": "HR", "subdistribution hazard ratio": "sHR"}

Fits: TypeAlias = StatResult | Sequence[StatResult] | Mapping[str, StatResult | Sequence[StatResult]]


@dataclass(frozen=True, repr=False, eq=False)
class RegressionTable:
    """Ratios of several models side by side.

    Parameters
    ----------
    tidy : DataFrame
        One row per model and term: ``model``, ``label``, ``term``, ``level``, ``estimate``, ``lower``, ``upper`` (ratios),
        ``p``, ``n``, ``events``, ``note`` and ``method``; what :func:`radiogen.plots.regression_forest` draws.  The
        reference level of a category has an estimate of 1 and no limits.
    formatted : DataFrame
        The table as printed.
    effect : str
        ``"odds ratio"``, ``"hazard ratio"``, …
    level : float
        Level of the intervals.
    notes : tuple of str
        Footnotes: methods, terms that are not estimable, separation.
    """

    tidy: pd.DataFrame
    formatted: pd.DataFrame
    effect: str
    level: float
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """The tidy table."""
        return self.tidy

    def __repr__(self) -> str:
        return "\n".join([self.formatted.to_string(index=False), *self.notes])

    def _repr_html_(self) -> str:
        foot = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return self.formatted.to_html(index=False, escape=True) + foot


def regression_table(fits: Fits) -> RegressionTable:
    """One table of several fitted models, such as univariable beside multivariable.

    Parameters
    ----------
    fits : result, sequence of results, or mapping of model name to result or results
        Results of :func:`logistic_regression`, :func:`cox_regression`, :func:`firth_logistic`, :func:`firth_cox`,
        :func:`fine_gray`, or all of :func:`regression_fits`.  In a sequence, models of one covariate are "univariable"
        and the others "multivariable"; a mapping names them itself.

    Returns
    -------
    RegressionTable
        ``tidy``, ``formatted`` and ``notes``.  Terms that the data cannot tell apart (aliased), constant columns, and
        those of a model that separates the classes keep their row, as R shows NA: "not estimable" with the reason.

    Raises
    ------
    RadiogenError
        RG705 where nothing was given, for results that are no regressions or of different kinds or levels, and where a
        model has a term twice.

    Notes
    -----
    Ratios are exp of the coefficient per unit of the covariate.  Intervals and p are those of each fit: Wald's, or the
    profile penalised likelihood's for Firth's.

    References
    ----------
    Albert and Anderson (separation), Biometrika 1984;71:1, doi 10.1093/biomet/71.1.1.

    Examples
    --------
    >>> from radiogen.stats import logistic_regression
    >>> d = pd.DataFrame({"y": [0, 0, 0, 1, 1, 0, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> regression_table(logistic_regression(d, "y", ["x"])).formatted.iloc[0].tolist()
    ['x', '', '9.00 (0.37 to 220.93)', '0.178']
    """
    named = _named(fits)
    flat = [fit for _, group in named for fit in group]
    kinds = {_effect(fit) for fit in flat}
    if len(kinds) != 1 or len({fit.level for fit in flat}) != 1:
        raise fail("RG705", "A table needs models of one kind and intervals of one level.", value=sorted(kinds))
    effect, level = kinds.pop(), flat[0].level
    tidy = pd.concat([_rows(model, fit) for model, group in named for fit in group], ignore_index=True)
    twice = tidy[tidy.duplicated(["model", "label"]) & (tidy["note"] != "reference")]
    if len(twice):
        raise fail("RG705", f"'{twice['label'].iloc[0]}' occurs twice in '{twice['model'].iloc[0]}'; name the models.")
    tidy = tidy.drop_duplicates(["model", "label"], ignore_index=True)
    names = list(dict.fromkeys(model for model, _ in named))
    return RegressionTable(tidy, _print(tidy, names, effect, level), effect, level, _notes(tidy, named))


def _named(fits: Fits) -> list[tuple[str, list[StatResult]]]:
    if isinstance(fits, Mapping):
        pairs = [(str(name), [v] if isinstance(v, StatResult) else list(v)) for name, v in fits.items()]
    else:
        whole = [fits] if isinstance(fits, StatResult) else list(fits)
        pairs = [("univariable" if _size(fit) == 1 else "multivariable", [fit]) for fit in whole]
        pairs.sort(key=lambda pair: pair[0] != "univariable")
        if len({name for name, _ in pairs}) == 1 and len(pairs) == 1:
            pairs = [("", pairs[0][1])]
    pairs = [(name, group) for name, group in pairs if group]
    if not pairs:
        raise fail("RG705", "There is no fitted model to show.")
    for _, group in pairs:
        for fit in group:
            if not isinstance(fit, StatResult) or isinstance(fit.label, str) or fit.label is None:
                raise fail("RG705", "Give results of regressions.", value=type(fit).__name__)
    return pairs


def _size(fit: StatResult) -> int:
    """Number of covariates: levels of one category are one."""
    return len({_split(str(name))[0] for name in (fit.label or ()) if name != _INTERCEPT}) if isinstance(fit, StatResult) else 0


def _effect(fit: StatResult) -> str:
    found = [name for name in fit.extra if name.endswith("_ratio")]
    if not found:
        raise fail("RG705", "A regression table shows ratios; this result has none.", value=fit.method)
    if fit.method.startswith("Fine-Gray"):
        return "subdistribution hazard ratio"
    return found[0].replace("_", " ")


def _split(label: str) -> tuple[str, str]:
    """A term and its level: ``g[LumA]`` is level LumA of g."""
    term, bracket, level = label.partition("[")
    return (term, level[:-1]) if bracket and level.endswith("]") else (label, "")


def _rows(model: str, fit: StatResult) -> pd.DataFrame:
    labels = [str(name) for name in (fit.label or ())]
    names = pd.DataFrame([_split(label) for label in labels], columns=["term", "level"])
    # what is beyond the largest float is shown as infinite
    with np.errstate(over="ignore"):
        ratios = {name: np.exp(np.asarray(getattr(fit, name), dtype=float)) for name in ("estimate", "lower", "upper")}
    frame = pd.DataFrame({"model": model, "label": labels, **names, **ratios, "p": np.asarray(fit.p, dtype=float)})
    frame = frame.assign(n=fit.n, events=fit.events, note=list(fit.extra.get("note", [""] * len(labels))), method=fit.method)
    frame = frame[frame["label"] != _INTERCEPT]
    levels: Mapping[str, Sequence[str]] = getattr(fit, "levels", {})
    parts = []
    for term, own in frame.groupby("term", sort=False):
        if len(levels.get(str(term), ())) > 1:
            first = levels[str(term)][0]
            blank = {"label": f"{term}[{first}]", "level": first, "estimate": 1.0, "lower": np.nan, "upper": np.nan, "p": np.nan}
            parts.append(own.iloc[[0]].assign(**blank, note="reference"))
        parts.append(own)
    return pd.concat(parts)


def _print(tidy: pd.DataFrame, models: Sequence[str], effect: str, level: float) -> pd.DataFrame:
    head = f"{_SHORT.get(effect, effect)} ({100 * level:g}% CI)"
    lines = []
    seen = ""
    order = tidy.drop_duplicates("label")
    places = {term: k for k, term in enumerate(dict.fromkeys(order["term"]))}
    for _, row in order.sort_values("term", key=lambda s: s.map(places), kind="stable").iterrows():
        line = {"Variable": row["term"] if row["term"] != seen else "", "Level": row["level"]}
        seen = row["term"]
        for model in models:
            own = tidy[(tidy["model"] == model) & (tidy["label"] == row["label"])]
            one = own.iloc[0] if len(own) else None
            line[f"{model} {head}".strip()] = "" if one is None else _cell(one)
            line[f"{model} p".strip()] = "" if one is None or np.isnan(one["p"]) else _p(one["p"])
        lines.append(line)
    return pd.DataFrame(lines)


def _cell(row: Any) -> str:
    if row["note"] == "reference":
        return "1 (reference)"
    if np.isnan(row["estimate"]):
        return "not estimable"
    return f"{_ratio(row['estimate'])} ({_ratio(row['lower'])} to {_ratio(row['upper'])})"


def _ratio(value: float) -> str:
    if np.isinf(value) or value >= 1e5:
        return ">100000"
    return f"{value:.2f}" if value >= 0.1 or value == 0 else f"{value:.2g}"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _notes(tidy: pd.DataFrame, named: Sequence[tuple[str, list[StatResult]]]) -> tuple[str, ...]:
    notes = []
    for model, group in named:
        for method in dict.fromkeys(fit.method for fit in group):
            sizes = sorted({int(np.max(fit.n)) for fit in group if fit.method == method and fit.n is not None})
            n = f"n = {sizes[0]}" if len(sizes) == 1 else f"n = {sizes[0]} to {sizes[-1]}" if sizes else ""
            notes.append(f"{model + ': ' if model else ''}{method}{'; ' + n if n else ''}.")
    odd = tidy[(tidy["note"] != "") & (tidy["note"] != "reference")]
    for (model, note), rows in odd.groupby(["model", "note"], sort=False):
        notes.append(f"{', '.join(rows['label'])}{' (' + str(model) + ')' if model else ''}: {note}.")
    return tuple(dict.fromkeys(notes))
