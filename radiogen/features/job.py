"""One image from file to features: the work of one process, and what it gives back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.cohort.modality import PLAIN, Kind
from radiogen.errors import Problem, RadiogenError, problem
from radiogen.features.cache import FeatureCache, digest
from radiogen.features.families import family_of
from radiogen.features.family import Examination, Measured, Settings
from radiogen.features.outcome import Numbers, from_entry, names_digest, to_entry
from radiogen.features.outcome import Outcome as Outcome
from radiogen.imaging import Fingerprint, Image, fingerprint, read_image, read_mask
from radiogen.imaging.duplicates import exact_print
from radiogen.imaging.quality import assess
from radiogen.imaging.readers import located, read_bytes
from radiogen.imaging.regions import bounding_box, box_slices

#: goes up when reading changes in a way that changes pixels, masks, quality or fingerprints
READER_VERSION = 2
#: a region above this share of the image is most often an inverted mask
_WHOLE_IMAGE = 0.95
#: margin around the lesion that is compared in the search for duplicates, as a share of its longer side
_SURROUNDINGS = 0.3
#: spacings outside are possible and most often a wrong unit
_USUAL_SPACING_MM = (0.005, 2.0)
#: kinds whose colours carry the measurement and are no marks; of the others the picture tells
_COLOURED: dict[str, bool] = {"swe": True, "doppler": True}
#: codes that are about the mask and not about the image
MASK_CODES = frozenset({"RG503", "RG504", "RG505", "RG510", "RG515", "RG522", "RG531"})
_READERS = ("pillow", "pydicom", "SimpleITK", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg")


@dataclass(frozen=True, slots=True)
class Job:
    """One image with its masks and everything that decides its features.

    ``measure`` is False where the image is only looked at (``radiogen check``, or no mask).
    """

    kind: Kind
    image: str
    masks: tuple[str, ...]
    spacing_mm: tuple[float, float] | None
    resize: Literal["nearest"] | None
    settings: Settings
    engine: str
    versions: Mapping[str, str]
    measure: bool = True
    cache: FeatureCache | None = None
    reference: str | None = None
    type: str | None = None
    mask_label: int | str | None = None
    calibration: Literal["file", "ignore"] = "file"
    frame_interval_ms: float | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Image, masks and reference."""
        return (self.image, *self.masks, *(() if self.reference is None else (self.reference,)))


def package_versions() -> dict[str, str]:
    """Versions of the packages that read images."""
    return {name: version(name) for name in _READERS}


def lookup(job: Job) -> Outcome | None:
    """The outcome from the cache, or None; a file that cannot be read is left to :func:`process`."""
    if job.cache is None:
        return None
    files = _files(job)
    return None if files is None else _cached(job, job.cache, _key(job, files), files)


def process(job: Job) -> Outcome:
    """The outcome of one image: from the cache, or read, checked and measured now and put into the cache at once.

    Coded errors become part of the outcome, nothing else is caught; an outcome with an error is not kept.
    """
    files = _files(job) if job.measure or job.cache is not None else None
    if files is None:  # one of them cannot be read: measuring says which and why
        return _measured(job)
    if job.cache is None:
        return replace(_measured(job), files=files)
    key = _key(job, files)
    found = _cached(job, job.cache, key, files)
    if found is not None:
        return found
    outcome = replace(_measured(job), files=files)
    if outcome.error is None:
        job.cache.put(key, to_entry(outcome, names_of(job, outcome.calibrated)[1]))
    return outcome


def _cached(job: Job, cache: FeatureCache, key: str, files: bytes) -> Outcome | None:
    entry = cache.get(key)
    if entry is None or entry["names"] != names_of(job, entry["calibrated"])[1]:
        return None  # kept by a version with other features
    return replace(from_entry(entry), files=files)


#: names of features and their hash, by kind, settings and calibration; few, unless settings differ from image to image
_NAMES: dict[tuple[str, str, bool], tuple[tuple[str, ...], str]] = {}
_MANY = 256


def names_of(job: Job, calibrated: bool) -> tuple[tuple[str, ...], str]:
    """The names of a job's features, in order, and their short hash."""
    key = (job.kind, json.dumps(job.settings, sort_keys=True, default=str), calibrated)
    found = _NAMES.get(key)
    if found is None:
        names = family_of(job.kind).names(job.settings, calibrated=calibrated)
        found = names, names_digest(names)
        if len(_NAMES) >= _MANY:
            _NAMES.clear()
        _NAMES[key] = found
    return found


def _files(job: Job) -> bytes | None:
    """SHA-256 of image, masks and reference, one after the other; None where one of them cannot be read."""
    try:
        return b"".join(bytes.fromhex(digest(read_bytes(Path(name), "RG501"))) for name in job.paths)
    except RadiogenError:
        return None


