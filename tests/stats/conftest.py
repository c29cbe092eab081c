"""R's answers on METABRIC."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def metabric(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "reference" / "r" / "metabric.csv")


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "reference" / "r" / "metabric.json").read_text())
