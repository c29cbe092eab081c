"""What a bundle says of the cohort that its models were developed on: enough to see drift, nothing of single patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from radiogen.models.preprocess import is_numeric

if TYPE_CHECKING:
    from radiogen.analysis.design import Design
    from radiogen.cohort.cohort import Cohort

#: limits of the usual range of a predictor
RANGE = (0.01, 0.99)
#: the measures that another centre is compared with
_COMPARED = ("performance", "calibration")


def development_summary(
    cohort: Cohort, design: Design, kind: str, target: str, tables: Mapping[str, pd.DataFrame], more: Mapping[str, Any],
    versions: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    """Cohort, target, ranges of predictors, and out-of-fold performance.

    Parameters
    ----------
    cohort : Cohort
    design : Design
    kind : {"classify", "survive"}
    target : str
        Target or endpoint.
    tables : mapping of str to DataFrame
        Of the result.
    more : mapping
        Class counts, or events and unit of time.
    versions : mapping of str to str
    """
    frame = design.frame.iloc[design.development]
    return {
        "kind": kind, "target": target, **more, "cohort": cohort.name, "simulated": cohort.simulated, "unit": cohort.unit,
        "units": units_of_modalities(cohort, design.blocks),
        "n": len(frame), "predictors": {c: _range(frame[c]) for c in frame.columns},
        "blocks": {name: list(design.sets[name]) for name in design.blocks},
        "development": {name: _rows(tables[name]) for name in _COMPARED if name in tables}, "versions": dict(versions),
    }  # fmt: skip


def units_of_modalities(cohort: Cohort, blocks: Iterable[str]) -> dict[str, str]:
    """The declared unit of each modality (kPa or m/s of elastograms), after conversion; those without one are left out."""
    found = {}
    for name in blocks:
        section = cohort.config.modalities.get(name)
        if section is not None and section.unit is not None:
            found[name] = "kPa" if section.to_kpa else section.unit
    return found


def _range(column: pd.Series) -> dict[str, Any]:
    missing = float(column.isna().mean())
    if is_numeric(column.dtype):
        low, high = np.nanquantile(column.to_numpy(dtype=float, na_value=np.nan), RANGE) if missing < 1 else (None, None)
        return {"low": low, "high": high, "missing": missing}
    return {"levels": sorted(map(str, column.dropna().unique())), "missing": missing}


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    own = table[table["set"] == "development"]
    return [{k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()}
            for row in own.to_dict("records")]  # fmt: skip
