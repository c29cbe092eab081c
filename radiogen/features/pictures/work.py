"""One picture from file to pixels: the work of one process, and what it gives back."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, RadiogenError, fail
from radiogen.features.cache import digest
from radiogen.features.doppler import kind_of
from radiogen.features.family import Examination
from radiogen.features.job import READER_VERSION, Job
from radiogen.features.pictures.cine import Bolus, choose, find_bolus, frames_of, too_short
from radiogen.features.pictures.kinds import SETTINGS
from radiogen.features.pictures.resample import resample, to_bytes
from radiogen.features.pictures.stiffness import Decoded, decode
from radiogen.features.pictures.still import Planes, planes_of, undecoded
from radiogen.features.pictures.views import Geometry, around_lesion, field_of, stretched, whole, without_margins
from radiogen.imaging import Image, read_image, read_mask
from radiogen.imaging.contrast import find_panes
from radiogen.imaging.readers import read_bytes
from radiogen.imaging.regions import Box, Mask, bounding_box, box_slices

#: goes up when pixels change
VERSION = 1
#: why a picture is not in a view
UNMASKED = "no mask is drawn, and the view is drawn around the lesion"


@dataclass(frozen=True)
class Wish:
    """How pictures are taken, the same for all pictures of a stack; see :func:`radiogen.features.pictures.stack`.

    ``top`` is what 255 stands for (stiffness); ``duration_s`` is NaN until it is known.
    """

    kind: str
    colour: bool
    view: str
    size: tuple[int, int]
    margin: float
    ring_mm: float
    ring_share: float
    top: float = math.nan
    frames: int = 1
    start: str = "arrival"
    duration_s: float = math.nan


@dataclass(frozen=True)
class PictureJob:
    """One image with its masks, the wish, and the key of its content; of a loop its bolus, once it is found."""

    job: Job
    wish: Wish
    files: str | None = None
    bolus: Bolus | None = None

    @property
    def key(self) -> str | None:
        """Key of the pixels; None where a file cannot be read."""
        return self._key({**asdict(self.wish), "size": list(self.wish.size)})

    @property
    def bolus_key(self) -> str | None:
        """Key of the bolus, which no view and no size changes."""
        return self._key({"kind": "bolus"})

    @property
    def decoded_key(self) -> str | None:
        """Key of the decoded stiffness, which no view, size or common scale changes."""
        return self._key({"kind": "decoded"})

    def _key(self, wish: Mapping[str, Any]) -> str | None:
        if self.files is None:
            return None
        job = self.job
        settings = {name: job.settings[name] for name in SETTINGS.get(self.wish.kind, ())}
        declared = [job.spacing_mm, job.resize, job.mask_label, job.calibration, job.frame_interval_ms, job.type]
        plain = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in wish.items()}
        return digest(
            {"pictures": VERSION, "reader": READER_VERSION, "contents": self.files, "declared": declared, "wish": plain,
             "settings": settings, "versions": dict(job.versions)}
        )  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """What became of one picture.

    Parameters
    ----------
    pixels : ndarray of uint8, or None
        C × rows × columns (of a loop frames × C × rows × columns); None where it failed, is of another kind, or lies
        in the cache.
    details : mapping
        Numbers and words on this picture; empty where there are no pixels.
    problems : tuple of Problem
        Errors say why there are no pixels.
    other : bool
        Whether the file shows a picture of another kind than is asked for.
    """

    pixels: NDArray[np.uint8] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    other: bool = False

    @property
    def error(self) -> Problem | None:
        """The first error, if there is one."""
        return next((p for p in self.problems if p.severity == "error"), None)

    def to_json(self, *, pixels: bool) -> dict[str, Any]:
        """Plain values for the cache; file names are not kept."""
        said = [{k: v for k, v in asdict(replace(p, file=None)).items() if v is not None} for p in self.problems]
        plain: dict[str, Any] = {"details": dict(self.details), "problems": said, "other": self.other}
        if pixels and self.pixels is not None:
            packed = zlib.compress(np.ascontiguousarray(self.pixels).tobytes(), 1)
            plain |= {"shape": list(self.pixels.shape), "pixels": base64.b64encode(packed).decode("ascii")}
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Picture:
        """The picture back from :meth:`to_json`."""
        pixels = None
        if "pixels" in plain:
            pixels = np.frombuffer(zlib.decompress(base64.b64decode(plain["pixels"])), np.uint8).reshape(plain["shape"])
        return cls(pixels, plain["details"], tuple(Problem(**p) for p in plain["problems"]), plain["other"])


def contents(job: Job) -> str | None:
    """Hash of image and masks, with the ends of their names; None where one of them cannot be read."""
    names = [Path(name) for name in (job.image, *job.masks)]
    try:
        return digest([[digest(read_bytes(name, "RG501")), _ending(name)] for name in names])
    except RadiogenError:
        return None


def _ending(path: Path) -> str:
    """The end of the name, which tells apart kinds of file that their first bytes do not."""
    return "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()


def take(work: PictureJob) -> Picture:
    """The picture: from the cache, or decoded now and put there at once (its pixels are left there then)."""
    cache, key = work.job.cache, work.key
    if cache is not None and key is not None:
        entry = cache.get(key)
        if entry is not None:
            return replace(Picture.from_json(entry), pixels=None)
    found = _taken(work)
    if cache is None or key is None or found.error is not None:
        return found
    cache.put(key, found.to_json(pixels=True))
    return replace(found, pixels=None)


def take_bolus(work: PictureJob) -> Bolus | tuple[Problem, ...]:
    """The bolus of a loop, from the cache or found now; the problems where there is none."""
    cache, key = work.job.cache, work.bolus_key
    entry = None if cache is None or key is None else cache.get(key)
    if entry is not None:
        return Bolus.from_json(entry)
    said: tuple[Problem, ...] = ()
    try:
        image, mask = _read(work.job)
        said = image.problems
        assert mask is not None  # a loop without a mask is not asked for
        found = find_bolus(image, mask, work.job.settings)
    except RadiogenError as error:
        return (*said, *error.problems)
    found = replace(found, problems=(*said, *found.problems))
    if cache is not None and key is not None:
        cache.put(key, found.to_json())
    return found


def _read(job: Job) -> tuple[Image, Mask | None]:
    image = read_image(
        job.image, spacing_mm=job.spacing_mm, frame_interval_ms=job.frame_interval_ms, calibration=job.calibration
    )
    mask = read_mask(job.masks, image.shape, resize=job.resize, label=job.mask_label) if job.masks else None
    return image, mask


def _taken(work: PictureJob) -> Picture:
    said: tuple[Problem, ...] = ()
    try:
        image, mask = _read(work.job)
        if work.wish.kind == "cine":
            return _loop(work, image, mask)
        said = image.problems
        exam = Examination(image, mask, None, None, work.job.type)
        if work.job.kind == "doppler" and kind_of(exam) != work.wish.kind:
            return Picture(other=True)
        found = _still(work, image, mask)
    except RadiogenError as error:
        return Picture(problems=(*said, *error.problems))
    return replace(found, problems=(*said, *found.problems))


def _still(work: PictureJob, image: Image, mask: Mask | None) -> Picture:
    wish = work.wish
    planes = _stiffness(work, image) if wish.kind == "stiffness" else planes_of(image, wish.kind, wish.colour)
    geometry = _geometry(wish, image, mask, planes.known)
    shown = np.zeros_like(geometry.keep)
    part = geometry.window.source(wish.size)
    shown[part] = geometry.keep[part]
    numbers, said = undecoded(planes, shown, mask if mask is not None and wish.view == "lesion" else shown)
    keep = geometry.keep if planes.known is None else geometry.keep & planes.known
    values, inside = resample(planes.values, keep, geometry.window, wish.size)
    pixels = to_bytes(values)
    if planes.known is not None:
        pixels = np.concatenate([pixels, np.where(inside, 255, 0).astype(np.uint8)[None]])
    return Picture(pixels, {**_described(geometry), **numbers}, (*planes.problems, *said))


def _stiffness(work: PictureJob, image: Image) -> Planes:
    """The stiffness, from the cache if another view was taken of the picture."""
    cache, key = work.job.cache, work.decoded_key
    entry = None if cache is None or key is None else cache.get(key)
    found = decode(image, work.job.settings) if entry is None else Decoded.from_json(entry)
    if entry is None and cache is not None and key is not None:
        cache.put(key, found.to_json())
    return found.planes(work.wish.top)


def _geometry(wish: Wish, image: Image, mask: Mask | None, known: Mask | None) -> Geometry:
    if wish.kind == "spectrum":
        strips = image.regions_of("spectrum")
        return stretched(_clipped(max(strips, key=lambda r: r.area), image.shape) if strips else _all(image.shape),
                         image.shape, wish.size)  # fmt: skip
    field = field_of(image, mask)
    if wish.view == "whole":
        spacing = image.spacing_mm if mask is None else image.spacing_for(mask)
        if known is not None:  # of an elastogram the overlay: nothing else has a stiffness
            shown = bounding_box(known) if known.any() else field
        else:
            shown = without_margins(image.luminance(), field)
        return whole(shown, image.shape, wish.size, spacing)
    if mask is None:
        raise fail("RG503", UNMASKED)
    return around_lesion(
        wish.view, mask, field, wish.size, image.spacing_for(mask), margin=wish.margin, ring_mm=wish.ring_mm,
        ring_share=wish.ring_share,
    )  # fmt: skip


def _clipped(region: Any, shape: tuple[int, int]) -> Box:
    (top, bottom), (left, right) = region.rows, region.columns
    return max(top, 0), min(bottom, shape[0] - 1), max(left, 0), min(right, shape[1] - 1)


def _all(shape: tuple[int, int]) -> Box:
    return 0, shape[0] - 1, 0, shape[1] - 1


def _described(geometry: Geometry) -> dict[str, Any]:
    found: dict[str, Any] = {"pixel_mm": _none(geometry.pixel_mm), "calibrated": not math.isnan(geometry.pixel_mm)}
    if geometry.ring_unit:
        found |= {"ring_width": geometry.ring_width, "ring_unit": geometry.ring_unit}
    return found


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _loop(work: PictureJob, image: Image, mask: Mask | None) -> Picture:
    wish, bolus, settings = work.wish, work.bolus, work.job.settings
    assert bolus is not None and mask is not None  # the bolus was found before
    short = too_short(bolus, wish.start, wish.duration_s)
    if short is not None:
        return Picture(problems=(*bolus.problems, short))
    panes = find_panes(image, mask, None, settings["contrast_box"], settings["tissue_box"])
    own = panes.mask[box_slices(panes.contrast)]
    spacing = image.spacing_for(panes.mask)
    if wish.view == "whole":
        geometry = whole(_all(own.shape), own.shape, wish.size, spacing)
    else:
        geometry = around_lesion(
            wish.view, own, _all(own.shape), wish.size, spacing, margin=wish.margin, ring_mm=wish.ring_mm,
            ring_share=wish.ring_share,
        )  # fmt: skip
    chosen = choose(bolus, wish.start, wish.duration_s, wish.frames)
    pixels = frames_of(image, panes, bolus, chosen.numbers, geometry, wish.size)
    arrived = wish.start == "arrival" and not math.isnan(bolus.arrival_s)
    details = {
        **_described(geometry),
        "start": "arrival" if arrived else "first frame",
        "start_s": bolus.start_s(wish.start),
        "frame_s": chosen.frame_s.tolist(),
        "curve": chosen.curve.tolist(),
        "linear": bolus.linear,
    }
    return Picture(pixels, details, bolus.problems)
