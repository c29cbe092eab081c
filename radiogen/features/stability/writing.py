"""Repeated measurements on disk, as `repeats:` of a modality reads them."""

from __future__ import annotations

from pathlib import Path

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.repeats import REPEAT
from radiogen.features.stability.result import Stability
from radiogen.files import in_one_step


def write_stability(cohort: Cohort, modality: str, found: Stability, folder: str | Path) -> list[Path]:
    """Write the measurements and the agreement of one modality.

    Parameters
    ----------
    cohort : Cohort
        Whose units were measured.
    modality : str
    found : Stability
    folder : path
        Made if it is not there.

    Returns
    -------
    list of Path
        ``{modality}_repeats.parquet`` (the unit's id, ``repeat``, one column per feature; name it as `repeats:` of the
        modality) and ``{modality}_icc.csv`` (one row per feature).

    Raises
    ------
    RadiogenError
        RG801 where the folder cannot be written.

    Examples
    --------
    >>> from radiogen.features.stability import stability, write_stability          # doctest: +SKIP
    >>> write_stability(cohort, "bmode", stability(cohort), "stability")             # doctest: +SKIP
    """
    folder = Path(folder)
    repeats, agreement = folder / f"{modality}_repeats.parquet", folder / f"{modality}_icc.csv"
    section = cohort.config.modalities[modality]
    ids = section.id or next(iter(cohort.config.tables.values())).id
    table = found.repeats.rename_axis(index=[ids, REPEAT]).reset_index()
    with in_one_step(repeats, "the repeated measurements") as part:
        table.to_parquet(part, index=False)
    with in_one_step(agreement, "the agreement") as part:
        found.table.to_csv(part)
    return [repeats, agreement]
