"""Small pictures of lesions for the report, cropped so that nothing that is written beside them is shown."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.cohort import Cohort
from radiogen.errors import RadiogenError
from radiogen.imaging import read_image, read_mask
from radiogen.imaging.image import Image
from radiogen.imaging.marks import full_scale
from radiogen.imaging.regions import Mask, bounding_box, box_slices

#: so many pictures in a report, their longest side in pixels, and how far a small lesion is enlarged at most
MOST, SIDE, ENLARGED = 24, 160, 3.0
#: margin around the lesion, as a share of its longer side; the least in pixels
_MARGIN, _LEAST_MARGIN = 0.2, 8
_OUTLINE = (0, 210, 255)
_JPEG_QUALITY = 80


@dataclass(frozen=True)
class Thumbnail:
    """One small picture.

    Parameters
    ----------
    source : str
        The picture as a ``data:`` URI.
    width, height : int
        Its size in pixels.
    alt : str
        What it shows, for those who do not see it.
    caption : str
    """

    source: str
    width: int
    height: int
    alt: str
    caption: str


def choose(table: pd.DataFrame, most: int = MOST) -> pd.DataFrame:
    """The rows whose pictures are shown: those with most flags first, then others spread evenly over the rest.

    Parameters
    ----------
    table : DataFrame
        Of :func:`radiogen.features.quality.quality_table`.
    most : int
    """
    flagged = table[[bool(f) for f in table["flags"]]]
    first = flagged.iloc[np.argsort([-len(f) for f in flagged["flags"]], kind="stable")].head(most)
    rest = table[[not f for f in table["flags"]]]
    room = min(most - len(first), len(rest))
    places = np.linspace(0, len(rest) - 1, room).round().astype(int) if room > 0 else np.zeros(0, dtype=int)
    return pd.concat([first, rest.iloc[places]])


def lesion_picture(cohort: Cohort, image: pd.Series) -> tuple[str, int, int] | None:
    """The lesion of an image with its outline, as a JPEG in a ``data:`` URI, with its width and height.

    Parameters
    ----------
    cohort : Cohort
    image : Series
        A row of ``cohort.images``.

    Returns
    -------
    (str, int, int) or None
        None where there is no mask, or image or mask cannot be read: the whole picture is never shown, because
        scanners write names beside it.
    """
    masks: Sequence[str] = image["masks"]
    if not len(masks):
        return None
    section = cohort.config.modalities[str(image["modality"])]
    try:
        picture = read_image(str(image["image"]), calibration="ignore")
        mask = read_mask(masks, picture.shape, resize=section.resize, label=section.mask_label)
    except RadiogenError:
        return None
    small = _cropped(picture, mask)
    return _uri(small), small.shape[1], small.shape[0]


def _cropped(picture: Image, mask: Mask) -> NDArray[np.uint8]:
    """The lesion's box with its margin, scaled, with the outline drawn in."""
    from PIL import Image as Pillow
    from scipy.ndimage import binary_erosion

    top, bottom, left, right = bounding_box(mask)
    margin = max(_LEAST_MARGIN, round(_MARGIN * max(bottom - top + 1, right - left + 1)))
    place = box_slices(bounding_box(mask, margin))
    part, lesion = _eight_bit(picture)[place], mask[place]
    scale = min(SIDE / max(lesion.shape), ENLARGED)
    size = (max(1, round(lesion.shape[1] * scale)), max(1, round(lesion.shape[0] * scale)))
    small = np.array(Pillow.fromarray(part).resize(size, Pillow.Resampling.BICUBIC))
    inside = np.array(Pillow.fromarray(lesion.astype(np.uint8) * 255).resize(size, Pillow.Resampling.BILINEAR)) > 127
    small[inside & ~binary_erosion(inside)] = _OUTLINE
    return small


def _eight_bit(picture: Image) -> NDArray[np.uint8]:
    """Red, green and blue of a still, or of the frame in the middle of a loop."""
    still = picture.frame(picture.n_frames // 2)
    if still.kind == "rgb":
        return np.array(still.pixels, dtype=np.uint8)
    grey = np.clip(np.rint(still.pixels * (255.0 / full_scale(picture))), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _uri(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image as Pillow

    stream = io.BytesIO()
    Pillow.fromarray(pixels).save(stream, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
