"""The pictures of a cohort in its provenance: one hash for the images and masks of each modality."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from radiogen.cohort.cohort import Source
from radiogen.cohort.paths import file_digest

#: role of the entries
ROLE = "images"


def picture_sources(images: pd.DataFrame, known: Mapping[str, bytes] | None = None) -> tuple[Source, ...]:
    """One entry per modality: the SHA-256 over the SHA-256 of every file, in the order of the manifest.

    Parameters
    ----------
    images : DataFrame
        ``Cohort.images``.
    known : mapping of str to bytes, optional
        SHA-256 of files that were read already, by path.

    Returns
    -------
    tuple of Source
        Files that cannot be read count as empty.
    """
    found = []
    for modality, own in images.groupby("modality", sort=False):
        whole, files = hashlib.sha256(), 0
        for image, masks in zip(own["image"], own["masks"], strict=True):
            for path in (str(image), *(str(m) for m in masks)):
                digest = (known or {}).get(path)
                text = _digest(Path(path)) if digest is None else digest.hex()
                whole.update(f"{chr(10) if files else ''}{text}".encode())
                files += 1
        found.append(Source(ROLE, f"{modality}: {len(own)} images, {files - len(own)} masks", whole.hexdigest()))
    return tuple(found)


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError:
        return ""
