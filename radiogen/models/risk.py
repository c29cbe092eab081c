"""Models of risk for censored times, tuned inside the data they are given."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.survival.coxpath import coxnet_path
from radiogen.stats.nelson import breslow_likelihood

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int_]

#: a ridge so small that it matters only where the likelihood has no maximum
COX_RIDGE = 1e-4
COXNET_L1_RATIOS = (0.1, 0.5, 1.0)
COXNET_STRENGTHS = 25
FOREST_TREES = 100
FOREST_LEAF = 15
#: event times of a survival forest are rounded up to so many of their quantiles
FOREST_TIMES = 20
#: from so many units on, each tree of a survival forest sees half of them
FOREST_HALF_FROM = 500


@dataclass(frozen=True)
class RiskFold:
    """One inner split of a survival model: training part, test part and the test rows."""

    train_x: FloatArray
    train: IntArray
    test_x: FloatArray
    test: IntArray


@dataclass
class RiskTraining:
    """What a survival model may see of one training fold.

    Parameters
    ----------
    x : array, shape (n, p)
        Preprocessed predictors.
    time : array, shape (n,)
    event : array of 0 and 1, shape (n,)
    inner : callable
        Makes the inner folds; called once, and only if the model tunes.
    """

    x: FloatArray
    time: FloatArray
    event: IntArray
    inner: Callable[[], list[RiskFold]]

    @cached_property
    def folds(self) -> list[RiskFold]:
        """The inner folds."""
        return self.inner()


@dataclass(frozen=True)
class RiskFit:
    """A fitted survival model.

    Parameters
    ----------
    predict : callable
        Matrix of shape (m, p) to risk of shape (m,), higher for an earlier event.
    settings : dict
        What was tuned.
    weights : array, shape (1, p), or None
        Log hazard ratios per standard deviation.
    """

    predict: Callable[[FloatArray], FloatArray]
    settings: dict[str, Any] = field(default_factory=dict)
    weights: FloatArray | None = None


def fit_risk_model(name: str, data: RiskTraining, seed: int) -> RiskFit:
    """Fit one survival model by name.

    Parameters
    ----------
    name : {"cox", "coxnet", "firth_cox", "rsf", "gbm", "deepsurv", "discrete"}
    data : RiskTraining
    seed : int

    Returns
    -------
    RiskFit

    Raises
    ------
    RadiogenError
        RG702 for an unknown name, RG704 where the fit has no finite answer.
    """
    if name not in RISK_MODELS:
        raise fail("RG702", f"there is no survival model '{name}'; there are {sorted(RISK_MODELS)}", value=name)
    if not data.x.any():
        # no predictor varies in this training part
        return RiskFit(LinearRisk(np.zeros(data.x.shape[1])))
    return RISK_MODELS[name](data, seed)


@dataclass(frozen=True)
class LinearRisk:
    """The linear predictor of a Cox model."""

    coefficients: FloatArray

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.asarray(x @ self.coefficients)


def _labels(time: FloatArray, event: IntArray) -> Any:
    from sksurv.util import Surv

    return Surv.from_arrays(event.astype(bool), time)


def _cox(data: RiskTraining, seed: int) -> RiskFit:
    """Efron's partial likelihood with a ridge that only separation feels."""
    from sklearn.exceptions import ConvergenceWarning
    from sksurv.linear_model import CoxPHSurvivalAnalysis

    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model = CoxPHSurvivalAnalysis(alpha=COX_RIDGE, ties="efron", n_iter=200)
            model.fit(data.x, _labels(data.time, data.event))
        except (ValueError, ArithmeticError, np.linalg.LinAlgError, ConvergenceWarning) as error:
            raise fail("RG704", f"the Cox model of a training fold did not converge: {error}") from error
    coefficients = np.asarray(model.coef_, dtype=float)
    return RiskFit(LinearRisk(coefficients), {"ridge": COX_RIDGE}, coefficients[None])


def partial_likelihood(x: FloatArray, time: FloatArray, event: IntArray, coefficients: FloatArray) -> FloatArray:
    """Log partial likelihood (Breslow) for several coefficient vectors.

    Parameters
    ----------
    x : array, shape (n, p)
    time, event : array, shape (n,)
    coefficients : array, shape (p, S)

    Returns
    -------
    array, shape (S,)

    Examples
    --------
    >>> import numpy as np
    >>> x, b = np.array([[0.0], [1.0]]), np.array([[0.0]])
    >>> value = partial_likelihood(x, np.array([1.0, 2.0]), np.array([1, 1]), b)
    >>> bool(np.isclose(value[0], -np.log(2)))
    True
    """
    return breslow_likelihood(x @ coefficients, time, event)


def _coxnet(data: RiskTraining, seed: int) -> RiskFit:
    """Strength and L1 share by cross-validated partial likelihood; of equals the sparser.

    Each inner fold adds log-likelihood of all training units minus that of its own training
    part, under coefficients from the part: Verweij and van Houwelingen (1993), Stat Med 12:2305.
    """
    best: tuple[float, float, FloatArray, float] | None = None
    for ratio in COXNET_L1_RATIOS:
        alphas, path = _coxnet_path(data.x, data.time, data.event, ratio, None)
        score = np.zeros(len(alphas))
        for fold in data.folds:
            time, event = data.time[fold.train], data.event[fold.train]
            _, inner = _coxnet_path(fold.train_x, time, event, ratio, alphas)
            everyone = np.vstack([fold.train_x, fold.test_x])
            rows = np.concatenate([fold.train, fold.test])
            whole = partial_likelihood(everyone, data.time[rows], data.event[rows], inner)
            gain = whole - partial_likelihood(fold.train_x, time, event, inner)
            # a path ends early where weaker penalties would only follow noise
            score[len(gain) :] = -np.inf
            score[: len(gain)] += gain
        i = int(np.argmax(score))
        if best is None or score[i] > best[0]:
            best = (float(score[i]), ratio, path[:, i], float(alphas[i]))
    if best is None:
        raise fail("RG704", "no setting of the penalised Cox model could be fitted")
    return RiskFit(LinearRisk(best[2]), {"strength": best[3], "l1_ratio": best[1]}, best[2][None])


