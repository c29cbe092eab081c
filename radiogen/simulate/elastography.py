"""Shear-wave elastograms whose stiffness is known in every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from radiogen.simulate.bmode import Picture
from radiogen.simulate.colourmaps import colours_of
from radiogen.simulate.draws import Floats, expit
from radiogen.simulate.lettering import write
from radiogen.simulate.scanner import Scanner

#: columns added at the right for the colour bar and its numbers
MARGIN = 44
#: rows of the line of text above the picture, rows and columns of the bar
_HEADER, _BAR_ROWS, _BAR_COLUMNS = 14, 120, 12
#: colour map of each scanner
COLOUR_MAP = {"Alpha": "jet", "Beta": "rainbow"}
#: opacity of the overlay as each scanner is set
_OPACITY = {"Alpha": (0.45, 0.70), "Beta": (0.30, 0.55)}
#: mean stiffness of a lesion in kPa and its slope on the latent trait; soft tissue around it
_LESION_KPA, _SLOPE, _FAT_KPA = 58.0, 0.38, 13.0
#: width in mm over which the lesion's stiffness fades outwards: the stiff rim of malignant lesions
_FADE_MM = 1.6
#: the box of the overlay goes so far beyond the lesion, as a share of its extent
_AROUND = 0.45
#: share of pictures with a spot in which the shear wave was too weak to be followed
_SPOTS = 0.35
_INK = (235, 235, 235)


@dataclass(frozen=True)
class SwePicture:
    """An elastogram with its mask and the truth behind it.

    Parameters
    ----------
    image : ndarray of uint8, H × W × 3
        B-mode with the colour overlay in its box, marks, a line of text, and the colour bar at the right.
    mask, reference : ndarray of bool, H × W
        The lesion; a region of soft tissue beside it.
    kpa : ndarray of float64, H × W
        True stiffness; NaN where there is no overlay.
    planted : ndarray of bool, H × W
        Pixels of the overlay that marks cover.
    opacity : float
    colour_map : str
    scale_max_kpa : float
    bar_box, overlay_box : (top, bottom, left, right)
        In pixels from 0, both ends inside.
    spacing_mm : float
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    kpa: Floats
    planted: NDArray[np.bool_]
    opacity: float
    colour_map: str
    scale_max_kpa: float
    bar_box: tuple[int, int, int, int]
    overlay_box: tuple[int, int, int, int]
    spacing_mm: float

    @property
    def shown_kpa(self) -> Floats:
        """The stiffness that the colours can show: no more than the scale has."""
        return np.minimum(self.kpa, self.scale_max_kpa)


def draw_swe(
    rng: np.random.Generator,
    picture: Picture,
    stiffness: float,
    scanner: Scanner,
    *,
    colour_map: str | None = None,
    opacity: float | None = None,
    scale_max_kpa: float = 180.0,
    marks: bool = True,
) -> SwePicture:
    """An elastogram over a B-mode picture.

    Parameters
    ----------
    rng : Generator
        The patient's own.
    picture : Picture
        B-mode of the same plane.
    stiffness : float
        Latent trait; the lesion's median stiffness is 58 kPa · exp(0.38 · stiffness).
    scanner : Scanner
    colour_map : str, optional
        Key of :data:`radiogen.simulate.colourmaps.COLOUR_MAPS`; default the scanner's.
    opacity : float, optional
        Of the overlay; default drawn from the scanner's range.
    scale_max_kpa : float, default 180
        Upper end of the colour scale; stiffer tissue has the colour of the end.
    marks : bool, default True
        Whether a cross-hair and a number may be burnt into the overlay.

    Returns
    -------
    SwePicture
    """
    colour_map = COLOUR_MAP[scanner.name] if colour_map is None else colour_map
    opacity = float(rng.uniform(*_OPACITY[scanner.name])) if opacity is None else opacity
    stiff = _stiffness(rng, picture, stiffness)
    box = _overlay_box(picture.mask)
    top, bottom, left, right = box
    inside = np.zeros(picture.mask.shape, dtype=bool)
    inside[top : bottom + 1, left : right + 1] = True
    shown = inside & ~_spots(rng, picture)
    grey = np.repeat(picture.image[..., None], 3, axis=2).astype(np.float64)
    colours = colours_of(colour_map, stiff / scale_max_kpa)
    mixed = np.where(shown[..., None], opacity * colours + (1 - opacity) * grey, grey)
    canvas, bar_box = _screen(np.rint(mixed).astype(np.uint8), colour_map, scale_max_kpa)
    clean = canvas.copy()
    if marks:
        _burn(rng, canvas, box, stiff)
    screen = canvas.shape[:2]
    field = _on_screen(shown, screen)
    return SwePicture(
        image=canvas,
        mask=_on_screen(picture.mask, screen),
        reference=_on_screen(_reference(picture, shown), screen),
        kpa=np.where(field, _on_screen(stiff, screen), np.nan),
        planted=(canvas != clean).any(axis=2) & field,
        opacity=opacity,
        colour_map=colour_map,
        scale_max_kpa=scale_max_kpa,
        bar_box=bar_box,
        overlay_box=(top + _HEADER, bottom + _HEADER, left, right),
        spacing_mm=picture.spacing_mm,
    )