def _key(job: Job, files: bytes) -> str:
    """Content of image and masks, spacing, settings and versions; file names and times do not count."""
    return digest(
        {
            "reader": READER_VERSION,
            "contents": [[files[32 * i : 32 * i + 32].hex(), _suffix(Path(name))] for i, name in enumerate(job.paths)],
            "reference": job.reference is not None,
            "declared": [job.spacing_mm, job.resize, job.mask_label, job.calibration, job.frame_interval_ms, job.type],
            "family": family_of(job.kind).name,
            "measure": job.measure,
            "settings": job.settings,
            "engine": job.engine,
            "versions": dict(job.versions),
        }
    )


def _suffix(path: Path) -> str:
    """The end of the name, which tells apart kinds of file that their first bytes do not."""
    return "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()


def _measured(job: Job) -> Outcome:
    found: list[Problem] = []
    seen = Outcome(calibrated=job.spacing_mm is not None)
    try:
        image = read_image(
            job.image, spacing_mm=job.spacing_mm, frame_interval_ms=job.frame_interval_ms, calibration=job.calibration
        )
        found += image.problems
        picture = image.luminance()
        whole = fingerprint(picture) if job.kind in PLAIN else exact_print(picture)
        seen = replace(seen, fingerprint=whole, calibrated=image.spacing_mm is not None)
        examination = _examination(job, image)
        seen = replace(
            seen,
            fingerprint=whole if job.kind in PLAIN else _screen_print(picture, examination, whole),
            calibrated=examination.spacing_mm is not None,
            quality=Numbers(
                assess(image, examination.mask, spacing_mm=examination.spacing_mm, colour=_COLOURED.get(job.kind))
            ),
        )
        found += _doubts(examination, job)
        features, quality, problems = _work(job, examination)
        found += problems
    except RadiogenError as error:
        return replace(seen, problems=(*found, *error.problems))
    return replace(seen, features=features, problems=tuple(found), quality=Numbers({**seen.quality, **quality}))


def _examination(job: Job, image: Image) -> Examination:
    mask = read_mask(job.masks, image.shape, resize=job.resize, label=job.mask_label) if job.masks else None
    reference = None
    if job.reference is not None:
        reference = read_mask([job.reference], image.shape, resize=job.resize)
    spacing = image.spacing_mm if mask is None else image.spacing_for(mask)
    return Examination(image, mask, reference, spacing, job.type)


def _screen_print(picture: NDArray[np.float64], examination: Examination, exact: Fingerprint) -> Fingerprint:
    """Screens are compared around the lesion; strips, and screens without a lesion, only pixel by pixel."""
    mask = examination.mask
    if mask is None or examination.type == "spectrum":
        return exact
    top, bottom, left, right = bounding_box(mask)
    margin = int(_SURROUNDINGS * max(bottom - top, right - left)) + 1
    return fingerprint(picture, window=box_slices(bounding_box(mask, margin)))


def _work(
    job: Job, examination: Examination
) -> tuple[NDArray[np.float64] | None, Mapping[str, float], tuple[Problem, ...]]:
    """Features (None where the image is only looked at), numbers on their quality, and remarks."""
    family = family_of(job.kind)
    try:
        if job.measure:
            measured = family.measure(examination, job.settings, job.engine)
            return _array(job, examination, measured), measured.quality, measured.problems
        if family.check is not None:
            return None, {}, family.check(examination, job.settings)
        if examination.mask is None and family.needs_mask(job.type):
            return None, {}, ()
        measured = family.measure(examination, job.settings, job.engine)
        return None, measured.quality, measured.problems
    except RadiogenError as error:
        about_mask = bool(job.masks) and error.problems[0].code in MASK_CODES
        raise located(error, Path(job.masks[0] if about_mask else job.image)) from error.__cause__


def _array(job: Job, examination: Examination, measured: Measured) -> NDArray[np.float64]:
    """The values in the family's order; every NaN has the same bits, so that files have the same bytes."""
    names, _ = names_of(job, examination.spacing_mm is not None)
    values = measured.values if tuple(measured.values.index) == names else measured.values.reindex(list(names))
    found = values.to_numpy(dtype=np.float64, copy=True)
    found[np.isnan(found)] = np.nan
    return found


def _doubts(examination: Examination, job: Job) -> list[Problem]:
    found = []
    spacing = examination.spacing_mm
    share = 0.0 if examination.mask is None else float(examination.mask.mean())
    if share > _WHOLE_IMAGE or (share > 0.5 and _touches_all_sides(examination.mask)):
        found.append(problem("RG515", f"the region covers {share:.0%} of the image; is the mask inverted?", file=job.masks[0]))
    low, high = _USUAL_SPACING_MM
    if spacing is not None and not all(low <= s <= high for s in spacing):
        text = f"a pixel of {spacing[0]:g} × {spacing[1]:g} mm is unusual for ultrasound; is the unit millimetres?"
        found.append(problem("RG509", text, severity="warning", file=job.image))
    return found


def _touches_all_sides(mask: NDArray[np.bool_] | None) -> bool:
    return mask is not None and all(bool(side.any()) for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
