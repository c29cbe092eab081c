"""Performance corrected for having been measured on the data the model was fitted on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import RadiogenError, fail
from radiogen.stats._draws import check_draws, check_seed, cluster_codes
from radiogen.stats._performance import BINARY, SURVIVAL, Measures, Metric, binary_measures, largest_error, survival_measures
from radiogen.stats._refit import Refit, is_survival, refitter, take_outcome, time_and_event
from radiogen.stats._validate import Floats, Ints, array_of, binary, choice, normal_quantile, number
from radiogen.stats.result import StatResult

#: permutations that give a measure without information
_PERMUTATIONS = 50
#: draws held at once, and the fewest resamples that are balanced together
_DRAWN, _LEAST_GROUP = 20_000_000, 20
_METHODS = ("harrell", ".632", ".632+")
#: codes of errors that mean that one resample cannot be fitted or measured
_LOST = {"RG701", "RG704"}


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class OptimismResult(StatResult):
    """Corrected performance, one row for each measure.

    ``estimate`` is the corrected index; ``result["index_orig"]``, ``["training"]``, ``["test"]`` and ``["optimism"]``
    are arrays in the order of ``label``.
    """

    @property
    def table(self) -> pd.DataFrame:
        """The table of R's ``rms::validate``, with its column names."""
        columns = {
            "index.orig": self["index_orig"], "training": self["training"], "test": self["test"],
            "optimism": self["optimism"], "index.corrected": np.asarray(self.estimate), "n": self["resamples"],
        }  # fmt: skip
        return pd.DataFrame(columns, index=pd.Index(list(self.label or ()), name="index"))

    def value(self, label: str) -> float:
        """The corrected index of one measure."""
        return float(self.table["index.corrected"][label])


