"""Random numbers by patient and task.

Every patient has an own stream for every task, made from the seed, the
patient's number and the task's number alone. So a patient is the same whatever
the size of the cohort, the order of the work and the number of workers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

#: order matters: a task's place is part of its seed, so new tasks go to the end
TASKS = (
    "centre", "clinic", "markers", "mutations", "maf", "swe", "doppler", "ceus", "bmode", "outcome", "treatment",
    "missing", "image", "swe_image", "doppler_image", "ceus_image",
)  # fmt: skip


def generator(seed: int, task: str, *numbers: int) -> np.random.Generator:
    """The generator of one task, and of one patient (and view) where numbers are given."""
    key = (TASKS.index(task), *numbers)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def uniforms(seed: int, task: str, n: int, columns: int) -> Floats:
    """Uniform numbers in (0, 1), one row per patient, shape (n, columns)."""
    rows = [generator(seed, task, i).random(columns) for i in range(n)]
    # the ends of the interval have no normal quantile
    return np.clip(np.array(rows).reshape(n, columns), 1e-12, 1 - 1e-12)


def normal(u: Floats) -> Floats:
    """The standard normal quantiles of uniform numbers."""
    return np.asarray(special.ndtri(u), dtype=np.float64)


def normals(seed: int, task: str, n: int, columns: int) -> Floats:
    """Standard normal numbers, one row per patient, shape (n, columns)."""
    return normal(uniforms(seed, task, n, columns))


def expit(x: Floats) -> Floats:
    """The probability of a log odds."""
    return np.asarray(special.expit(x), dtype=np.float64)


def logit(p: float) -> float:
    """The log odds of a probability."""
    return float(np.log(p / (1.0 - p)))
