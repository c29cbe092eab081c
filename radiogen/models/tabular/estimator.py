"""What the classifiers of this room share with scikit-learn's, and how they are kept without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from radiogen.errors import fail
from radiogen.models.tabular.table import Floats, check_range, read_table

_WEIGHT = "weight:"
Weights = Mapping[str, NDArray[np.float32]]


class NetClassifier(ClassifierMixin, BaseEstimator):
    """A classifier whose fitted parts are NumPy arrays.

    A subclass names in ``_ARRAYS`` the arrays that ``fit`` leaves beside ``weights_`` and ``classes_``, and in ``_NUMBERS``
    the plain numbers.
    """

    _ARRAYS: ClassVar[tuple[str, ...]] = ()
    _NUMBERS: ClassVar[tuple[str, ...]] = ("n_features_in_",)

    classes_: NDArray[Any]
    weights_: Weights
    n_features_in_: int

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of the classes, in the order of ``classes_``."""
        raise NotImplementedError

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each unit.

        Raises
        ------
        RadiogenError
            As :meth:`predict_proba`; RG705 for a unit that the model cannot predict.
        """
        proba = self.predict_proba(X)
        if np.isnan(proba).any():
            raise fail("RG705", f"{int(np.isnan(proba).any(axis=1).sum())} units cannot be predicted",
                       fix="Leave these units out, or use `predict_proba`, which gives NaN for them.")
        return np.asarray(self.classes_[proba.argmax(axis=1)])

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The fitted model as settings fit for JSON and arrays fit for safetensors; :meth:`from_state` reads them."""
        self._check_fitted()
        arrays = {f"{_WEIGHT}{name}": value for name, value in self.weights_.items()}
        arrays |= {name: getattr(self, name) for name in self._ARRAYS}
        settings = {
            "model": type(self).__name__,
            "parameters": self.get_params(deep=False),
            "classes": self.classes_.tolist(),
            "features": [str(name) for name in getattr(self, "feature_names_in_", ())],
            "numbers": {name: getattr(self, name) for name in self._NUMBERS},
        }
        return settings, arrays

    @classmethod
    def from_state(cls, settings: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Self:
        """A fitted model from what :meth:`state` gave.

        Raises
        ------
        RadiogenError
            RG705 where it is the state of another model, or incomplete.
        """
        if settings.get("model") != cls.__name__:
            raise fail("RG705", f"this is the state of a {settings.get('model')}, not of a {cls.__name__}")
        try:
            self = cls(**settings["parameters"])
            self.classes_ = np.array(settings["classes"])
            self.weights_ = {n.removeprefix(_WEIGHT): a for n, a in arrays.items() if n.startswith(_WEIGHT)}
            for name in cls._ARRAYS:
                setattr(self, name, arrays[name])
            for name in cls._NUMBERS:
                setattr(self, name, settings["numbers"][name])
            if settings["features"]:
                self.feature_names_in_ = np.array(settings["features"], dtype=object)
        except KeyError as error:
            raise fail("RG705", f"the state lacks {error}") from error
        return self

    def _check_fitted(self) -> None:
        if not hasattr(self, "weights_"):
            raise fail("RG705", f"{type(self).__name__} is not fitted yet", fix="Call `fit` first.")

    def _check_seed(self, seed: Any) -> None:
        # None would make another model at every call
        check_range("random_state", seed, 0, 2**32 - 1, whole=True)

    def _learn_columns(self, values: Floats, names: tuple[str, ...] | None) -> None:
        self.n_features_in_ = values.shape[1]
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _columns(self, X: Any, what: str = "X", *, missing: bool = False) -> Floats:
        """A table to predict; a DataFrame's columns are taken by name, whatever their order."""
        self._check_fitted()
        known = getattr(self, "feature_names_in_", None)
        if known is not None and hasattr(X, "columns"):
            present = {str(c): c for c in X.columns}
            lacking = [name for name in known if name not in present]
            if lacking:
                raise fail("RG705", f"{len(lacking)} columns of the training are not in `{what}`", column=str(lacking[0]))
            X = X[[present[name] for name in known]]
        values, _ = read_table(X, what, missing=missing)
        if values.shape[1] != self.n_features_in_:
            raise fail("RG705", f"`{what}` has {values.shape[1]} columns, and the model was fitted on {self.n_features_in_}")
        return values