def optimism_bootstrap(
    fit: str | Callable[[Any, Any], Callable[[Any], ArrayLike]] | Any,
    X: pd.DataFrame | ArrayLike,
    y: Any,
    metrics: Sequence[str] | Mapping[str, Metric] | None = None,
    n_boot: int = 500,
    method: str = "harrell",
    level: float = 0.95,
    cluster: ArrayLike | None = None,
    seed: int = 0,
) -> OptimismResult:
    """Internal validation by the bootstrap: the whole fit is repeated in each resample.

    Parameters
    ----------
    fit : {"logistic", "cox"}, callable or estimator
        The whole way from data to model, selection and tuning included.  Maximum-likelihood models by name; a function
        of (X, y) that returns a function of X that predicts; or an unfitted scikit-learn or scikit-survival estimator.
    X : DataFrame or array, shape (n, p)
        Predictors without missing values.
    y : array-like of 0/1, shape (n,), or times and events
        The outcome.  Censored times as a frame with columns ``time`` and ``event``, a tuple (time, event), a structured
        array, or two columns in this order.
    metrics : sequence of str or mapping of str to callable, optional
        For 0/1: "dxy", "r2", "intercept", "slope", "emax", "d", "u", "q", "brier", "g", "gp" and "auc", all by
        default, as R's ``rms::validate`` has them; predictions are probabilities.  For times: "concordance", "dxy", "r2",
        "slope", "d", "u", "q" and "g"; predictions are risks (higher is earlier), for the slope the linear predictor.
        Own measures are functions of (y, predictions), where y of times is the tuple (time, event).
    n_boot : int, default 500
        Resamples; 200 to 500 are enough for the mean optimism.
    method : {"harrell", ".632", ".632+"}, default "harrell"
        Mean optimism taken off the apparent value; or the apparent value weighed with that of the units left out of each
        resample, in .632+ with more weight on these the more the model overfits.
    level : float, default 0.95
        Level of the intervals.
    cluster : array-like, shape (n,), optional
        Units with the same value (lesions of a patient) are drawn, and left out, together.
    seed : int, default 0
        Seed of the resampling.

    Returns
    -------
    OptimismResult
        One row per measure: ``estimate`` is the corrected value; ``table`` has rms' columns; ``lower`` and ``upper`` are
        the percentiles of the resamples' own apparent values, moved by the optimism.  ``test`` is the mean value on all
        units (harrell) or on the units left out.

    Raises
    ------
    RadiogenError
        RG705 for unusable arrays or predictions; RG701 where only one class occurs, or more than half of the resamples
        cannot be fitted; RG704 where the model of all units has no maximum; RG708 for an unknown fit, measure or method.

    Notes
    -----
    Estimand: the performance, in new units of the same population, of a model fitted in this way on as many units.
    Resamples are balanced: over all of them each unit is drawn equally often.
    Those that cannot be fitted (one class only, separation) are left out and counted in a note.  "emax" is
    computed from the corrected intercept and slope and has no interval.  Predictions of 0 and 1 are cut to 1e-6 and
    1 - 1e-6 where a logit is needed.  The "u" of times takes off its 2 degrees of freedom on the resample and on all units
    alike; rms does so on the resample only.

    References
    ----------
    Harrell, Lee and Mark, Stat Med 1996;15:361, doi 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4.
    Efron and Tibshirani (.632+), JASA 1997;92:548, doi 10.1080/01621459.1997.10474007.  Noma et al. (intervals), Stat
    Med 2021;40:5691, doi 10.1002/sim.9148.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(80, 3))
    >>> y = (rng.random(80) < 1 / (1 + np.exp(-x[:, 0]))).astype(int)
    >>> r = optimism_bootstrap("logistic", x, y, ["auc", "slope"], n_boot=50)
    >>> bool((r["index_orig"] > r.estimate).all())
    True
    """
    normal_quantile(level)
    choice(method, "method", _METHODS)
    check_draws(n_boot)
    outcome, n = _outcome(y)
    if not isinstance(X, pd.DataFrame):
        X = array_of(X, "X")
    if np.ndim(X) != 2 or np.shape(X)[0] != n:
        raise fail("RG705", f"`X` must have a row for each of the {n} outcomes.", value=np.shape(X))
    if isinstance(fit, str) and (fit == "cox") != isinstance(outcome, tuple):
        raise fail("RG708", 'A Cox model needs times and events, a logistic model a 0/1 outcome.', value=fit)
    names, measures = _measures(metrics, outcome)
    again, words = refitter(fit, X, outcome)
    everyone = np.arange(n)
    whole = _predictions(again(everyone), n)
    apparent = _vector(measures(outcome, whole), names)
    codes, size = cluster_codes(cluster, n)
    trained, tested, lost = _resamples(again, measures, names, outcome, n, codes, size, n_boot, seed, method != "harrell")
    if len(trained) < max(2, n_boot / 2):
        raise fail("RG701", f"{lost} of {n_boot} resamples could not be fitted or measured.")
    training, test = trained.mean(axis=0), tested.mean(axis=0)
    extra: dict[str, Any] = {}
    if method == "harrell":
        optimism = training - test
        corrected = apparent - optimism
    else:
        weight = np.full(apparent.size, 0.632)
        if method == ".632+":
            floor = _without_information(measures, names, outcome, whole, seed)
            test, weight = _plus(apparent, test, floor)
            extra["no_information"] = floor
        corrected = (1 - weight) * apparent + weight * test
        optimism = apparent - corrected
        extra["weight"] = weight
    tails = [(1 - level) / 2, (1 + level) / 2]
    lower, upper = np.quantile(trained, tails, axis=0) - (apparent - corrected)
    # a maximum-likelihood fit has slope 1 on its own data whatever these are
    fixed = np.ptp(trained, axis=0) < 1e-6
    lower, upper = np.where(fixed, np.nan, lower), np.where(fixed, np.nan, upper)
    columns = {
        "estimate": corrected, "lower": lower, "upper": upper, "se": trained.std(axis=0, ddof=1), "index_orig": apparent,
        "training": training, "test": test, "optimism": optimism, **extra,
    }  # fmt: skip
    labels, columns = _with_emax(metrics, outcome, names, columns)
    fields = {key: columns.pop(key) for key in ("estimate", "lower", "upper", "se")}
    what = "optimism bootstrap (Harrell)" if method == "harrell" else f"{method} bootstrap"
    return OptimismResult(
        method=f"{what} of {words}, {len(trained)} resamples (seed {seed}){'' if codes is None else ' by cluster'}",
        **fields, n=n, events=None if _events(outcome) is None else _events(outcome), label=labels, level=level,
        extra={**columns, "resamples": np.full(len(labels), len(trained))},
        notes=_notes(lost, n_boot, [name for name, same in zip(names, fixed, strict=True) if same]),
    )  # fmt: skip


