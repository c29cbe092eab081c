"""One small matrix, three scanners, two covariates, and the ways in which it is harmonised."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pandas as pd

#: name -> options of ComBat, covariates, reference
CASES: dict[str, dict[str, Any]] = {
    "parametric": {"covariates": []},
    "parametric with covariates": {"covariates": ["sex", "age"]},
    "non-parametric": {"covariates": [], "parametric": False},
    "non-parametric with covariates": {"covariates": ["sex", "age"], "parametric": False},
    "mean only": {"covariates": ["age"], "mean_only": True},
    "mean only, non-parametric": {"covariates": ["sex"], "mean_only": True, "parametric": False},
    "no empirical Bayes": {"covariates": ["sex", "age"], "empirical_bayes": False},
    "mean only, no empirical Bayes": {"covariates": ["sex"], "mean_only": True, "empirical_bayes": False},
    "reference": {"covariates": ["sex", "age"], "reference": "b"},
    "reference, non-parametric": {"covariates": ["age"], "reference": "a", "parametric": False},
    "reference, no empirical Bayes": {"covariates": ["age"], "reference": "c", "empirical_bayes": False},
}


def matrix() -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """26 units × 8 features of three scanners of 7, 8 and 11; ages are whole, since neuroCombat keeps float32 of them."""
    rng = np.random.default_rng(20)
    batch = np.repeat(["a", "b", "c"], [7, 8, 11])
    covariates = pd.DataFrame({"sex": rng.choice(["f", "m", "x"], 26), "age": rng.integers(30, 80, 26).astype(float)})
    at = pd.factorize(batch)[0]
    x = rng.normal(size=(26, 8)) * np.array([1.0, 1.6, 0.7])[at][:, None] * rng.uniform(0.5, 4, 8)
    x += rng.normal(size=(3, 8))[at] * 2 + np.arange(8) * 10
    x += 0.05 * covariates["age"].to_numpy()[:, None] + 1.5 * (covariates["sex"] == "m").to_numpy()[:, None] * (np.arange(8) < 4)
    return x, batch, covariates


def by_neurocombat(name: str) -> np.ndarray:
    """The matrix as neuroCombat harmonises it, units × features."""
    from neuroCombat import neuroCombat

    options = dict(CASES[name])
    x, batch, covariates = matrix()
    wanted = options.pop("covariates")
    reference = options.pop("reference", None)
    names = {"parametric": "parametric", "mean_only": "mean_only", "empirical_bayes": "eb"}
    lacks_int = not hasattr(np, "int")
    if lacks_int:
        np.int = int  # type: ignore[attr-defined]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found = neuroCombat(
                dat=x.T, covars=covariates.assign(scanner=batch), batch_col="scanner",
                categorical_cols=[c for c in wanted if c == "sex"], continuous_cols=[c for c in wanted if c == "age"],
                ref_batch=reference, **{names[k]: v for k, v in options.items()},
            )  # fmt: skip
    finally:
        if lacks_int:
            del np.int  # type: ignore[attr-defined]
    return np.asarray(found["data"]).T
