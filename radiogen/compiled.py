"""Compilation of loops: on their first call, kept on disk for the processes that follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel compiled on its first call and kept on disk.

    numba keeps compiled kernels beside the source or, where that is read-only, in the user's cache folder, and
    replaces files in one step, so that several processes may compile at once.  Where neither place can be
    written to it refuses, and the kernel is then compiled in every process.

    numba notices a changed kernel by the date of its file alone: a kernel must call no kernel of another file.
    Neither reassociation (``fastmath``) nor threads are allowed, because both change the last bits.  Division by zero
    gives infinity or NaN, as in numpy.
    """
    try:
        kernel: Callable[..., Any] = njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # no folder for the cache
        kernel = njit(error_model="numpy")(function)
    return kernel
