"""The options of a stack, checked."""

from __future__ import annotations

import math
from typing import Any

from radiogen.errors import fail
from radiogen.features.pictures.cine import STARTS
from radiogen.features.pictures.views import VIEWS, views_of
from radiogen.features.pictures.work import Wish

#: smallest and largest value of each number
_RANGES = {
    "frames": (2, 1000), "margin": (0.0, 10.0), "ring_mm": (0.01, 100.0), "ring_share": (0.001, 10.0),
    "scale_max": (1e-6, 1e6), "duration_s": (1e-3, 1e5),
}  # fmt: skip
_SIDES = (4, 4096)


def make_wish(
    kind: str, *, colour: bool, view: str, size: tuple[int, int], margin: float, ring_mm: float, ring_share: float,
    scale_max: float | None, frames: int, start: str, duration_s: float | None,
) -> Wish:  # fmt: skip
    """The wish; what does not matter for the kind or the view is set to one value, so that the cache is not filled twice.

    Raises
    ------
    RadiogenError
        RG708 for an option out of range, a name that stands for several views, and a view of a spectrum's lesion.
    """
    given = {"frames": frames, "margin": margin, "ring_mm": ring_mm, "ring_share": ring_share}
    given |= {k: v for k, v in {"scale_max": scale_max, "duration_s": duration_s}.items() if v is not None}
    for name, value in given.items():
        _check(name, value, *_RANGES[name])
    _check_view(kind, view)
    if len(tuple(size)) != 2:
        raise fail("RG708", "`size` is two numbers, rows and columns", value=size, column="size")
    rows, columns = size
    for side in (rows, columns):
        _check("size", side, *_SIDES)
    if start not in STARTS:
        raise fail("RG708", f"the clock of a loop starts at one of {', '.join(STARTS)}", value=start, column="start")
    ringed, boxed = "ring" in view, view in ("lesion", "masked")
    cine = kind == "cine"
    return Wish(
        kind=kind, colour=colour and kind == "spectrum", view=view, size=(int(rows), int(columns)),
        margin=float(margin) if boxed else math.nan,
        ring_mm=float(ring_mm) if ringed else math.nan,
        ring_share=float(ring_share) if ringed else math.nan,
        top=float(scale_max) if scale_max is not None and kind == "stiffness" else math.nan,
        frames=int(frames) if cine else 1,
        start=start if cine else "first",
        duration_s=float(duration_s) if duration_s is not None and cine else math.nan,
    )  # fmt: skip


def _check_view(kind: str, view: str) -> None:
    if view not in VIEWS:
        several = views_of(view)  # RG708 for a name that is none
        raise fail("RG708", f"'{view}' is {len(several)} stacks: {', '.join(several)}", value=view, column="view",
                   fix="Take one stack for each of `views_of(name)`.")  # fmt: skip
    if kind == "spectrum" and view != "whole":
        raise fail("RG708", "a spectrum shows no lesion", value=view, column="view", fix="Take `view=\"whole\"`.")


def _check(name: str, value: Any, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high or (name in ("frames", "size") and value != int(value)):
        whole = "whole " if name in ("frames", "size") else ""
        raise fail("RG708", f"`{name}` must be a {whole}number from {low:g} to {high:g}", value=value, column=name)
