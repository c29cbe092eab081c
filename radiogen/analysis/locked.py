"""Final models: fitted on all development data, with every setting chosen there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from radiogen.errors import fail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from radiogen.analysis.preparation import Preparation
    from radiogen.cohort.cohort import Cohort


@dataclass(frozen=True)
class LockedModel:
    """One fitted model with its preprocessing and cut-point.

    Parameters
    ----------
    blocks : tuple of str
        Inputs that it needs.
    columns : tuple of str
        Predictors, in order.
    preparation : Preparation
    predictor : callable
        Matrix to class probabilities, or to risk.
    classes : tuple of str
        Empty for a survival model.
    threshold : float or None
        Probability from which on a unit is called positive (two classes).
    settings : dict
        What was tuned.
    """

    blocks: tuple[str, ...]
    columns: tuple[str, ...]
    preparation: Preparation
    predictor: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    classes: tuple[str, ...] = ()
    threshold: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def predict(self, frame: pd.DataFrame, context: pd.DataFrame | None = None) -> pd.DataFrame:
        """Predictions for a frame that has the columns.

        Parameters
        ----------
        frame : DataFrame, shape (n, columns)
        context : DataFrame, optional
            Batch and covariates of the same units; needed where features are harmonised.

        Returns
        -------
        DataFrame
            One column per class, or ``risk``.
        """
        missing = [c for c in self.columns if c not in frame.columns]
        if missing:
            raise fail("RG203", f"the model needs {len(missing)} columns that are missing", column=missing[0])
        recipe = self.preparation.recipe
        if context is None and recipe.harmonize is not None:
            raise fail("RG705", f"the model harmonises features and needs the {recipe.harmonize.batch} of every unit",
                       column="context", fix="Use `result.model.predict(cohort, …)`, or give `context`.")  # fmt: skip
        own = pd.DataFrame(index=frame.index) if context is None else context.loc[frame.index]
        values = self.predictor(self.preparation.transform(frame[list(self.columns)], own))
        return pd.DataFrame(values, index=frame.index, columns=list(self.classes) or ["risk"])


@dataclass(frozen=True)
class LockedModels:
    """The final models of an analysis, by model and inputs."""

    models: dict[tuple[str, str], LockedModel]

    def get(self, model: str, inputs: str) -> LockedModel:
        """One of them.

        Raises
        ------
        RadiogenError
            RG702 if there is none of this name.
        """
        if (model, inputs) not in self.models:
            names = [f"{m} on {i}" for m, i in self.models]
            raise fail("RG702", f"there is no final model {model} on {inputs}; there are {names}", value=model)
        return self.models[model, inputs]

    def predict(self, cohort: Cohort, model: str, inputs: str) -> pd.DataFrame:
        """Predictions for a cohort that has the inputs."""
        found = self.get(model, inputs)
        return found.predict(cohort.frame(*found.blocks), found.preparation.recipe.context(cohort))
