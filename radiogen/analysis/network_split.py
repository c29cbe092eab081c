"""The model ``fusion`` on one split of an analysis: fitted, applied to the test part, taken apart by modality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.analysis.contributions import modality_shares
from radiogen.analysis.design import Design
from radiogen.analysis.folds import Split, task_seed
from radiogen.analysis.locked import LockedNetwork
from radiogen.analysis.networks import Networks, filled, fit_network, units_of
from radiogen.analysis.preparation import Preparation

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int_]


class Data(Protocol):
    """What the data of every analysis have that fits networks."""

    @property
    def design(self) -> Design: ...
    @property
    def context(self) -> pd.DataFrame: ...
    @property
    def networks(self) -> Networks | None: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class SplitFit:
    """What the networks gave for one split.

    Parameters
    ----------
    prediction : array, shape (test units, classes or 1)
    inner : array, shape (training units, classes or 1)
        Of the members that a unit was not trained on.
    settings : dict
    locked : LockedNetwork or None
        Of the split that has no test part.
    shares : DataFrame or None
        Contributions of the modalities, of all inputs together in the first repeat.
    """

    prediction: FloatArray
    inner: FloatArray
    settings: dict[str, Any]
    locked: LockedNetwork | None
    shares: pd.DataFrame | None


def network_on_split(
    data: Data, split: Split, label: str, rows: IntArray, prepare: Callable[[IntArray], Preparation], empty: FloatArray
) -> SplitFit:
    """Fit the networks of one split and set of inputs.

    Parameters
    ----------
    data : ClassData or RiskData
    split : Split
    label : str
        The set of inputs.
    rows : array of int
        Positions in the design of the units to predict.
    prepare : callable
        From positions in the training part to a preparation fitted on them.
    empty : array, shape (classes or 1,)
        What a unit with too few modalities is given.
    """
    networks, design = data.networks, data.design
    assert networks is not None
    columns, at = design.sets[label], design.development[split.train]
    everyone = units_of(networks.seen.pictures, design.frame[list(columns)], data.context)
    seed = task_seed(data.seed, "fit", split.repeat + 1, split.fold + 1, label, "fusion")
    fit = fit_network(networks, everyone.take(at), networks.labels.take(at), design.group[at], split, label, seed, prepare)
    test = everyone.take(rows)
    locked = None
    if not len(split.test):
        blocks = tuple(label.split(" + "))
        pictures = {k: s.locked() for k, s in networks.seen.pictures.items() if s.spec.modality in blocks}
        locked = LockedNetwork(blocks, columns, fit.fitted, networks.section, pictures, empty, settings=fit.settings)
    shares = None
    if split.repeat == 0 and len(design.sets) > 1 and label == design.together:
        shares = modality_shares(fit.fitted, test, empty)
    prediction = filled(fit.fitted.predict(test), empty) if len(rows) else np.zeros((0, len(empty)))
    return SplitFit(prediction, filled(fit.inner, empty), fit.settings, locked, shares)
