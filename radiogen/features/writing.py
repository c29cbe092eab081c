"""Feature tables of a cohort as Parquet files."""

from __future__ import annotations

from pathlib import Path

from radiogen.cohort.cohort import Cohort
from radiogen.files import in_one_step


def write_features(cohort: Cohort, folder: str | Path) -> list[Path]:
    """Write one Parquet file per modality, ``{modality}.parquet``, the unit's id as index.

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
    """
    folder = Path(folder)
    written = []
    for name, frame in cohort.modalities.items():
        path = folder / f"{name}.parquet"
        with in_one_step(path, "the features") as part:
            frame.to_parquet(part)
        written.append(path)
    return written
