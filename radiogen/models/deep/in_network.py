"""Embeddings within a trained fusion network, as a table; importing this module imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from radiogen.errors import fail
from radiogen.models.deep.table import as_table
from radiogen.models.fusion.batch import to_batch
from radiogen.models.fusion.examples import BoolArray, Examples

if TYPE_CHECKING:
    from radiogen.models.fusion.spec import Plan
    from radiogen.models.training import Trained


def embeddings(trained: Trained, examples: Examples, *, net: int = 0, batch_size: int = 64) -> pd.DataFrame:
    """What each input became within a trained network, as columns for classical models.

    The network saw labels: embeddings of the units that it was trained on know them.  Whoever fits a model on embeddings
    takes those of units that the network was not trained on.

    Parameters
    ----------
    trained : Trained
    examples : Examples
        Units that the plan fits.
    net : int, default 0
        Which network of an ensemble; embeddings of different networks have nothing to do with each other and cannot be averaged.
    batch_size : int, default 64
        Units at once.

    Returns
    -------
    DataFrame
        Index the units; columns ``deep_<input>_<k>`` (``deep_early_<k>`` where the inputs are joined before one encoder);
        NaN where a unit has not the input.

    Raises
    ------
    RadiogenError
        RG708 where there is no such network, or for ``batch_size`` below 1; RG705 for examples that do not fit.
    """
    if not 0 <= net < len(trained.nets):
        raise fail("RG708", f"`net` must be from 0 to {len(trained.nets) - 1}", value=net)
    if batch_size < 1:
        raise fail("RG708", "`batch_size` must be at least 1", value=batch_size)
    network, n = trained.nets[net], len(examples)
    training, parts = network.training, []
    device = next(network.parameters()).device
    network.eval()
    try:
        with torch.no_grad():
            for start in range(0, n, batch_size):
                rows = np.arange(start, min(n, start + batch_size))
                parts.append({k: v.float().cpu().numpy() for k, v in network.embed(to_batch(examples, rows, device)).items()})
    finally:
        network.train(training)
    tables = []
    for name in parts[0] if parts else ():
        values = np.concatenate([part[name] for part in parts]).astype(np.float64)
        values[~_has(trained.plan, name, examples)] = np.nan
        tables.append(as_table(values, examples.units, name))
    if not tables:
        raise fail("RG705", "there is no unit to embed", value=n)
    return pd.concat(tables, axis=1)


def _has(plan: Plan, name: str, examples: Examples) -> BoolArray:
    """Units that have the input; of all inputs joined, those that have any."""
    modality = {spec.name: spec.modality for spec in plan.inputs}.get(name)
    if modality is None:
        return np.asarray(examples.present.any(axis=1))
    has = np.array(examples.present[:, list(examples.modalities).index(modality)])
    if name in examples.pictures:
        # the modality may be there in another input, such as a second view or its radiomics
        has &= np.bincount(examples.pictures[name].owner, minlength=len(examples)) > 0
    return has
