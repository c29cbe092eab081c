"""Progress of long work: a bar on a terminal, a line each ten per cent elsewhere."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TextIO

#: called with the number done, the number in all and what it is
Progress = Callable[[int, int, str], None]


class LineProgress:
    """Writes a line when another tenth is done, with the time left.

    Parameters
    ----------
    stream : TextIO, optional
        Default standard error, so that standard output stays clean.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._label = ""
        self._tenth = -1
        self._start = 0.0
        self._first = 0

    def __call__(self, done: int, total: int, label: str) -> None:
        if label != self._label:
            self._label, self._tenth, self._start, self._first = label, -1, time.monotonic(), done
        tenth = 10 if total <= 0 else 10 * done // total
        if tenth == self._tenth:
            return
        self._tenth = tenth
        left = ""
        # the clock starts at the first call: what was done by then has no known time
        if self._first < done < total:
            seconds = (time.monotonic() - self._start) / (done - self._first) * (total - done)
            left = f", about {seconds:.0f} s left"
        percent = 100 if total <= 0 else 100 * done // total
        self._stream.write(f"{label}: {done} of {total} ({percent} %{left})\n")
        self._stream.flush()


class BarProgress:
    """A rich progress bar, one task per label; use as a context manager."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, object] = {}

    def __enter__(self) -> BarProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, total: int, label: str) -> None:
        from rich.markup import escape

        if label not in self._tasks:
            self._tasks[label] = self._bar.add_task(escape(label), total=total)
        self._bar.update(self._tasks[label], completed=done, total=total)  # type: ignore[arg-type]


class terminal_progress:  # noqa: N801  used like a function, in a with statement
    """The progress that fits the terminal: ``with terminal_progress() as progress: …``.

    An interrupt that Python loses is not lost to the work: raised while a finaliser runs, ``KeyboardInterrupt`` is only
    printed, and the next call of ``progress`` raises it again.
    """

    def __enter__(self) -> Progress:
        self._interrupted = False
        # handlers can be set in the main thread alone
        here = threading.current_thread() is threading.main_thread()
        self._before = signal.signal(signal.SIGINT, self._noted) if here else None
        self._bar = BarProgress() if sys.stderr.isatty() else None
        self._shown: Progress = self._bar.__enter__() if self._bar is not None else LineProgress()
        return self._told

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.__exit__()
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _noted(self, number: int, frame: FrameType | None) -> None:
        self._interrupted = True
        signal.default_int_handler(number, frame)

    def _told(self, done: int, total: int, label: str) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        self._shown(done, total, label)
