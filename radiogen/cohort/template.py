"""``radiogen init``: a commented cohort.yaml and table templates to fill in."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from radiogen.errors import fail

_FILES = ("cohort.yaml", "clinical.csv", "mutations.csv", "tested.csv", "bmode.csv")


def write_template(folder: str | Path, *, force: bool = False) -> list[Path]:
    """Write the template of a cohort into a folder.

    Parameters
    ----------
    folder : str or Path
        Made where it does not exist.
    force : bool, default False
        Overwrite files of the template's names.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    RadiogenError
        RG803 where a file exists, RG801 where the folder cannot be written.
    """
    target = Path(folder)
    present = [n for n in _FILES if (target / n).exists()]
    if present and not force:
        raise fail("RG803", f"'{target}' already has {', '.join(present)}", file=target)
    source = files("radiogen.cohort").joinpath("templates")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            (target / name).write_text(source.joinpath(name).read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise fail("RG801", f"'{target}' cannot be written: {error.strerror}", file=target) from error
    return [target / name for name in _FILES]
