"""Benign against malignant on BUSI: the compact network, radiomics, and both together, out of fold with intervals.

    python -m benchmarks busi_classification ../shared/data/busi

The images are cut to the lesion; folds keep near-duplicate images together; nothing is tuned on the test folds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

COHORT = Path(__file__).parent.parent / "cohorts" / "busi" / "cohort.yaml"
#: what the network is given; the pictures' settings are the same in both
RUNS: dict[str, dict[str, Any]] = {
    "compact": {"pictures": ["bmode"], "features": False},
    "radiomics (network)": {},
    "compact + radiomics": {"pictures": ["bmode"], "features": True},
}


def main(words: Sequence[str] | None = None) -> int:
    """Print one line per model."""
    import radiogen as rg

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--view", default="lesion")
    parser.add_argument("--backbone", default="compact")
    parser.add_argument("--weights", default=None)
    parser.add_argument("--freeze", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args(words)
    cohort = rg.extract(rg.load_cohort(COHORT, data=asked.folder), n_jobs=asked.jobs)
    common: dict[str, Any] = {"repeats": asked.repeats, "n_jobs": asked.jobs}
    shape = {
        "epochs": asked.epochs, "size": asked.size, "view": asked.view, "backbone": asked.backbone, "weights": asked.weights,
        "freeze_epochs": asked.freeze,
    }  # fmt: skip
    rows = []
    for name, seen in RUNS.items():
        start = time.perf_counter()
        result = rg.analysis.classify(cohort, "malignancy", ["bmode"], model="fusion", network={**shape, **seen}, **common)
        rows.append(_row(name, result, time.perf_counter() - start))
        _say(pd.DataFrame(rows[-1:]).to_string(index=False, header=len(rows) == 1))
    start = time.perf_counter()
    result = rg.analysis.classify(cohort, "malignancy", ["bmode"], models=["elastic_net", "forest"], **common)
    for model in ("elastic_net", "forest"):
        rows.append(_row(f"radiomics ({model})", result, time.perf_counter() - start, model))
        _say(pd.DataFrame(rows[-1:]).to_string(index=False, header=False))
    return 0


def _row(name: str, result: Any, seconds: float, model: str = "fusion") -> dict[str, Any]:
    table = result.tables["performance"].query("set == 'development' and model == @model").set_index("metric")
    area, share = table.loc["AUC"], table.loc["accuracy"]
    return {
        "model": name, "n": int(area["n"]), "AUC": round(area["estimate"], 3), "lower": round(area["lower"], 3),
        "upper": round(area["upper"], 3), "accuracy": round(share["estimate"], 3), "seconds": round(seconds),
    }  # fmt: skip


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
