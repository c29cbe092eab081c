"""What a network is fed with: units and labels as tensors; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.fusion.examples import Examples, IntArray, Labels
from radiogen.models.fusion.spec import HeadSpec

try:
    import torch
    from torch import Tensor
except ImportError as error:  # pragma: no cover - the environment of the tests has torch
    raise fail("RG902", "the network needs torch", fix="pip install torch (the CPU build is enough)") from error

#: a picture's pixels with the position of the unit that each belongs to
PixelsOfOwners = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Batch:
    """Units as tensors.

    Parameters
    ----------
    present : Tensor of bool, shape (B, modalities)
        Who has what.  Numbers of an absent modality may be anything, NaN too: they are never read.
    tables : dict of str to Tensor of float32, shape (B, columns)
        By input; the curve of a cine stands under its name.
    pictures : dict of str to (Tensor, Tensor)
        By input: pixels and owners, shape (m,).  Pixels are uint8 (0 … 255) or float (0 … 1), of shape
        (m, channels, rows, columns), or (m, frames, channels, rows, columns) of loops.  In their place may stand what
        a frozen backbone made of them once (:meth:`radiogen.models.fusion.encoders.PictureReader.read`), of shape
        (m, features) or (m, frames, features).
    """

    present: Tensor
    tables: dict[str, Tensor] = field(default_factory=dict)
    pictures: dict[str, PixelsOfOwners] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.present.shape[0])

    def to(self, device: Any) -> Batch:
        """The same units on another device."""
        return Batch(
            self.present.to(device, non_blocking=True),
            {k: t.to(device, non_blocking=True) for k, t in self.tables.items()},
            {k: (p.to(device, non_blocking=True), o.to(device, non_blocking=True)) for k, (p, o) in self.pictures.items()},
        )  # fmt: skip

    def hide(self, present: Tensor | None) -> Batch:
        """The same units, of which less may be seen: what was absent stays absent."""
        if present is None:
            return self
        if present.shape != self.present.shape:
            raise fail("RG705", f"`present` must have the shape {tuple(self.present.shape)}", value=tuple(present.shape))
        return replace(self, present=self.present & present.to(self.present.device, torch.bool))

    def take(self, rows: Tensor) -> Batch:
        """The units at these positions, in this order; a position may stand there several times.

        It works where the tensors lie: a cohort that fits into a GPU's memory never leaves it.
        """
        rows = rows.to(self.present.device)
        return Batch(
            self.present[rows], {k: t[rows] for k, t in self.tables.items()},
            {k: _pictures_of(p, rows) for k, p in self.pictures.items()},
        )  # fmt: skip


def _pictures_of(pictures: PixelsOfOwners, rows: Tensor) -> PixelsOfOwners:
    pixels, owner = pictures
    order = torch.argsort(owner, stable=True)
    in_order = owner[order]
    first = torch.searchsorted(in_order, rows)
    count = torch.searchsorted(in_order, rows, right=True) - first
    new_owner = torch.repeat_interleave(torch.arange(len(rows), device=rows.device), count)
    start = torch.cumsum(count, 0) - count
    within = torch.arange(len(new_owner), device=rows.device) - start[new_owner]
    return pixels[order[first[new_owner] + within]], new_owner


@dataclass(frozen=True)
class LabelBatch:
    """What is known of each unit of a batch, by head.

    Parameters
    ----------
    targets : dict of str to Tensor
        Class numbers, int64, shape (B,); (time, event), float64, shape (B, 2), of a survival head: float32 would make
        ties of times that differ.  Where the label is not known, 0.
    known : dict of str to Tensor of bool, shape (B,)
    """

    targets: dict[str, Tensor]
    known: dict[str, Tensor]

    def to(self, device: Any) -> LabelBatch:
        """The same labels on another device."""
        return LabelBatch(*({k: t.to(device) for k, t in part.items()} for part in (self.targets, self.known)))

    def take(self, rows: Tensor) -> LabelBatch:
        """The units at these positions, in this order."""
        return LabelBatch({k: t[rows.to(t.device)] for k, t in self.targets.items()},
                          {k: w[rows.to(w.device)] for k, w in self.known.items()})  # fmt: skip


def to_batch(examples: Examples, rows: Sequence[int] | IntArray | None = None, device: Any = "cpu") -> Batch:
    """Units as tensors.

    Parameters
    ----------
    examples : Examples
    rows : sequence of int, optional
        Positions of units, in the order wanted; default all.
    device : str or torch.device, default "cpu"

    Returns
    -------
    Batch
        Tables as float32; pictures keep the uint8 that they are stored in (a quarter of the memory and of the transfer)
        until the encoder reads them.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.fusion.batch import to_batch
    >>> from radiogen.models.fusion.examples import Examples
    >>> examples = Examples(np.array(["a", "b"]), ("clinical",), np.array([[True], [False]]), {"clinical": np.ones((2, 3))})
    >>> to_batch(examples, rows=[1]).tables["clinical"].shape
    torch.Size([1, 3])
    """
    chosen = examples if rows is None else examples.take(rows)
    batch = Batch(
        _tensor(chosen.present),
        {k: _tensor(t).to(torch.float32) for k, t in chosen.tables.items()},
        {k: (_pixels(p.pixels), _tensor(np.asarray(p.owner, dtype=np.int64))) for k, p in chosen.pictures.items()},
    )  # fmt: skip
    return batch.to(device)


def to_label_batch(
    labels: Labels, heads: Sequence[HeadSpec], rows: Sequence[int] | IntArray | None = None, device: Any = "cpu"
) -> LabelBatch:
    """Labels as tensors, checked against the heads.

    Parameters
    ----------
    labels : Labels
    heads : sequence of HeadSpec
        Those of the network.
    rows : sequence of int, optional
        Positions of units, in the order wanted; default all.
    device : str or torch.device, default "cpu"

    Returns
    -------
    LabelBatch

    Raises
    ------
    RadiogenError
        RG705 where a head has no labels, or a known label is no class of its head, or no time and event.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.fusion.batch import to_label_batch
    >>> from radiogen.models.fusion.examples import Labels
    >>> from radiogen.models.fusion.spec import HeadSpec
    >>> labels = Labels({"TP53": np.array([1.0, np.nan])}, {"TP53": np.array([True, False])})
    >>> to_label_batch(labels, [HeadSpec("TP53", "binary", ("wild type", "mutated"))]).targets["TP53"]
    tensor([1, 0])
    """
    missing = [h.name for h in heads if h.name not in labels.targets or h.name not in labels.known]
    if missing:
        raise fail("RG705", f"there are no labels for the head '{missing[0]}'", value=missing[0])
    chosen = labels if rows is None else labels.take(rows)
    known = {h.name: np.asarray(chosen.known[h.name], dtype=bool) for h in heads}
    targets = {h.name: _checked(h, np.asarray(chosen.targets[h.name], dtype=float), known[h.name]) for h in heads}
    return LabelBatch({k: _tensor(t) for k, t in targets.items()}, {k: _tensor(w) for k, w in known.items()}).to(device)


def _checked(head: HeadSpec, target: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[Any]:
    survival = head.kind == "survival"
    shape = (len(known), 2) if survival else (len(known),)
    if target.shape != shape:
        raise fail("RG705", f"the labels of '{head.name}' must have the shape {shape}", value=target.shape)
    seen = target[known]
    if survival:
        if not (np.isfinite(seen).all() and (seen[:, 0] >= 0).all() and np.isin(seen[:, 1], (0, 1)).all()):
            raise fail("RG705", f"known labels of '{head.name}' are times of at least 0 and events of 0 or 1", value=head.name)
        return np.where(known[:, None], target, 0.0)
    if not np.isin(seen, np.arange(len(head.classes))).all():
        raise fail("RG705", f"known labels of '{head.name}' are whole numbers from 0 to {len(head.classes) - 1}", value=head.name)
    return np.where(known, target, 0.0).astype(np.int64)


def _pixels(values: NDArray[Any]) -> Tensor:
    tensor = _tensor(values)
    return tensor.to(torch.float32) if tensor.is_floating_point() else tensor


def _tensor(values: NDArray[Any]) -> Tensor:
    # torch warns of arrays that may not be written, such as memory maps; they are copied
    return torch.from_numpy(np.require(values, requirements=["C", "W"]))
