"""Contrast loops: the bolus of a loop, found once, and frames of the loop at chosen times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Findings, Problem, problem
from radiogen.features.family import Settings
from radiogen.features.pictures.resample import Floats, resample, to_bytes
from radiogen.features.pictures.views import Geometry
from radiogen.imaging.bolus.cine import Cine, intensities
from radiogen.imaging.bolus.kinetics import fit_curve
from radiogen.imaging.contrast import Panes, time_intensity
from radiogen.imaging.image import Image
from radiogen.imaging.regions import Mask, box_slices

#: where a loop's clock may start
STARTS = ("arrival", "first")


@dataclass(frozen=True)
class Bolus:
    """What is found in a loop before its frames are chosen.

    Parameters
    ----------
    times_s : ndarray of float64, length N
    lesion : ndarray of float64, length N
        The lesion's curve; NaN in frames left out.
    shifts_px : ndarray of float64, N × 2
    linear : bool
        Whether the curve is in linear units; else in grey levels.
    arrival_s : float
        NaN where no arrival could be measured.
    reason : str
        Why not.
    problems : tuple of Problem
    """

    times_s: Floats
    lesion: Floats
    shifts_px: Floats
    linear: bool
    arrival_s: float
    reason: str
    problems: tuple[Problem, ...] = ()

    @property
    def usable(self) -> NDArray[np.intp]:
        """Frames that show the plane of the mask."""
        return np.flatnonzero(np.isfinite(self.lesion))

    def start_s(self, start: str) -> float:
        """Where the clock starts: at the arrival, or at the first frame (where there is no arrival too)."""
        first = float(self.times_s[0])
        return first if start == "first" or math.isnan(self.arrival_s) else max(first, self.arrival_s)

    def span_s(self, start: str) -> float:
        """Seconds from the start to the last frame that is usable; 0 where there is none."""
        usable = self.usable
        return max(0.0, float(self.times_s[usable[-1]]) - self.start_s(start)) if len(usable) else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values, with all bits of the numbers."""
        plain = {k: v for k, v in vars(self).items() if k != "problems"}
        arrays = {k: [_none(x) for x in v.ravel().tolist()] for k, v in plain.items() if isinstance(v, np.ndarray)}
        said = [{k: v for k, v in asdict(replace(p, file=None)).items() if v is not None} for p in self.problems]
        return {**plain, **arrays, "arrival_s": _none(self.arrival_s), "problems": said}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Bolus:
        """The bolus back from :meth:`to_json`."""
        arrays = {
            k: np.array([math.nan if x is None else x for x in plain[k]], dtype=np.float64)
            for k in ("times_s", "lesion", "shifts_px")
        }
        arrays["shifts_px"] = arrays["shifts_px"].reshape(-1, 2)
        arrival = math.nan if plain["arrival_s"] is None else float(plain["arrival_s"])
        said = tuple(Problem(**p) for p in plain["problems"])
        return cls(**arrays, linear=plain["linear"], arrival_s=arrival, reason=plain["reason"], problems=said)


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value


def find_bolus(image: Image, mask: Mask, settings: Settings) -> Bolus:
    """Motion, curve and arrival of a loop, as the features of the modality have them.

    Raises
    ------
    RadiogenError
        Those of :func:`radiogen.imaging.contrast.time_intensity`.
    """
    found = time_intensity(
        image, mask, dynamic_range_db=settings["dynamic_range_db"], contrast_box=settings["contrast_box"],
        tissue_box=settings["tissue_box"], motion=settings["motion"],
    )  # fmt: skip
    fit = fit_curve(found.times_s, found.lesion, settings["curve"])
    problems = Findings(found.problems)
    if not fit.ok:
        problems.add("RG526", str(fit.reason))
    return Bolus(
        found.times_s, found.lesion, found.shifts_px, found.linear, fit.arrival_time_s if fit.ok else math.nan,
        str(fit.reason or ""), tuple(problems),
    )  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """Frames of a loop at even times.

    Parameters
    ----------
    wanted_s, frame_s : ndarray of float64, length n
        Times wanted, and times of the frames taken, in seconds from the start.
    numbers : ndarray of int, length n
        The frames: of those that show the plane of the mask the nearest in time.
    curve : ndarray of float64, length n
        The lesion's curve at the times wanted, by linear interpolation.
    """

    wanted_s: Floats
    frame_s: Floats
    numbers: NDArray[np.intp]
    curve: Floats


