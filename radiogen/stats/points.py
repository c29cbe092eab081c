"""Nomograms of logistic, Cox and Fine-Gray models, with the points of R's ``rms::nomogram``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit

from radiogen.errors import fail
from radiogen.stats._axes import Axis, axes_of, outcome_ticks
from radiogen.stats._linear import LinearModel, linear_model
from radiogen.stats._pretty import pretty
from radiogen.stats._validate import Floats, numbers
from radiogen.stats.cox import CoxResult
from radiogen.stats.logistic import LogisticResult
from radiogen.stats.result import StatResult
from radiogen.stats.subdistribution import FineGrayResult
from radiogen.stats.terms import ModelTerms

#: about so many steps on an axis, as in R
_STEPS = 10


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class NomogramResult(StatResult):
    """The axes of a nomogram, and the way from values to points to probabilities.

    The fields of :class:`StatResult` have one row per predictor (or set of predictors that interact): ``estimate`` is
    the largest number of points on its axes.

    Parameters
    ----------
    axes : DataFrame
        Ticks of the predictors: ``axis`` (its title), ``predictor``, ``set`` (the row it belongs to), ``value`` (text),
        ``number`` (NaN for a category), ``points``.
    total : ndarray
        Ticks of the axis of total points.
    linear : DataFrame
        Ticks of the linear predictor: ``linear_predictor``, ``points``.
    outcomes : DataFrame
        Ticks of the probabilities: ``axis``, ``horizon``, ``probability``, ``points``.
    points_per_unit : float
        Points for one unit of the linear predictor.
    at_zero : float
        The linear predictor at 0 points.
    hazards : mapping of float to float
        Cumulative baseline hazard at each horizon; empty for a logistic model.
    survival : bool
        Whether the probabilities are those of being free of the event.
    """

    axes: pd.DataFrame = field(default_factory=pd.DataFrame)
    total: Floats = field(default_factory=lambda: np.empty(0))
    linear: pd.DataFrame = field(default_factory=pd.DataFrame)
    outcomes: pd.DataFrame = field(default_factory=pd.DataFrame)
    points_per_unit: float = np.nan
    at_zero: float = np.nan
    hazards: Mapping[float, float] = field(default_factory=dict)
    survival: bool = False
    _model: LinearModel | None = None
    _lowest: Mapping[str, float] = field(default_factory=dict)

    def points(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Points of each row, exact and not read off an axis.

        Parameters
        ----------
        frame : DataFrame, m rows
            The predictors.

        Returns
        -------
        DataFrame
            One column per predictor (or set of predictors that interact) and ``total``.

        Raises
        ------
        RadiogenError
            RG203 for a missing column, RG705 for missing values or a level that the model has not seen.
        """
        assert self._model is not None  # every nomogram has one
        full = self._model.expand(frame)
        sets = {s.name: s for s in self._model.sets}
        columns = {
            name: (sets[name].contribution(full, self._model) - low) * self.points_per_unit for name, low in self._lowest.items()
        }  # fmt: skip
        return pd.DataFrame({**columns, "total": np.sum(list(columns.values()), axis=0)}, index=frame.index)

    def predict(self, points: ArrayLike) -> pd.DataFrame:
        """Linear predictor and probabilities for total points.

        Parameters
        ----------
        points : array-like of float, shape (m,)
            Total points.

        Returns
        -------
        DataFrame
            ``points``, ``linear_predictor``, and ``probability`` (logistic), or ``risk_T`` for each horizon T:
            the probability of the event by T (``survival_T``, that of being free of it, with ``survival=True``).

        Raises
        ------
        RadiogenError
            RG705 for unusable points.
        """
        total = numbers(points, "points")
        eta = self.at_zero + total / self.points_per_unit
        columns = {name: _probability(eta, hazard, self.survival) for name, _, hazard in self._outcomes()}
        return pd.DataFrame({"points": total, "linear_predictor": eta, **columns})

    def _outcomes(self) -> list[tuple[str, float, float | None]]:
        """Column, horizon and cumulative hazard of each probability."""
        if isinstance(self._model, LinearModel) and self._model.logistic:
            return [("probability", np.nan, None)]
        word = "survival" if self.survival else "risk"
        return [(f"{word}_{horizon:g}", horizon, hazard) for horizon, hazard in self.hazards.items()]


