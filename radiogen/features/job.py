"""One image from file to features: the work of one process, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import Problem, RadiogenError, problem
from radiogen.features.cache import FeatureCache, digest
from radiogen.features.families import family_of
from radiogen.features.radiomics.settings import Settings
from radiogen.imaging import Fingerprint, fingerprint, read_image, read_mask
from radiogen.imaging.readers import located, read_bytes

#: goes up when reading changes in a way that changes pixels, masks or fingerprints
READER_VERSION = 1
#: a region above this share of the image is most often an inverted mask
_WHOLE_IMAGE = 0.95
#: spacings outside are possible and most often a wrong unit
_USUAL_SPACING_MM = (0.005, 2.0)
_READERS = ("pillow", "pydicom", "SimpleITK")


@dataclass(frozen=True)
class Job:
    """One image with its masks and everything that decides its features.

    ``measure`` is False where the image is only looked at (``radiogen check``, or no mask).
    """

    modality: str
    image: str
    masks: tuple[str, ...]
    spacing_mm: tuple[float, float] | None
    resize: Literal["nearest"] | None
    settings: Settings
    engine: str
    versions: Mapping[str, str]
    measure: bool = True
    cache: FeatureCache | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    ``features`` is None where it was not measured or failed; errors among ``problems`` say why.
    """

    features: dict[str, float] | None = None
    fingerprint: Fingerprint | None = None
    problems: tuple[Problem, ...] = ()
    calibrated: bool = False

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
    for missing, name in (("RG501", job.image), *(("RG503", m) for m in job.masks)):
        path = Path(name)
        try:
            contents.append([digest(read_bytes(path, missing)), _suffix(path)])
        except RadiogenError as error:
            raise located(error, path) from error.__cause__
    return digest(
        {
            "reader": READER_VERSION,
            "contents": contents,
            "spacing_mm": job.spacing_mm,
            "resize": job.resize,
            "family": family_of(job.modality).name if job.measure else None,
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
    prints: Fingerprint | None = None
    calibrated = job.spacing_mm is not None
    try:
        image = read_image(job.image, spacing_mm=job.spacing_mm)
        found += image.problems
        grey, colour = _grey(image, job.image)
        found += colour
        prints = fingerprint(grey)
        if not job.masks:
            return Outcome(None, prints, tuple(found), calibrated)
        mask = read_mask(job.masks, image.shape, resize=job.resize)
        spacing = image.spacing_for(mask)
        calibrated = spacing is not None
        found += _doubts(mask, spacing, job)
        _check_region(mask, job)
        if not job.measure:
            return Outcome(None, prints, tuple(found), calibrated)
        series = family_of(job.modality).measure(grey, mask, spacing, job.settings, job.engine)
    except RadiogenError as error:
        return Outcome(None, prints, (*found, *error.problems), calibrated)
    return Outcome({str(k): float(v) for k, v in series.items()}, prints, tuple(found), calibrated)


def _grey(image: Any, path: str) -> tuple[NDArray[np.float64], tuple[Problem, ...]]:
    try:
        return image.grey()  # type: ignore[no-any-return]
    except RadiogenError as error:
        raise located(error, Path(path)) from error.__cause__


def _check_region(mask: NDArray[np.bool_], job: Job) -> None:
    from radiogen.features.radiomics.engine import check_region

    try:
        check_region(mask, job.settings)
    except RadiogenError as error:
        raise located(error, Path(job.masks[0])) from error.__cause__


def _doubts(mask: NDArray[np.bool_], spacing: tuple[float, float] | None, job: Job) -> list[Problem]:
    found = []
    share = float(mask.mean())
    if share > _WHOLE_IMAGE:
        found.append(problem("RG515", f"the region covers {share:.0%} of the image", file=job.masks[0]))
    low, high = _USUAL_SPACING_MM
    if spacing is not None and not all(low <= s <= high for s in spacing):
        text = f"a pixel of {spacing[0]:g} × {spacing[1]:g} mm is unusual for ultrasound; is the unit millimetres?"
        found.append(problem("RG509", text, severity="warning", file=job.image))
    return found


def _entry(outcome: Outcome) -> dict[str, Any]:
    """An outcome for the cache; NaN is written as null, and nowhere are file names kept."""
    features = outcome.features
    return {
        "features": None if features is None else {k: None if np.isnan(v) else v for k, v in features.items()},
        "fingerprint": None if outcome.fingerprint is None else outcome.fingerprint.to_json(),
        "problems": [asdict(replace(p, file=None)) for p in outcome.problems],
        "calibrated": outcome.calibrated,
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
    )
