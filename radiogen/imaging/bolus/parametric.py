"""Parametric maps of a contrast loop, and how evenly and from where a lesion enhances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.bolus.kinetics import CurveFit
from radiogen.imaging.contrast import TimeIntensity
from radiogen.imaging.regions import Box, Mask, bounding_box, box_slices

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ParametricMaps:
    """Perfusion parameters block by block; arrays of blocks, rows × columns.

    Parameters
    ----------
    block : int
        Pixels along the side of a block.
    box : Box
        The part of the picture that the blocks cover: top, bottom, left, right.
    lesion : ndarray of float64
        Share of each block that is lesion.
    level : ndarray of float64
        Mean enhancement above the offset while the lesion enhances by more than half of its peak.
    peak_enhancement, time_to_peak_s, wash_in_rate, auc, arrival_time_s : ndarray of float64
        Of the smoothed curve of each block: highest enhancement, its time, steepest rise before it, area above the
        offset from the lesion's arrival to the end of its fit, and where the tangent at the steepest rise meets the
        offset.  Times are NaN where a block does not enhance.
    """

    block: int
    box: Box
    lesion: Floats
    level: Floats
    peak_enhancement: Floats
    time_to_peak_s: Floats
    wash_in_rate: Floats
    auc: Floats
    arrival_time_s: Floats

    @property
    def inside(self) -> Mask:
        """Blocks of which more than half is lesion."""
        return np.asarray(self.lesion > 0.5)


def parametric_maps(
    found: TimeIntensity, fit: CurveFit, *, block: int = 4, smooth_s: float = 1.5, margin: float = 0.75
) -> ParametricMaps:
    """Maps of perfusion parameters of the lesion and its surroundings.

    Parameters
    ----------
    found : TimeIntensity
        Of :func:`radiogen.imaging.contrast.time_intensity`; frames are moved back as it did.
    fit : CurveFit
        The lesion's own fit; it says when the contrast arrives and until when the first pass lasts.
    block : int, default 4
        Pixels along the side of a block; intensities are averaged over a block, since those of a single pixel are
        speckle.  Made smaller where the lesion would have fewer than about 40 blocks.
    smooth_s : float, default 1.5
        Standard deviation of the Gaussian by which the blocks' curves are smoothed in time; no model is fitted to them.
    margin : float, default 0.75
        Width of the surroundings, in radii of a circle of the lesion's area.

    Raises
    ------
    RadiogenError
        RG708 for values out of range, RG705 where the fit has failed.
    """
    if not fit.ok:
        raise fail("RG705", f"the lesion's curve was not measurable: {fit.reason}")
    if block < 1 or smooth_s <= 0 or margin < 0:
        raise fail("RG708", "block must be at least 1, smooth_s above 0 and margin not negative", value=(block, smooth_s, margin))
    mask, pane = found.panes.mask, found.panes.contrast
    radius = float(np.sqrt(mask.sum() / np.pi))
    block = int(np.clip(np.sqrt(mask.sum() / 40), 1, block))
    box = _whole_blocks(bounding_box(mask, round(margin * radius)), pane, block)
    used = np.flatnonzero(~found.excluded)
    times = found.times_s[used]
    curves = np.stack([_blocks(w, block) for w in found.cine.windows(box, used)])
    shape = curves.shape[1:]
    flat = curves.reshape(len(used), -1)
    early = times <= max(fit.arrival_time_s, times[0])
    enhanced = flat - flat[early].mean(axis=0)
    strong = fit.curve(times) - fit.offset > 0.5 * fit.peak_enhancement
    level = enhanced[strong].mean(axis=0) if strong.any() else np.full(flat.shape[1], np.nan)
    parameters = _parameters(times, enhanced, fit, smooth_s)
    share = _blocks(mask[box_slices(box)].astype(np.float64), block)
    return ParametricMaps(block, box, share, level.reshape(shape), *(p.reshape(shape) for p in parameters))


def _whole_blocks(box: Box, pane: Box, block: int) -> Box:
    """The box within the pane, cut to whole blocks."""
    top, left = max(box[0], pane[0]), max(box[2], pane[2])
    rows, columns = min(box[1], pane[1]) - top + 1, min(box[3], pane[3]) - left + 1
    return top, top + max(rows // block, 1) * block - 1, left, left + max(columns // block, 1) * block - 1


def _blocks(values: Floats, block: int) -> Floats:
    rows, columns = values.shape[0] // block, values.shape[1] // block
    return np.asarray(values.reshape(rows, block, columns, block).mean(axis=(1, 3)))


def _parameters(times: Floats, enhanced: Floats, fit: CurveFit, smooth_s: float) -> tuple[Floats, ...]:
    """Peak, its time, steepest rise, area and arrival of each column, smoothed in time whatever the intervals."""
    from scipy.integrate import trapezoid

    kernel = np.exp(-0.5 * ((times[:, None] - times[None, :]) / smooth_s) ** 2)
    # each frame counts for the time that it stands for
    kernel *= np.gradient(times)[None, :]
    smooth = (kernel / kernel.sum(axis=1, keepdims=True)) @ enhanced
    first_pass = times <= fit.fitted_until_s
    t, s = times[first_pass], smooth[first_pass]
    top = s.argmax(axis=0)
    peak = s.max(axis=0)
    slopes = np.gradient(s, t, axis=0)
    slopes[np.arange(len(t))[:, None] > top[None, :]] = -np.inf
    steepest = slopes.argmax(axis=0)
    rate = slopes.max(axis=0)
    column = np.arange(s.shape[1])
    rises = (peak > 0) & (rate > 0) & (top > 0)
    arrival = t[steepest] - s[steepest, column] / np.where(rises, rate, 1.0)
    after = t >= fit.arrival_time_s
    area = trapezoid(s[after], t[after], axis=0)
    return peak, np.where(rises, t[top], np.nan), np.where(rises, rate, 0.0), area, np.where(rises, arrival, np.nan)


# -- patterns -----------------------------------------------------------------------------------------------------------

#: a block that enhances by less than this share of the lesion's mean is a perfusion defect
_DEFECT = 0.25
#: the surroundings begin this many radii outside the lesion
_APART = 0.3
#: and must lie below the lesion by this share, for the enhanced area to have a border
_STANDS_OUT = 0.25
#: blocks that a lesion, or its surroundings, must have for a pattern
_ENOUGH = 8


def rim_and_core(mask: Mask) -> tuple[Mask, Mask]:
    """The outer and the inner half of a region, of equal area, by the distance to its border.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.bolus.parametric import rim_and_core
    >>> mask = np.zeros((6, 6), bool); mask[1:5, 1:5] = True     # 12 pixels on the border, 4 inside
    >>> [int(part.sum()) for part in rim_and_core(mask)]
    [8, 8]
    """
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    places = np.flatnonzero(mask)
    order = places[np.argsort(depth.ravel()[places], kind="stable")]
    outer = np.zeros(mask.size, dtype=bool)
    outer[order[: -(-len(order) // 2)]] = True
    rim: Mask = outer.reshape(mask.shape)
    return rim, np.asarray(mask & ~rim)


def heterogeneity(maps: ParametricMaps) -> float:
    """Coefficient of variation of the level over the lesion's blocks; NaN for fewer than 8 or no enhancement."""
    level = maps.level[maps.inside]
    return float(level.std(ddof=1) / level.mean()) if len(level) >= _ENOUGH and level.mean() > 0 else np.nan


