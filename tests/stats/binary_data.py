"""R's answers on survival's pbc data, shared by the tests of binary outcomes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).parent / "reference"


@cache
def answers(name: str = "binary.json") -> dict[str, Any]:
    """The JSON that the script of the same name wrote."""
    return json.loads((HERE / name).read_text())


@cache
def pbc() -> pd.DataFrame:
    """The patients that the answers are about."""
    return pd.DataFrame(answers()["data"])


def close(got: Any, wanted: Any, rel: float = 1e-8, absolute: float = 1e-12) -> None:
    """Agreement of numbers, element by element."""
    np.testing.assert_allclose(np.asarray(got, float), np.asarray(wanted, float), rtol=rel, atol=absolute)
