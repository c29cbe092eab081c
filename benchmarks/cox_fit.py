"""Cox's model with 10 columns beside lifelines, same data, same coefficients.

    python -m benchmarks cox_fit                      # 50,000 units
    python -m benchmarks cox_fit --units 10000 --rounds 5

Both fit in turn within each round, after one call of each; the figure is the median over rounds of the ratio within a round.
*Different* times are all unequal; *shared* ones are rounded up to about a thousand values, where lifelines sums by time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time as clock
import warnings

import numpy as np
import pandas as pd

from radiogen.models.survival import Cox

_COLUMNS = 10


def cohort(units: int, shared: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two columns matter; a half or so is censored."""
    random = np.random.default_rng(0)
    x = random.normal(size=(units, _COLUMNS))
    own, censor = random.exponential(np.exp(-0.5 * x[:, 0] - 0.2 * x[:, 1])), random.exponential(1.0, units)
    time = np.minimum(own, censor)
    return x, np.ceil(100 * time) if shared else time, (own <= censor).astype(int)


def main(argv: list[str]) -> int:
    """Time both and write the ratio."""
    from lifelines import CoxPHFitter

    parser = argparse.ArgumentParser(prog="python -m benchmarks cox_fit", description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    for name, shared in (("different", False), ("shared", True)):
        x, time, event = cohort(options.units, shared)
        frame = pd.DataFrame(x).add_prefix("x").assign(time=time, event=event)
        seconds: list[tuple[float, float]] = []
        for _ in range(options.rounds + 1):
            begin = clock.perf_counter()
            own = Cox().fit(x, time, event)
            between = clock.perf_counter()
            other = CoxPHFitter().fit(frame, "time", "event")
            seconds.append((between - begin, clock.perf_counter() - between))
        gap = float(np.abs(own.coef_ - other.params_.to_numpy()).max())
        a, b = (statistics.median(s[k] for s in seconds[1:]) for k in (0, 1))
        ratio = statistics.median(s[1] / s[0] for s in seconds[1:])
        sys.stdout.write(f"{name:10} radiogen {a:.3f} s, lifelines {b:.3f} s, ratio {ratio:.1f}; ")
        sys.stdout.write(f"coefficients differ by {gap:.1e}\n")
    return 0