def nomogram(
    model: LogisticResult | CoxResult | FineGrayResult,
    horizons: ArrayLike | None = None,
    terms: ModelTerms | None = None,
    survival: bool = False,
    values: Mapping[str, Sequence[Any]] | None = None,
    settings: Mapping[str, Sequence[Any]] | None = None,
    probabilities: Sequence[float] | None = None,
    max_points: float = 100.0,
) -> NomogramResult:
    """Points for the values of each predictor, and probabilities for the total.

    Parameters
    ----------
    model : LogisticResult, CoxResult or FineGrayResult
        What :func:`logistic_regression`, :func:`cox_regression` or :func:`fine_gray` returned.
    horizons : float or array-like of float, optional
        Times for the probabilities of a Cox or Fine-Gray model; without it there is an axis of the linear predictor only.
    terms : ModelTerms, optional
        What :func:`model_terms` returned, where the model has splines or interactions.
    survival : bool, default False
        Show the probability of being free of the event instead of that of the event; for Cox models only, since with
        competing events one minus the incidence is no survival.
    values : mapping of str to sequence, optional
        Ticks of a predictor's axis.  By default its values where there are at most ten, else round numbers that
        cover the range of the data; all levels of a category.
    settings : mapping of str to sequence, optional
        For predictors that interact with another: the values for which the other has an axis each.  By default all
        levels or values, and the quartiles of a number.
    probabilities : sequence of float, optional
        Ticks of the probabilities; by default round ones inside the range of the data.
    max_points : float, default 100
        Points of the most influential predictor from its lowest to its highest tick.

    Returns
    -------
    NomogramResult
        ``axes``, ``points(frame)`` and ``predict(points)``; drawn by ``radiogen.plots.nomogram``.

    Raises
    ------
    RadiogenError
        RG705 for another kind of model; RG704 where no predictor has an effect; RG708 for an option out of range, for
        a stratified model and for spline or interaction columns without ``terms``.

    Notes
    -----
    The points of a predictor are its part of the linear predictor, less the smallest on its axes, times
    ``max_points`` over the largest such range; they add up, so total points are the linear predictor on another scale
    and nothing is lost.  Predictors that interact (directly or through a third) share their points: one of them has an
    axis for each combination of the others' settings.  Not estimable terms add nothing.  A Cox model's probability uses
    the cumulative baseline hazard by the rule for ties of the fit, a Fine-Gray model's the cumulative incidence.

    Points are those of ``rms::nomogram`` for the same coefficients.  ``rms::cph`` stops its fit early; for the digits that it
    prints fit with ``cox_regression(..., eps=1e-4)``.

    References
    ----------
    Harrell, Regression Modeling Strategies, 2nd ed. 2015, section 5.4, doi 10.1007/978-3-319-19425-7.  Iasonos et al.,
    J Clin Oncol 2008;26:1364, doi 10.1200/JCO.2007.12.9791.

    Examples
    --------
    >>> from radiogen.stats import logistic_regression
    >>> d = pd.DataFrame({"y": [0, 0, 0, 1, 1, 0, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1], "z": [1, 2, 3, 4, 1, 2, 3, 4]})
    >>> n = nomogram(logistic_regression(d, "y", ["x", "z"]))
    >>> n.axes[n.axes["predictor"] == "z"]["points"].round(4).tolist()
    [0.0, 33.3333, 66.6667, 100.0]
    >>> bool(np.isclose(n.predict(n.points(d)["total"])["probability"].mean(), 0.5))
    True
    """
    if not isinstance(max_points, int | float) or isinstance(max_points, bool) or not 0 < max_points < np.inf:
        raise fail("RG708", "`max_points` must be a positive number.", value=max_points)
    linear = linear_model(model, terms)
    hazards = _hazards(model, horizons, survival)
    axes, lowest, widest = axes_of(linear, values or {}, settings or {}, _STEPS)
    if not widest > 0:
        raise fail("RG704", "No predictor changes the linear predictor; there is nothing to draw.")
    scale = max_points / widest
    at_zero = linear.intercept + sum(lowest.values())
    seen = (float(linear.fitted.min()), float(linear.fitted.max()))
    places = pretty(*seen, _STEPS)
    top = max_points if len(lowest) == 1 else max(max_points, scale * (float(places[-1]) - at_zero))
    frame = _axis_frame(axes, lowest, scale)
    largest = frame.groupby("set", sort=False)["points"].max()
    draft = NomogramResult(
        method=f"nomogram of {linear.name}, {max_points:g} points for the largest range", estimate=largest.to_numpy(float),
        n=model.n, events=model.events, label=list(largest.index), axes=frame, total=pretty(0.0, top, _STEPS),
        linear=pd.DataFrame({"linear_predictor": places, "points": (places - at_zero) * scale}), points_per_unit=scale,
        at_zero=at_zero, hazards=hazards, survival=survival, notes=_notes(model, hazards), _model=linear, _lowest=lowest,
    )  # fmt: skip
    outcomes = _outcome_frame(draft, (float(places[0]), float(places[-1])), probabilities)
    return NomogramResult(**{**draft.__dict__, "outcomes": outcomes})


