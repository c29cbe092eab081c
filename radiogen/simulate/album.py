"""The pictures of one cohort: written into its folder, and remembered by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radiogen.simulate.dicom_writer import Compression, ScreenRegion, write_dicom


class Album:
    """Writes pictures and keeps a list of what was written.

    Parameters
    ----------
    root : Path
        Folder of the cohort.
    seed : int
        Seed of the simulation; part of the identifiers in DICOM files.

    Attributes
    ----------
    names : list of str
        Paths inside ``root``, in the order of writing.
    """

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.seed = seed
        self.names: list[str] = []

    def png(self, name: str, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
        """Grey of 8 or 16 bits, or colour."""
        from PIL import Image

        Image.fromarray(pixels).save(self._place(name), optimize=False)

    def mask(self, name: str, mask: NDArray[np.bool_]) -> None:
        """A mask of 0 and 255."""
        self.png(name, np.where(mask, 255, 0).astype(np.uint8))

    def jpeg(self, name: str, pixels: NDArray[np.uint8], quality: int) -> None:
        """A picture with loss, colour at half the resolution, as exports have it."""
        from PIL import Image

        Image.fromarray(pixels).save(self._place(name), quality=quality, subsampling="4:2:0")

    def dicom(
        self,
        name: str,
        pixels: NDArray[np.uint8],
        patient_id: str,
        model: str,
        regions: Sequence[ScreenRegion],
        *,
        frame_time_ms: float | None = None,
        compression: Compression = "none",
    ) -> None:
        """A still, or with ``frame_time_ms`` a loop; see :func:`write_dicom`."""
        key = f"{self.seed} {patient_id}/{name}"
        write_dicom(
            self._place(name), pixels, key=key, patient_id=patient_id, model=model, regions=regions,
            frame_time_ms=frame_time_ms, compression=compression,
        )  # fmt: skip

    def _place(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.names.append(name)
        return path
