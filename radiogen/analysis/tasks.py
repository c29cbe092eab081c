"""Running independent tasks, in one process or several, with the same numbers either way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from radiogen.progress import Progress

In = TypeVar("In")
Out = TypeVar("Out")

def run_tasks(
    work: Callable[[In], Out], tasks: Sequence[In], *, n_jobs: int = 1, progress: Progress | None = None, label: str = ""
) -> list[Out]:
    """Results of ``work`` for all tasks, in their order.

    Parameters
    ----------
    work : callable
        A picklable function of one task.
    tasks : sequence
    n_jobs : int, default 1
        Processes; each uses one BLAS thread, so that sums are rounded in one way whatever ``n_jobs``.
    progress : callable, optional
        ``progress(done, total, label)`` after each task.
    label : str
        Name of the whole, for the progress.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    results: list[Out] = []
    if n_jobs == 1 or len(tasks) < 2:
        with threadpool_limits(limits=1):
            for done, task in enumerate(tasks, start=1):
                results.append(work(task))
                if progress is not None:
                    progress(done, len(tasks), label)
        return results
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        stream = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(work)(task) for task in tasks)
        for done, result in enumerate(stream, start=1):
            results.append(result)
            if progress is not None:
                progress(done, len(tasks), label)
    return results
