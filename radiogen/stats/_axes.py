"""The axes of a nomogram: values of each predictor and what they add to the linear predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.stats._covariates import Spread
from radiogen.stats._linear import LinearModel, PredictorSet
from radiogen.stats._pretty import pretty
from radiogen.stats._validate import Floats, numbers, word

_ROUND = (0.001, 0.005, 0.01, 0.02, 0.05, *(k / 10 for k in range(1, 10)), 0.95, 0.98, 0.99, 0.995, 0.999)
#: fewer round probabilities than this are filled up
_FEW = 4


@dataclass(frozen=True)
class Axis:
    """One axis: its title, predictor, set, tick labels, numbers (NaN for a category) and contributions."""

    title: str
    predictor: str
    set: str
    words: list[str]
    numbers: list[float]
    contribution: Floats


def axes_of(
    model: LinearModel, values: Mapping[str, Sequence[Any]], settings: Mapping[str, Sequence[Any]], steps: int
) -> tuple[list[Axis], dict[str, float], float]:
    """All axes, the smallest contribution of each set, and the largest range of a set."""
    known = {p for s in model.sets for p in s.predictors}
    for name in (*values, *settings):
        if name not in known:
            raise fail("RG708", f"The model has no predictor '{name}'.", value=name)
    axes: list[Axis] = []
    lowest: dict[str, float] = {}
    widest = 0.0
    for own in model.sets:
        found = _axes_of_set(own, model, values, settings, steps)
        together = np.concatenate([a.contribution for a in found])
        lowest[own.name] = float(together.min())
        widest = max(widest, float(np.ptp(together)))
        axes += found
    return axes, lowest, widest


def _axes_of_set(
    own: PredictorSet, model: LinearModel, values: Mapping[str, Sequence[Any]], settings: Mapping[str, Sequence[Any]], steps: int
) -> list[Axis]:
    spreads = {name: model.spreads[name] for name in own.predictors}
    discrete = {name: bool(s.levels or s.values) for name, s in spreads.items()}
    # a number has the axis, unless the caller gives settings for it
    main = min(own.predictors, key=lambda name: (name in settings, discrete[name]))
    ticks = _ticks(values[main], main, spreads[main]) if main in values else _default(spreads[main], steps)
    others = [name for name in own.predictors if name != main]
    choices = [_settings(name, spreads[name], values, settings) for name in others]
    axes = []
    # the first of the others changes fastest
    for reverse in product(*reversed(choices)):
        chosen = dict(zip(others, reversed(reverse), strict=True))
        rows = pd.DataFrame({main: ticks, **{name: [v] * len(ticks) for name, v in chosen.items()}})
        contribution = own.contribution(model.expand(rows, own.predictors), model)
        inside = " ".join(f"{name}={_shown(v)}" for name, v in chosen.items())
        numbers = [np.nan if isinstance(v, str) else float(v) for v in ticks]
        title = f"{main} ({inside})" if inside else main
        axes.append(Axis(title, main, own.name, [_shown(v) for v in ticks], numbers, contribution))
    return axes


def _settings(
    name: str, spread: Spread, values: Mapping[str, Sequence[Any]], settings: Mapping[str, Sequence[Any]]
) -> list[Any]:
    given = settings.get(name, values.get(name))
    if given is not None:
        return _ticks(given, name, spread)
    return list(spread.levels or spread.values or dict.fromkeys(spread.quartiles))


def _default(spread: Spread, steps: int) -> list[Any]:
    return list(spread.levels or spread.values or pretty(spread.low, spread.high, steps).tolist())


def _ticks(given: Sequence[Any], name: str, spread: Spread) -> list[Any]:
    """Values that the caller has chosen."""
    if spread.levels:
        words = [word(v) for v in given]
        odd = [v for v in words if v not in spread.levels]
        if odd or not words:
            raise fail("RG708", f"'{name}' has the levels {', '.join(spread.levels)}.", value=odd)
        return words
    return numbers(given, name).tolist()


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"


def outcome_ticks(low: float, high: float, wanted: Sequence[float] | None) -> Floats:
    """Probabilities for the ticks: those wanted, else round ones inside the range."""
    if wanted is not None:
        chosen = numbers(wanted, "probabilities")
        if (chosen <= 0).any() or (chosen >= 1).any():
            raise fail("RG708", "`probabilities` must lie between 0 and 1.", value=chosen.tolist())
        return np.unique(chosen)
    inside = np.array([p for p in _ROUND if low <= p <= high])
    if inside.size >= _FEW:
        return inside
    finer = pretty(low, high, 5)
    inner = finer[(finer > 0) & (finer < 1) & (finer >= low) & (finer <= high)]
    return inner if inner.size else np.array([min(max((low + high) / 2, 1e-12), 1 - 1e-12)])
