"""Features on disk, one small file per image, found by the content of image, mask and settings."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from radiogen.errors import RadiogenError, fail

_FORMAT = 2
_SUFFIX = ".json"
#: large arrays of an entry stand beside it, under the same name
_BESIDE = ".npy"
#: folder, beside those of the entries, in which entries are written before they are moved into place
_UNFINISHED = "unfinished"
#: unfinished files older than this were left by a run that was killed
_STALE_SECONDS = 3600.0


class CacheSize(NamedTuple):
    """How many entries a cache holds and how many bytes they take."""

    entries: int
    bytes: int


class _Entry(NamedTuple):
    """One entry: when it was written, its size and its path."""

    written: float
    bytes: int
    path: str


def default_folder() -> Path:
    """``$RADIOGEN_CACHE``, or the user's cache folder: ``~/.cache/radiogen`` on Linux."""
    declared = os.environ.get("RADIOGEN_CACHE")
    if declared:
        return Path(declared).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "radiogen"


def digest(value: Any) -> str:
    """SHA-256 of bytes, or of a JSON-serialisable value in canonical form."""
    data = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True, ensure_ascii=True).encode()
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class FeatureCache:
    """A folder of entries, named by key.

    Entries are written to a temporary file and moved into place, so that a reader never sees half of one
    and two runs at once do no harm.  An entry whose checksum does not fit counts as absent.  An entry is a line of
    JSON (format, key, SHA-256 of what follows) and a JSON value.

    Parameters
    ----------
    folder : Path
        Default: :func:`default_folder`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from radiogen.features.cache import FeatureCache, digest
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = FeatureCache(Path(folder))
    ...     key = digest({"image": "…"})
    ...     cache.put(key, {"mean": 0.1})
    ...     cache.get(key), cache.size().entries
    ({'mean': 0.1}, 1)
    """

    folder: Path = field(default_factory=default_folder)

    def path(self, key: str) -> Path:
        """Where the entry of a key stands; 256 subfolders keep listings short."""
        return self.folder / key[:2] / f"{key}{_SUFFIX}"

    def get(self, key: str) -> Any | None:
        """The entry, or None where there is none or it is damaged."""
        try:
            head, _, body = self.path(key).read_bytes().partition(b"\n")
            told = json.loads(head)
            sound = told["format"] == _FORMAT and told["key"] == key and told["sha256"] == digest(body)
            return json.loads(body) if sound else None
        except (OSError, ValueError, KeyError, TypeError):
            return None  # absent, or damaged: computed again and replaced

    def put(self, key: str, entry: Any) -> None:
        """Write an entry; ``entry`` is a value that JSON knows.

        Raises
        ------
        RadiogenError
            RG801 where the folder cannot be written.
        """
        path = self.path(key)
        body = json.dumps(entry, ensure_ascii=True).encode("ascii")
        head = json.dumps({"format": _FORMAT, "key": key, "sha256": digest(body)}).encode("ascii")
        try:
            for folder in (path.parent, self.folder / _UNFINISHED):
                folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder / _UNFINISHED, prefix=f"{key[:8]}-", suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(head + b"\n" + body)
                Path(name).replace(path)
            except BaseException:  # an interrupt too: leave no half-written file behind
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> RadiogenError:
        return fail(
            "RG801",
            f"the feature cache cannot be written: {error.strerror or error}",
            file=self.folder,
            fix="Set RADIOGEN_CACHE to a folder that can be written, free the disk, or extract without a cache.",
        )

    def unfinished(self) -> Path:
        """A new empty file in the folder of unfinished entries.

        Raises
        ------
        RadiogenError
            RG801 where the folder cannot be written.
        """
        try:
            handle, name = tempfile.mkstemp(dir=self.folder / _UNFINISHED, suffix=".tmp")
        except OSError as error:
            raise self._unwritable(error) from error
        os.close(handle)
        return Path(name)

    def open(self) -> None:
        """Make the folder, and remove what runs that were killed left unfinished more than an hour ago.

        Raises
        ------
        RadiogenError
            RG801 where the folder cannot be written.
        """
        try:
            (self.folder / _UNFINISHED).mkdir(parents=True, exist_ok=True)
            for path in self._stale():
                path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def size(self) -> CacheSize:
        """Number of entries and their bytes."""
        entries = total = 0
        for _, size, path in self._entries():
            entries, total = entries + path.endswith(_SUFFIX), total + size
        return CacheSize(entries, total)

    def prune(self, *, older_than_days: float | None = None, max_bytes: int | None = None) -> int:
        """Remove entries, the oldest first, and what killed runs left behind.

        A run that is under way loses nothing but time: an entry that is gone is computed again.

        Parameters
        ----------
        older_than_days : float, optional
            Remove entries written longer ago than this.  Default: no limit of age.
        max_bytes : int, optional
            Then remove the oldest entries until this many bytes are left.  Default: no limit of size.
            With neither limit all entries are removed.

        Returns
        -------
        int
            How many entries were removed.

        Raises
        ------
        RadiogenError
            RG708 for a negative limit, RG801 where files cannot be removed.
        """
        if (older_than_days or 0) < 0 or (max_bytes or 0) < 0:
            raise fail("RG708", "limits of the cache must not be negative", value=(older_than_days, max_bytes))
        now = time.time()
        doomed = _doomed(sorted(self._entries()), now, older_than_days, max_bytes)
        try:
            for path in (*(Path(p) for _, _, p in doomed), *self._stale()):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise fail("RG801", f"a cache file cannot be removed: {error.strerror}", file=self.folder) from error
        return sum(path.endswith(_SUFFIX) for _, _, path in doomed)

    def _entries(self) -> Iterator[_Entry]:
        for folder in sorted(self.folder.glob("??")) if self.folder.is_dir() else ():
            with os.scandir(folder) as found:
                for item in found:
                    if not item.name.endswith((_SUFFIX, _BESIDE)):
                        continue
                    try:
                        stat = item.stat()
                    except FileNotFoundError:
                        continue  # another run has just removed it
                    yield _Entry(stat.st_mtime, stat.st_size, item.path)

    def _stale(self) -> Iterator[Path]:
        """Unfinished files that nobody writes any more."""
        limit = time.time() - _STALE_SECONDS
        for path in (self.folder / _UNFINISHED).glob("*.tmp"):
            try:
                if path.stat().st_mtime < limit:
                    yield path
            except FileNotFoundError:
                continue  # another run has just moved it into place


def _doomed(entries: list[_Entry], now: float, older_than_days: float | None, max_bytes: int | None) -> list[_Entry]:
    """Entries to remove; ``entries`` are sorted by age, the oldest first."""
    if older_than_days is None and max_bytes is None:
        return entries
    limit = now - 86_400 * older_than_days if older_than_days is not None else -1.0
    doomed = [entry for entry in entries if entry.written < limit]
    if max_bytes is None:
        return doomed
    kept = entries[len(doomed) :]
    left = sum(entry.bytes for entry in kept)
    for entry in kept:
        if left <= max_bytes:
            break
        doomed.append(entry)
        left -= entry.bytes
    return doomed


def open_cache(cache: FeatureCache | str | Path | bool | None) -> FeatureCache | None:
    """The cache that an argument means: None or True the default folder, False none, else the folder."""
    if isinstance(cache, FeatureCache):
        return cache
    if cache is None or cache is True:
        return FeatureCache()
    return None if cache is False else FeatureCache(Path(cache).expanduser().absolute())
