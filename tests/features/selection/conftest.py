"""Simulated tables with known truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

#: the columns that carry the effect in :func:`planted`
TRUE = ("f03", "f07", "f11")


def planted(kind: str, n: int = 160, p: int = 30, seed: int = 0, effect: float = 1.3) -> tuple[pd.DataFrame, Any]:
    """Normal columns of which three, or those of them that are there, decide the outcome, and the rest nothing."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, p)), columns=[f"f{i:02d}" for i in range(p)])
    score = effect * frame[[c for c in TRUE if c in frame]].sum(axis=1).to_numpy()
    if kind == "binary":
        return frame, (score + rng.logistic(size=n) > 0).astype(int)
    if kind == "multiclass":
        return frame, np.digitize(score + rng.logistic(size=n), [-1.2, 1.2])
    time, censored = rng.exponential(np.exp(-score)), rng.exponential(3, n)
    return frame, pd.DataFrame({"time": np.minimum(time, censored), "event": (time <= censored).astype(int)})


@pytest.fixture(params=["binary", "multiclass", "survival"])
def problem(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, Any]:
    """One table with its outcome, of each kind in turn."""
    return planted(request.param, n=120, p=14)