def _stiffness(rng: np.random.Generator, picture: Picture, stiffness: float) -> Floats:
    """Smooth stiffness in kPa: soft tissue in layers, the lesion with a stiff rim that fades outwards."""
    spacing, mask = picture.spacing_mm, picture.mask
    outside = distance_transform_edt(~mask, sampling=spacing)
    inside = distance_transform_edt(mask, sampling=spacing)
    blotches = _smooth(rng, mask.shape, 2.2 / spacing)
    fine = _smooth(rng, mask.shape, 0.9 / spacing)
    depth = np.linspace(0, 1, mask.shape[0])[:, None]
    soft = _FAT_KPA * np.exp(0.22 * blotches + 0.5 * depth)
    median = _LESION_KPA * np.exp(_SLOPE * stiffness)
    deepest = max(float(inside.max()), spacing)
    rim = 1.15 - 0.35 * np.clip(inside / deepest, 0, 1)
    hard = median * rim * np.exp(0.20 * blotches + 0.12 * fine)
    share = np.where(mask, expit(inside / 0.35), 0.5 * np.exp(-outside / _FADE_MM))
    share = gaussian_filter(share, 0.4 / spacing)
    return np.asarray(np.maximum(soft + (hard - soft) * share, 1.0), dtype=np.float64)


def _smooth(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Floats:
    field = gaussian_filter(rng.standard_normal(shape), sigma)
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float64)


def _overlay_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    over = 4 + int(_AROUND * (rows[-1] - rows[0])), 6 + int(_AROUND * (columns[-1] - columns[0]))
    return (
        max(int(rows[0]) - over[0], 2), min(int(rows[-1]) + over[0], mask.shape[0] - 3),
        max(int(columns[0]) - over[1], 2), min(int(columns[-1]) + over[1], mask.shape[1] - 3),
    )  # fmt: skip


def _spots(rng: np.random.Generator, picture: Picture) -> NDArray[np.bool_]:
    """Where no shear wave was measured: sometimes a spot deep in the lesion or below it."""
    spot = np.zeros(picture.mask.shape, dtype=bool)
    wanted, place, size = rng.random(), rng.random(2), rng.uniform(0.8, 1.8)
    if wanted > _SPOTS:
        return spot
    rows, columns = np.nonzero(picture.mask)
    row = np.quantile(rows, 0.6 + 0.4 * place[0])
    column = np.quantile(columns, 0.2 + 0.6 * place[1])
    y, x = np.indices(picture.mask.shape)
    return np.asarray(np.hypot(y - row, x - column) * picture.spacing_mm < size)


def _reference(picture: Picture, shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A disc of 1.2 mm in the overlay, as far from the lesion as it goes, and rather above it."""
    away = distance_transform_edt(~picture.mask, sampling=picture.spacing_mm)
    radius = 1.2
    edge = distance_transform_edt(np.pad(shown, 1), sampling=picture.spacing_mm)[1:-1, 1:-1]
    y, x = np.indices(shown.shape)
    place = np.where(edge > radius, away - 0.02 * y, -np.inf)
    if not np.isfinite(place).any():
        place = np.where(shown, away, -np.inf)
    row, column = np.unravel_index(int(np.argmax(place)), shown.shape)
    return np.asarray((np.hypot(y - row, x - column) * picture.spacing_mm <= radius) & shown & ~picture.mask)


def _screen(
    picture: NDArray[np.uint8], colour_map: str, scale_max: float
) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """The picture on its screen, with a line above and the bar, its ticks and numbers at the right."""
    rows, columns = picture.shape[:2]
    canvas = np.zeros((rows + _HEADER, columns + MARGIN, 3), dtype=np.uint8)
    canvas[_HEADER:, :columns] = picture
    top, left = _HEADER + 12, columns + 8
    shares = np.linspace(1, 0, _BAR_ROWS)
    canvas[top : top + _BAR_ROWS, left : left + _BAR_COLUMNS] = np.rint(colours_of(colour_map, shares))[:, None]
    for share in (0.0, 0.5, 1.0):
        row = top + round((1 - share) * (_BAR_ROWS - 1))
        canvas[row, left + _BAR_COLUMNS + 1 : left + _BAR_COLUMNS + 4] = _INK
        write(canvas, min(row - 2, rows + _HEADER - 6), left + _BAR_COLUMNS + 6, f"{share * scale_max:.0f}", _INK)
    write(canvas, 4, 4, "1.2 cm", (150, 150, 150))
    return canvas, (top, top + _BAR_ROWS - 1, left, left + _BAR_COLUMNS - 1)


def _burn(rng: np.random.Generator, canvas: NDArray[np.uint8], box: tuple[int, int, int, int], kpa: Floats) -> None:
    """A cross-hair where the sonographer measured, and the number beside it; in one picture of three."""
    wanted, place = rng.random(), rng.random(2)
    if wanted > 1 / 3:
        return
    top, bottom, left, right = box
    row = top + 6 + int(place[0] * max(bottom - top - 14, 1))
    column = left + 6 + int(place[1] * max(right - left - 30, 1))
    number = f"{kpa[row, column]:.1f}"
    row += _HEADER
    canvas[row, column - 4 : column + 5] = _INK
    canvas[row - 4 : row + 5, column] = _INK
    write(canvas, row + 2, column + 6, number, _INK)


def _on_screen(values: NDArray, shape: tuple[int, ...]) -> NDArray:
    """An array of the picture's size where the picture lies on a screen of this shape; 0 elsewhere."""
    out = np.zeros(shape, dtype=values.dtype)
    out[_HEADER : _HEADER + values.shape[0], : values.shape[1]] = values
    return out
