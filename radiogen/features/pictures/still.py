"""One still picture as planes of numbers from 0 to 255."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radiogen.errors import Problem, fail, problem
from radiogen.features.pictures.resample import Floats
from radiogen.imaging.image import Image
from radiogen.imaging.marks import full_scale
from radiogen.imaging.regions import Mask

#: a larger share of what is shown that could not be decoded is told, as in the features
_UNDECODED = 0.10


@dataclass(frozen=True)
class Planes:
    """A picture before its window is cut.

    Parameters
    ----------
    values : ndarray of float64, C × H × W
        0 to 255.
    known : ndarray of bool, H × W, or None
        Where there is a value; None: everywhere.
    beyond : ndarray of bool, H × W, or None
        Where the value lies above the end of the scale and was cut off.
    problems : tuple of Problem
    """

    values: Floats
    known: Mask | None = None
    beyond: Mask | None = None
    problems: tuple[Problem, ...] = ()


def planes_of(image: Image, kind: str, colour: bool) -> Planes:
    """The planes of a still as it is displayed.

    Parameters
    ----------
    image : Image
    kind : {"grey", "colour", "power", "spectrum"}
    colour : bool
        Of a spectrum: red, green and blue in place of its brightness.

    Raises
    ------
    RadiogenError
        RG511 a picture of another kind.
    """
    if kind == "grey":
        grey, problems = image.grey()
        return Planes(_of_full_scale(image, grey)[None], problems=problems)
    if kind == "spectrum" and not colour:
        if image.is_loop:
            raise fail("RG511", f"the image is a loop of {image.n_frames} frames; a spectrum is one still picture")
        return Planes(_of_full_scale(image, image.luminance())[None])
    return Planes(np.moveaxis(image.rgb(), 2, 0).astype(np.float64))


def _of_full_scale(image: Image, grey: Floats) -> Floats:
    """Grey values with the brightest that the file could hold as 255."""
    low, high = float(grey.min()), float(grey.max())
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0:
        raise fail("RG511", f"grey values from {low:g} to {high:g} are no picture that is shown from black to white")
    if 0 < high <= 1 and image.mode not in ("L", "RGB") and bool((grey % 1 > 0).any()):
        raise fail("RG511", "grey values are fractions from 0 to 1, and the file does not say which is white")
    return np.asarray(grey * (255 / full_scale(image)))


def undecoded(planes: Planes, shown: Mask, judged: Mask) -> tuple[dict[str, float], tuple[Problem, ...]]:
    """How much of what is shown was decoded and cut off, and a warning where much of what matters was not.

    Parameters
    ----------
    planes : Planes
    shown : ndarray of bool, H × W
        Pixels of the view.
    judged : ndarray of bool, H × W
        Those of which the warning speaks: the lesion, where its surroundings are in view too.

    Raises
    ------
    RadiogenError
        RG522 where nothing of it was decoded.
    """
    if planes.known is None:
        return {}, ()
    share = float((planes.known & judged).sum() / max(int(judged.sum()), 1))
    if share == 0:
        raise fail("RG522", "no pixel of the view lies in the colour overlay")
    known = planes.known & shown
    cut = 0.0 if planes.beyond is None else float((planes.beyond & known).sum() / max(int(known.sum()), 1))
    numbers = {"decoded_share": float(known.sum() / shown.sum()), "cut_off_share": cut}
    if 1 - share <= _UNDECODED:
        return numbers, ()
    text = f"{1 - share:.0%} of the pixels in view (of the lesion, where it is) could not be decoded or lie outside the overlay"
    return numbers, (problem("RG521", text),)
