"""Paths of a cohort: they resolve in one folder and may not leave it unasked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from radiogen.cohort.values import suggest
from radiogen.errors import Findings


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class Folder:
    """The folder in which the paths of one YAML resolve.

    Parameters
    ----------
    root : Path
        The YAML's folder, or the one given by ``--data``.
    allow_outside : bool
        Whether paths may leave it.
    yaml : Path
        The YAML, for messages.
    """

    root: Path
    allow_outside: bool
    yaml: Path
    findings: Findings
    hashes: dict[Path, str] = field(default_factory=dict)

    def resolve(self, text: str, key: str, base: Path | None = None) -> Path | None:
        """The absolute path, or None and a finding where it leaves the folder (RG106)."""
        path = Path(text) if base is None else base / text
        found = path if path.is_absolute() else self.root / path
        try:
            real = found.resolve()
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a name that cannot be one
            self.findings.add("RG201", f"the path cannot be followed: {_reason(error)}", file=self.yaml, column=key, value=text)
            return None
        if not self.allow_outside and not real.is_relative_to(self.root.resolve()):
            self.findings.add(
                "RG106", f"the path leads out of the folder '{self.root}'", file=self.yaml, column=key, value=text
            )
            return None
        return found

    def existing(self, text: str, key: str) -> Path | None:
        """Like :meth:`resolve`, for something that must exist (RG201)."""
        path = self.resolve(text, key)
        if path is None:
            return None
        try:
            path.stat()
        except FileNotFoundError:
            message = f"there is no '{text}' in '{self.root}'.{self._near(path)}"
            self.findings.add("RG201", message, file=self.yaml, column=key, value=text)
            return None
        except (OSError, ValueError) as error:
            message = f"'{text}' in '{self.root}' cannot be opened: {_reason(error)}"
            self.findings.add("RG201", message, file=self.yaml, column=key, value=text)
            return None
        return path

    def _near(self, path: Path) -> str:
        """A file of nearly the same name in the same folder."""
        try:
            names = [p.name for p in path.parent.iterdir()]
        except OSError:
            return ""
        return suggest(path.name, names)

    def remember(self, path: Path) -> None:
        """Take the SHA-256 of an input file for the provenance."""
        if path not in self.hashes:
            self.hashes[path] = file_digest(path)


def exists(path: Path) -> bool:
    """Whether there is such a file, for any text as its name."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
