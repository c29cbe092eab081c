"""Inner folds: by group, with the classes in proportion."""

from __future__ import annotations

import numpy as np

from radiogen.models.tabular.table import Ints


def inner_folds(codes: Ints, groups: Ints, parts: int, seed: int) -> list[tuple[Ints, Ints]]:
    """Rows to train on and rows to test on; no group stands on both sides, and each unit is tested once.

    Parameters
    ----------
    codes, groups : array of int, shape (n,)
        Class and group of each unit.
    parts : int
        Number of folds; fewer than 2 for none.
    seed : int

    Returns
    -------
    list of (array of int, array of int)
        Empty where a class has fewer groups than there are parts, or some training part would lack a class.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.tabular.split import inner_folds
    >>> [(len(train), len(test)) for train, test in inner_folds(np.arange(20) % 2, np.arange(20), 2, 0)]
    [(10, 10), (10, 10)]
    """
    from sklearn.model_selection import StratifiedGroupKFold

    kinds = np.unique(codes)
    if parts < 2 or min(len(np.unique(groups[codes == k])) for k in kinds) < parts:
        return []
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    found = [(train.astype(np.int64), test.astype(np.int64)) for train, test in splitter.split(codes[:, None], codes, groups)]
    usable = all(len(np.unique(codes[train])) == len(kinds) and len(test) for train, test in found)
    return found if usable else []
