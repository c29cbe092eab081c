"""Small cohorts with known truth, made in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radiogen.cohort import Cohort, CohortConfig, Endpoint, Ledger


def make_cohort(
    n: int = 120, features: int = 12, *, seed: int = 0, effect: float = 1.5, missing: float = 0.0, external: int = 0,
    groups: list[str] | None = None, patients: list[str] | None = None, competing: bool = False, **config: Any,
) -> Cohort:  # fmt: skip
    """A cohort whose latent ``z`` drives TP53, subtype, ``bmode_f0``, ``c0`` and survival.

    With ``effect=0`` nothing is related to anything.
    """
    r = np.random.default_rng(seed)
    index = pd.Index([f"u{i:04d}" for i in range(n)], name="unit")
    z = r.normal(size=n)
    bmode = pd.DataFrame(r.normal(size=(n, features)), index=index, columns=[f"bmode_f{i}" for i in range(features)])
    bmode["bmode_f0"] += effect * z
    clinical = pd.DataFrame({f"c{i}": r.normal(size=n) for i in range(3)}, index=index)
    clinical["c0"] += 0.5 * effect * z
    clinical["grade"] = pd.Categorical(r.choice(["G1", "G2", "G3"], n), categories=["G1", "G2", "G3"])
    if missing:
        bmode.loc[r.random(n) < missing] = np.nan
        clinical["c1"] = clinical["c1"].mask(r.random(n) < missing)
    drive = z if effect else r.normal(size=n)
    mutated = drive + 0.7 * r.normal(size=n) > 0.3
    time, censored = r.exponential(np.exp(-0.7 * drive) * 30) + 0.5, r.uniform(10, 80, n)
    event = (time < censored).astype(float)
    clinical["os_months"], clinical["os_status"] = np.minimum(time, censored), event
    endpoint: dict[str, Any] = {"kind": "survival", "unit": "months", "time": "os_months", "event": "os_status"}
    data = pd.DataFrame({"time": clinical["os_months"], "event": event})
    if competing:
        status = np.where(event == 1, 1.0 + (r.random(n) < 0.3), 0.0)
        data = pd.DataFrame({"time": clinical["os_months"], "status": status})
        endpoint |= {"kind": "competing", "codes": {0: "censored", 1: "relapse", 2: "death"}}
    units = pd.DataFrame(
        {"patient": patients or list(index), "group": groups or patients or list(index), "external": np.arange(n) >= n - external},
        index=index,
    )
    settings = {
        "radiogen": 1, "cohort": {"name": "made"}, "tables": {"clinical": {"path": "c.csv", "id": "id"}}, "seed": 5,
        "modalities": {"bmode": {"features": "b.csv"}}, "subtype": {"column": "sub"}, "endpoints": {"os": endpoint}, **config,
    }  # fmt: skip
    return Cohort(
        config=CohortConfig.model_validate(settings),
        units=units,
        clinical=clinical,
        predictors=("c0", "c1", "c2", "grade"),
        markers=pd.DataFrame({"er": np.where(drive > 0, "positive", "negative")}, index=index),
        mutations=pd.DataFrame({"TP53": np.where(mutated, "mutated", "wild type")}, index=index),
        subtype=pd.Series(np.array(["A", "B", "C"])[np.digitize(drive, [-0.4, 0.6])], index=index, dtype=object),
        endpoints={
            "os": Endpoint("os", endpoint["kind"], data, ("relapse", "death") if competing else (), "months", ("os_months", "os_status"))
        },
        images=pd.DataFrame(columns=["unit", "modality"]),
        modalities={"bmode": bmode},
        ledger=Ledger(n),
    )