def choose(bolus: Bolus, start: str, duration_s: float, frames: int) -> Chosen:
    """Frames at even times from the start on.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.pictures.cine import Bolus, choose
    >>> times = np.arange(7.0)
    >>> bolus = Bolus(times, 10 * times, np.zeros((7, 2)), True, 1.0, "")
    >>> found = choose(bolus, "arrival", 5.0, 3)
    >>> found.numbers.tolist(), found.frame_s.tolist(), found.curve.tolist()
    ([1, 3, 6], [0.0, 2.0, 5.0], [10.0, 35.0, 60.0])
    """
    begin = bolus.start_s(start)
    wanted = np.linspace(0.0, duration_s, frames)
    usable = bolus.usable
    times = bolus.times_s[usable] - begin
    numbers = np.abs(times[None, :] - wanted[:, None]).argmin(axis=1)
    curve = np.interp(wanted, times, bolus.lesion[usable])
    return Chosen(wanted, times[numbers], usable[numbers], curve)


def frames_of(
    image: Image, panes: Panes, bolus: Bolus, numbers: NDArray[np.intp], geometry: Geometry, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Frames of the contrast pane in grey levels, moved back to where the mask was drawn; n × 1 × rows × columns.

    ``geometry`` counts in the pane's own rows and columns.  What had moved out of the pane is 0.
    """
    levels = image if image.pixels.dtype == np.uint8 else replace(image, pixels=np.rint(image.pixels).astype(np.uint8))
    cine = Cine(levels, panes.contrast, intensities(None), bolus.shifts_px)
    rows, columns = box_slices(panes.contrast)
    high, wide = rows.stop - rows.start, columns.stop - columns.start
    found = np.empty((len(numbers), 1, *size), dtype=np.uint8)
    for k, number in enumerate(numbers):
        down, right = bolus.shifts_px[number]
        seen = np.ix_(_within(high, down), _within(wide, right))
        keep = np.zeros((high, wide), dtype=bool)
        keep[seen] = geometry.keep[seen]
        planes, _ = resample(cine.window(int(number), panes.contrast)[None], keep, geometry.window, size)
        found[k] = to_bytes(planes)
    return found


def _within(length: int, shift: float) -> NDArray[np.intp]:
    """Rows (columns) of the pane that were still in it after it had moved."""
    places = np.arange(length) + shift
    return np.flatnonzero((places > -0.5) & (places < length - 0.5))


def common_duration(boluses: list[Bolus], start: str) -> float:
    """Seconds from the start that the loops have in common.

    Loops that last less than half as long as the middle one do not shorten the others.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.pictures.cine import Bolus, common_duration
    >>> loops = [Bolus(np.array([0.0, t]), np.zeros(2), np.zeros((2, 2)), True, float("nan"), "") for t in (2, 40, 60, 61)]
    >>> common_duration(loops, "first")
    40.0
    """
    spans = np.array([b.span_s(start) for b in boluses])
    if not len(spans):
        return math.nan
    return float(spans[spans >= np.median(spans) / 2].min())


def too_short(bolus: Bolus, start: str, duration_s: float) -> Problem | None:
    """RG526 where the loop ends before the duration."""
    span = bolus.span_s(start)
    if span * (1 + 1e-9) >= duration_s > 0:
        return None
    begin = "its first frame" if start == "first" or math.isnan(bolus.arrival_s) else "the arrival of contrast"
    text = f"the loop lasts {span:.1f} s from {begin} and the frames are taken from {duration_s:.1f} s"
    return problem("RG526", text, severity="error", fix="Take frames from a shorter time (`duration_s`), or leave the loop out.")
