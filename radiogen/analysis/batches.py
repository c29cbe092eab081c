"""What harmonisation did: how much of each image feature goes with the batch, before and after.

All development units are shown at once, for display; models are fitted with ComBat inside each training fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from radiogen.analysis.preparation import Preparation
from radiogen.analysis.recipe import Recipe

if TYPE_CHECKING:
    from radiogen.analysis.design import Design

STAGES = ("before", "after")


def batch_tables(design: Design, recipe: Recipe, context: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables on the development units, harmonised as for the final models; none where nothing is harmonised.

    Returns
    -------
    dict of str to DataFrame
        ``batch_variance``: ``feature``, ``stage`` (before, after), ``share``, ``partial``, ``adjusted`` and ``p`` of
        :func:`radiogen.features.harmonize.variance_explained`.  ``batch_components``: ``batch``, ``stage``, ``pc1``,
        ``pc2`` of the units with all features, and the components' shares of the variance; no ids.
    """
    section = recipe.harmonize
    columns = [c for c in design.frame.columns if c in design.screened]
    if section is None or not columns:
        return {}
    from radiogen.features.harmonize import variance_explained

    inside = design.development
    frame, own = design.frame[columns].iloc[inside], context.iloc[inside]
    harmonised = Preparation(columns, None, recipe).harmonised(frame, own)
    covariates = own[section.covariates] if section.covariates else None
    variance, scores = [], []
    for stage, values in zip(STAGES, (frame, harmonised), strict=True):
        found = variance_explained(values, own["batch"], covariates).reset_index()
        variance.append(found[["feature", "share", "partial", "adjusted", "p"]].assign(stage=stage))
        scores.append(_components(values, own["batch"]).assign(stage=stage))
    return {"batch_variance": pd.concat(variance, ignore_index=True), "batch_components": pd.concat(scores, ignore_index=True)}


def _components(values: pd.DataFrame, batch: pd.Series) -> pd.DataFrame:
    """Scores of the units that have every feature that most units have."""
    from radiogen.features.harmonize import principal_components

    complete = values.dropna(axis=1, thresh=len(values) // 2 + 1).dropna()
    empty = pd.DataFrame(columns=["batch", "pc1", "pc2", "share1", "share2"])
    if complete.shape[1] < 2 or len(complete) < 3:
        return empty
    found = principal_components(complete)
    first, second = found.attrs["share"][:2]
    return found.reset_index(drop=True).assign(batch=batch.loc[complete.index].to_numpy(), share1=first, share2=second)
