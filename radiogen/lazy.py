"""Public names of a package that are loaded on first use, so that importing radiogen stays quick."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : mapping of str to str
        Public name to the module of the package that holds it.  A module is never called like a name that it holds:
        importing it would hide the name.

    Returns
    -------
    (callable, callable)

    Examples
    --------
    >>> from radiogen.lazy import lazy_names
    >>> __getattr__, __dir__ = lazy_names("radiogen.stats", {"roc_auc": "roc"})
    >>> __dir__()
    ['roc_auc']
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: sorted(homes)