def _hazards(model: StatResult, horizons: ArrayLike | None, survival: bool) -> dict[float, float]:
    """Cumulative baseline hazard at each horizon."""
    if isinstance(model, LogisticResult):
        if horizons is not None or survival:
            raise fail("RG708", "A logistic model has no horizons and no survival.")
        return {}
    assert isinstance(model, CoxResult | FineGrayResult)
    if survival and isinstance(model, FineGrayResult):
        raise fail("RG708", "With competing events one minus the incidence is no survival; leave `survival` out.")
    if horizons is None:
        return {}
    wanted = numbers(horizons, "horizons")
    times, hazard = model.baseline["time"].to_numpy(), model.baseline["hazard"].to_numpy()
    if (wanted < times[0]).any():
        raise fail("RG708", f"No event is seen before {times[0]:g}; `horizons` must not lie before it.", value=wanted.min())
    if np.unique(wanted).size < wanted.size:
        raise fail("RG708", "A horizon is named twice.", value=wanted.tolist())
    return {float(h): float(hazard[np.searchsorted(times, h, side="right") - 1]) for h in wanted}


def _notes(model: StatResult, hazards: Mapping[float, float]) -> tuple[str, ...]:
    if not hazards or not isinstance(model, CoxResult | FineGrayResult):
        return model.notes
    last = float(model.baseline["time"].iloc[-1])
    late = [h for h in hazards if h > last]
    more = (f"No event is seen after {last:g}; the probability at {', '.join(f'{h:g}' for h in late)} is that at {last:g}.",)
    return model.notes + (more if late else ())


def _axis_frame(axes: Sequence[Axis], lowest: Mapping[str, float], scale: float) -> pd.DataFrame:
    parts = []
    for axis in axes:
        points = (axis.contribution - lowest[axis.set]) * scale
        parts.append(pd.DataFrame({
            "axis": axis.title, "predictor": axis.predictor, "set": axis.set, "value": axis.words, "number": axis.numbers,
            "points": points,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _outcome_frame(draft: NomogramResult, seen: tuple[float, float], wanted: Sequence[float] | None) -> pd.DataFrame:
    parts = []
    for column, horizon, hazard in draft._outcomes():
        ends = [float(_probability(np.array([eta]), hazard, draft.survival)[0]) for eta in seen]
        ticks = outcome_ticks(min(ends), max(ends), wanted)
        eta = _linear_of(ticks, hazard, draft.survival)
        points = (eta - draft.at_zero) * draft.points_per_unit
        parts.append(pd.DataFrame({"axis": column, "horizon": horizon, "probability": ticks, "points": points}))
    columns = ["axis", "horizon", "probability", "points"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _probability(eta: Floats, hazard: float | None, survival: bool) -> Floats:
    if hazard is None:
        return np.asarray(expit(eta))
    # a hazard beyond the largest float is a certain event
    with np.errstate(over="ignore"):
        total = hazard * np.exp(eta)
    return np.asarray(np.exp(-total) if survival else -np.expm1(-total))


def _linear_of(p: Floats, hazard: float | None, survival: bool) -> Floats:
    if hazard is None:
        return np.asarray(np.log(p) - np.log1p(-p))
    total = -np.log(p) if survival else -np.log1p(-p)
    return np.asarray(np.log(total / hazard))
