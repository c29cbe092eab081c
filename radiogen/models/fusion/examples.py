"""What a network is trained and applied on: arrays of units, with who has what; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int_]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Pictures:
    """The pictures of one input, decoded once.

    Parameters
    ----------
    pixels : array of uint8, shape (m, channels, rows, columns), or (m, frames, channels, rows, columns) of loops
        0 … 255 stand for 0 … 1 of the display, or of the scale of a measurement.  May be a memory map.
    owner : array of int, shape (m,)
        Position of the unit that each picture belongs to.
    """

    pixels: NDArray[np.uint8]
    owner: IntArray

    def of(self, rows: IntArray) -> Pictures:
        """The pictures of the units at these positions, owners numbered anew in their order."""
        order = np.argsort(self.owner, kind="stable")
        first = np.searchsorted(self.owner[order], rows, side="left")
        last = np.searchsorted(self.owner[order], rows, side="right")
        chosen = [order[a:b] for a, b in zip(first, last, strict=True)]
        at = np.concatenate(chosen) if chosen else np.zeros(0, dtype=int)
        return Pictures(self.pixels[at], np.repeat(np.arange(len(rows)), last - first))


@dataclass(frozen=True)
class Examples:
    """Units with their inputs.

    Parameters
    ----------
    units : array of str, shape (n,)
        Ids.
    modalities : tuple of str
        Columns of ``present``, in the order of :attr:`radiogen.models.fusion.spec.Plan.modalities`.
    present : array of bool, shape (n, modalities)
        Who has what; an absent modality is never read.
    tables : mapping of str to array of float, shape (n, columns)
        By input, complete where the modality is present; the curve of a cine stands under its name too.
    pictures : mapping of str to Pictures
        By input.
    """

    units: NDArray[np.str_]
    modalities: tuple[str, ...]
    present: BoolArray
    tables: Mapping[str, FloatArray] = field(default_factory=dict)
    pictures: Mapping[str, Pictures] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.units)
        if self.present.shape != (n, len(self.modalities)):
            raise fail("RG705", f"`present` must have the shape {(n, len(self.modalities))}", value=self.present.shape)
        for name, table in self.tables.items():
            if len(table) != n:
                raise fail("RG705", f"the table '{name}' has {len(table)} rows for {n} units", value=name)

    def __len__(self) -> int:
        return len(self.units)

    def take(self, rows: Sequence[int] | IntArray) -> Examples:
        """The units at these positions, in this order."""
        at = np.asarray(rows, dtype=int)
        return Examples(
            self.units[at], self.modalities, self.present[at],
            {k: t[at] for k, t in self.tables.items()}, {k: p.of(at) for k, p in self.pictures.items()},
        )  # fmt: skip

    def with_present(self, present: BoolArray) -> Examples:
        """The same units, of which less may be seen: what was absent stays absent."""
        shown = np.asarray(present, dtype=bool)
        if shown.shape != self.present.shape:
            raise fail("RG705", f"`present` must have the shape {self.present.shape}", value=shown.shape)
        return replace(self, present=self.present & shown)

    def only(self, modalities: Sequence[str]) -> Examples:
        """The same units with these modalities alone."""
        keep = np.isin(self.modalities, list(modalities))
        return self.with_present(np.broadcast_to(keep, self.present.shape))


@dataclass(frozen=True)
class Labels:
    """What is known of each unit, by head.

    Parameters
    ----------
    targets : mapping of str to array
        Class numbers, shape (n,), of a class head; (time, event), shape (n, 2), of a survival head.  Any number
        stands where the label is not known.
    known : mapping of str to array of bool, shape (n,)
        Labels that count; the loss of the others is not computed.
    """

    targets: Mapping[str, NDArray[np.float64] | IntArray]
    known: Mapping[str, BoolArray]

    def take(self, rows: Sequence[int] | IntArray) -> Labels:
        """The units at these positions, in this order."""
        at = np.asarray(rows, dtype=int)
        return Labels({k: t[at] for k, t in self.targets.items()}, {k: w[at] for k, w in self.known.items()})
