"""Final models: fitted on all development data, with every setting chosen there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from radiogen.analysis.network_pictures import same_pictures
from radiogen.analysis.networks import Units, filled, units_of
from radiogen.errors import fail
from radiogen.models.preprocess import is_numeric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from radiogen.analysis.network_pictures import Shown
    from radiogen.analysis.preparation import Preparation
    from radiogen.analysis.recipe import Recipe
    from radiogen.cohort.cohort import Cohort
    from radiogen.cohort.learning import NetworkSection
    from radiogen.models.fusion.crossfit import CrossFitted


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
        _check_columns(frame, self.columns)
        recipe = self.preparation.recipe
        if context is None and recipe.harmonize is not None:
            raise fail("RG705", f"the model harmonises features and needs the {recipe.harmonize.batch} of every unit",
                       column="context", fix="Use `result.model.predict(cohort, …)`, or give `context`.")  # fmt: skip
        own = pd.DataFrame(index=frame.index) if context is None else context.loc[frame.index]
        values = self.predictor(self.preparation.transform(_of_kinds(frame[list(self.columns)], [self.preparation]), own))
        return pd.DataFrame(values, index=frame.index, columns=list(self.classes) or ["risk"])


@dataclass(frozen=True)
class LockedNetwork:
    """One fitted ensemble of networks with its preparations and cut-point.

    Parameters
    ----------
    blocks, columns, classes, threshold, settings
        As in :class:`LockedModel`.
    fitted : CrossFitted
    section : NetworkSection
        How the networks see and learn.
    pictures : mapping of str to Shown
        Pictures that they see, by input, without pixels.
    empty : array, shape (classes,) or (1,)
        What a unit with too few modalities is given: the prevalence, or an average hazard.
    """

    blocks: tuple[str, ...]
    columns: tuple[str, ...]
    fitted: CrossFitted
    section: NetworkSection
    pictures: Mapping[str, Shown]
    empty: NDArray[np.float64]
    classes: tuple[str, ...] = ()
    threshold: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def recipe(self) -> Recipe:
        """Harmonisation, filter and selection of its preparations."""
        return self._assembler.preparation.recipe

    @property
    def _assembler(self) -> Any:
        return self.fitted.members[0][0]

    def units(self, cohort: Cohort) -> Units:
        """What the networks need to know of a cohort, its pictures included."""
        frame = pd.DataFrame(index=cohort.index)
        for block, own in self._assembler.sources.items():
            found = self._features(cohort, block)
            # a block that the cohort does not have at all is absent for everybody; one that it has must be complete
            if found is not None and len(found.columns.intersection(list(own))):
                _check_columns(found, own)
                frame = frame.join(found[list(own)])
        frame = _of_kinds(frame, self._preparations)
        frame = frame.reindex(columns=list(self.columns))
        shown = same_pictures(cohort, frame.index, self.section, self.pictures)
        return units_of(shown, frame, self.recipe.context(cohort))

    def _features(self, cohort: Cohort, block: str) -> pd.DataFrame | None:
        """The features of a block, as far as the networks need them and the cohort has them."""
        if block not in cohort.blocks or (block in self._assembler.pictured and block not in cohort.modalities):
            return None
        return cohort.frame(block)

    @property
    def _preparations(self) -> list[Preparation]:
        members: Sequence[tuple[Any, Any]] = self.fitted.members
        return [assembler.preparation for assembler, _ in members]

    def predict_units(self, units: Units) -> pd.DataFrame:
        """Predictions of units with their pictures: one column per class, or ``risk``."""
        values = filled(self.fitted.predict(units), self.empty)
        return pd.DataFrame(values, index=units.frame.index, columns=list(self.classes) or ["risk"])


@dataclass(frozen=True)
class LockedModels:
    """The final models of an analysis, by model and inputs, and what they were developed on.

    Parameters
    ----------
    models : dict
    about : mapping
        Cohort, target, ranges of predictors and out-of-fold performance; see
        :func:`radiogen.analysis.bundles.summary.development_summary`.
    """

    models: dict[tuple[str, str], LockedModel | LockedNetwork]
    about: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: str | Path, *, patient_values: bool = False) -> Path:
        """Write them to a folder, as safetensors and JSON; :func:`radiogen.load_bundle` reads them.

        Parameters
        ----------
        folder : str or Path
        patient_values : bool, default False
            Whether models that cannot be kept without values of single patients are written too: the support vectors
            of ``svm`` are such.  Otherwise they are left out, and ``bundle.json`` names them.  Graphs of patients are
            always left out.

        Raises
        ------
        RadiogenError
            RG803 if the folder holds something else, RG801 if it cannot be written, RG708 where nothing is left to write.
        """
        from radiogen.analysis.bundles import save_bundle

        return save_bundle(self, folder, patient_values=patient_values)

    def get(self, model: str, inputs: str) -> LockedModel | LockedNetwork:
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

    def contributions(self, cohort: Cohort, inputs: str) -> pd.DataFrame:
        """What each modality contributed to the network's prediction of each unit: exact Shapley values by its mask.

        Parameters
        ----------
        cohort : Cohort
        inputs : str
            Inputs of a final network, such as ``"clinical + swe"``; at least two blocks and at most ten.

        Returns
        -------
        DataFrame
            ``unit``, ``output``, ``kind`` ("modality", "interaction" or "cross-modal share"), ``first``, ``second``, ``value``
            (log-odds, log-probability or log-hazard) and ``residual``.

        Raises
        ------
        RadiogenError
            RG702 if there is no such network, RG708 for one block or more than ten.
        """
        from radiogen.analysis.contributions import modality_shares

        found = self.get("fusion", inputs)
        assert isinstance(found, LockedNetwork)
        shares = modality_shares(found.fitted, found.units(cohort), found.empty)
        if shares is None:
            raise fail("RG708", f"contributions need two to ten blocks that someone has; '{inputs}' has not", value=inputs)
        return shares

    def predict(self, cohort: Cohort, model: str, inputs: str) -> pd.DataFrame:
        """Predictions for a cohort that has the inputs."""
        found = self.get(model, inputs)
        if isinstance(found, LockedNetwork):
            return found.predict_units(found.units(cohort))
        return found.predict(cohort.frame(*found.blocks), found.preparation.recipe.context(cohort))


def _check_columns(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """RG203 where a frame lacks predictors of a model."""
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise fail("RG203", f"the model needs {len(missing)} columns that are missing", column=missing[0])


def _of_kinds(frame: pd.DataFrame, preparations: Sequence[Preparation]) -> pd.DataFrame:
    """The frame with numbers where a model was developed on numbers, and words where it was developed on words."""
    for preparation in preparations:
        for column, numeric in preparation.kinds().items():
            if column not in frame or is_numeric(frame[column].dtype) == numeric:
                continue
            known = frame[column].notna()
            if not known.any():
                frame = frame.assign(**{column: np.nan if numeric else None})
            elif numeric:
                raise fail("RG203", f"the model needs numbers in '{column}', and here it holds words", column=column,
                           value=frame.loc[known, column].iloc[0], fix="Recode the column as it was in development.")  # fmt: skip
            elif not pd.api.types.is_bool_dtype(frame[column].dtype):
                # whole numbers are read as 1.0 where one is missing: the level is "1"
                words = [f"{v:.15g}" if k else None for v, k in zip(frame[column].astype(float), known, strict=True)]
                frame = frame.assign(**{column: pd.Series(words, index=frame.index, dtype=object)})
    return frame
