"""How much faster the survival statistics are than the usual libraries, on the same data and with the same answers.

    python -m benchmarks statistics                    # all lines
    python -m benchmarks statistics --only screen
    python -m benchmarks statistics --rounds 7 --json statistics.json

radiogen and the other library take turns within each round; the figure is the median over rounds of the ratio within a
round, after one call of each that compiles and warms up.  Where the other takes minutes a part of its work is timed and
counted up: 20 of 20,000 features, 20 of 2,000 resamples.  Before any time is taken the answers are compared.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics as numbers
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from radiogen import stats

#: share of all resamples, and of all features, that the loop over the other library does
_RESAMPLES, _LOOPED = 2000, 20
_FEATURES, _COLUMNS = 20_000, 20


@dataclass(frozen=True)
class Line:
    """One comparison: what is compared, seconds of both (medians) and the median ratio within a round."""

    name: str
    other: str
    radiogen_s: float
    other_s: float
    ratio: float
    wanted: float

    @property
    def shown(self) -> str:
        """One line for a terminal."""
        return (
            f"{self.name:<58} {self.radiogen_s:9.3f} s  {self.other:<16} {self.other_s:10.3f} s  "
            f"{self.ratio:8.1f} times (wanted {self.wanted:g})"
        )


@dataclass(frozen=True)
class Case:
    """Two ways to the same answer; ``times`` counts up what the other does of its work."""

    name: str
    other: str
    wanted: float
    ours: Callable[[], object]
    theirs: Callable[[], object]
    times: float


def outcomes(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, events (about two thirds) and a marker with a true effect."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    t, c = rng.exponential(np.exp(-0.5 * x)), rng.exponential(2.0, n)
    return np.minimum(t, c), t <= c, x + rng.normal(size=n)


def same(ours: object, theirs: object, relative: float, absolute: float = 0.0) -> None:
    """Stop where the answers differ."""
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=relative, atol=absolute)


def concordance_case() -> Case:
    """Harrell's C of 50,000 units."""
    from sksurv.metrics import concordance_index_censored

    t, e, risk = outcomes(50_000)
    # tied risks of scikit-survival are those closer than 1e-8
    same(stats.concordance(t, e, risk).estimate, concordance_index_censored(e, t, risk)[0], 1e-6)
    return Case(
        "Harrell's C with standard error, n = 50,000", "scikit-survival", 10,
        lambda: stats.concordance(t, e, risk), lambda: concordance_index_censored(e, t, risk), 1.0,
    )  # fmt: skip


def bootstrap_case() -> Case:
    """2,000 bootstraps of C at n = 700."""
    from sksurv.metrics import concordance_index_censored

    t, e, risk = outcomes(700)
    rows = np.random.default_rng(0).integers(0, 700, (_LOOPED, 700))

    def loop() -> list[float]:
        return [concordance_index_censored(e[r], t[r], risk[r])[0] for r in rows]

    ours = stats.concordance_bootstrap(t, e, risk, n_boot=_RESAMPLES, seed=0)["draws"]["risk"]
    same(ours[:_LOOPED], loop(), 1e-9)
    return Case(
        "2,000 bootstraps of Harrell's C, n = 700", "scikit-survival", 40,
        lambda: stats.concordance_bootstrap(t, e, risk, n_boot=_RESAMPLES, seed=0), loop, _RESAMPLES / _LOOPED,
    )  # fmt: skip


def screen_case() -> Case:
    """20,000 features at n = 1,000."""
    from lifelines import CoxPHFitter

    t, e, risk = outcomes(1000)
    features = pd.DataFrame(np.random.default_rng(3).normal(size=(1000, _FEATURES)))
    features[0] = risk

    def loop() -> list[float]:
        fits = (CoxPHFitter().fit(pd.DataFrame({"t": t, "e": e, "x": features[k]}), "t", "e") for k in range(_COLUMNS))
        return [float(fit.params_["x"]) for fit in fits]

    # lifelines stops a little before the maximum where a coefficient is near 0
    same(stats.cox_screen(features.iloc[:, :_COLUMNS], t, e)["log_hr"], loop(), 1e-5, 5e-5)
    return Case(
        "cox_screen of 20,000 features, n = 1,000", "lifelines", 200,
        lambda: stats.cox_screen(features, t, e), loop, _FEATURES / _COLUMNS,
    )  # fmt: skip


CASES: dict[str, Callable[[], Case]] = {"concordance": concordance_case, "bootstrap": bootstrap_case, "screen": screen_case}


def seconds(run: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(case: Case, rounds: int) -> Line:
    """The median over rounds of the ratio within each; who goes first changes from round to round."""
    case.ours()
    pairs = []
    for number in range(rounds):
        first, second = (case.ours, case.theirs) if number % 2 == 0 else (case.theirs, case.ours)
        one, two = seconds(first), seconds(second)
        mine, other = (one, two) if number % 2 == 0 else (two, one)
        pairs.append((mine, other * case.times))
    ratio = numbers.median(b / a for a, b in pairs)
    ours, theirs = (numbers.median(column) for column in zip(*pairs, strict=True))
    return Line(case.name, case.other, ours, theirs, ratio, case.wanted)


def main(argv: list[str]) -> int:
    """Print one line for each comparison; 1 where a ratio is below what is wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks statistics", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds in turns (default 5)")
    parser.add_argument("--only", choices=sorted(CASES), action="append", help="this comparison only; may be repeated")
    parser.add_argument("--json", type=Path, help="also write the numbers into this file")
    options = parser.parse_args(argv)
    libraries = ", ".join(f"{name} {version(name)}" for name in ("scikit-survival", "lifelines", "numpy"))
    sys.stdout.write(f"Python {platform.python_version()}, {libraries}, one thread, {options.rounds} rounds\n")
    lines = []
    for name in options.only or CASES:
        lines.append(measure(CASES[name](), options.rounds))
        sys.stdout.write(lines[-1].shown + "\n")
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps([asdict(line) for line in lines], indent=1), encoding="utf-8")
    return int(any(line.ratio < line.wanted for line in lines))
