"""Rigid motion of a loop: how far each frame lies from a reference frame, by phase correlation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail

Floats = NDArray[np.float64]

#: a pane is averaged down to about this many pixels along its longer side before it is followed
_FOLLOWED_SIDE = 128
#: a frame that lies farther away than this share of the pane's shorter side is too far
_FARTHEST = 0.2
#: an agreement (correlation with the mean frame) below this share of the loop's median is another plane
_OTHER_PLANE = 0.5
#: shifts against two mean frames are the same where they differ by no more than this many followed pixels
_SAME_SHIFT = 1.0
#: the share of frames for which they must be the same, for motion to be seen at all
_MOST = 0.5
#: blur of the correlation, in followed pixels; its peak is then a Gaussian, whose top is found between pixels
_BLUR = 1.0
#: in a contrast pane speckle changes from frame to frame, and only coarser structure lasts
_BLUR_OF_CONTRAST = 2.5
#: pixels that change by no more than this (of 255) over a loop are marks on the picture, not tissue
_FIXED = 6
#: where speckle changes from frame to frame, shifts below this many followed pixels are as much noise as motion
_JITTER = 1.5
#: frames of which a mean frame is made
_IN_TEMPLATE = 15


@dataclass(frozen=True)
class Motion:
    """Where the frames of a loop lie.

    Parameters
    ----------
    shifts_px : ndarray of float64, N × 2
        How far the tissue has moved since the reference frame: rows down, columns to the right.
    agreement : ndarray of float64, length N
        Correlation of each frame, moved back, with the mean frame.
    too_far : ndarray of bool, length N
        Frames that lie too far away, or show another plane; their shifts mean nothing.
    followed : bool
        False where the loop has no structure to follow; all shifts are 0 then.
    """

    shifts_px: Floats
    agreement: Floats
    too_far: NDArray[np.bool_]
    followed: bool = True


def follow(frames: NDArray[np.uint8], *, reference_frame: int = 0, brightness_changes: bool = False) -> Motion:
    """Rigid shifts of the frames of a loop, to a fraction of a pixel.

    Parameters
    ----------
    frames : ndarray, N × H × W (grey) or N × H × W × 3
        The pane with the tissue.
    reference_frame : int, default 0
        The frame whose shift is 0.
    brightness_changes : bool, default False
        Whether the pane is the contrast pane itself.  Frames before the contrast arrives have nothing that could be
        followed, so that no frame is called too far because of its looks, and shifts are counted from the
        median of the frames that could be followed in place of the reference frame, and those of a loop in which nine
        in ten are below 1.5 followed pixels are taken for noise.

    Returns
    -------
    Motion

    Raises
    ------
    RadiogenError
        RG705 where the pixels are no loop; RG708 for a reference frame outside it.

    Notes
    -----
    Frames are averaged down to about 128 pixels along the longer side; marks that never change (text, rulers) are
    blanked.  The shift against a mean frame is the peak of the cross spectrum, whitened (phase correlation, which is
    blind to brightness and gain) and blurred by one pixel.

    Noise has a highest correlation somewhere too, and speckle that changes from frame to frame would be taken for
    motion.  So each frame is compared with two mean frames, made of 15 even and of 15 odd frames: shifts that stand in
    the picture are the same against both, those of noise are not.  Where they are the same for less than half of the
    frames, nothing is followed and all shifts are 0; single frames for which they differ take the shift of their
    neighbours in time, as do frames of another plane.  The others are compared once more, with the mean of all.

    A frame is too far where its shift is more than a fifth of the pane's shorter side, or where it agrees with the mean
    frame less than half as well as the median frame does (another plane).

    References
    ----------
    Kuglin CD, Hines DC. The phase correlation image alignment method. Proc IEEE Int Conf Cybernetics and Society
    1975:163–165.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.bolus.motion import follow
    >>> scene = np.random.default_rng(0).integers(0, 200, (60, 60)).astype(np.uint8)
    >>> loop = np.stack([scene, np.roll(scene, (2, -3), axis=(0, 1))])
    >>> follow(loop).shifts_px.round(1).tolist()
    [[0.0, 0.0], [2.0, -3.0]]
    """
    if frames.ndim not in (3, 4) or not len(frames):
        raise fail("RG705", f"a loop of shape N × H × W is needed, not {frames.shape}")
    if not 0 <= reference_frame < len(frames):
        raise fail("RG708", f"the loop has {len(frames)} frames, counted from 0", value=reference_frame)
    factor = max(1, -(-max(frames.shape[1:3]) // _FOLLOWED_SIDE))
    small = _without_marks(_averaged(frames, factor))
    still = Motion(np.zeros((len(frames), 2)), np.ones(len(frames)), np.zeros(len(frames), dtype=bool), followed=False)
    if not small.any():  # one frame, or a picture that never changes
        return replace(still, followed=bool(frames[0].any()))
    shifts, sure = _registered(small, _BLUR_OF_CONTRAST if brightness_changes else _BLUR)
    if sure.mean() < _MOST:
        return still
    agreement = _agreement(small, shifts, sure)
    poor = agreement < _OTHER_PLANE * np.median(agreement)
    shifts = _from_neighbours(shifts, poor | ~sure)
    origin = shifts[reference_frame]
    if brightness_changes:
        origin = np.median(shifts[sure & ~poor], axis=0)
        poor = np.zeros_like(poor)
        if np.quantile(np.abs(shifts - origin).max(axis=1), 0.9) < _JITTER:
            return replace(still, agreement=agreement, followed=True)
    shifts = (shifts - origin) * factor
    far = np.abs(shifts).max(axis=1) > _FARTHEST * min(frames.shape[1:3])
    return Motion(shifts, agreement, np.asarray(poor | far))


def _averaged(frames: NDArray[np.uint8], factor: int) -> NDArray[np.float32]:
    """Means of blocks of factor × factor pixels (and of the colours), as float32."""
    rows, columns = frames.shape[1] // factor, frames.shape[2] // factor
    found = np.empty((len(frames), rows, columns), dtype=np.float32)
    for number, frame in enumerate(frames):
        cut = frame[: rows * factor, : columns * factor]
        total = np.add.reduceat(cut, np.arange(0, columns * factor, factor), axis=1, dtype=np.float32)
        total = np.add.reduceat(total, np.arange(0, rows * factor, factor), axis=0)
        found[number] = total.mean(axis=2) if total.ndim == 3 else total
    return np.asarray(found / np.float32(factor**2), dtype=np.float32)


def _without_marks(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Frames about their own mean under a Hann window, pixels that never change set to 0."""
    fixed = np.ptp(frames, axis=0) <= _FIXED
    if fixed.all():
        return np.zeros_like(frames)
    # a loop that moves little may keep most of its tissue: only bright marks that stand still while the rest changes
    fixed &= fixed.mean() < 0.5
    rows, columns = frames.shape[1:]
    window = np.hanning(rows + 2)[1:-1, None] * np.hanning(columns + 2)[None, 1:-1] * ~fixed
    level = (frames * window).sum(axis=(1, 2)) / window.sum()
    return np.asarray((frames - level[:, None, None]) * window, dtype=np.float32)


