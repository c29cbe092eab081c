"""Feature tables of a cohort as Parquet files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.features.record import RECORD
from radiogen.features.units import unit_of
from radiogen.files import in_one_step

#: numbers in a row group (64 MiB of float64): what a reader must hold at once
_GROUP = 8 * 2**20
#: unfinished files older than this were left by a run that was killed
_STALE_SECONDS = 3600.0


def write_features(cohort: Cohort, folder: str | Path) -> list[Path]:
    """Write one Parquet file per modality, ``{modality}.parquet``, the unit's id as index.

    The same cohort gives the same bytes, however many workers measured it and whatever came from the cache.

    Parameters
    ----------
    cohort : Cohort
        With features (:func:`radiogen.extract`).
    folder : path
        Made if it is not there; files of the same name are replaced, each in one step.

    Returns
    -------
    list of Path
        The files, in the order of the modalities.

    Raises
    ------
    RadiogenError
        RG801 where the folder cannot be written.

    Notes
    -----
    The schema's metadata hold ``radiogen``, a JSON object with the version of radiogen, the settings, the engine, the
    versions of the packages, the hash of the manifest and of the pictures (``images``); columns with a unit have it in
    their field's metadata (``unit``).  Row groups hold 64 MiB of numbers.

    Examples
    --------
    >>> import json
    >>> import pyarrow.parquet as pq
    >>> schema = pq.read_schema("features/bmode.parquet")                              # doctest: +SKIP
    >>> json.loads(schema.metadata[b"radiogen"])["settings"]                           # doctest: +SKIP
    >>> schema.field("bmode_original_shape2D_Perimeter").metadata[b"unit"].decode()    # doctest: +SKIP
    'mm'
    """
    folder = Path(folder)
    written = []
    for name, frame in cohort.modalities.items():
        path = folder / f"{name}.parquet"
        _sweep(path)
        with in_one_step(path, "the features") as part:
            _write(frame, part, _told(cohort, name, frame))
        written.append(path)
    return written


def _sweep(path: Path) -> None:
    """Remove what a run that was killed while it wrote left beside the file."""
    limit = time.time() - _STALE_SECONDS
    for left in path.parent.glob(f".{path.name}.*.tmp") if path.parent.is_dir() else ():
        if left.stat().st_mtime < limit:
            left.unlink(missing_ok=True)


def _told(cohort: Cohort, name: str, frame: pd.DataFrame) -> str | None:
    """The record of a table that was extracted, with the hash of its pictures."""
    import json

    text = frame.attrs.get(RECORD)
    if text is None:
        return None
    images = [s for s in cohort.sources if s.role == "images" and s.path.startswith(f"{name}: ")]
    hashed = {"told": images[0].path, "sha256": images[0].sha256} if images else None
    return json.dumps({**json.loads(text), "images": hashed}, sort_keys=True, ensure_ascii=True)


def _write(frame: pd.DataFrame, path: Path, told: str | None) -> None:
    """Row group by row group, so that no second copy of the table is made."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    bare = frame.copy(deep=False)
    bare.attrs = {}
    schema = _with_metadata(pa.Schema.from_pandas(bare), told)
    rows = max(1, _GROUP // max(1, frame.shape[1]))
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, max(1, len(bare)), rows):
            table = pa.Table.from_pandas(bare.iloc[start : start + rows], schema=schema)
            writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=rows)


def _with_metadata(schema: Any, told: str | None) -> Any:
    """The schema with the record, and with the units of its columns."""
    import pyarrow as pa

    fields = []
    for field in schema:
        unit = unit_of(field.name)
        fields.append(field if unit is None else field.with_metadata({"unit": unit}))
    metadata = dict(schema.metadata or {})
    if told is not None:
        metadata[RECORD.encode()] = told.encode("ascii")
    return pa.schema(fields, metadata=metadata)
