"""The pictures of a cohort in its provenance: one hash for the images and masks of each modality."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from radiogen.cohort.cohort import Source
from radiogen.cohort.paths import file_digest

#: role of the entries
ROLE = "images"


def picture_sources(images: pd.DataFrame) -> tuple[Source, ...]:
    """One entry per modality: the SHA-256 over the SHA-256 of every file, in the order of the manifest.

    Parameters
    ----------
    images : DataFrame
        ``Cohort.images``.

    Returns
    -------
    tuple of Source
        Files that cannot be read count as empty.
    """
    found = []
    for modality, own in images.groupby("modality", sort=False):
        files = [p for image, masks in zip(own["image"], own["masks"], strict=True) for p in (image, *masks)]
        whole = hashlib.sha256("\n".join(_digest(Path(p)) for p in files).encode())
        n_masks = len(files) - len(own)
        found.append(Source(ROLE, f"{modality}: {len(own)} images, {n_masks} masks", whole.hexdigest()))
    return tuple(found)


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError:
        return ""
