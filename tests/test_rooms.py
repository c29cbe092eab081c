"""The house has floors: a room imports only rooms below it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

FLOOR = {
    "catalogue": -2, "errors": -1, "progress": 0, "files": 0, "lazy": 0, "compiled": 0,
    "cohort": 1, "imaging": 1, "stats": 1,
    "features": 2, "plots": 2, "models": 2,
    "explain": 3, "simulate": 3,
    "analysis": 4,
    "report": 5, "explore": 5, "doctor": 5,
    "cli": 6, "__main__": 7,
}  # fmt: skip


def _room(path: Path, package: Path) -> str:
    return path.relative_to(package).parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> list[str]:
    """Modules of radiogen that a file imports, those inside functions too, those for type checkers not."""
    found: list[str] = []
    skipped = {
        id(n) for block in ast.walk(tree) if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for n in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found += [f"{node.module}.{a.name}" if node.module == "radiogen" else node.module for a in node.names]
    return [m for m in found if m.startswith("radiogen.")]


def violations(package: Path) -> list[str]:
    """Imports that go up or sideways."""
    wrong = []
    for path in sorted(package.rglob("*.py")):
        if path == package / "__init__.py":
            continue
        room = _room(path, package)
        for module in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            other = module.split(".")[1]
            if other in FLOOR and other != room and FLOOR[other] >= FLOOR[room]:
                wrong.append(f"{path.relative_to(package)} imports {module}")
    return wrong


def test_every_room_has_a_floor(repo: Path) -> None:
    rooms = {p.stem for p in (repo / "radiogen").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert rooms - {"__init__"} <= set(FLOOR)


def test_rooms_import_only_lower_floors(repo: Path) -> None:
    assert violations(repo / "radiogen") == []


def test_the_test_sees_a_violation(tmp_path: Path) -> None:
    for room, text in {"stats": "from radiogen.cohort import Cohort\n", "cohort": ""}.items():
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(text)
    assert violations(tmp_path) == ["stats/__init__.py imports radiogen.cohort"]


@pytest.mark.parametrize("statement", ["import radiogen", "import radiogen.cli"])
def test_heavy_packages_are_imported_late(statement: str) -> None:
    code = f"{statement}; import sys; print([m for m in ('torch','sklearn','sksurv','plotly','lifelines','pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_stay_small(repo: Path) -> None:
    long = [p for p in (repo / "radiogen").rglob("*.py") if len(p.read_text(encoding="utf-8").splitlines()) > 500]
    assert long == []
