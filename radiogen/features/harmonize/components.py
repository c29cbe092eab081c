"""Units in the plane of the first principal components of their features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radiogen.errors import fail


def principal_components(X: Any, n_components: int = 2, *, scale: bool = True) -> pd.DataFrame:
    """Scores of the units on the first principal components.

    Parameters
    ----------
    X : DataFrame or array, shape (n, p)
        Features; those with a missing value and constant ones are left out and counted.
    n_components : int, default 2
    scale : bool, default True
        Whether features are brought to a standard deviation of 1 first; radiomics have very different units.

    Returns
    -------
    DataFrame, index of X
        ``pc1``, ``pc2``, …; ``attrs["share"]`` is the share of the variance of each, ``attrs["features"]`` the number
        of features used and ``attrs["left_out"]`` that of the others.  The largest weight of a component is positive,
        so that its sign does not depend on the machine.

    Raises
    ------
    RadiogenError
        RG705 infinite values or no numbers, RG701 fewer usable features or units than components ask for.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.harmonize import principal_components
    >>> found = principal_components(np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]), 1)
    >>> found["pc1"].round(3).to_list(), [round(s, 3) for s in found.attrs["share"]]
    ([-1.732, 0.0, 1.732], [1.0])
    """
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
    try:
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise fail("RG705", "principal components need numbers") from error
    if np.isinf(values).any():
        raise fail("RG705", "principal components need finite values")
    if n_components < 1:
        raise fail("RG708", "n_components must be 1 or more", value=n_components)
    if len(values) <= n_components:
        raise fail("RG701", f"{n_components} components need more than {n_components} units; there are {len(values)}")
    mean, spread = values.mean(axis=0), values.std(axis=0)
    used = np.isfinite(mean) & (spread > 1e-12 * np.abs(values).max(axis=0))
    if used.sum() < n_components:
        raise fail("RG701", f"{n_components} components need as many features that vary and are complete; {int(used.sum())} are")
    centred = (values[:, used] - mean[used]) / (spread[used] if scale else 1.0)
    left, size, right = np.linalg.svd(centred, full_matrices=False)
    largest = np.abs(right).argmax(axis=1)
    sign = np.sign(right[np.arange(len(right)), largest])
    # of weights that are equal but for rounding the first decides, so that the sign is the same everywhere
    scores = (left * size * sign)[:, :n_components]
    found = pd.DataFrame(scores, index=frame.index, columns=[f"pc{i}" for i in range(1, n_components + 1)])
    found.attrs["share"] = [float(s) for s in (size**2 / (size**2).sum())[:n_components]]
    found.attrs["features"], found.attrs["left_out"] = int(used.sum()), int((~used).sum())
    return found