def non_enhancing_share(maps: ParametricMaps) -> float:
    """Share of the lesion's blocks whose level is below a quarter of the lesion's mean: perfusion defects."""
    level: Floats = maps.level[maps.inside]
    return float((level < _DEFECT * level.mean()).mean()) if len(level) >= _ENOUGH and level.mean() > 0 else np.nan


def enhanced_area_ratio(maps: ParametricMaps) -> float:
    """Area that enhances as the lesion does, over the area of its mask; NaN where the lesion has no border.

    The area is that of the blocks joined to the lesion whose level, averaged over 3 × 3 blocks, lies above the middle
    between the medians of lesion and surroundings.  Above 1 contrast shows more than the B-mode outline.  The
    surroundings are known to 0.75 radii around the lesion (the margin of the maps): a ratio of 2 or more may be cut off.
    """
    from scipy.ndimage import distance_transform_edt, label, uniform_filter

    inside = maps.inside
    radius = float(np.sqrt(maps.lesion.sum() / np.pi))
    beyond = distance_transform_edt(~inside) > _APART * radius
    if inside.sum() < _ENOUGH or (beyond & (maps.lesion == 0)).sum() < _ENOUGH:
        return np.nan
    smooth: Floats = np.asarray(uniform_filter(maps.level, 3, mode="nearest"))
    lesion, around = float(np.median(smooth[inside])), float(np.median(smooth[beyond]))
    if lesion - around < _STANDS_OUT * lesion or lesion <= 0:
        return np.nan
    pieces = label(smooth > (lesion + around) / 2)[0]
    touching = {int(number) for number in np.unique(pieces[inside])} - {0}
    return float(np.isin(pieces, list(touching)).sum() / maps.lesion.sum())