def _registered(frames: NDArray[np.float32], blur: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Shifts, and whether they are the same against either of two mean frames that share no frame."""
    first, second = (_shifts(frames, _template(frames[start::2], blur), blur) for start in (0, 1))
    # the two mean frames lie apart by some shift, which is the same for all frames
    apart = np.median(first - second, axis=0)
    sure = np.abs(first - second - apart).max(axis=1) <= _SAME_SHIFT
    if sure.mean() < _MOST:
        return first, sure
    shifts = (first + second + apart) / 2
    finer = _shifts(frames, _mean_frame(frames[sure], shifts[sure]), blur)
    near = np.abs(finer - shifts).max(axis=1) <= 2 * _SAME_SHIFT
    return np.where(near[:, None], finer, shifts), sure


def _template(frames: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
    """The mean of some frames, laid over the one in the middle: their plain mean would be blurred by the motion."""
    chosen = frames[np.unique(np.linspace(0, len(frames) - 1, _IN_TEMPLATE).round().astype(int))]
    return _mean_frame(chosen, _shifts(chosen, chosen[len(chosen) // 2], blur))


def _mean_frame(frames: NDArray[np.float32], shifts: Floats) -> NDArray[np.float32]:
    total = np.zeros(frames.shape[1:], dtype=np.float64)
    for frame, shift in zip(frames, shifts, strict=True):
        total += _moved(frame, -shift)
    return (total / len(frames)).astype(np.float32)


def _agreement(frames: NDArray[np.float32], shifts: Floats, sure: NDArray[np.bool_]) -> Floats:
    """Correlation of each frame, moved back, with the mean of the sure ones."""
    mean = _mean_frame(frames[sure], shifts[sure])
    return np.array([_correlation(_moved(f, -s), mean) for f, s in zip(frames, shifts, strict=True)])


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    a, b = one.ravel(), other.ravel()
    return float(a @ b) / max(float(np.sqrt((a @ a) * (b @ b))), 1e-12)


def _moved(frame: NDArray[np.float32], shift: Floats) -> NDArray[np.float32]:
    from scipy.ndimage import shift as moved

    return np.asarray(moved(frame, shift, order=1, mode="constant", cval=0.0))


def _shifts(frames: NDArray[np.float32], target: NDArray[np.float32], sigma: float) -> Floats:
    """The shift of each frame against a target, by the peak of the phase correlation."""
    from scipy import fft

    shape = target.shape
    down, right = fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None, :]
    blur = np.exp(-0.5 * (2 * np.pi * sigma) ** 2 * (down**2 + right**2)).astype(np.float32)
    reference = np.conj(fft.rfft2(target))
    reach = [max(1, side // 3) for side in shape]
    found = np.zeros((len(frames), 2))
    for number, frame in enumerate(frames):
        cross = fft.rfft2(frame) * reference
        size = np.abs(cross)
        # whitened as far as there is signal: where both spectra are empty the phase is noise
        cross = cross / (size + 0.01 * size.max() + 1e-12) * blur
        correlation = np.fft.fftshift(fft.irfft2(cross, s=shape))
        found[number] = _top(correlation, reach)
    return found


def _top(correlation: Floats, reach: list[int]) -> Floats:
    """The place of the highest value within reach of the centre, between pixels by a parabola of the logarithm."""
    centre = [side // 2 for side in correlation.shape]
    low = [max(c - r, 1) for c, r in zip(centre, reach, strict=True)]
    part = correlation[
        low[0] : min(centre[0] + reach[0], correlation.shape[0] - 2) + 1,
        low[1] : min(centre[1] + reach[1], correlation.shape[1] - 2) + 1,
    ]
    row, column = np.unravel_index(int(part.argmax()), part.shape)
    place = (int(row) + low[0], int(column) + low[1])
    step = [0.0, 0.0]
    for axis in (0, 1):
        sides = [correlation[place[0] + d * (axis == 0), place[1] + d * (axis == 1)] for d in (-1, 0, 1)]
        a, b, c = np.log(np.maximum(sides, 1e-12 + 1e-6 * sides[1]))
        bend = a - 2 * b + c
        step[axis] = float(np.clip(0.5 * (a - c) / bend, -0.5, 0.5)) if bend < 0 else 0.0
    return np.array([place[0] - centre[0] + step[0], place[1] - centre[1] + step[1]])


def _from_neighbours(shifts: Floats, poor: NDArray[np.bool_]) -> Floats:
    """Shifts of poor frames from those of good ones before and after."""
    good = np.flatnonzero(~poor)
    every = np.arange(len(shifts))
    return np.column_stack([np.interp(every, good, shifts[good, axis]) for axis in (0, 1)])
