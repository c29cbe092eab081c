"""Scores of risks at horizons: arguments, influence functions and results that AUC, Brier score and IPA share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from radiogen.errors import fail
from radiogen.stats._censoring import Censoring, censoring, status_times
from radiogen.stats._validate import Bools, Floats, Ints, array_of, normal_quantile, number, numbers
from radiogen.stats.result import StatResult

#: one risk, or risks by the name of their model: (n,) or (n, horizons)
Risks: TypeAlias = ArrayLike | pd.Series | pd.DataFrame | Mapping[str, Any]
#: value and influence of each unit, by model and horizon
Found: TypeAlias = dict[tuple[str, float], tuple[float, Floats]]

#: the model without covariates
NULL = "Null model"


@dataclass(frozen=True)
class At:
    """The units as they stand at a horizon, with their weights.

    ``case``: the event of interest by then; ``other``: a competing event by then; ``free``: still
    followed without event after it.  ``weight`` is 1 / G(T-) of those with an event and 1 / G(horizon)
    of those followed beyond; 0 of the censored.
    """

    horizon: float
    case: Bools
    other: Bools
    free: Bools
    weight: Floats
    lost: Censoring


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class HorizonResult(StatResult):
    """One row per model and horizon; ``contrasts`` has one per pair of models and horizon.

    Parameters
    ----------
    contrasts : DataFrame
        ``model``, ``reference``, ``horizon``, ``estimate`` (model less reference), ``se``, ``lower``,
        ``upper``, ``statistic`` (z), ``p``, ``note`` (why a row has no test).  Empty where there is one model.
    influence : mapping of (str, float) to ndarray, shape (n,)
        Influence of each unit on the score of a model at a horizon; its standard deviation over the
        root of n is the standard error.
    """

    contrasts: pd.DataFrame = field(default_factory=pd.DataFrame)
    influence: Mapping[tuple[str, float], Floats] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        html = super()._repr_html_()
        return html if self.contrasts.empty else html + "\n" + self.contrasts.to_html(index=False, escape=True)


def prepare(
    time: ArrayLike, event: ArrayLike, risk: Risks, horizons: ArrayLike | float, cause: int, probability: bool
) -> tuple[Floats, Ints, Floats, dict[str, Floats]]:
    """Checked times, status (1 the cause, 2 competing), horizons and risks."""
    t, status = status_times(time, event)
    if cause < 1 or cause != int(cause):
        raise fail("RG708", "`cause` must be a status of 1 and up.", value=cause)
    own = np.where(status == cause, 1, np.where(status == 0, 0, 2)).astype(np.int64)
    if not (own == 1).any():
        raise fail("RG701", "There is no event of interest.", value=cause)
    wanted = _horizons(horizons)
    return t, own, wanted, _risk_table(risk, t.size, wanted, probability)


def _horizons(horizons: ArrayLike | float) -> Floats:
    wanted = numbers(horizons, "horizons")
    if (wanted <= 0).any():
        raise fail("RG708", "`horizons` must be positive.", value=wanted.min())
    if (np.diff(wanted) <= 0).any():
        raise fail("RG708", "`horizons` must be ascending and different.", value=wanted.tolist())
    return wanted


def _risk_table(risk: Risks, n: int, horizons: Floats, probability: bool) -> dict[str, Floats]:
    """Each model's risks as an array (n, horizons)."""
    named = risk if isinstance(risk, Mapping) else {"risk": risk}
    if not named:
        raise fail("RG705", "`risk` has no model.")
    return {str(name): _one_risk(values, str(name), n, horizons.size, probability) for name, values in named.items()}


def _one_risk(values: Any, name: str, n: int, horizons: int, probability: bool) -> Floats:
    raw = values.to_numpy() if isinstance(values, pd.DataFrame) else values
    raw = raw if isinstance(raw, pd.Series) else array_of(raw, name)
    two = np.ndim(raw) == 2
    flat = number(np.asarray(raw).ravel() if two else raw, name)
    table = flat.reshape(np.shape(raw)) if two else flat[:, None]
    if table.shape[0] != n:
        raise fail("RG705", f"`{name}` has {table.shape[0]} units and `time` {n}.")
    if table.shape[1] == 1 and not probability:
        table = np.repeat(table, horizons, axis=1)
    if table.shape[1] != horizons:
        raise fail("RG705", f"`{name}` must have one column for each of the {horizons} horizons.", value=table.shape)
    if probability and (table.min() < 0 or table.max() > 1):
        raise fail("RG705", f"`{name}` must be probabilities between 0 and 1.", value=(table.min(), table.max()))
    return table


