"""The documentation keeps up with the code."""

from __future__ import annotations

import subprocess
import sys
import typing
from pathlib import Path

from pydantic import BaseModel

from radiogen.cohort import CohortConfig


def _keys(annotation: object, seen: set[type]) -> set[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation in seen:
            return set()
        seen.add(annotation)
        return {k for n, f in annotation.model_fields.items() for k in (n, *_keys(f.annotation, seen))}
    return {k for part in typing.get_args(annotation) for k in _keys(part, seen)}


def test_every_key_of_the_format_is_documented(repo: Path) -> None:
    text = (repo / "docs" / "cohort-format.md").read_text(encoding="utf-8")
    assert sorted(k for k in _keys(CohortConfig, set()) if k not in text) == []


def test_the_error_page_is_the_catalogue(repo: Path) -> None:
    command = [sys.executable, str(repo / "docs" / "make_errors.py"), "--check"]
    done = subprocess.run(command, cwd=repo, env={"PYTHONPATH": str(repo)})
    assert done.returncode == 0


def test_the_keys_of_networks_are_those_of_the_format(repo: Path) -> None:
    command = [sys.executable, str(repo / "docs" / "make_network_keys.py"), "--check"]
    done = subprocess.run(command, cwd=repo, env={"PYTHONPATH": str(repo)})
    assert done.returncode == 0


def test_the_readme_names_the_two_commands(repo: Path) -> None:
    text = (repo / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text
