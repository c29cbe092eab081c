"""Elastograms: decoded once, whatever views are taken of them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, fail
from radiogen.features.family import Settings
from radiogen.features.pictures.still import Planes
from radiogen.imaging.elastography import decode_stiffness
from radiogen.imaging.image import Image
from radiogen.imaging.regions import Mask

#: steps in which stiffness is kept, from 0 to the end of the picture's own scale: finer than 0.01 kPa of 300
_STEPS = 65_535


@dataclass(frozen=True)
class Decoded:
    """The stiffness of every pixel of one picture.

    Parameters
    ----------
    steps : ndarray of uint16, H × W
        Stiffness as a share of ``high``, in steps of 1/65,535; 0 where it is not known.
    known : ndarray of bool, H × W
    high : float
        End of the picture's own scale, in the unit shown.
    problems : tuple of Problem
    """

    steps: NDArray[np.uint16]
    known: Mask
    high: float
    problems: tuple[Problem, ...] = ()

    def planes(self, top: float) -> Planes:
        """Stiffness from 0 to 255, where 255 stands for ``top``."""
        values = self.steps.astype(np.float64) * (255 * self.high / (_STEPS * top))
        return Planes(values[None], self.known, values > 255 * (1 + 1e-9), self.problems)

    def to_json(self) -> dict[str, Any]:
        """Plain values for the cache."""
        said = [{k: v for k, v in asdict(replace(p, file=None)).items() if v is not None} for p in self.problems]
        return {
            "shape": list(self.steps.shape), "high": self.high, "problems": said,
            "steps": _packed(self.steps.astype("<u2").tobytes()), "known": _packed(np.packbits(self.known).tobytes()),
        }  # fmt: skip

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Decoded:
        """The picture back from :meth:`to_json`."""
        rows, columns = plain["shape"]
        steps = np.frombuffer(_unpacked(plain["steps"]), "<u2").astype(np.uint16).reshape(rows, columns)
        bits = np.unpackbits(np.frombuffer(_unpacked(plain["known"]), np.uint8), count=rows * columns)
        known = bits.reshape(rows, columns).astype(bool)
        return cls(steps, known, float(plain["high"]), tuple(Problem(**p) for p in plain["problems"]))


def decode(image: Image, settings: Settings) -> Decoded:
    """The stiffness of a picture, decoded as the features of the modality are.

    Raises
    ------
    RadiogenError
        RG520 unit or scale not declared, and those of :func:`radiogen.imaging.elastography.decode_stiffness`.
    """
    if settings["unit"] is None:
        raise fail("RG520", "the unit of the colour scale is not declared (`unit: kPa` or `unit: m/s`)", column="unit")
    bar = settings["bar"]
    found = decode_stiffness(
        image, scale_max=settings["scale_max"], scale_min=settings["scale_min"], unit=settings["unit"],
        bar=None if bar is None else (bar[0], bar[1], bar[2], bar[3]), opacity=settings["opacity"],
    )  # fmt: skip
    if settings["shown"] == "kpa":
        found = found.to_kpa()
    high, known = found.scale[1], found.decoded
    steps = np.rint(_STEPS / high * np.where(known, found.values, 0.0)).clip(0, _STEPS).astype(np.uint16)
    return Decoded(steps, known, float(high), found.problems)


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 1)).decode("ascii")


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
