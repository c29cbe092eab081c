"""Running one function over many images on a Dask cluster."""

from __future__ import annotations

import inspect
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from radiogen.errors import RadiogenError, fail
from radiogen.features import probe
from radiogen.features.job import Job, Outcome

#: images that travel together; few, so that little is lost with a worker and progress is seen
_BATCH = 8
#: batches under way for each thread of the cluster: the next is there when one is done, and a million images need
#: no more memory than a thousand
_AHEAD = 4
#: seconds to wait for the scheduler and for its first worker
_PATIENCE_S = 30
#: files that workers are asked for, one or two of each folder
_ASKED = 64
_CHATTY = ("distributed", "tornado", "asyncio")


def on_cluster(function: Callable[[Job], Outcome], jobs: Sequence[Job], scheduler: Any) -> Iterator[Outcome]:
    """``function`` of every job on the workers of a Dask scheduler, in the order of the jobs.

    Parameters
    ----------
    function : callable
        Of a module that the workers have.
    jobs : sequence of Job
        With absolute paths.
    scheduler : str or distributed.Client
        Address, such as ``"tcp://10.0.0.1:8786"``, or a client that is connected.

    Raises
    ------
    RadiogenError
        RG902 distributed not installed, RG903 scheduler not reached, without workers, or lost; RG904 workers with
        another radiogen or other packages; RG905 workers that do not see the images or the cache.
    """
    with _client(scheduler) as client:
        check_workers(client, jobs)
        batches = (jobs[i : i + _BATCH] for i in range(0, len(jobs), _BATCH))
        room = _AHEAD * max(1, sum(client.nthreads().values()))
        running = deque(_submit(client, function, batch) for batch in islice(batches, room))
        try:
            while running:
                yield from _gathered(client, running.popleft())
                running.extend(_submit(client, function, batch) for batch in islice(batches, 1))
        finally:  # an interrupt or a fault: nothing is left running
            if client.status == "running":
                client.cancel(list(running))


def _submit(client: Any, function: Callable[[Job], Outcome], batch: Sequence[Job]) -> Any:
    return client.submit(_run, function, list(batch), pure=False)


def _run(function: Callable[[Job], Outcome], batch: list[Job]) -> list[Outcome]:
    """The work of one task; linear algebra stays on one thread, so that sums are made in the same order."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # for good: other threads of this worker are in the midst of their images
    threadpool_limits(limits=1)
    return [function(job) for job in batch]


def _gathered(client: Any, future: Any) -> list[Outcome]:
    from concurrent.futures import CancelledError

    try:
        while True:
            try:
                found: list[Outcome] = future.result(timeout=_PATIENCE_S)
                break
            except TimeoutError:
                if future.done():
                    raise
                if client.status == "running" and not client.nthreads():
                    raise fail("RG903", "the scheduler has no worker left", fix=_AGAIN) from None
    except RadiogenError:
        raise
    except (CancelledError, OSError) as error:
        raise fail("RG903", "the connection to the scheduler was lost during the work", fix=_AGAIN) from error
    except Exception as error:
        if type(error).__name__ not in ("KilledWorker", "CommClosedError", "FutureCancelledError"):
            raise
        text = f"workers of the cluster died again and again ({' '.join(str(error).split())[:200]})"
        raise fail("RG903", text, fix=_AGAIN) from error
    return found


_AGAIN = "See the logs of the workers (most often memory); the same command goes on from the cache."


@contextmanager
def _client(scheduler: Any) -> Iterator[Any]:
    """A client of the scheduler; one that was given stays open."""
    try:
        from distributed import Client
    except ImportError as error:
        raise fail("RG902", "a cluster needs the package distributed", fix="pip install 'radiogen[dask]'") from error
    if isinstance(scheduler, Client):
        yield scheduler
        return
    try:
        _knock(str(scheduler))
        client = Client(str(scheduler), timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise fail("RG903", f"the scheduler cannot be reached: {reason}", value=scheduler) from error
    with _quiet(), client:
        yield client


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the traces that distributed logs when a connection ends; what they mean is told by a code."""
    loggers = [logging.getLogger(n) for n in list(logging.root.manager.loggerDict) if n.startswith(_CHATTY)]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _knock(address: str) -> None:
    """OSError or ValueError at once where nothing listens: a client would go on trying in the background."""
    from distributed.comm.addressing import parse_address, parse_host_port

    scheme, place = parse_address(address)
    if scheme in ("tcp", "tls"):
        with socket.create_connection(parse_host_port(place), timeout=_PATIENCE_S):
            return


