"""How much faster ``association_screen`` is than a loop over SciPy's tests, with the same answers.

    python -m benchmarks association_screen                       # 20,000 features × 20 targets at n = 1,000
    python -m benchmarks association_screen --features 2000       # a smaller run
    python -m benchmarks association_screen --missing 0.1         # a tenth of the values missing, other ones in each column
    python -m benchmarks association_screen --binary              # features of two values: mutations, image findings
    python -m benchmarks association_screen --every 1             # the whole loop: most of an hour

The targets are mutations (two classes), a subtype (five) and numbers.  The loop is as fast as SciPy lets it be: columns are
arrays, missing values are left out pair by pair, and nothing is computed but statistic and p-value, where the screen also
gives effects, their intervals and q-values.  By default the loop runs over every thousandth pair and its time is multiplied;
each of these pairs is compared.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
from scipy import stats as scipy_stats

from radiogen.stats import association_screen

#: of every ten targets so many are numbers and so many have five classes; the rest are mutations
_NUMBERS, _CLASSES = 2, 1


def data(
    features: int, targets: int, n: int, missing: float, seed: int, binary: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Correlated features, and targets of three kinds, some of which a few features follow."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, features)) + 0.5 * rng.normal(size=(n, 1))
    columns: dict[str, Any] = {}
    for k in range(targets):
        signal = x[:, k % features] + rng.normal(size=n)
        if k % 10 < _NUMBERS:
            columns[f"number{k}"] = signal
        elif k % 10 < _NUMBERS + _CLASSES:
            columns[f"subtype{k}"] = pd.Series(pd.qcut(signal, 5, labels=list("ABCDE"))).astype(str).to_numpy()
        else:
            columns[f"mutation{k}"] = (signal > 0.5).astype(int)
    if binary:
        x = (x > rng.normal(0.5, 0.5, features)).astype(float)
    if missing:
        x[rng.random(x.shape) < missing] = np.nan
    return pd.DataFrame(x, columns=[f"feature{k}" for k in range(features)]), pd.DataFrame(columns)


def one_pair(x: np.ndarray, y: np.ndarray) -> float:
    """SciPy's p-value of one feature and one target."""
    known = ~np.isnan(x)
    x, y = x[known], y[known]
    values = np.unique(x[:50])
    if values.size == 2 and np.isin(x, values).all():
        return two_values(x == values[1], y)
    if y.dtype.kind == "f":
        return float(scipy_stats.spearmanr(x, y).pvalue)
    levels = np.unique(y)
    if levels.size == 2:
        return float(scipy_stats.mannwhitneyu(x[y == levels[1]], x[y == levels[0]], method="asymptotic").pvalue)
    return float(scipy_stats.kruskal(*(x[y == level] for level in levels)).pvalue)


def two_values(x: np.ndarray, y: np.ndarray) -> float:
    """SciPy's p-value of a feature of two values and one target."""
    if y.dtype.kind == "f":
        return float(scipy_stats.mannwhitneyu(y[x], y[~x], method="asymptotic").pvalue)
    levels, codes = np.unique(y, return_inverse=True)
    table = np.bincount(2 * codes + x, minlength=2 * levels.size).reshape(-1, 2)
    if levels.size == 2:
        return float(scipy_stats.fisher_exact(table).pvalue)
    return float(scipy_stats.chi2_contingency(table, correction=False).pvalue)


def compare(features: pd.DataFrame, targets: pd.DataFrame, every: int) -> dict[str, Any]:
    """Times of both, and the largest difference of a p-value."""
    # compiled once per machine; that is not part of the run
    association_screen(features.iloc[:, :3], targets)
    start = time.perf_counter()
    screen = association_screen(features, targets)
    own = time.perf_counter() - start
    p = screen["p"].to_numpy().reshape(targets.shape[1], features.shape[1])
    x, columns = features.to_numpy(), [targets[name].to_numpy() for name in targets]
    pairs = [(k, f) for k in range(len(columns)) for f in range(x.shape[1])][::every]
    start = time.perf_counter()
    other = [one_pair(x[:, f], columns[k]) for k, f in pairs]
    loop = (time.perf_counter() - start) * p.size / len(pairs)
    mine = np.array([p[pair] for pair in pairs])
    return {
        "pairs": int(p.size), "n": len(features), "missing": round(float(np.isnan(x).mean()), 3), "screen_s": round(own, 2),
        "scipy_loop_s": round(loop, 1), "times_faster": round(loop / own, 1), "pairs_of_the_loop": len(pairs),
        "largest_relative_difference_of_p": float(np.max(np.abs(mine - other) / np.maximum(np.array(other), 1e-300))),
        "scipy": scipy.__version__, "python": platform.python_version(),
    }  # fmt: skip


def main(argv: list[str]) -> int:
    """Run the comparison; 1 where an answer differs by more than 1e-8 of itself."""
    parser = argparse.ArgumentParser(prog="association_screen", description="association_screen against SciPy")
    parser.add_argument("--features", type=int, default=20_000)
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--missing", type=float, default=0.0, help="share of values missing")
    parser.add_argument("--binary", action="store_true", help="features of two values")
    parser.add_argument("--every", type=int, default=1000, help="the loop takes each so many-th pair")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    options = parser.parse_args(argv)
    made = data(options.features, options.targets, options.n, options.missing, options.seed, options.binary)
    found = compare(*made, max(1, options.every))
    for name, value in found.items():
        sys.stdout.write(f"{name}: {value}\n")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    return int(found["largest_relative_difference_of_p"] > 1e-8)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
