"""Write net_benefit.json: net benefits of the package dcurves, given risks, on the data of binary.json.

usage: python net_benefit.py   (with dcurves 1.1.7 and lifelines)
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from dcurves import dca

HERE = Path(__file__).parent
GIVEN = json.loads((HERE / "binary.json").read_text())
CUTS = [round(0.05 * k, 2) for k in range(1, 16)]


def table(frame: pd.DataFrame, **how: object) -> dict[str, list[float | None]]:
    """Net benefit and avoided interventions by model."""
    found = dca(data=frame, thresholds=CUTS, **how)
    out: dict[str, list[float | None]] = {}
    for name, part in found.groupby("model"):
        for column in ("net_benefit", "net_intervention_avoided"):
            out[f"{name} {column}"] = [None if np.isnan(v) else float(v) for v in part.sort_values("threshold")[column]]
    return out


if __name__ == "__main__":
    data = pd.DataFrame(GIVEN["data"]).assign(old=GIVEN["risks"]["old"], new=GIVEN["risks"]["new"])
    timed = pd.DataFrame(GIVEN["data"]).assign(risk=GIVEN["survival"]["risk"])
    answer = {
        "thresholds": CUTS,
        "binary": table(data, outcome="y", modelnames=["old", "new"]),
        "survival": table(timed, outcome="event", modelnames=["risk"], time=3, time_to_outcome_col="time"),
    }
    (HERE / "net_benefit.json").write_text(json.dumps(answer))
