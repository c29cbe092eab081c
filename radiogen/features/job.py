"""One image from file to features: the work of one process, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.cohort.modality import PLAIN, Kind
from radiogen.errors import Problem, RadiogenError, problem
from radiogen.features.cache import FeatureCache, digest
from radiogen.features.families import family_of
from radiogen.features.family import Examination, Settings
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    ``features`` is None where it was not measured or failed; errors among ``problems`` say why.  ``quality`` is empty
    where the image could not be read.
    """

    features: dict[str, float] | None = None
    fingerprint: Fingerprint | None = None
    problems: tuple[Problem, ...] = ()
    calibrated: bool = False
    quality: Mapping[str, float] = field(default_factory=dict)

    @property
    def error(self) -> Problem | None:
        """The first error, if there is one."""
        return next((p for p in self.problems if p.severity == "error"), None)

    def series(self) -> pd.Series:
        """The features as a Series of float64."""
        return pd.Series(self.features or {}, dtype=np.float64)


def package_versions() -> dict[str, str]:
    """Versions of the packages that read images."""
    return {name: version(name) for name in _READERS}


def lookup(job: Job) -> Outcome | None:
    """The outcome from the cache, or None; a file that cannot be read is left to :func:`process`."""
    if job.cache is None:
        return None
    try:
        return _stored(job.cache.get(_key(job)))
    except RadiogenError:
        return None


def process(job: Job) -> Outcome:
    """Read, check and measure one image; coded errors become part of the outcome, nothing else is caught."""
    try:
        key = _key(job) if job.cache is not None else None
    except RadiogenError as error:
        return Outcome(problems=error.problems)
    outcome = _measured(job)
    if key is not None and job.cache is not None and outcome.error is None:
        job.cache.put(key, _entry(outcome))
    return outcome


def _key(job: Job) -> str:
    """Content of image and masks, spacing, settings and versions; file names and times do not count."""
    contents = []
    references = [] if job.reference is None else [job.reference]
    for missing, name in (("RG501", job.image), *(("RG503", m) for m in (*job.masks, *references))):
        path = Path(name)
        try:
            contents.append([digest(read_bytes(path, missing)), _suffix(path)])
        except RadiogenError as error:
            raise located(error, path) from error.__cause__
    return digest(
        {
            "reader": READER_VERSION,
            "contents": contents,
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
            quality=assess(image, examination.mask, spacing_mm=examination.spacing_mm, colour=_COLOURED.get(job.kind)),
        )
        found += _doubts(examination, job)
        features, quality, problems = _work(job, examination)
        found += problems
    except RadiogenError as error:
        return replace(seen, problems=(*found, *error.problems))
    return replace(seen, features=features, problems=tuple(found), quality={**seen.quality, **quality})


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


def _work(job: Job, examination: Examination) -> tuple[dict[str, float] | None, Mapping[str, float], tuple[Problem, ...]]:
    """Features (None where the image is only looked at), numbers on their quality, and remarks."""
    family = family_of(job.kind)
    try:
        if job.measure:
            measured = family.measure(examination, job.settings, job.engine)
            return {str(k): float(v) for k, v in measured.values.items()}, measured.quality, measured.problems
        if family.check is not None:
            return None, {}, family.check(examination, job.settings)
        if examination.mask is None and family.needs_mask(job.type):
            return None, {}, ()
        measured = family.measure(examination, job.settings, job.engine)
        return None, measured.quality, measured.problems
    except RadiogenError as error:
        about_mask = bool(job.masks) and error.problems[0].code in MASK_CODES
        raise located(error, Path(job.masks[0] if about_mask else job.image)) from error.__cause__


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


def _entry(outcome: Outcome) -> dict[str, Any]:
    """An outcome for the cache; NaN is written as null, and nowhere are file names kept."""
    features = outcome.features
    return {
        "features": None if features is None else {k: None if np.isnan(v) else v for k, v in features.items()},
        "fingerprint": None if outcome.fingerprint is None else outcome.fingerprint.to_json(),
        "problems": [asdict(replace(p, file=None)) for p in outcome.problems],
        "calibrated": outcome.calibrated,
        "quality": {k: None if np.isnan(v) else float(v) for k, v in outcome.quality.items()},
    }


def _stored(entry: Any) -> Outcome | None:
    if entry is None:
        return None
    features = entry["features"]
    return Outcome(
        None if features is None else {k: np.nan if v is None else float(v) for k, v in features.items()},
        None if entry["fingerprint"] is None else Fingerprint.from_json(entry["fingerprint"]),
        tuple(Problem(**p) for p in entry["problems"]),
        bool(entry["calibrated"]),
        {k: np.nan if v is None else float(v) for k, v in entry["quality"].items()},
    )
