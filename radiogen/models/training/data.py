"""All units of a training as tensors, and the batches that are cut from them; importing this module imports torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from radiogen.models.fusion.batch import Batch, LabelBatch, to_batch, to_label_batch
from radiogen.models.fusion.examples import BoolArray, IntArray
from radiogen.models.fusion.spec import Plan
from radiogen.models.training.job import Job

#: share of a GPU's free memory that pictures may take, so that they need not be sent to it again and again
_SHARE = 0.4


class Data:
    """Units and labels where they are trained on.

    Parameters
    ----------
    job : Job
    device : torch.device

    Attributes
    ----------
    batch : Batch
        All units, on the device where there is room for them.
    labels : LabelBatch
        On the device.
    """

    def __init__(self, job: Job, device: torch.device) -> None:
        self.plan, self.device = job.plan, device
        batch = to_batch(job.examples)
        self.batch = batch.to(device) if _fits(batch, device) else batch
        self.labels = to_label_batch(job.labels, job.plan.heads, device=device)
        self.present: BoolArray = np.asarray(job.examples.present, dtype=bool)

    def units(self, rows: IntArray, present: NDArray[np.bool_] | None = None, batch: Batch | None = None) -> Batch:
        """The units at these positions, on the device; pictures of modalities that are hidden are left out.

        Parameters
        ----------
        rows : array of int
        present : array of bool, shape (rows, modalities), optional
            What may be seen of them.
        batch : Batch, optional
            All units, in place of :attr:`batch`.
        """
        found = (self.batch if batch is None else batch).take(torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64)))
        if present is not None:
            found = found.hide(torch.from_numpy(present))
        return without_hidden(found, self.plan).to(self.device)

    def labels_of(self, rows: IntArray) -> LabelBatch:
        """The labels of the units at these positions."""
        return self.labels.take(torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64)))


def without_hidden(batch: Batch, plan: Plan) -> Batch:
    """The batch without pictures that the network would not look at: they need be neither moved nor changed."""
    column = {spec.name: plan.modalities.index(spec.modality) for spec in plan.inputs}
    pictures = {}
    for name, (pixels, owner) in batch.pictures.items():
        keep = batch.present[owner, column[name]] if name in column else torch.ones_like(owner, dtype=torch.bool)
        pictures[name] = (pixels, owner) if bool(keep.all()) else (pixels[keep], owner[keep])
    return replace(batch, pictures=pictures)


def _fits(batch: Batch, device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return sum(pixels.numel() * pixels.element_size() for pixels, _ in batch.pictures.values()) < _SHARE * free
