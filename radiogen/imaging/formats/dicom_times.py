"""When the frames of a DICOM loop were taken."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, problem

_FRAME_TIME = 0x00181063
_RATES = ("CineRate", "RecommendedDisplayFrameRate")


def frame_times(header: Any, frames: int) -> tuple[NDArray[np.float64] | None, list[Problem]]:
    """Time of each frame in seconds, the first at 0, and remarks on where it comes from.

    In this order: what FrameIncrementPointer names, FrameTimeVector, FrameTime, CineRate,
    RecommendedDisplayFrameRate.  The last two say how fast the loop is to be shown, which is most often how fast it
    was taken; a note says so.

    Parameters
    ----------
    header : pydicom.Dataset
    frames : int

    Returns
    -------
    times : ndarray of float64, length ``frames``, or None
        None where the file does not say, and for stills.
    problems : list of Problem
    """
    if frames < 2:
        return None, []
    problems: list[Problem] = []
    ways = ["FrameTimeVector", "FrameTime"]
    if _numbers(header, "FrameIncrementPointer") == [_FRAME_TIME]:
        ways.reverse()
    for keyword in ways:
        values = _numbers(header, keyword)
        if not values:
            continue
        times = _from_vector(values, frames) if keyword == "FrameTimeVector" else _from_step(values[0] / 1000, frames)
        if times is not None:
            return times, problems
        text = f"{keyword} of the DICOM file does not fit its {frames} frames and is not used"
        problems.append(problem("RG514", text, severity="warning"))
    for keyword in _RATES:
        values = _numbers(header, keyword)
        times = _from_step(1 / values[0], frames) if values and values[0] > 0 else None
        if times is not None:
            text = f"the times of the frames follow {keyword}, {values[0]:g} per second, the speed at which they are to be shown"
            return times, [*problems, problem("RG514", text)]
    return None, problems


def _numbers(header: Any, keyword: str) -> list[float]:
    """The values of a tag as numbers; none where it is absent or holds something else."""
    try:
        value = header.get(keyword)
        if value is None or isinstance(value, str | bytes):
            return []
        return [float(v) for v in (value if hasattr(value, "__iter__") else [value])]
    except Exception:
        return []


def _from_step(seconds: float, frames: int) -> NDArray[np.float64] | None:
    return np.arange(frames, dtype=np.float64) * seconds if np.isfinite(seconds) and seconds > 0 else None


def _from_vector(values: list[float], frames: int) -> NDArray[np.float64] | None:
    """Increments in milliseconds; the first is 0, since there is no frame before it."""
    steps = np.array(values) / 1000
    if len(steps) == frames - 1:  # some makers leave out the first
        steps = np.concatenate([[0.0], steps])
    if len(steps) != frames or not np.isfinite(steps).all() or (steps[1:] <= 0).any():
        return None
    times = np.cumsum(steps)
    return np.asarray(times - times[0])
