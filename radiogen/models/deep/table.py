"""Deep features as a table; importing this module imports torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from radiogen.errors import fail
from radiogen.models.backbones.make import backbone as make_backbone
from radiogen.models.deep.embedding import Pool, embed_pictures
from radiogen.models.fusion.examples import Pictures


def deep_features(
    pictures: Pictures, units: Sequence[str] | NDArray[np.str_], backbone: str | nn.Module = "compact", *,
    weights: str | Path | None = None, pool: Pool = "mean", batch_size: int = 32, device: str = "cpu",
    cache: str | Path | None = None, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """What an encoder makes of pictures, as columns for classical models.

    Parameters
    ----------
    pictures : Pictures
        Of one input; several of a unit are averaged, frames of a loop as well.
    units : sequence of str, length n
        Ids, in the order that ``pictures.owner`` counts.
    backbone : str or Module, default "compact"
        A name for :func:`radiogen.models.backbone`, or an encoder that is there already, trained or not.
    weights : str or Path, optional
        Of a backbone given by name: ``"imagenet"`` or a file.  Default: random weights, drawn from ``seed``: features of
        random filters, a control for what learnt ones add.
    pool : {"mean", "max"}, default "mean"
        Of the last map over its places.
    batch_size : int, default 32
    device : str, default "cpu"
    cache : str or Path, optional
        Folder that keeps the embeddings; see :func:`radiogen.models.deep.embedding.embed_pictures`.
    seed : int, default 0
        Of random weights.

    Returns
    -------
    DataFrame
        Index the units; columns ``deep_<backbone>_<k>``, k from 0; rows of NaN for units without a picture.

    Raises
    ------
    RadiogenError
        RG705 where an owner is no unit; errors of :func:`radiogen.models.backbone` and of
        :func:`radiogen.models.deep.embedding.embed_pictures`.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models import deep_features
    >>> from radiogen.models.fusion.examples import Pictures
    >>> pictures = Pictures(np.random.default_rng(0).integers(0, 256, (3, 1, 48, 48), dtype=np.uint8), np.array([0, 0, 2]))
    >>> table = deep_features(pictures, ["P1", "P2", "P3"])
    >>> table.shape, table.columns[0], table.isna().all(axis=1).tolist()
    ((3, 64), 'deep_compact_0', [False, True, False])
    """
    owner = np.asarray(pictures.owner)
    if len(owner) != len(pictures.pixels) or (len(owner) and (owner.min() < 0 or owner.max() >= len(units))):
        raise fail("RG705", f"each picture needs an owner from 0 to {len(units) - 1}", value=len(owner))
    net = backbone if isinstance(backbone, nn.Module) else _made(backbone, pictures, weights, seed)
    embedded = embed_pictures(pictures.pixels, net, pool=pool, batch_size=batch_size, device=device, cache=cache)
    name = str(getattr(net, "name", "")) or type(net).__name__.lower()
    return as_table(_averaged(embedded, owner, len(units)), units, name)


def as_table(values: NDArray[np.float64], units: Sequence[str] | NDArray[np.str_], name: str) -> pd.DataFrame:
    """Embeddings of units as a frame with the columns ``deep_<name>_<k>``, the name brought to letters, digits and ``_``."""
    safe = re.sub(r"\W+", "_", name).strip("_")
    columns = [f"deep_{safe}_{k}" for k in range(values.shape[1])]
    return pd.DataFrame(values, index=pd.Index([str(u) for u in units], name="unit"), columns=columns)


def _made(name: str, pictures: Pictures, weights: str | Path | None, seed: int) -> nn.Module:
    """A backbone for the pictures' channels; torch's generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make_backbone(name, int(pictures.pixels.shape[-3]), weights)


def _averaged(embedded: NDArray[np.float32], owner: NDArray[np.int_], n: int) -> NDArray[np.float64]:
    """Mean over the pictures of each unit, in float64; NaN for a unit that has none."""
    total = np.zeros((n, embedded.shape[1]))
    np.add.at(total, owner, embedded.astype(np.float64))
    count = np.bincount(owner, minlength=n).astype(float)
    count[count == 0] = np.nan
    return total / count[:, None]