def _notes(lost: int, n_boot: int, fixed: list[str]) -> tuple[str, ...]:
    notes: tuple[str, ...] = (f"{lost} of {n_boot} resamples could not be fitted or measured and were left out.",) if lost else ()
    if fixed:
        notes += (f"{', '.join(fixed)}: the fit itself sets the value on its own data, so there is no interval.",)
    return notes


def _outcome(y: Any) -> tuple[Any, int]:
    if is_survival(y):
        time, event = time_and_event(y)
        if not event.any():
            raise fail("RG701", "All times are censored.")
        return (time, event), time.size
    values = number(y, "y")
    if np.isin(values, (0.0, 1.0)).all():
        return binary(values), values.size
    return values, values.size


def _events(outcome: Any) -> int | None:
    if isinstance(outcome, tuple):
        return int(outcome[1].sum())
    return int(outcome.sum()) if outcome.dtype == bool else None


def _measures(metrics: Sequence[str] | Mapping[str, Metric] | None, outcome: Any) -> tuple[list[str], Measures]:
    if isinstance(metrics, Mapping):
        own = dict(metrics)
        if not own or not all(callable(f) for f in own.values()):
            raise fail("RG708", "`metrics` must name at least one function of (y, predictions).")
        return list(own), lambda y, p: {name: float(f(y, p)) for name, f in own.items()}
    timed = isinstance(outcome, tuple)
    if not timed and outcome.dtype != bool:
        raise fail("RG705", "`y` must be 0 and 1, or times and events; other outcomes need functions in `metrics`.")
    known = SURVIVAL if timed else BINARY
    names = _wanted(metrics, known)
    for name in names:
        choice(name, "metrics", known)
    if not names:
        raise fail("RG708", "`metrics` is empty.")
    # the largest error follows from intercept and slope
    inner = [name for name in names if name != "emax"]
    inner += [name for name in ("intercept", "slope") if "emax" in names and name not in inner]
    return inner, (survival_measures if timed else binary_measures)(inner)


def _wanted(metrics: Sequence[str] | str | None, known: Sequence[str]) -> list[str]:
    """Names of the measures; those of rms ("Dxy", "B") are understood too."""
    if metrics is None:
        return list(known)
    given = [metrics] if isinstance(metrics, str) else [str(name) for name in metrics]
    short = {"b": "brier", "c": "concordance" if "concordance" in known else "auc"}
    return [short.get(name.lower(), name.lower()) for name in given]


def _predictions(values: Any, n: int) -> Floats:
    p = np.asarray(values, dtype=float)
    if p.shape != (n,) or not np.isfinite(p).all():
        raise fail("RG705", f"The model must predict one finite number for each of {n} units.", value=p.shape)
    return p


def _vector(found: Mapping[str, float], names: list[str]) -> Floats:
    values = np.array([found[name] for name in names], dtype=float)
    if not np.isfinite(values).all():
        raise fail("RG704", f"'{names[int(np.flatnonzero(~np.isfinite(values))[0])]}' is not finite.")
    return values