def _at(time: Floats, status: Ints, lost: Censoring, horizon: float) -> At:
    """Cases, competing events and those free of events at a horizon, with their weights."""
    by_then, free = time <= horizon, time > horizon
    case, other = by_then & (status == 1), by_then & (status == 2)
    if not case.any():
        raise fail("RG701", f"No event of interest is seen by {horizon:g}.", value=horizon)
    beyond = lost.at(horizon)
    if beyond <= 0:
        raise fail(
            "RG708", f"Nobody is followed beyond {horizon:g}: the last were censored at {time.max():g}.", value=horizon
        )
    weight = np.zeros(time.size)
    weight[case | other] = 1 / lost.before()[case | other]
    weight[free] = 1 / beyond
    return At(horizon, case, other, free, weight, lost)


def score_all(
    time: Floats, status: Ints, horizons: Floats, risks: Mapping[str, Floats],
    score: Callable[[Floats, At], tuple[float, Floats]],
) -> Found:  # fmt: skip
    """The score of every model at every horizon, model by model."""
    lost = censoring(time, status)
    places = [_at(time, status, lost, float(h)) for h in horizons]
    return {
        (name, here.horizon): score(table[:, column], here)
        for name, table in risks.items()
        for column, here in enumerate(places)
    }


def _error(influence: Floats) -> float:
    """Standard error of a mean from its influence values."""
    return float(np.std(influence, ddof=1) / np.sqrt(influence.size)) if influence.size > 1 else 0.0


def horizon_result(
    found: Found, method: str, name: str, level: float, status: Ints, time: Floats,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> HorizonResult:  # fmt: skip
    """The result object of a score: rows, contrasts and influence."""
    z = normal_quantile(level)
    keys = list(found)
    estimate = np.array([found[k][0] for k in keys])
    se = np.array([_error(found[k][1]) for k in keys])
    horizon = np.array([k[1] for k in keys])
    several = len({model for model, _ in keys}) > 1
    if (status > 1).any():
        method = f"{method}, competing events kept as such"
    return HorizonResult(
        method=method,
        estimate=estimate,
        se=se,
        lower=np.maximum(estimate - z * se, limits[0]),
        upper=np.minimum(estimate + z * se, limits[1]),
        n=np.full(len(keys), time.size),
        events=np.array([int(np.sum((status == 1) & (time <= h))) for h in horizon]),
        label=[f"{k[0]}, {name} at {k[1]:g}" if several else f"{name} at {k[1]:g}" for k in keys],
        level=level,
        extra={"model": [k[0] for k in keys], "horizon": horizon},
        notes=("A score without variance has an interval without width.",) if (se < 1e-12).any() else (),
        contrasts=_contrasts(found, z),
        influence={k: found[k][1] for k in keys},
    )


def _contrasts(found: Found, z_level: float) -> pd.DataFrame:
    """Paired differences of all models at each horizon: the later of two less the earlier."""
    models = list(dict.fromkeys(k[0] for k in found))
    rows = []
    for horizon in dict.fromkeys(k[1] for k in found):
        for reference, model in combinations(models, 2):
            (a, one), (b, two) = found[reference, horizon], found[model, horizon]
            difference, se = b - a, _error(two - one)
            # two scores that differ and have no variance (both order the units fully) have no test
            z = difference / se if se > 0 else (0.0 if difference == 0 else np.nan)
            rows.append({
                "model": model, "reference": reference, "horizon": horizon, "estimate": difference, "se": se,
                "lower": difference - z_level * se, "upper": difference + z_level * se, "statistic": z,
                "p": float(2 * norm.sf(abs(z))), "note": "no variance: no test" if np.isnan(z) else "",
            })  # fmt: skip
    return pd.DataFrame(rows)


def paired(result: HorizonResult, method: str) -> StatResult:
    """The one contrast of two models as a result of its own: b less a at each horizon."""
    table = result.contrasts
    if table["p"].isna().any():
        raise fail("RG705", "The difference of the two scores has no variance: both order the units fully.")
    rows = len(table)
    column = {c: table[c].to_numpy(dtype=float) for c in ("estimate", "se", "lower", "upper", "statistic", "p")}
    horizon, scores = table["horizon"].to_numpy(dtype=float), np.asarray(result.estimate)
    return StatResult(
        method=method,
        n=np.asarray(result.n)[:rows],
        events=np.asarray(result.events)[:rows],
        label=[f"b - a at {h:g}" for h in horizon],
        level=result.level,
        extra={"horizon": horizon, "a": scores[:rows], "b": scores[rows:]},
        **column,
    )
