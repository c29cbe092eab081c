"""Running one function over many images, here or in other processes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from radiogen.errors import fail

Item = TypeVar("Item")
Value = TypeVar("Value")


def silent(done: int, total: int, label: str) -> None:
    """A progress that shows nothing."""


def workers(n_jobs: int) -> int:
    """Number of processes: ``n_jobs``, or all processors for -1.

    Raises
    ------
    RadiogenError
        RG708 for 0 and for numbers below -1.
    """
    if n_jobs == -1:
        return os.cpu_count() or 1
    if n_jobs < 1:
        raise fail("RG708", "n_jobs must be 1 or more, or -1 for all processors", value=n_jobs)
    return n_jobs


def in_order(function: Callable[[Item], Value], items: Sequence[Item], n_jobs: int) -> Iterator[Value]:
    """``function`` of every item, in the order of the items, whatever the number of processes.

    Linear algebra runs on one thread everywhere, so that sums are made in the same order.
    """
    if n_jobs == 1 or len(items) < 2:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        with threadpool_limits(limits=1):
            for item in items:
                yield function(item)
        return
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        # batches of several images leave a worker idle at the end; handing one over takes a millisecond
        run = Parallel(n_jobs=min(n_jobs, len(items)), return_as="generator", batch_size=1)
        yield from run(delayed(_in_worker)(function, item) for item in items)


def _in_worker(function: Callable[[Item], Value], item: Item) -> Value:
    """``function`` in another process, which leaves Ctrl-C to the first one: that one stops the others."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return function(item)