def _resamples(
    again: Refit, measures: Measures, names: list[str], outcome: Any, n: int, codes: Ints | None, size: int, n_boot: int,
    seed: int, left_out: bool,
) -> tuple[Floats, Floats, int]:  # fmt: skip
    """Apparent and test values of each resample, and how many were lost."""
    draws = _balanced(check_seed(seed), n_boot, size)
    members = None if codes is None else [np.flatnonzero(codes == k) for k in range(size)]
    trained, tested = [], []
    for picks in draws:
        rows = picks if members is None else np.concatenate([members[k] for k in picks])
        judge = np.setdiff1d(np.arange(n), rows) if left_out else np.arange(n)
        try:
            predicted = _predictions(again(rows), n)
            own = _vector(measures(take_outcome(outcome, rows), predicted[rows]), names)
            other = _vector(measures(_both_classes(outcome, judge), predicted[judge]), names)
        except RadiogenError as error:
            # counted, and told in a note
            if error.code not in _LOST:
                raise
            continue
        trained.append(own)
        tested.append(other)
    return np.array(trained), np.array(tested), n_boot - len(trained)


def _balanced(rng: np.random.Generator, n_boot: int, size: int) -> Iterator[Ints]:
    """Resamples in which, over all of them, each unit stands equally often: the mean optimism then wobbles less.

    Davison, Hinkley and Schechtman, Biometrika 1986;73:555, doi 10.1093/biomet/73.3.555.
    """
    left = n_boot
    while left:
        group = min(left, max(_LEAST_GROUP, _DRAWN // size))
        # a last group of few resamples would hardly differ from the data
        group = left if left - group < _LEAST_GROUP else group
        yield from rng.permutation(np.tile(np.arange(size), group)).reshape(group, size)
        left -= group


def _both_classes(outcome: Any, rows: Ints) -> Any:
    part = take_outcome(outcome, rows)
    values = part[1] if isinstance(part, tuple) else part
    if values.size == 0 or (values.dtype == bool and (not values.any() or (values.all() and not isinstance(part, tuple)))):
        raise fail("RG701", "The units left out of a resample have one class only.")
    return part


def _without_information(measures: Measures, names: list[str], outcome: Any, p: Floats, seed: int) -> Floats:
    """Mean of each measure over permutations of the predictions."""
    rng = np.random.default_rng([seed, 1])
    return np.mean([_vector(measures(outcome, rng.permutation(p)), names) for _ in range(_PERMUTATIONS)], axis=0)


def _plus(apparent: Floats, test: Floats, floor: Floats) -> tuple[Floats, Floats]:
    """Test values no worse than no information, and the weight of each."""
    side = np.sign(apparent - floor)
    test = np.where(side * test < side * floor, floor, test)
    gap, room = side * (apparent - test), np.abs(apparent - floor)
    rate = np.clip(np.divide(gap, room, out=np.zeros_like(gap), where=room > 0), 0.0, 1.0)
    return test, 0.632 / (1 - 0.368 * rate)


def _with_emax(
    metrics: Any, outcome: Any, names: list[str], columns: dict[str, Floats]
) -> tuple[list[str], dict[str, Floats]]:
    """Put rms' row of the largest calibration error in its place."""
    if isinstance(metrics, Mapping) or isinstance(outcome, tuple):
        return names, columns
    wanted = _wanted(metrics, BINARY)
    if "emax" not in wanted:
        return names, columns
    corrected = dict(zip(names, columns["estimate"], strict=True))
    error = largest_error(corrected["intercept"], corrected["slope"])
    own = dict.fromkeys(columns, np.nan) | {"index_orig": 0.0, "training": 0.0}
    own |= dict.fromkeys(("test", "optimism", "estimate"), error)
    place = {name: j for j, name in enumerate(names)}
    rows = {key: np.array([own[key] if w == "emax" else values[place[w]] for w in wanted]) for key, values in columns.items()}
    return wanted, rows
