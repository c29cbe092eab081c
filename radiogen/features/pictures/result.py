"""The pictures of one modality of a cohort, decoded, with what they mean and which are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import Problem
from radiogen.features.pictures.kinds import Scale


@dataclass(frozen=True, repr=False, eq=False)
class PictureStack:
    """Pictures of one modality in one view, as arrays.

    Parameters
    ----------
    modality, kind, view : str
        See :func:`radiogen.features.pictures.stack`.
    pixels : ndarray of uint8, shape (m, channels, rows, columns); of loops (m, frames, channels, rows, columns)
        Mapped into memory, read-only, where there is a cache.
    unit : ndarray of str, shape (m,)
        Id of the unit that each picture belongs to; a unit may have several, or none.
    image : tuple of str, length m
        Paths.
    channels : tuple of str
        ``("grey",)``, ``("kPa", "valid")`` or ``("m/s", "valid")`` (valid: 255 where the first channel was decoded, else
        0), ``("red", "green", "blue")``.
    scale : Scale
        What 0 and 255 stand for.
    physical : bool
        Whether the first channel is a measurement: it may be moved and turned, and its values stay as they are.
    details : DataFrame, m rows
        Of each picture: ``pixel_mm`` (millimetres per pixel, the same down and across; NaN: spacing not known),
        ``calibrated``, ``visit``, ``row`` of the manifest; with a ring ``ring_width`` and ``ring_unit`` (``"mm"``, or
        ``"px"`` of the source); of stiffness ``decoded_share`` of what is shown and ``cut_off_share`` above the scale; of
        loops ``start`` (``"arrival"`` or ``"first frame"``), ``start_s`` on the loop's clock and ``linear``.
    missing : DataFrame
        Pictures that are not in the stack: ``unit``, ``image``, ``code``, ``reason``.
    options : mapping
        The keyword arguments that give the same kind of pictures of another cohort: ``stack(other, modality,
        **options)``.  What was found from this cohort (``scale_max``, ``duration_s``) is fixed in them.
    digest : str
        SHA-256 over the content of images and masks, options and versions.
    curve : DataFrame or None
        Of loops: unit × values of the lesion's curve, several loops of a unit joined by the modality's ``aggregate``;
        ``attrs["unit"]`` and ``attrs["times_s"]`` say in which unit and at which times from the start.
    frame_times_s : ndarray of float64, shape (m, frames), or None
        Of loops: seconds from the start of the frames taken.
    problems : tuple of Problem
        Warnings and notes of reading, as extraction gives them.
    other : int
        Pictures of the modality that are of another kind and were not asked for.
    """

    modality: str
    kind: str
    view: str
    pixels: NDArray[np.uint8]
    unit: NDArray[np.str_]
    image: tuple[str, ...]
    channels: tuple[str, ...]
    scale: Scale
    physical: bool
    details: pd.DataFrame
    missing: pd.DataFrame
    options: Mapping[str, Any]
    digest: str
    curve: pd.DataFrame | None = None
    frame_times_s: NDArray[np.float64] | None = None
    problems: tuple[Problem, ...] = field(default=())
    other: int = 0

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def ring(self) -> str:
        """The width of the ring in words; empty in views without one."""
        if "ring_unit" not in self.details or not len(self):
            return ""
        count = self.details["ring_unit"].value_counts()
        in_mm, in_px = int(count.get("mm", 0)), int(count.get("px", 0))
        mm = f"{self.options['ring_mm']:g} mm"
        share = f"{100 * self.options['ring_share']:g} % of the lesion's equivalent diameter (spacing not known)"
        if in_mm and in_px:
            return f"{mm} in {in_mm} pictures, {share} in {in_px}"
        return mm if in_mm else share

    def owner(self, units: pd.Index) -> NDArray[np.intp]:
        """Position in ``units`` of the unit of each picture; -1 where it is not there."""
        return np.asarray(units.get_indexer(pd.Index(self.unit.astype(object))), dtype=np.intp)

    def __repr__(self) -> str:
        size = " × ".join(str(n) for n in self.pixels.shape[1:])
        scale = f"0 to 255 are {self.scale.low:g} to {self.scale.high:g} {self.scale.unit}"
        lost = f", {len(self.missing)} missing" if len(self.missing) else ""
        units = len(np.unique(self.unit))
        return f"<PictureStack {self.modality} {self.kind}, {self.view}: {len(self)} of {units} units{lost}, {size}, {scale}>"
