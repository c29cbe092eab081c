"""A result on disk: Parquet tables and one JSON file."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from radiogen.analysis.provenance import plain
from radiogen.analysis.result import Result
from radiogen.cohort.paths import file_digest
from radiogen.errors import fail

#: version of the folder's format
FORMAT = 1
_INDEX = "result.json"


def save_result(result: Result, folder: Path) -> Path:
    """Write a result to a folder, at once or not at all.

    Parameters
    ----------
    result : Result
        Its fitted ``model`` is not written: pickles of other versions cannot be trusted.
    folder : Path
        Made anew; an older result in it is replaced, other files are refused.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RadiogenError
        RG803 if the folder holds something else, RG801 if it cannot be written.
    """
    return folder_in_one_step(Path(folder), _INDEX, "result", partial(_write, result))


def folder_in_one_step(folder: Path, index: str, what: str, write: Callable[[Path], None]) -> Path:
    """A folder that is written whole or not at all.

    Parameters
    ----------
    folder : Path
        An older one of the same kind is replaced.
    index : str
        File by which a folder of this kind is known.
    what : str
        What it holds, for messages.
    write : callable
        Fills an empty folder.

    Raises
    ------
    RadiogenError
        RG803 if the folder holds something else, RG801 if it cannot be written.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / index).is_file()):
        raise fail("RG803", f"{folder} holds files that are not a saved {what}", file=folder,
                   fix="Give a new folder, or an empty one.")  # fmt: skip
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            write(made)
            made.chmod(0o755)
            _swap(made, folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise fail("RG801", f"the {what} cannot be written: {error.strerror}", file=folder) from error
    return folder


def _write(result: Result, folder: Path) -> None:
    tables = {f"table{i:02d}.parquet": (name, frame) for i, (name, frame) in enumerate(result.tables.items())}
    if result.predictions is not None:
        tables["predictions.parquet"] = ("", result.predictions)
    files = []
    for file, (name, frame) in tables.items():
        frame.to_parquet(folder / file, index=False)
        files.append({"file": file, "table": name, "sha256": file_digest(folder / file)})
    about = {
        "radiogen_result": FORMAT, "kind": result.kind, "title": result.title, "files": files,
        "settings": plain(result.settings), "versions": result.versions, "methods": list(result.methods),
        "notes": list(result.notes),
    }  # fmt: skip
    text = json.dumps(about, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / _INDEX).write_text(text + "\n", encoding="utf-8")


def _swap(made: Path, folder: Path) -> None:
    """Put the finished folder in place; an older result is moved aside first and then removed."""
    if not folder.exists():
        made.replace(folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    folder.replace(aside / "old")
    try:
        made.replace(folder)
    except OSError:
        (aside / "old").replace(folder)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def load_result(folder: str | Path) -> Result:
    """Read a result that :meth:`Result.save` wrote.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Result
        Without the fitted model.

    Raises
    ------
    RadiogenError
        RG802 if the folder is not a saved result, is of a later format, or a file is missing or was changed.
    """
    folder = Path(folder)
    about = _index(folder)
    frames: dict[str, pd.DataFrame] = {}
    predictions = None
    for entry in about["files"]:
        frame = _table(folder, entry)
        if entry["table"]:
            frames[entry["table"]] = frame
        else:
            predictions = frame
    return Result(
        kind=about["kind"], title=about["title"], tables=frames, predictions=predictions, settings=about["settings"],
        versions=about["versions"], methods=tuple(about["methods"]), notes=tuple(about["notes"]),
    )  # fmt: skip


def _index(folder: Path) -> dict[str, Any]:
    path = folder / _INDEX
    if not path.is_file():
        raise fail("RG802", f"there is no {_INDEX} in {folder}", file=folder)
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise fail("RG802", f"{_INDEX} is damaged: {error}", file=path) from error
    shapes = {"kind": str, "title": str, "files": list, "settings": dict, "versions": dict, "methods": list, "notes": list}
    if not isinstance(about, dict) or not isinstance(about.get("radiogen_result"), int):
        raise fail("RG802", f"{_INDEX} is not of a saved result", file=path)
    if about["radiogen_result"] > FORMAT:
        raise fail("RG802", "the result was written by a later version of radiogen", file=path, value=about["radiogen_result"])
    for key, kind in shapes.items():
        if not isinstance(about.get(key), kind):
            raise fail("RG802", f"{_INDEX} lacks '{key}'", file=path)
    for entry in about["files"]:
        if not isinstance(entry, dict) or not all(isinstance(entry.get(k), str) for k in ("file", "table", "sha256")):
            raise fail("RG802", f"{_INDEX} lists a file wrongly", file=path)
    return about


def _table(folder: Path, entry: dict[str, str]) -> pd.DataFrame:
    # a name with a folder in it could point anywhere
    path = folder / Path(entry["file"]).name
    if not path.is_file():
        raise fail("RG802", f"the file {path.name} is missing", file=path)
    if file_digest(path) != entry["sha256"]:
        raise fail("RG802", f"the file {path.name} was changed after it was saved", file=path)
    return pd.read_parquet(path)