def _coxnet_path(
    x: FloatArray, time: FloatArray, event: IntArray, ratio: float, alphas: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Penalties and coefficients (p × S); the strongest penalty leaves the model empty."""
    first = 0.02 if len(x) > x.shape[1] else 0.1
    return coxnet_path(x, time, event, ratio, alphas, count=COXNET_STRENGTHS, least=first)


def coarsen(time: FloatArray, event: IntArray, most: int) -> FloatArray:
    """Round times up to quantiles of the event times, so that curves have few steps.

    Parameters
    ----------
    time, event : array, shape (n,)
    most : int
        Number of quantiles.

    Returns
    -------
    array, shape (n,)
        Times beyond the last event are set to the last quantile.

    Examples
    --------
    >>> import numpy as np
    >>> coarsen(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 1, 1]), 2).tolist()
    [2.5, 2.5, 4.0, 4.0]
    """
    grid = np.unique(np.quantile(time[event == 1], np.linspace(0, 1, most + 1)[1:]))
    return np.asarray(grid[np.minimum(np.searchsorted(grid, time), len(grid) - 1)])


@dataclass(frozen=True)
class ForestRisk:
    """Expected number of events of a survival forest."""

    forest: Any

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.asarray(self.forest.predict(x), dtype=float)


def _rsf(data: RiskTraining, seed: int) -> RiskFit:
    """Nothing is tuned; times are rounded to quantiles, for memory and speed."""
    from sksurv.ensemble import RandomSurvivalForest

    share = 0.5 if len(data.x) >= FOREST_HALF_FROM else None
    forest = RandomSurvivalForest(
        FOREST_TREES, min_samples_leaf=FOREST_LEAF, max_features="sqrt", max_samples=share,
        low_memory=True, random_state=seed, n_jobs=1,
    )  # fmt: skip
    forest.fit(data.x, _labels(coarsen(data.time, data.event, FOREST_TIMES), data.event))
    settings = {"trees": FOREST_TREES, "min_samples_leaf": FOREST_LEAF, "times": FOREST_TIMES, "share": share}
    return RiskFit(ForestRisk(forest), settings)


def _firth_cox(data: RiskTraining, seed: int) -> RiskFit:
    """Firth's penalty: finite under separation, and nothing to tune."""
    from radiogen.models.survival.firth import FirthCox

    # preprocessed predictors that say the same are dropped here, and have no weight
    model = FirthCox(intervals="wald").fit(data.x, data.time, data.event)
    return RiskFit(LinearRisk(model.coef_), {"penalty": "Firth"}, model.coef_[None])


def _gbm(data: RiskTraining, seed: int) -> RiskFit:
    """The number of trees by the likelihood of the inner test parts, each prepared on its own training part."""
    from radiogen.models.survival.boosting import GradientBoostedCox

    def half(x: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        return x, data.time[rows], data.event[rows].astype(np.int64)

    halves = [(half(f.train_x, f.train), half(f.test_x, f.test)) for f in data.folds]
    model = GradientBoostedCox(random_state=seed).fit_stages(data.x, data.time, data.event.astype(np.int64), halves)
    return RiskFit(model.trees_, {"trees": model.n_stages_})


def _inner_groups(data: RiskTraining) -> IntArray:
    """Inner fold of each unit: what is held out for early stopping is whole inner folds, which keep patients together."""
    group = np.zeros(len(data.x), dtype=np.int64)
    for k, fold in enumerate(data.folds):
        group[fold.test] = k
    return group


def _deepsurv(data: RiskTraining, seed: int) -> RiskFit:
    """DeepSurv with its defaults, stopped early by an inner fold."""
    from radiogen.models.survival.deepsurv import DeepSurv
    from radiogen.models.survival.mlp import NetRisk

    model = DeepSurv(random_state=seed, device="cpu").fit(data.x, data.time, data.event, groups=_inner_groups(data))
    return RiskFit(NetRisk(tuple(model.members_), tuple(model.centres_)), {"epochs": model.best_epochs_[0]})


def _discrete(data: RiskTraining, seed: int) -> RiskFit:
    """A discrete-time network with its defaults, stopped early by an inner fold."""
    from radiogen.models.survival.discrete import DiscreteRisk, DiscreteTime

    model = DiscreteTime(random_state=seed, device="cpu").fit(data.x, data.time, data.event, groups=_inner_groups(data))
    shape = (model.cuts_.size, model.causes_)
    return RiskFit(DiscreteRisk(tuple(model.members_), shape), {"epochs": model.best_epochs_[0], "intervals": shape[0]})


RISK_MODELS: dict[str, Callable[[RiskTraining, int], RiskFit]] = {
    "cox": _cox, "coxnet": _coxnet, "firth_cox": _firth_cox, "rsf": _rsf, "gbm": _gbm, "deepsurv": _deepsurv,
    "discrete": _discrete,
}  # fmt: skip
#: those without a penalty that grows with the number of predictors: they take few
UNPENALISED = ("cox", "firth_cox")
