"""What the command ``radiogen features`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from radiogen.features.dictionary.entry import Entry
from radiogen.features.dictionary.showing import chosen, named, render, render_entry
from radiogen.features.dictionary.table import cohort_settings, entries

#: ends of output files and their formats
_ENDS = {".csv": "csv", ".json": "json", ".md": "markdown"}


def dictionary_text(
    cohort: Path | None = None, *, modalities: Sequence[str] | None = None, feature_class: str | None = None,
    search: str | None = None, show: str | None = None, how: str = "table", calibrated: bool = True, width: int = 80,
) -> str:  # fmt: skip
    """The dictionary, or one entry of it, as text.

    Parameters
    ----------
    cohort : Path, optional
        A cohort file, or its folder; default the four kinds with their defaults.
    modalities : sequence of str, optional
    feature_class : str, optional
    search : str, optional
        Words that must all occur in an entry.
    show : str, optional
        Name of a column: its entry in full.
    how : {"table", "csv", "json", "markdown"}
    calibrated : bool
        See :func:`feature_dictionary`.
    width : int
        Of a terminal, in characters.

    Raises
    ------
    RadiogenError
        RG708 for a modality, class, feature or format that there is not, with the nearest one; what is wrong with the
        cohort file.

    Examples
    --------
    >>> from radiogen.features.dictionary.command import dictionary_text
    >>> print(dictionary_text(show="doppler_ri").splitlines()[0])
    doppler_ri
    """
    settings = None if cohort is None else cohort_settings(cohort)
    found = entries(settings, modalities, calibrated=calibrated)
    if show is not None:
        other = entries(settings, modalities, calibrated=not calibrated)
        return render_entry(named(_without_twins(found, other), show), width=width)
    return render(chosen(found, feature_class=feature_class, search=search), how, width=width)


def format_of(output: Path | None, how: str | None) -> str:
    """The format named, else that of the output file's ending, else a table."""
    return how or (_ENDS.get(output.suffix.lower()) if output is not None else None) or "table"


def _without_twins(found: Sequence[Entry], other: Sequence[Entry]) -> list[Entry]:
    seen = {e.feature for e in found}
    return [*found, *(e for e in other if e.feature not in seen)]
