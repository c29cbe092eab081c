"""Colour and power Doppler pictures whose vessels are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label

from radiogen.simulate.bmode import Picture
from radiogen.simulate.draws import Floats
from radiogen.simulate.lettering import write
from radiogen.simulate.scanner import Scanner
from radiogen.simulate.vessels import Field, Vessel, field_of, grow_trees

#: columns added at the right for the colour bar and its numbers
MARGIN = 40
#: rows and columns of the bar
_BAR_ROWS, _BAR_COLUMNS = 96, 11
#: shown velocities are at least this share of the scale: the wall filter takes the slower ones
_WALL = 0.08
#: smallest factor on the radii of vessels
_THINNEST = 0.55
#: connected pixels in the lesion that are a vessel, at least
_VESSEL_PIXELS = 4
#: median and slope of the vascularity index in percent, and how much less scanner Beta shows
_INDEX, _SLOPE, _LESS = 5.5, 0.5, {"Beta": -0.25}
_STOPS = {
    "towards": ((0.0, (70, 0, 0)), (0.45, (220, 20, 0)), (1.0, (255, 245, 110))),
    "away": ((0.0, (0, 0, 80)), (0.45, (10, 40, 230)), (1.0, (110, 245, 255))),
    "power": ((0.0, (60, 0, 20)), (0.5, (220, 50, 20)), (1.0, (255, 230, 120))),
}


@dataclass(frozen=True)
class DopplerPicture:
    """A Doppler picture with its mask and the truth behind it.

    Parameters
    ----------
    image : ndarray of uint8, H × W × 3
        B-mode with the outline of the colour box, vessels in colour, and the colour bar at the right.
    mask : ndarray of bool, H × W
        The lesion.
    spacing_mm : float
    vessels : tuple of Vessel
        True centre lines, and radii as drawn.
    flow_cm_s : ndarray of float64, H × W
        True velocity of every coloured pixel, positive towards the probe; 0 without flow.  In a power picture the
        amplitude from 0 to 1.
    vascularity_index_pct : float
        True share of coloured pixels in the lesion.
    vessel_count : int
        Connected coloured regions in the lesion, of 4 pixels and more.
    length_mm : float
        Length of the centre lines in the lesion.
    trees : int
        Trees drawn.
    scale_max_cm_s : float
        Velocity at the upper end of the bar; the lower end is minus that.
    bar_box, colour_box : (int, int, int, int)
        Top, bottom, left, right, from 0, both ends inside.
    power : bool
        Whether it is a power picture.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    spacing_mm: float
    vessels: tuple[Vessel, ...]
    flow_cm_s: Floats
    vascularity_index_pct: float
    vessel_count: int
    length_mm: float
    trees: int
    scale_max_cm_s: float
    bar_box: tuple[int, int, int, int]
    colour_box: tuple[int, int, int, int]
    power: bool = False


def draw_colour_doppler(
    rng: np.random.Generator,
    picture: Picture,
    vascularity: float,
    scanner: Scanner,
    *,
    scale_max_cm_s: float = 8.0,
    power: bool = False,
) -> DopplerPicture:
    """Vessels in colour over a B-mode picture.

    Parameters
    ----------
    rng : Generator
    picture : Picture
        The B-mode picture.
    vascularity : float
        Latent trait, about -3 to 3.  The vascularity index is 5.5 · exp(0.5 · vascularity) % times noise of 15 %, the
        number of trees 3.2 · exp(0.4 · vascularity) times noise of 30 %, rounded down; fewer where they would have to be
        thinner than colour shows vessels.
    scanner : Scanner
        Scanner Beta shows exp(-0.25) of the index.
    scale_max_cm_s : float, default 8
        End of the colour scale.
    power : bool, default False
        Power Doppler: one bar of amplitude, no direction.

    Returns
    -------
    DopplerPicture
        40 columns wider than the B-mode picture.
    """
    noise = rng.standard_normal(2)
    number = int(3.2 * np.exp(0.4 * vascularity + 0.3 * noise[0]))
    wanted = _INDEX * np.exp(_SLOPE * vascularity + _LESS.get(scanner.name, 0.0) + 0.15 * noise[1])
    vessels = grow_trees(rng, picture.lesion, number, 0.95 * scale_max_cm_s)
    spacing, box = picture.spacing_mm, _colour_box(picture)
    field = _field(vessels, picture, box)
    scale = _scale(field, picture.mask, float(wanted))
    while scale < _THINNEST and number > 1:  # fewer vessels, not thinner ones than a scanner shows
        number -= 1
        vessels = tuple(v for v in vessels if v.tree < number)
        field = _field(vessels, picture, box)
        scale = _scale(field, picture.mask, float(wanted))
    scale = max(scale, _THINNEST)
    flow = np.where(field.lumen(scale), _velocity(rng, field, scale_max_cm_s), 0.0)
    flow = np.pad(np.abs(flow) / scale_max_cm_s if power else flow, ((0, 0), (0, MARGIN)))
    mask = np.pad(picture.mask, ((0, 0), (0, MARGIN)))
    image, bar_box = _canvas(picture, box, scanner, scale_max_cm_s, power)
    image[flow != 0] = _colours(flow[flow != 0] / (1.0 if power else scale_max_cm_s), power)
    vessels = tuple(replace(v, radius_mm=scale * v.radius_mm) for v in vessels)
    found, count = label((flow != 0) & mask, structure=np.ones((3, 3)))
    sizes = np.bincount(found.ravel(), minlength=count + 1)[1:]
    return DopplerPicture(
        image, mask, spacing, vessels, flow, 100 * float((flow != 0)[mask].mean()), int((sizes >= _VESSEL_PIXELS).sum()),
        _length_inside(vessels, picture), number, scale_max_cm_s, bar_box, box, power,
    )  # fmt: skip


