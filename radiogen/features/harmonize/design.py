"""Covariates as columns of a design, with their levels remembered, and whether batch can be told from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail

Floats = NDArray[np.float64]
#: singular values below this share of the largest are zero
_RANK = 1e-9


@dataclass(frozen=True)
class Covariates:
    """How a frame of covariates becomes columns; learnt in ``fit``.

    Parameters
    ----------
    levels : dict of str to tuple of str or None
        Levels of a category, the first the reference; None for a number.
    """

    levels: dict[str, tuple[str, ...] | None]

    @classmethod
    def learn(cls, frame: pd.DataFrame) -> Covariates:
        """Levels of the categories of a training part."""
        levels: dict[str, tuple[str, ...] | None] = {}
        for name in frame.columns:
            column = frame[name]
            numeric = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
            if numeric and not np.isfinite(column.to_numpy(dtype=float)).all():
                raise fail("RG705", f"the covariate '{name}' has infinite values", column=str(name))
            levels[str(name)] = None if numeric else tuple(sorted(set(column.astype(str))))
        return cls(levels)

    @property
    def terms(self) -> tuple[str, ...]:
        """The covariate of each column."""
        return tuple(n for n, found in self.levels.items() for _ in range(1 if found is None else len(found) - 1))

    def columns(self, frame: pd.DataFrame) -> Floats:
        """The covariates of a frame as columns, shape (n, len(terms)).

        Raises
        ------
        RadiogenError
            RG705 other covariates than in training, RG221 a category that training did not have.
        """
        if [str(c) for c in frame.columns] != list(self.levels):
            text = f"the covariates must be those of training: {', '.join(self.levels) or 'none'}"
            raise fail("RG705", text, column="covariates")
        parts = [np.empty((len(frame), 0))]
        for name, found in self.levels.items():
            column = frame[name]
            if found is None:
                if not pd.api.types.is_numeric_dtype(column.dtype) or not np.isfinite(column.to_numpy(dtype=float)).all():
                    raise fail("RG705", f"the covariate '{name}' must be finite numbers, as in training", column=name)
                parts.append(column.to_numpy(dtype=float)[:, None])
                continue
            text = column.astype(str).to_numpy()
            unknown = sorted(set(text) - set(found))
            if unknown:
                raise fail("RG221", f"the covariate '{name}' has the value '{unknown[0]}', which the training data lack",
                           column=name, value=unknown[0])  # fmt: skip
            parts.append((text[:, None] == np.array(found[1:], dtype=object)[None, :]).astype(float))
        return np.hstack(parts)


def check_rank(batches: Floats, covariates: Floats, terms: tuple[str, ...]) -> None:
    """Refuse a design in which batch and covariates cannot be told apart: RG710.

    Parameters
    ----------
    batches : ndarray, shape (n, number of batches)
        Indicators.
    covariates : ndarray, shape (n, m)
    terms : tuple of str, length m
        The covariate of each column.
    """
    if not covariates.shape[1]:
        return
    centred = covariates - covariates.mean(axis=0)
    scale = np.sqrt((centred**2).mean(axis=0))
    flat = scale <= 1e-12 * np.maximum(1.0, np.abs(covariates).max(axis=0))
    if flat.any():
        name = terms[int(np.flatnonzero(flat)[0])]
        raise fail("RG710", f"the covariate '{name}' has one value only in these units", column=name)
    whole = centred / scale
    within = whole - batches @ (batches.T @ whole / batches.sum(axis=0)[:, None])
    for j, name in enumerate(terms):
        if _rank(whole[:, : j + 1]) < j + 1:
            raise fail("RG710", f"the covariate '{name}' is a linear combination of other covariates", column=name)
        if _rank(within[:, : j + 1]) < j + 1:
            raise fail("RG710", f"the batches and the covariate '{name}' cannot be told apart: with the batch it is known",
                       column=name)  # fmt: skip


def _rank(x: Floats) -> int:
    # columns have a standard deviation of 1 (within batches at most), so that the limit is a share of that
    return int((np.linalg.svd(x, compute_uv=False) > _RANK * np.sqrt(len(x))).sum())
