"""One region of a DICOM ultrasound image: what it shows, where it lies, and its physical scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Spacing = tuple[float, float]

#: codes of PhysicalUnitsXDirection and PhysicalUnitsYDirection that are used
CENTIMETRES, SECONDS, CM_PER_SECOND = 3, 4, 7
_TWO_DIMENSIONAL, _M_MODE = 1, 2
_TISSUE, _COLOUR_FLOW = 1, 2
_KINDS = {
    0: "none",
    1: "tissue",
    2: "colour flow",
    3: "spectrum",
    4: "spectrum",
    5: "Doppler trace",
    6: "Doppler trace",
    7: "Doppler trace",
    8: "volume trace",
    10: "ECG",
    11: "pulse",
    12: "phonocardiogram",
    13: "grey bar",
    14: "colour bar",
    15: "integrated backscatter",
    16: "area trace",
    17: "area trace",
}


@dataclass(frozen=True)
class Region:
    """One calibrated region of a DICOM ultrasound image (DICOM PS3.3, C.8.5.5).

    Parameters
    ----------
    rows, columns : tuple of int
        First and last row (column) of the region, counted from 0, both inside.
    data_type : int
        RegionDataType: 1 tissue, 2 colour flow, 3 PW spectrum, 13 grey bar, 14 colour bar …
    spatial_format : int
        RegionSpatialFormat: 1 two-dimensional, 2 M-mode, 3 spectral …
    spacing_mm : tuple of float or None
        Millimetres per row and per column; None where the units are not lengths.
    units : tuple of int
        Codes of the physical units of rows and of columns: 0 none, 3 cm, 4 s, 5 Hz, 7 cm/s …
    delta : tuple of float or None
        Physical value of one row downwards and of one column to the right, in ``units``, with its sign, as stored
        (PhysicalDeltaY, PhysicalDeltaX).
    reference_pixel : tuple of int or None
        Row and column of the reference pixel, counted in the image.  DICOM stores it relative to the region's first
        row and column (ReferencePixelY0, ReferencePixelX0); that offset has been added here.  It may lie outside the
        region and outside the image.  In a spectrum its row is the baseline.
    reference_value : tuple of float or None
        Physical value at the reference pixel, in ``units``: of rows, of columns.  Row ``r`` has the value
        ``reference_value[0] + delta[0] * (r - reference_pixel[0])``.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    data_type: int
    spatial_format: int
    spacing_mm: Spacing | None
    units: tuple[int, int] = (0, 0)
    delta: tuple[float, float] | None = None
    reference_pixel: tuple[int, int] | None = None
    reference_value: tuple[float, float] | None = None

    @property
    def kind(self) -> str:
        """What the region shows, in a word: ``"tissue"``, ``"colour flow"``, ``"spectrum"``, ``"colour bar"`` …

        A spectrum is pulsed or continuous wave (data types 3 and 4).  Tissue or flow over time is ``"M-mode"``.
        """
        if self.spatial_format == _M_MODE and self.data_type in (_TISSUE, _COLOUR_FLOW):
            return "M-mode"
        return _KINDS.get(self.data_type, "other")

    @property
    def is_picture(self) -> bool:
        """Whether the region is a two-dimensional picture of tissue or flow, with a scale or without."""
        return self.spatial_format == _TWO_DIMENSIONAL and self.data_type in (_TISSUE, _COLOUR_FLOW)

    @property
    def is_tissue(self) -> bool:
        """Whether the region is a two-dimensional picture of tissue, or of flow in it, whose scale is known."""
        return self.is_picture and self.spacing_mm is not None

    @property
    def is_calibrated(self) -> bool:
        """Whether something is measured by the region: a picture with a scale, a spectrum with one, or a colour bar."""
        if self.kind == "spectrum":
            return self.delta is not None and any(self.units)
        return self.is_tissue or self.kind == "colour bar"

    @property
    def area(self) -> int:
        """Pixels of the region."""
        return (self.rows[1] - self.rows[0] + 1) * (self.columns[1] - self.columns[0] + 1)

    def contains(self, mask: NDArray[np.bool_]) -> bool:
        """Whether every pixel of a mask lies in the region; True for an empty mask."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not rows.size:
            return True
        inside_rows = self.rows[0] <= rows[0] and rows[-1] <= self.rows[1]
        return bool(inside_rows and self.columns[0] <= columns[0] and columns[-1] <= self.columns[1])

    def touches(self, mask: NDArray[np.bool_]) -> bool:
        """Whether a pixel of a mask lies in the region."""
        rows, columns = self.slices()
        return bool(mask[rows, columns].any())

    def slices(self) -> tuple[slice, slice]:
        """The region's rows and columns, to index the pixels with."""
        return slice(max(self.rows[0], 0), self.rows[1] + 1), slice(max(self.columns[0], 0), self.columns[1] + 1)
