"""Fusion networks in scikit-learn's manners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from radiogen.errors import fail
from radiogen.models.fusion.crossfit import CrossFitted, Part, cross_fit
from radiogen.models.fusion.examples import Examples, FloatArray, IntArray, Labels
from radiogen.models.fusion.spec import HeadSpec, InputSpec, NetSettings, Plan, TrainSettings, split_settings
from radiogen.models.fusion.tables import ExamplePreparer, FramePreparer
from radiogen.models.survival.baseline import Baseline, baseline_hazard
from radiogen.models.survival.interface import survival_arrays, time_points
from radiogen.models.tabular.split import inner_folds
from radiogen.models.tabular.table import check_range, read_classes, read_groups

Units: TypeAlias = pd.DataFrame | Examples

#: whose groups an inner fold needs, for the message
_WHICH = {"binary": "of a class", "multiclass": "of a class", "survival": "with an event"}


def _strata_of_events(event: IntArray, groups: IntArray, folds: int) -> IntArray:
    """Events and censored units in proportion; where nearly all have an event the few censored ones need not be in each fold."""
    with_event, censored = (len(np.unique(groups[event == value])) for value in (1, 0))
    return np.zeros_like(event) if with_event >= folds > censored else event


class _Fusion(BaseEstimator):
    """What the two estimators share; parameters are those of :class:`FusionClassifier`."""

    fitted_: CrossFitted
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self, modalities: Mapping[str, Sequence[str]] | None = None, *, inputs: Sequence[InputSpec] | None = None,
        fusion: str = "attention", folds: int = 3, options: Mapping[str, Any] | None = None, random_state: int = 0,
    ) -> None:  # fmt: skip
        self.modalities = modalities
        self.inputs = inputs
        self.fusion = fusion
        self.folds = folds
        self.options = options
        self.random_state = random_state

    @property
    def modalities_(self) -> tuple[str, ...]:
        """Modalities, in the order of ``present``."""
        return self._check_fitted().modalities

    def present(self, X: Units) -> NDArray[np.bool_]:
        """Who has which modality, shape (n, modalities)."""
        return self._check_fitted().present(self._units(X))

    def score_with(self, X: Units, present: ArrayLike | None = None) -> FloatArray:
        """Predictions on the scale on which contributions add up, with modalities hidden: for :mod:`radiogen.explain`.

        Parameters
        ----------
        X : DataFrame or Examples, n units
        present : array of bool, shape (n, modalities), optional

        Returns
        -------
        array, shape (n, 1) or (n, classes)
            Log-odds of the second of two classes, log-probabilities of several, or log-hazards.
        """
        shown = None if present is None else np.asarray(present, dtype=bool)
        return self._check_fitted().score(self._units(X), shown)

    def _learn(self, X: Units, head: HeadSpec, target: NDArray[Any], strata: IntArray, groups: ArrayLike | None) -> FloatArray:
        units = self._units(X, learn=True)
        n = len(units)
        if len(target) != n:
            raise fail("RG705", f"there are {n} units and {len(target)} labels")
        group = read_groups(groups, n)
        net, training = self._settings()
        if head.kind == "survival":
            strata = _strata_of_events(strata, group, int(self.folds))
        folds = inner_folds(strata, group, int(self.folds), int(self.random_state))
        if not folds:
            raise fail("RG603", f"there are too few groups (patients) {_WHICH[head.kind]} for {self.folds} inner folds",
                       fix="Use fewer `folds`.")  # fmt: skip
        parts = []
        for train, validation in folds:
            prepare = self._preparer(units, train)
            plan = Plan(prepare.inputs, (head,), net, training)
            if net.min_modalities > len(plan.modalities):
                raise fail("RG708", f"`min_modalities` is {net.min_modalities}, and there are {len(plan.modalities)} modalities",
                           value=net.min_modalities)  # fmt: skip
            parts.append(Part(prepare, plan, prepare(units), train, validation))
        labels = Labels({head.name: target}, {head.name: np.ones(n, dtype=bool)})
        seeds = [int(s) for s in np.random.SeedSequence(int(self.random_state)).generate_state(len(parts))]
        self.fitted_, inner = cross_fit(parts, labels, group, seeds=seeds)
        return inner

    def _settings(self) -> tuple[NetSettings, TrainSettings]:
        check_range("folds", self.folds, 2, 100, whole=True)
        check_range("random_state", self.random_state, 0, 2**32 - 1, whole=True)
        options = {} if self.options is None else self.options
        if not isinstance(options, Mapping):
            raise fail("RG708", "`options` must be a mapping of settings to values", value=options)
        if "fusion" in options:
            raise fail("RG708", "`fusion` is a parameter of its own and no option", value=options["fusion"])
        return split_settings({"fusion": self.fusion, **options})

    def _blocks(self, frame: pd.DataFrame) -> dict[str, Sequence[str]]:
        """Columns of each modality, by the names that they have in ``frame``."""
        if not self.modalities:
            return {"table": list(frame.columns)}
        if not isinstance(self.modalities, Mapping):
            raise fail("RG705", "`modalities` must say which columns each modality has: {'swe': ['swe_mean_kpa'], …}",
                       value=self.modalities)  # fmt: skip
        return {str(k): v if isinstance(v, str) else [str(c) for c in v] for k, v in self.modalities.items()}

    def _preparer(self, units: Units, train: IntArray) -> FramePreparer | ExamplePreparer:
        if isinstance(units, Examples):
            if not self.inputs:
                raise fail("RG705", "`inputs` must say what the examples hold", column="inputs")
            return ExamplePreparer.fit(units.take(train), self.inputs)
        return FramePreparer.fit(units.iloc[train], self._blocks(units))

    def _units(self, X: Any, *, learn: bool = False) -> Units:
        """Examples as they are, and anything else as a frame whose columns are text; ``learn`` keeps their number and names."""
        if isinstance(X, Examples):
            if not len(X):
                raise fail("RG705", "`X` is empty")
            return X
        named = isinstance(X, pd.DataFrame)
        if not named and np.ndim(X) != 2:
            raise fail("RG705", f"`X` must be a table of units and columns, and has the shape {np.shape(X)}")
        # a frame of objects that are numbers is a frame of numbers, not of categories
        frame = (X if named else pd.DataFrame(np.asarray(X))).rename(columns=str).infer_objects()
        if not len(frame) or not frame.shape[1]:
            raise fail("RG705", "`X` is empty")
        if frame.columns.has_duplicates:
            raise fail("RG705", "two columns of `X` have one name", column=frame.columns[frame.columns.duplicated()][0])
        if learn:
            self.n_features_in_ = frame.shape[1]
            self.__dict__.pop("feature_names_in_", None)
            if named:
                self.feature_names_in_ = np.array(frame.columns, dtype=object)
        elif not named and frame.shape[1] != self.n_features_in_:
            raise fail("RG705", f"`X` has {frame.shape[1]} columns, and the model was fitted on {self.n_features_in_}")
        return frame

    def _check_fitted(self) -> CrossFitted:
        if not hasattr(self, "fitted_"):
            raise fail("RG708", f"this {type(self).__name__} is not fitted; call `fit` first.")
        return self.fitted_


class FusionClassifier(ClassifierMixin, _Fusion):
    """Network of several inputs that predicts a class from whichever of them a unit has.

    One network is trained per inner fold and stops early on it; predictions are the mean of their probabilities.

    Parameters
    ----------
    modalities : mapping of str to sequence of str, optional
        Columns of each modality of a data frame.  Default: one modality, ``"table"``.
    inputs : sequence of InputSpec, optional
        What :class:`~radiogen.models.fusion.examples.Examples` hold; needed where they, with pictures, are fitted on.
    fusion : {"early", "concat", "gated", "attention", "bilinear", "late", "stacked"}, default "attention"
    folds : int, default 3
        Inner folds: as many networks.
    options : mapping, optional
        Further settings, by the names of :class:`~radiogen.models.fusion.spec.NetSettings` and
        :class:`~radiogen.models.fusion.spec.TrainSettings`: ``{"epochs": 30, "modality_dropout": 0.3}``.
    random_state : int, default 0

    Attributes
    ----------
    classes_ : array
    modalities_ : tuple of str
    fitted_ : CrossFitted
    inner_ : array, shape (n, classes)
        Probabilities of the training units by the networks that were not trained on them.

    Notes
    -----
    A modality is absent for a unit where none of its columns is known.  Single missing values take the training median and
    an indicator.  ``predict_proba`` gives NaN for units with fewer modalities than ``min_modalities``.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from radiogen.models import FusionClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 30)
    >>> X = pd.DataFrame({"age": rng.normal(size=60), "swe_mean_kpa": 2 * y + rng.normal(size=60)})
    >>> X.loc[::5, "swe_mean_kpa"] = np.nan
    >>> net = FusionClassifier({"clinical": ["age"], "swe": ["swe_mean_kpa"]}, options={"epochs": 5}).fit(X, y)
    >>> net.predict_proba(X).shape, net.present(X)[0].tolist()
    ((60, 2), [True, False])
    """

    classes_: NDArray[Any]
    inner_: FloatArray

    def fit(self, X: Units, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Train.

        Parameters
        ----------
        X : DataFrame, array or Examples, n units
        y : array, shape (n,)
        groups : array, shape (n,), optional
            Patients: units of one stay on one side of the inner folds.

        Raises
        ------
        RadiogenError
            RG705 for arrays that do not fit, RG603 for too few groups of a class, RG708 for a setting.
        """
        self.classes_, codes = read_classes(y, len(X))
        names = tuple(str(c) for c in self.classes_)
        head = HeadSpec("y", "binary" if len(names) == 2 else "multiclass", names)
        self.inner_ = self._learn(X, head, codes.astype(float), codes, groups)
        return self

    def predict_proba(self, X: Units) -> FloatArray:
        """Probabilities of the classes, shape (n, classes); NaN for units with too few modalities."""
        return self._check_fitted().predict(self._units(X))

    def predict(self, X: Units) -> NDArray[Any]:
        """The most probable class; RG705 where a unit has too few modalities."""
        proba = self.predict_proba(X)
        none = np.isnan(proba).any(axis=1)
        if none.any():
            raise fail("RG705", f"{int(none.sum())} units have too few modalities to be predicted",
                       fix="Leave them out, or use `predict_proba`, which gives NaN for them.")  # fmt: skip
        return np.asarray(self.classes_[proba.argmax(axis=1)])


