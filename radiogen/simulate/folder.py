"""Writing into a folder without harm to files that are not a simulation's."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from radiogen.cohort.paths import file_digest
from radiogen.errors import fail
from radiogen.simulate.template import FIRST_LINE, cohort_yaml

YAML, TRUTH = "cohort.yaml", "truth.json"
#: value of ``made_by`` in truth.json, by which an earlier simulation is known
MADE_BY = "radiogen.simulate"
_SIMULATED = re.compile(r"^  simulated: \{n: (\d+), seed: (\d+), effects: (default|none|custom)\}", re.M)


def earlier_files(folder: Path) -> dict[str, str]:
    """Files of an earlier simulation in this folder: path inside it -> SHA-256 when written."""
    found: dict[str, str] = {}
    truth = _read_truth(folder / TRUTH)
    if truth is not None:
        found.update(truth["files"])
        found[TRUTH] = file_digest(folder / TRUTH)
    if _unedited_yaml(folder / YAML):
        found[YAML] = file_digest(folder / YAML)
    return found


def _read_truth(path: Path) -> dict[str, Any] | None:
    """The content of a simulation's truth.json, None for any other file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(content, dict) and content.get("made_by") == MADE_BY
    return content if ours and isinstance(content.get("files"), dict) else None


def _unedited_yaml(path: Path) -> bool:
    """Whether a cohort.yaml is exactly as some simulation wrote it."""
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    match = _SIMULATED.search(text)
    if match is None or not text.startswith(FIRST_LINE):
        return False
    n, seed, effects = int(match[1]), int(match[2]), match[3]
    return any(text == cohort_yaml(n, seed, effects, images) for images in (True, False))


def refuse_foreign(folder: Path, *, force: bool) -> None:
    """Refuse a folder that holds files and none of an earlier simulation.

    Raises
    ------
    RadiogenError
        RG803 for such a folder, RG801 where the path is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise fail("RG801", f"'{folder}' is a file, not a folder", file=folder)
    if force or not folder.is_dir() or not any(folder.iterdir()) or earlier_files(folder):
        return
    raise fail("RG803", f"'{folder}' holds files that no simulation has written", file=folder)


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """A temporary folder inside ``folder`` (so that moves are renames), removed at the end."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".simulate-", dir=folder))
    except OSError as error:
        raise fail("RG801", f"cannot write into '{folder}': {error.strerror}", file=folder) from error
    try:
        yield temporary
    except OSError as error:
        raise fail("RG801", f"cannot write into '{folder}': {error.strerror}", file=folder) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def move_in(workshop_folder: Path, folder: Path, files: Sequence[str], *, force: bool) -> None:
    """Move finished files into the folder, each by one rename, and remove those of an earlier run.

    Raises
    ------
    RadiogenError
        RG803 where a file would be overwritten that is not, byte for byte, an earlier
        simulation's; nothing has been moved then.
    """
    earlier = earlier_files(folder)
    if not force:
        _refuse_changed(workshop_folder, folder, files, earlier)
    stale = [name for name in earlier if name not in files and _inside(folder, name)]
    for name in files:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (workshop_folder / name).replace(target)
    for name in stale:
        path = folder / name
        # a file that somebody has changed since is theirs
        if path.is_file() and file_digest(path) == earlier[name]:
            path.unlink()
            _remove_empty(path.parent, folder)


def _refuse_changed(workshop_folder: Path, folder: Path, files: Sequence[str], earlier: dict[str, str]) -> None:
    changed: list[str] = []
    for name in files:
        target = folder / name
        if not target.exists():
            continue
        known = {file_digest(workshop_folder / name), earlier.get(name)}
        if not target.is_file() or file_digest(target) not in known:
            changed.append(name)
    if changed:
        text = f"{len(changed)} file(s) in '{folder}' are not as a simulation wrote them, the first is '{changed[0]}'"
        raise fail("RG803", text, file=folder / changed[0])


def _inside(folder: Path, name: str) -> bool:
    """Whether a name from truth.json stays in the folder; a file from elsewhere may say anything."""
    return (folder / name).resolve().is_relative_to(folder.resolve())


def _remove_empty(parent: Path, folder: Path) -> None:
    while parent != folder and not any(parent.iterdir()):
        parent.rmdir()
        parent = parent.parent


