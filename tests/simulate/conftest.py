"""One small simulated cohort with pictures, shared by the tests of this room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from radiogen import simulate


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort of 24 patients with pictures, seed 5."""
    return simulate.cohort(tmp_path_factory.mktemp("simulated") / "cohort", n=24, seed=5).parent


@pytest.fixture(scope="session")
def smaller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 20 patients of the same cohort."""
    return simulate.cohort(tmp_path_factory.mktemp("smaller") / "cohort", n=20, seed=5).parent


@pytest.fixture(scope="session")
def truth(folder: Path) -> dict[str, Any]:
    """Its truth.json."""
    content: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return content


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort of 400 patients without pictures, seed 8."""
    return simulate.cohort(tmp_path_factory.mktemp("plain") / "cohort", n=400, seed=8, images=False).parent


def read(path: Path) -> pd.DataFrame:
    """A table as text, nothing turned into NaN."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)
