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

from radiogen.errors import fail

_FORMAT = 1
_SUFFIX = ".json"
#: unfinished files older than this were left by a run that was killed
_STALE_SECONDS = 3600.0


class CacheSize(NamedTuple):
    """How many entries a cache holds and how many bytes they take."""

    entries: int
    bytes: int


def default_folder() -> Path:
    """``$RADIOGEN_CACHE``, or the user's cache folder: ``~/.cache/radiogen`` on Linux."""
    declared = os.environ.get("RADIOGEN_CACHE")
    if declared:
        return Path(declared).expanduser()
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
    and two runs at once do no harm.  An entry whose checksum does not fit counts as absent.

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
        path = self.path(key)
        try:
            stored = json.loads(path.read_bytes())
            sound = stored["format"] == _FORMAT and stored["key"] == key and stored["sha256"] == digest(stored["entry"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # absent, or damaged: computed again and replaced
        return stored["entry"] if sound else None

    def put(self, key: str, entry: Any) -> None:
        """Write an entry.

        Raises
        ------
        RadiogenError
            RG801 where the folder cannot be written.
        """
        path = self.path(key)
        text = json.dumps({"format": _FORMAT, "key": key, "sha256": digest(entry), "entry": entry}, ensure_ascii=True)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{key[:8]}-", suffix=".tmp")
            try:
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(text)
                Path(name).replace(path)
            except BaseException:  # an interrupt too: leave no half-written file behind
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise fail(
                "RG801",
                f"the feature cache cannot be written: {error.strerror or error}",
                file=self.folder,
                fix="Set RADIOGEN_CACHE to a folder that can be written, free the disk, or extract without a cache.",
            ) from error

    def size(self) -> CacheSize:
        """Number of entries and their bytes."""
        sizes = [stat.st_size for path, stat in self._files() if path.suffix == _SUFFIX]
        return CacheSize(len(sizes), sum(sizes))

    def prune(self, *, older_than_days: float | None = None, max_bytes: int | None = None) -> int:
        """Remove entries, the oldest first, and what killed runs left behind.

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
        files = sorted(self._files(), key=lambda item: item[1].st_mtime)
        entries = [item for item in files if item[0].suffix == _SUFFIX]
        doomed = _doomed(entries, now, older_than_days, max_bytes)
        stale = [p for p, stat in files if p.suffix == ".tmp" and now - stat.st_mtime > _STALE_SECONDS]
        try:
            for path in (*(p for p, _ in doomed), *stale):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise fail("RG801", f"a cache file cannot be removed: {error.strerror}", file=self.folder) from error
        return len(doomed)

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.folder.glob("??/*") if self.folder.is_dir() else ():
            try:
                yield path, path.stat()
            except FileNotFoundError:
                continue  # another run has just moved or removed it


def _doomed(
    entries: list[tuple[Path, os.stat_result]], now: float, older_than_days: float | None, max_bytes: int | None
) -> list[tuple[Path, os.stat_result]]:
    if older_than_days is None and max_bytes is None:
        return entries
    limit = now - 86_400 * older_than_days if older_than_days is not None else -1.0
    doomed = [item for item in entries if item[1].st_mtime < limit]
    if max_bytes is None:
        return doomed
    kept = entries[len(doomed) :]  # sorted by age: the doomed come first
    left = sum(stat.st_size for _, stat in kept)
    for path, stat in kept:
        if left <= max_bytes:
            break
        doomed.append((path, stat))
        left -= stat.st_size
    return doomed


def open_cache(cache: FeatureCache | str | Path | bool | None) -> FeatureCache | None:
    """The cache that an argument means: None or True the default folder, False none, else the folder."""
    if isinstance(cache, FeatureCache):
        return cache
    if cache is None or cache is True:
        return FeatureCache()
    return None if cache is False else FeatureCache(Path(cache).expanduser())
