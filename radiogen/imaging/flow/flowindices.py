"""Vascular indices of a lesion from the map of its flow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label

from radiogen.imaging.flow.flowpixels import LEAST_PIXELS
from radiogen.imaging.flow.vessels import centre_lines
from radiogen.imaging.image import Spacing
from radiogen.imaging.regions import Mask, bounding_box, box_slices

#: what is measured in a colour or power picture
FLOW_NAMES = (
    "vascularity_index_pct", "flow_index", "vascularisation_flow_index", "vessel_count", "vessel_area_mm2",
    "vessel_length_mm", "branch_points", "central_share_pct", "central_vascularity_index_pct",
    "peripheral_vascularity_index_pct", "penetrating_vessels", "adler_grade", "towards_share_pct", "mean_velocity_cm_s",
    "max_velocity_cm_s",
)  # fmt: skip
#: vessels from which on the Adler grade is 3, and 2
_MARKED, _MODERATE = 4, 3
_EIGHT = np.ones((3, 3), dtype=bool)


def flow_indices(
    coloured: Mask,
    lesion: Mask,
    *,
    spacing_mm: Spacing | None = None,
    amplitude: NDArray[np.float64] | None = None,
    direction: NDArray[np.int8] | None = None,
    velocity_cm_s: NDArray[np.float64] | None = None,
    no_direction: str = "",
) -> tuple[dict[str, float], dict[str, str]]:
    """The indices of one lesion.

    Parameters
    ----------
    coloured, lesion : ndarray of bool, H × W
        Flow in the whole picture, and the lesion; at least one pixel is lesion.
    spacing_mm : (float, float), optional
        Millimetres per row and per column; without it lengths and areas are missing.
    amplitude : ndarray of float64, H × W, optional
        0 to 1, at coloured pixels.
    direction : ndarray of int8, H × W, optional
        1 towards the probe, -1 away.
    velocity_cm_s : ndarray of float64, H × W, optional
    no_direction : str, optional
        Why there is no direction.

    Returns
    -------
    (values, missing)
        Numbers, and reasons for those that are missing, by the names of :data:`FLOW_NAMES`.

    Notes
    -----
    ``vascularity_index_pct`` (VI): coloured pixels of the lesion, in percent of its pixels.
    ``flow_index`` (FI): mean amplitude of the coloured pixels of the lesion, 0 to 100.
    ``vascularisation_flow_index`` (VFI): VI · FI / 100, 0 without flow.
    A vessel is a connected coloured region within the lesion of at least 4 pixels.  ``vessel_area_mm2``: of all coloured
    pixels in the lesion.  ``vessel_length_mm`` and ``branch_points``: of the centre lines of the whole vessels, as far
    as they lie in the lesion.  The centre is the part of the lesion that is deeper below its border than half of
    its deepest point; ``central_share_pct`` is the share of the coloured pixels that lie there.
    ``penetrating_vessels``: connected regions of the picture with at least 4 pixels inside and 4 outside the lesion.

    ``adler_grade``, by this rule.  0: no vessel.  3, marked: four or more vessels.  2, moderate: three vessels, or a
    main vessel, that is one whose centre line within the lesion is at least as long as the radius of a circle with the
    lesion's area.  1, minimal: one or two vessels, none of them a main one.  Adler's text leaves two short vessels
    between 1 and 2; they are grade 1 here.  The rule compares lengths in one picture and needs no millimetres;
    without spacing pixels are taken as square.

    References
    ----------
    Adler DD, Carson PL, Rubin JM, Quinn-Reid D. Doppler ultrasound color flow imaging in the study of breast cancer:
    preliminary findings. Ultrasound Med Biol 1990;16(6):553-559. doi:10.1016/0301-5629(90)90020-D

    Pairleitner H, Steiner H, Hasenoehrl G, Staudach A. Three-dimensional power Doppler sonography: imaging and
    quantifying blood flow and vascularization. Ultrasound Obstet Gynecol 1999;14(2):139-143.
    doi:10.1046/j.1469-0705.1999.14020139.x

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.flow.flowindices import flow_indices
    >>> lesion = np.zeros((60, 60), bool); lesion[10:50, 10:50] = True
    >>> coloured = np.zeros((60, 60), bool); coloured[29:32, 0:40] = True      # crosses the border
    >>> values, missing = flow_indices(coloured, lesion, spacing_mm=(0.1, 0.1))
    >>> values["vascularity_index_pct"], values["penetrating_vessels"], values["adler_grade"]
    (5.625, 1.0, 2.0)
    """
    inside = coloured & lesion
    area = int(lesion.sum())
    share = 100 * int(inside.sum()) / area
    values = {"vascularity_index_pct": share}
    missing: dict[str, str] = {}
    _amplitudes(values, missing, inside, amplitude)
    _structure(values, missing, coloured, lesion, spacing_mm)
    _centre(values, missing, inside, lesion, spacing_mm)
    _velocities(values, missing, inside, direction, velocity_cm_s, no_direction)
    return values, missing


def _amplitudes(values: dict[str, float], missing: dict[str, str], inside: Mask, amplitude: NDArray[np.float64] | None) -> None:
    """Flow index, and its product with the vascularity index."""
    if not inside.any():
        missing["flow_index"] = "there is no flow in the lesion"
        values["vascularisation_flow_index"] = 0.0
        return
    if amplitude is None:
        reason = "the picture has no colour bar"
        missing["flow_index"] = missing["vascularisation_flow_index"] = reason
        return
    values["flow_index"] = 100 * float(np.mean(amplitude[inside]))
    values["vascularisation_flow_index"] = values["vascularity_index_pct"] * values["flow_index"] / 100


def _structure(values: dict[str, float], missing: dict[str, str], coloured: Mask, lesion: Mask, spacing: Spacing | None) -> None:
    """Vessels: number, area, length, branches, how many cross the border, and the grade."""
    window = box_slices(bounding_box(lesion, margin=_margin(coloured, lesion)))
    coloured, lesion = coloured[window], lesion[window]
    parts, count = _regions(coloured & lesion)
    lines = centre_lines(coloured)
    values["vessel_count"] = float(count)
    values["branch_points"] = float(lines.branch_points(lesion))
    values["penetrating_vessels"] = float(_penetrating(coloured, lesion))
    ratio = spacing or (1.0, 1.0)
    radius = float(np.sqrt(lesion.sum() * ratio[0] * ratio[1] / np.pi))
    main = any(lines.length(parts == number, ratio) >= radius for number in range(1, count + 1)) if count < _MODERATE else False
    values["adler_grade"] = float(_grade(count, main))
    if spacing is None:
        missing["vessel_area_mm2"] = missing["vessel_length_mm"] = "the pixel spacing is not known"
    else:
        values["vessel_area_mm2"] = float((coloured & lesion).sum()) * spacing[0] * spacing[1]
        values["vessel_length_mm"] = lines.length(lesion, spacing)


def _margin(coloured: Mask, lesion: Mask) -> int:
    """Pixels around the lesion in which the vessels that enter it are followed; the rest has no part in the indices."""
    return int(max(20, 0.25 * np.sqrt(lesion.sum()))) if coloured.any() else 0


def _regions(inside: Mask) -> tuple[NDArray[np.int64], int]:
    """Connected regions of at least four pixels, numbered from 1."""
    parts, number = label(inside, structure=_EIGHT)
    large = np.flatnonzero(np.bincount(parts.ravel(), minlength=number + 1)[1:] >= LEAST_PIXELS) + 1
    numbers = np.zeros(number + 1, dtype=np.int64)
    numbers[large] = np.arange(1, len(large) + 1)
    return numbers[parts], len(large)


def _penetrating(coloured: Mask, lesion: Mask) -> int:
    parts, number = label(coloured, structure=_EIGHT)
    within = np.bincount(parts[lesion], minlength=number + 1)
    beyond = np.bincount(parts[~lesion], minlength=number + 1)
    return int(((within >= LEAST_PIXELS) & (beyond >= LEAST_PIXELS))[1:].sum())


def _grade(count: int, main: bool) -> int:
    if count == 0:
        return 0
    if count >= _MARKED:
        return 3
    return 2 if count >= _MODERATE or main else 1


def _centre(values: dict[str, float], missing: dict[str, str], inside: Mask, lesion: Mask, spacing: Spacing | None) -> None:
    """Flow in the inner and in the outer part of the lesion."""
    window = box_slices(bounding_box(lesion))
    inside, lesion = inside[window], lesion[window]
    # a frame of background: the border of the crop is the border of the lesion
    depth = distance_transform_edt(np.pad(lesion, 1), sampling=spacing)[1:-1, 1:-1]
    centre = lesion & (depth > depth.max() / 2)
    rim = lesion & ~centre
    values["central_vascularity_index_pct"] = 100 * float(inside[centre].mean())
    if rim.any():
        values["peripheral_vascularity_index_pct"] = 100 * float(inside[rim].mean())
    else:
        missing["peripheral_vascularity_index_pct"] = "the lesion is too small to have a centre and a rim"
    if inside.any():
        values["central_share_pct"] = 100 * float(inside[centre].sum() / inside.sum())
    else:
        missing["central_share_pct"] = "there is no flow in the lesion"


def _velocities(
    values: dict[str, float], missing: dict[str, str], inside: Mask, direction: NDArray[np.int8] | None,
    velocity: NDArray[np.float64] | None, no_direction: str,
) -> None:
    """Share towards the probe; mean and largest speed."""
    speeds = ("mean_velocity_cm_s", "max_velocity_cm_s")
    if not inside.any():
        missing |= dict.fromkeys(("towards_share_pct", *speeds), "there is no flow in the lesion")
        return
    if direction is None:
        missing |= dict.fromkeys(("towards_share_pct", *speeds), no_direction or "the direction of flow is not known")
        return
    values["towards_share_pct"] = 100 * float((direction[inside] > 0).mean())
    if velocity is None:
        missing |= dict.fromkeys(speeds, "the velocity at the end of the colour bar (scale_max) is not declared")
        return
    speed = np.abs(velocity[inside])
    values["mean_velocity_cm_s"], values["max_velocity_cm_s"] = float(speed.mean()), float(speed.max())
