"""What a table of extracted features says of itself: the settings, versions and inputs that made it."""

from __future__ import annotations

import json
from pathlib import Path

from radiogen import __version__
from radiogen.cohort.cohort import Cohort
from radiogen.features.families import family_of
from radiogen.features.job import READER_VERSION, Job, package_versions

#: key of ``DataFrame.attrs``, and of the metadata of a Parquet file, with the record
RECORD = "radiogen"
#: goes up when keys of the record change their meaning
_FORMAT = 1


def record(cohort: Cohort, modality: str, job: Job) -> str:
    """The record of one modality, as canonical JSON.

    There is nothing in it that differs from machine to machine or from run to run: no paths, times or names of hosts.

    Parameters
    ----------
    cohort : Cohort
    modality : str
    job : Job
        Of its first image.

    Returns
    -------
    str
        ``format``, ``radiogen``, ``modality``, ``kind``, ``family`` (with its version), ``reader`` (version of the
        readers), ``engine``, ``settings``, ``per_image`` (settings that the manifest gives row by row), ``aggregate``,
        ``packages`` (name: version), ``manifest`` (``file`` and the ``sha256`` of its bytes, null where the cohort was
        not loaded from files).
    """
    section = cohort.config.modalities[modality]
    images = cohort.images[cohort.images["modality"] == modality]
    manifest = Path(str(images["manifest"].iloc[0])).name
    digests = {source.path: source.sha256 for source in cohort.sources}
    own = family_of(job.kind).versions(job.engine)
    return json.dumps(
        {
            "format": _FORMAT,
            "radiogen": __version__,
            "modality": modality,
            "kind": job.kind,
            "family": family_of(job.kind).name,
            "reader": READER_VERSION,
            "engine": job.engine,
            "settings": dict(job.settings),
            "per_image": sorted({str(name) for declared in images["declared"] for name in declared or ()}),
            "aggregate": section.aggregate,
            "packages": {**package_versions(), **own},
            "manifest": {"file": manifest, "sha256": digests.get(manifest)},
        },
        sort_keys=True,
        ensure_ascii=True,
        default=str,
    )