class FusionSurvival(_Fusion):
    """Network of several inputs with a Cox head; parameters as :class:`FusionClassifier`.

    Attributes
    ----------
    baseline_ : Baseline
        Breslow's, under the inner out-of-fold log-hazards: those of networks on their own training units are too extreme.
    last_time_ : float

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from radiogen.models import FusionSurvival
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"age": rng.normal(size=60), "swe_mean_kpa": rng.normal(size=60)})
    >>> time = rng.exponential(np.exp(-X["swe_mean_kpa"]))
    >>> net = FusionSurvival({"clinical": ["age"], "swe": ["swe_mean_kpa"]}, options={"epochs": 5})
    >>> net.fit(X, time, np.ones(60)).predict_survival(X, [0.5, 1.0]).shape
    (60, 2)
    """

    baseline_: Baseline
    last_time_: float

    def fit(self, X: Units, time: ArrayLike, event: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Train.

        Parameters
        ----------
        X : DataFrame, array or Examples, n units
        time : array, shape (n,)
        event : array of 0 and 1, shape (n,)
        groups : array, shape (n,), optional

        Raises
        ------
        RadiogenError
            RG705, RG402 for unusable arrays, RG410 without events, RG603 for too few groups with events.
        """
        t, e = survival_arrays(time, event)
        if not e.any():
            raise fail("RG410", "there are no events")
        inner = self._learn(X, HeadSpec("event", "survival"), np.column_stack([t, e]).astype(float), e.astype(int), groups)
        known = ~np.isnan(inner[:, 0])
        self.baseline_ = baseline_hazard(inner[known, 0], t[known], e[known])
        self.last_time_ = float(t.max())
        return self

    def log_hazard(self, X: Units) -> FloatArray:
        """Log relative hazard, shape (n,); NaN for units with too few modalities."""
        return np.asarray(self._check_fitted().predict(self._units(X))[:, 0])

    def predict_risk(self, X: Units) -> FloatArray:
        """The log-hazard."""
        return self.log_hazard(X)

    def predict_survival(self, X: Units, times: ArrayLike) -> FloatArray:
        """Probability to be without event until after each time, shape (n, times)."""
        log_hazard = self.log_hazard(X)
        return self.baseline_.survival(log_hazard, time_points(times))
