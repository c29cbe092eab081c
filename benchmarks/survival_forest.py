"""Memory and concordance of the survival forest on coarsened times beside scikit-survival's.

    python -m benchmarks survival_forest                         # 5,000 units, 100 trees
    python -m benchmarks survival_forest --units 2000 --trees 20

Each fit runs in a process of its own, whose largest resident memory less that of a process that only makes the data is what is
compared; concordance (Harrell's) is on as many new units.  Both forests have scikit-survival's defaults otherwise.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time as clock

import numpy as np

_COLUMNS = 10
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def cohort(units: int, seed: int) -> Arrays:
    """Units with different times, a third of them censored."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(units, _COLUMNS))
    own, censor = random.exponential(np.exp(-x[:, 0] - np.sin(2 * x[:, 1]))), random.exponential(2.0, units)
    return x, np.minimum(own, censor), (own <= censor).astype(int)


def one(way: str, units: int, trees: int) -> dict[str, float]:
    """Fit in this process; peak memory in MiB, concordance and seconds."""
    from sksurv.ensemble import RandomSurvivalForest
    from sksurv.metrics import concordance_index_censored
    from sksurv.util import Surv

    from radiogen.models.survival import SurvivalForest

    (x, time, event), new = cohort(units, 0), cohort(units, 1)
    begin, risk = clock.perf_counter(), np.zeros(units)
    if way == "radiogen":
        risk = SurvivalForest(n_trees=trees, min_leaf=3).fit(x, time, event).predict_risk(new[0])
    elif way == "scikit-survival":
        model = RandomSurvivalForest(trees, random_state=0).fit(x, Surv.from_arrays(event == 1, time))
        risk = np.concatenate([model.predict(part) for part in np.array_split(new[0], max(1, units // 100))])
    seconds = clock.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = concordance_index_censored(new[2] == 1, new[1], risk)[0] if way != "nothing" else float("nan")
    return {"peak": peak, "concordance": float(found), "seconds": seconds}


def main(argv: list[str]) -> int:
    """Measure each way in a child process and write the comparison."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks survival_forest", description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=5000)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--one", choices=["nothing", "radiogen", "scikit-survival"], help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.one:
        sys.stdout.write(json.dumps(one(options.one, options.units, options.trees)) + "\n")
        return 0
    found = {}
    for way in ("nothing", "radiogen", "scikit-survival"):
        command = [sys.executable, "-m", "benchmarks", "survival_forest", "--one", way]
        command += ["--units", str(options.units), "--trees", str(options.trees)]
        found[way] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    base = found["nothing"]["peak"]
    for way in ("radiogen", "scikit-survival"):
        own = found[way]
        sys.stdout.write(f"{way:16} {own['peak'] - base:9.1f} MiB  C {own['concordance']:.4f}  {own['seconds']:6.1f} s\n")
    share = (found["radiogen"]["peak"] - base) / (found["scikit-survival"]["peak"] - base)
    gap = found["radiogen"]["concordance"] - found["scikit-survival"]["concordance"]
    sys.stdout.write(f"{options.units} units, {options.trees} trees: memory {share:.3f} of it, C differs by {gap:+.4f}\n")
    return 0
