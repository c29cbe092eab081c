"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from radiogen.errors import fail


@contextmanager
def in_one_step(path: Path, what: str, *, make_folder: bool = True) -> Iterator[Path]:
    """A file beside ``path`` to write into, which takes its place at the end; nothing is left behind where that fails.

    Parameters
    ----------
    path : Path
        The file wanted.
    what : str
        What it holds, for the message: ``"the features"``.
    make_folder : bool, default True
        Make its folder if it is not there.

    Raises
    ------
    RadiogenError
        RG801 where it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from radiogen.files import in_one_step
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with in_one_step(Path(folder) / "new" / "a.txt", "the note") as part:
    ...         _ = part.write_text("whole")
    ...     [p.name for p in (Path(folder) / "new").iterdir()]
    ['a.txt']
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise fail("RG801", f"{what} cannot be written: {error.strerror or error}", file=path) from error
    finally:
        if part.parent.is_dir():
            part.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Find out before the work, not after it.

    Raises
    ------
    RadiogenError
        RG801 where no file can be written there.
    """
    if path.is_dir():
        raise fail("RG801", f"'{path}' is a folder", file=path, fix="Give the name of a file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = path.parent / f".{path.name}.probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise fail("RG801", f"'{path}' cannot be written: {error.strerror}", file=path) from error
