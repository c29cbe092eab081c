"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# one BLAS thread: results and times must not depend on the number of cores
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the repository."""
    return REPO


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the repository; tests skip where it is absent."""
    folder = REPO.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("needs the shared data folder beside the repository")
    return folder
