"""All pictures of a stack: what lies in the cache from there, and the others decoded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radiogen.features.job import Job
from radiogen.features.parallel import in_order
from radiogen.features.pictures import store
from radiogen.features.pictures.cine import Bolus, common_duration
from radiogen.features.pictures.work import Picture, PictureJob, Wish, contents, take, take_bolus
from radiogen.progress import Progress

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Taken:
    """Pictures with their pixels.

    Parameters
    ----------
    pixels : ndarray of uint8, m × …
        Of the pictures that have some, in order.
    pictures : tuple of Picture
        One for each job, without pixels.
    wish : Wish
        With the duration that was found.
    key : str
    """

    pixels: Pixels
    pictures: tuple[Picture, ...]
    wish: Wish
    key: str


def has_pixels(picture: Picture) -> bool:
    """Whether a picture is in the stack."""
    return picture.error is None and not picture.other


def take_all(jobs: Sequence[Job], wish: Wish, channels: int, n_jobs: int, show: Progress) -> Taken:
    """The pictures of all jobs, in their order, whatever the number of processes."""
    with ThreadPoolExecutor(max_workers=n_jobs) as readers:
        files = list(readers.map(contents, jobs))
    works = [PictureJob(job, wish, file) for job, file in zip(jobs, files, strict=True)]
    lost: dict[int, Picture] = {}
    if wish.kind == "cine":
        works, lost, wish = _with_boluses(works, wish, n_jobs, show)
    key = store.stack_key([work.key for work in works])
    shape = (*((wish.frames,) if wish.kind == "cine" else ()), channels, *wish.size)
    folder = jobs[0].cache if jobs else None
    stored = None if folder is None else store.load(folder, key)
    known: dict[int, Picture] = dict(lost)
    if stored is not None:
        known |= {i: p for i, p in enumerate(stored.pictures) if p is not None}
    rest = [i for i in range(len(works)) if i not in known]
    show(len(works) - len(rest), len(works), "decoding pictures")
    fresh = {}
    for i, picture in zip(rest, in_order(take, [works[i] for i in rest], n_jobs), strict=True):
        fresh[i] = picture
        show(len(works) - len(rest) + len(fresh), len(works), "decoding pictures")
    pictures = [known[i] if i in known else fresh[i] for i in range(len(works))]
    light = tuple(replace(p, pixels=None) for p in pictures)
    if stored is not None and not any(has_pixels(p) for p in fresh.values()):
        return Taken(stored.pixels, light, wish, key)

    def pixels_of(number: int) -> Pixels:
        own = pictures[number].pixels
        return own if own is not None else _kept(works[number])

    good = [i for i, p in enumerate(pictures) if has_pixels(p)]
    if folder is None or not good or any(works[i].key is None for i in good):
        pixels = np.stack([pixels_of(i) for i in good]) if good else np.zeros((0, *shape), np.uint8)
        return Taken(pixels, light, wish, key)
    return Taken(store.save(folder, key, pictures, shape, pixels_of), light, wish, key)


def _kept(work: PictureJob) -> Pixels:
    """The pixels of a picture from the cache; decoded again where another process has removed them."""
    entry = None if work.job.cache is None or work.key is None else work.job.cache.get(work.key)
    found = Picture.from_json(entry).pixels if entry is not None else None
    if found is None:
        found = take(replace(work, job=replace(work.job, cache=None))).pixels
    assert found is not None  # the same files gave pixels before
    return found


def _with_boluses(
    works: Sequence[PictureJob], wish: Wish, n_jobs: int, show: Progress
) -> tuple[list[PictureJob], dict[int, Picture], Wish]:
    """The jobs with their boluses, those without one as pictures that failed, and the wish with its duration."""
    found = []
    for bolus in in_order(take_bolus, works, n_jobs):
        found.append(bolus)
        show(len(found), len(works), "following loops")
    boluses = [b for b in found if isinstance(b, Bolus)]
    if math.isnan(wish.duration_s):
        wish = replace(wish, duration_s=common_duration(boluses, wish.start))
    lost = {i: Picture(problems=b) for i, b in enumerate(found) if not isinstance(b, Bolus)}
    with_wish = [
        replace(work, wish=wish, bolus=b if isinstance(b, Bolus) else None) for work, b in zip(works, found, strict=True)
    ]
    return with_wish, lost, wish
