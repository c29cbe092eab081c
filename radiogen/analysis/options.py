"""Options that analyses share, checked in one place."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from radiogen.errors import fail
from radiogen.models.graph_models import GRAPHS


def model_names(models: Sequence[str], known: Collection[str], what: str) -> tuple[str, ...]:
    """The models asked for, each once.

    Raises
    ------
    RadiogenError
        RG702 for a name that is not known; ``what`` says of which kind it should be.
    """
    names = (models,) if isinstance(models, str) else tuple(dict.fromkeys(models))
    for name in names:
        if name not in known:
            raise fail("RG702", f"there is no {what} '{name}'; there are {sorted(known)}", value=name)
    if "graph" in names:  # a graph without its controls says nothing about its edges
        names = tuple(dict.fromkeys([n for name in names for n in (tuple(GRAPHS) if name == "graph" else (name,))]))
    return names


def check_counts(folds: int, repeats: int, inner_folds: int) -> None:
    """RG708 for numbers of folds and repeats that make no sense."""
    for name, value, least in (("folds", folds, 2), ("repeats", repeats, 1), ("inner_folds", inner_folds, 2)):
        if not isinstance(value, int | np.integer) or value < least:
            raise fail("RG708", f"`{name}` must be a whole number of at least {least}.", value=value)
