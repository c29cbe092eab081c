"""Every key of the shared reference script, on METABRIC and on three data sets of R's survival package."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.stats.oracle import CHECKS

HERE = Path(__file__).parent / "reference"


@pytest.mark.parametrize("key", list(CHECKS))
@pytest.mark.parametrize("name", ["metabric", "pbc", "mgus2", "rotterdam"])
def test_key(name: str, key: str, shared: Path) -> None:
    file = shared / "reference" / "r" / "metabric" if name == "metabric" else HERE / f"oracle_{name}"
    data, answers = pd.read_csv(file.with_suffix(".csv")), json.loads(file.with_suffix(".json").read_text())
    rows = list(CHECKS[key](data, answers[key], answers))
    assert rows
    for what, own, theirs, tolerance in rows:
        np.testing.assert_allclose(
            np.asarray(own, float), np.asarray(theirs, float), rtol=tolerance, atol=1e-13, err_msg=f"{key}: {what}"
        )  # fmt: skip


def test_every_key_is_compared() -> None:
    answers = json.loads((HERE / "oracle_pbc.json").read_text())
    assert set(CHECKS) == set(answers) - {"versions", "R"}