def check_workers(client: Any, jobs: Sequence[Job]) -> None:
    """Refuse workers that would give other numbers or no numbers: RG903, RG904, RG905.

    Every worker that is there is asked for the versions of radiogen and of the packages that decide a value, and for
    the sizes of some of the files.
    """
    from distributed import TimeoutError as NoWorker

    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except NoWorker as error:
        text = f"the scheduler has no worker after {_PATIENCE_S} s"
        fix = "Start workers: `dask worker tcp://HOST:8786`, where radiogen is installed."
        raise fail("RG903", text, fix=fix) from error
    packages = {name: version for job in jobs for name, version in job.versions.items()}
    with _marked(jobs) as marker:
        files = {**_sample(jobs), **marker}
        here = probe.look(list(packages), {})
        # the source travels, not the function: a worker without radiogen could not import it
        words = {"source": inspect.getsource(probe.look), "names": {}, "words": (list(packages), files)}
        answers = client.run(eval, "(exec(source, names), names['look'](*words))[1]", words)
    for worker, answer in answers.items():
        _check_versions(worker, answer, here)
    for worker, answer in answers.items():
        _check_files(worker, answer, files, set(marker))


def _check_versions(worker: str, answer: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    if answer["radiogen"] is None:
        raise fail("RG904", f"the worker {worker} has no radiogen ({answer['why']})", value=worker)
    if answer["radiogen"] != here["radiogen"]:
        text = f"the worker {worker} has radiogen {answer['radiogen']}, and {here['radiogen']} is used here"
        raise fail("RG904", text, value=worker)
    other = [
        f"{name} {answer['packages'][name] or 'not installed'} (here {version})"
        for name, version in here["packages"].items()
        if answer["packages"][name] != version
    ]
    if other:
        raise fail("RG904", f"the worker {worker} has other packages: {', '.join(other)}", value=worker)
    if answer["code"] != here["code"]:
        text = f"the worker {worker} has radiogen {answer['radiogen']} with other source files than are used here"
        raise fail("RG904", text, value=worker)


def _check_files(worker: str, answer: Mapping[str, Any], asked: Mapping[str, int], marker: set[str]) -> None:
    unseen = answer["unseen"]
    lost = [name for name in unseen if name not in marker]
    if lost:
        text = f"the worker {worker} does not see {len(lost)} of {len(asked) - len(marker)} images and masks asked for"
        raise fail("RG905", text, file=lost[0])
    if unseen:
        text = f"the worker {worker} does not see the folder of the cache"
        fix = "Name a folder that all machines share: --cache FOLDER (`cache=`), or extract with `cache=False`."
        raise fail("RG905", text, file=Path(unseen[0]).parent.parent, fix=fix)


def _sample(jobs: Sequence[Job]) -> dict[str, int]:
    """Paths and sizes of files, the first of each folder, as far as they are there."""
    found: dict[str, int] = {}
    folders: set[str] = set()
    for job in jobs:
        for path in job.paths:
            folder = os.path.dirname(path)  # noqa: PTH120  a million paths
            if folder not in folders and Path(path).is_file():
                folders.add(folder)
                found[path] = Path(path).stat().st_size
        if len(found) >= _ASKED:
            break
    return found


@contextmanager
def _marked(jobs: Sequence[Job]) -> Iterator[dict[str, int]]:
    """A file in the cache by which workers show that theirs is the same; nothing without a cache."""
    cache = jobs[0].cache
    if cache is None:
        yield {}
        return
    path = cache.unfinished()
    try:
        path.write_bytes(b"seen")
        yield {str(path): 4}
    finally:
        path.unlink(missing_ok=True)