def _colour_box(picture: Picture) -> tuple[int, int, int, int]:
    """The lesion and 3 mm around it, as far as the picture goes."""
    rows, columns = np.flatnonzero(picture.mask.any(axis=1)), np.flatnonzero(picture.mask.any(axis=0))
    margin = round(3 / picture.spacing_mm)
    height, width = picture.mask.shape
    return (
        max(int(rows[0]) - margin, 1), min(int(rows[-1]) + margin, height - 2),
        max(int(columns[0]) - margin, 1), min(int(columns[-1]) + margin, width - 2),
    )  # fmt: skip


def _within(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    inside = np.zeros(shape, dtype=bool)
    inside[box[0] + 1 : box[1], box[2] + 1 : box[3]] = True
    return inside


def _field(vessels: tuple[Vessel, ...], picture: Picture, box: tuple[int, int, int, int]) -> Field:
    """The vessels in the colour box."""
    rows, columns = picture.mask.shape
    found = field_of(vessels, (rows, columns), picture.spacing_mm)
    return replace(found, distance_mm=np.where(_within(box, (rows, columns)), found.distance_mm, np.inf))


def _scale(field: Field, mask: NDArray[np.bool_], wanted: float) -> float:
    """The factor on all radii, 2.5 at most, that brings the vascularity index to the one wanted."""
    # quantiles of what is infinitely far are not numbers
    distance, radius = np.minimum(field.distance_mm[mask], 1e6), np.maximum(field.radius_mm[mask], 1e-9)
    # a pixel is coloured once the factor reaches its distance in radii: the index is a quantile
    return float(np.clip(np.quantile(distance / radius, min(wanted / 100, 1.0)), 0.0, 2.5))


def _velocity(rng: np.random.Generator, field: Field, scale_max: float) -> Floats:
    """Fast in the middle of a vessel and slow at its wall, but never below the wall filter."""
    off = np.minimum(field.distance_mm / np.maximum(field.radius_mm, 1e-9), 1.0)
    ripple = gaussian_filter(rng.standard_normal(off.shape), 1.5)
    speed = np.abs(field.velocity_cm_s) * (1 - 0.6 * off**2) * (1 + 0.05 * ripple / ripple.std())
    return np.asarray(np.sign(field.velocity_cm_s) * np.clip(speed, _WALL * scale_max, 0.98 * scale_max), dtype=np.float64)


def _colours(share: Floats, power: bool) -> NDArray[np.uint8]:
    """Colours of velocities given as shares of the scale, from -1 to 1; of amplitudes from 0 to 1."""
    if power:
        return _map("power", share)
    return np.where((share >= 0)[..., None], _map("towards", share), _map("away", -share))


def _map(name: str, share: Floats) -> NDArray[np.uint8]:
    places = [place for place, _ in _STOPS[name]]
    table = np.array([colour for _, colour in _STOPS[name]], dtype=np.float64)
    mixed = [np.interp(share, places, table[:, channel]) for channel in range(3)]
    return np.rint(np.stack(mixed, axis=-1)).astype(np.uint8)


def _canvas(
    picture: Picture, box: tuple[int, int, int, int], scanner: Scanner, scale_max: float, power: bool
) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """B-mode, the outline of the colour box, and the bar with its numbers."""
    rows, columns = picture.image.shape
    image = np.zeros((rows, columns + MARGIN, 3), dtype=np.uint8)
    image[:, :columns] = picture.image[..., None]
    top, bottom, left, right = box
    line = (210, 210, 210) if scanner.name == "Alpha" else (60, 200, 60)
    image[top, left : right + 1] = image[bottom, left : right + 1] = line
    image[top : bottom + 1, left] = image[top : bottom + 1, right] = line
    first, bar_left = 16, columns + 8
    bar = (first, first + _BAR_ROWS - 1, bar_left, bar_left + _BAR_COLUMNS - 1)
    share = np.linspace(1.0, 0.0 if power else -1.0, _BAR_ROWS)
    shown = _colours(share, power)
    if not power:
        shown[np.abs(share) < _WALL] = 0
    image[bar[0] : bar[1] + 1, bar[2] : bar[3] + 1] = shown[:, None]
    if not power:
        write(image, first - 8, bar_left, f"+{scale_max:.3g}", (220, 220, 220))
        write(image, bar[1] + 4, bar_left, f"-{scale_max:.3g}", (220, 220, 220))
        write(image, bar[1] + 12, bar_left, "cm/s", (220, 220, 220))
    return image, bar


def _length_inside(vessels: tuple[Vessel, ...], picture: Picture) -> float:
    """Length of the centre lines whose points lie in the mask."""
    total = 0.0
    for vessel in vessels:
        middle = (vessel.points_mm[1:] + vessel.points_mm[:-1]) / 2
        steps = np.diff(vessel.points_mm, axis=0)
        pixels = np.clip(np.floor(middle / picture.spacing_mm).astype(int), 0, np.array(picture.mask.shape) - 1)
        total += float(np.hypot(steps[:, 0], steps[:, 1])[picture.mask[pixels[:, 0], pixels[:, 1]]].sum())
    return total
