"""Pictures for networks: dark ellipses in speckle."""

from __future__ import annotations

import numpy as np


def ellipses(n: int, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Dark ellipses in speckle, 48 × 64."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :64]
    pictures, masks = [], []
    for _ in range(n):
        row, column, tall, wide = rng.uniform(14, 34), rng.uniform(18, 46), rng.uniform(7, 11), rng.uniform(9, 14)
        mask = ((y - row) / tall) ** 2 + ((x - column) / wide) ** 2 <= 1
        pictures.append(np.clip(np.where(mask, 50.0, 150.0) + rng.normal(0, 12, mask.shape), 0, 255))
        masks.append(mask)
    return pictures, masks
