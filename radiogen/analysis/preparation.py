"""From the frame of predictors to a model's matrix: harmonise, filter, standardise, select; fitted on a training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.analysis.recipe import Recipe
from radiogen.cohort.learning import FDR_LEVEL, MRMR_FEATURES, SelectSection

if TYPE_CHECKING:
    from radiogen.models import Preprocessor

FloatArray = NDArray[np.float64]

#: name of the column of zeros that a model gets where no predictor is left: it predicts the prevalence
NOTHING = "(no predictor left)"
#: trees and runs of the selection by shadow features
SHADOW_TREES, SHADOW_RUNS = 50, 30


@dataclass
class Preparation:
    """All that is learnt before a model is fitted; nothing of a test part is seen.

    Parameters
    ----------
    screened : sequence of str
        Image features: what is harmonised, filtered and selected; other columns always stay.
    keep : int or None
        Image features that the univariable screen leaves where no selection is declared.
    recipe : Recipe
    seed : int
        Of selections that draw at random.

    Attributes
    ----------
    names : list of str
        Columns of the matrix.
    """

    screened: Sequence[str]
    keep: int | None
    recipe: Recipe
    seed: int = 0
    names: list[str] = field(default_factory=list, init=False)

    def fit(self, frame: pd.DataFrame, response: FloatArray, target: Any, context: pd.DataFrame) -> Preparation:
        """Learn everything from a training part.

        Parameters
        ----------
        frame : DataFrame, index unit id
            Predictors.
        response : array, shape (n, m)
            What the univariable screen relates features to.
        target : array or DataFrame
            Classes, or time and event: what a selection relates features to.
        context : DataFrame, index unit id
            Group, batch and covariates (:meth:`Recipe.context`).
        """
        from radiogen.models import Preprocessor

        self._harmonizer = self._fitted_harmonizer(frame, context)
        frame = self._harmonised(frame, context)
        self._left_out = self._unstable(frame, context)
        frame = frame.drop(columns=self._left_out)
        self._empty = not frame.shape[1]
        if self._empty:  # no feature is stable, and there is nothing else
            self.names = [NOTHING]
            return self
        select = self.recipe.select is not None
        self._table: Preprocessor = Preprocessor(self._image(frame), keep=None if select else self.keep).fit(frame, response)
        self._columns = np.arange(len(self._table.names))
        if select:
            self._columns = self._selected(self._table.transform(frame), target, context)
        self.names = [self._table.names[i] for i in self._columns] or [NOTHING]
        return self

    def transform(self, frame: pd.DataFrame, context: pd.DataFrame) -> FloatArray:
        """The matrix of a frame with the same columns, with its batches and covariates."""
        if self._empty:
            return np.zeros((len(frame), 1))
        frame = self._harmonised(frame, context).drop(columns=self._left_out)
        matrix = self._table.transform(frame)[:, self._columns]
        return matrix if len(self._columns) else np.zeros((len(frame), 1))

    def kinds(self) -> dict[str, bool]:
        """Whether each column that is used is a number (else a category)."""
        return {} if self._empty else self._table.kinds()

    def harmonised(self, frame: pd.DataFrame, context: pd.DataFrame) -> pd.DataFrame:
        """The units from which harmonisation is learnt, harmonised; for looking at what it does."""
        self._harmonizer = self._fitted_harmonizer(frame, context)
        return self._harmonised(frame, context)

    # -- steps ----------------------------------------------------------------------

    def _image(self, frame: pd.DataFrame) -> list[str]:
        known = set(self.screened)
        return [c for c in frame.columns if c in known]

    def _fitted_harmonizer(self, frame: pd.DataFrame, context: pd.DataFrame) -> Any:
        section, columns = self.recipe.harmonize, self._image(frame)
        if section is None or not columns:
            return None
        from radiogen.features.harmonize import ComBat

        combat = ComBat(
            parametric=section.parametric, empirical_bayes=section.empirical_bayes, mean_only=section.mean_only,
            reference=section.reference, unseen=section.unseen,
        )  # fmt: skip
        return combat.fit(frame[columns], batch=context["batch"], covariates=_covariates(context))

    def _harmonised(self, frame: pd.DataFrame, context: pd.DataFrame) -> pd.DataFrame:
        if self._harmonizer is None or not len(frame):
            return frame
        columns = self._image(frame)
        made = self._harmonizer.transform(frame[columns], batch=context["batch"], covariates=_covariates(context))
        return frame.assign(**pd.DataFrame(made, index=frame.index, columns=columns))

    def _unstable(self, frame: pd.DataFrame, context: pd.DataFrame) -> list[str]:
        """Features that the filter leaves out, of the modalities that were measured again."""
        section, columns = self.recipe.stable, self._image(frame)
        if section is None:
            return []
        from radiogen.features.stability import StabilityFilter

        gone: list[str] = []
        for repeats in self.recipe.repeats.values():
            own = [c for c in columns if c in repeats.columns]
            if not own:
                continue
            again = self._harmonised_repeats(repeats[own], columns, context)
            measured = StabilityFilter(repeats=again, model=section.model, threshold=section.threshold, bound=section.bound)
            kept = set(measured.fit(frame[own]).get_feature_names_out())
            gone += [c for c in own if c not in kept]
        return gone

    def _harmonised_repeats(self, repeats: pd.DataFrame, columns: list[str], context: pd.DataFrame) -> pd.DataFrame:
        """The repeats of the training units, harmonised as they are: else the offset of a scanner would pass for a
        difference between units, and noise for stable."""
        units = repeats.index.get_level_values(0)
        mine = repeats[units.isin(context.index)]
        if self._harmonizer is None or not len(mine):
            return mine
        own = context.loc[mine.index.get_level_values(0)]
        made = self._harmonizer.transform(
            mine.reindex(columns=columns), batch=own["batch"].to_numpy(),
            covariates=None if (beside := _covariates(own)) is None else beside.set_axis(mine.index, axis=0),
        )  # fmt: skip
        return pd.DataFrame(made, index=mine.index, columns=columns)[list(mine.columns)]

    def _selected(self, matrix: FloatArray, target: Any, context: pd.DataFrame) -> NDArray[np.int_]:
        """Positions of the columns that stay: all that are no image features, and those selected."""
        names = self._table.names
        image = np.flatnonzero(np.isin(names, list(self.screened)))
        if len(image) < 2:
            return np.arange(len(names))
        assert self.recipe.select is not None
        part = pd.DataFrame(matrix[:, image], columns=[names[i] for i in image])
        stay = np.ones(len(names), dtype=bool)
        stay[image] = _selector(self.recipe.select, self.seed).fit(part, target, groups=context["group"]).get_support()
        return np.flatnonzero(stay)


def _covariates(context: pd.DataFrame) -> pd.DataFrame | None:
    frame = context.drop(columns=["group", "batch"])
    return frame if frame.shape[1] else None


def _selector(section: SelectSection, seed: int) -> Any:
    """The selection that the YAML names."""
    from radiogen.features import selection

    match section.method:
        case "mrmr":
            return selection.MRMR(n_features=section.features or MRMR_FEATURES)
        case "fdr":
            return selection.UnivariableFDR(alpha=section.level or FDR_LEVEL)
        case "lasso":
            return selection.Lasso(random_state=seed)
        case "elastic_net":
            return selection.ElasticNet(random_state=seed)
        case "shadow":
            # a hundred runs of a hundred trees in every inner fold would take hours
            return selection.ShadowFeatures(n_trees=SHADOW_TREES, max_runs=SHADOW_RUNS, random_state=seed)
        case "stability":
            return selection.StabilitySelection(random_state=seed)
        case "clusters":
            return selection.CorrelationClusters()
