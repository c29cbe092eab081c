"""Paths of a cohort: they resolve in one folder and may not leave it unasked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from radiogen.errors import Findings


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
        real = found.resolve()
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
        if not path.exists():
            self.findings.add(
                "RG201", f"there is no '{text}' in '{self.root}'", file=self.yaml, column=key, value=text
            )
            return None
        return path

    def remember(self, path: Path) -> None:
        """Take the SHA-256 of an input file for the provenance."""
        if path not in self.hashes:
            self.hashes[path] = hashlib.sha256(path.read_bytes()).hexdigest()
