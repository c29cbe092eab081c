"""An interrupt that Python loses is raised again by the next word of progress."""

from __future__ import annotations

import contextlib
import signal

import pytest

from radiogen.progress import terminal_progress


def test_a_lost_interrupt_is_raised_again() -> None:
    before = signal.getsignal(signal.SIGINT)
    with terminal_progress() as progress:
        progress(0, 3, "work")
        with contextlib.suppress(KeyboardInterrupt):  # as a finaliser does
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            progress(1, 3, "work")
    assert signal.getsignal(signal.SIGINT) is before


def test_without_an_interrupt_nothing_is_raised(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal_progress() as progress:
        progress(3, 3, "work")
    assert "work: 3 of 3" in capsys.readouterr().err
