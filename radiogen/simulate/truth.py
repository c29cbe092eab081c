"""What goes into ``truth.json``: everything that the files do not say."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from radiogen.simulate.appearance import FEATURES, MODALITIES
from radiogen.simulate.effects import Effects
from radiogen.simulate.outcome import FOLLOW_UP_MONTHS, LOSS_MONTHS, SCALE_MONTHS, SHAPE
from radiogen.simulate.patients import GENE_SHARES, GENES
from radiogen.simulate.scanner import SCANNERS
from radiogen.simulate.views import Pictured

#: numbers are written with this many significant digits, so that files stay readable
_DIGITS = 10
#: how the latent traits are seen in pictures
_PICTURES = {
    "bmode": "outline from diameter_mm, margin and aspect; grey inside from contrast and texture; shadow behind from shadow",
    "swe": "stiffness inside about 58 kPa * exp(0.38 * stiffness), on scanner Beta exp(0.15) times as much; a stiff rim",
    "doppler": "vascularity index 5.5 % * exp(0.5 * vascularity), on scanner Beta exp(-0.25) times as much; trees 3.2 * "
    "exp(0.4 * vascularity); PSV 14 cm/s * exp(0.2 * vascularity + 0.25 * flow); RI 0.72 + 0.05 * flow",
    "ceus": "lognormal bolus; peak enhancement 2200 a.u. * exp(0.35 * peak), on scanner Beta exp(0.3) times as much; time to "
    "peak 14 s * exp(0.22 * time); rise time 8.5 s * exp(0.24 * time); mean transit time 38 s * exp(0.12 * time)",
}


def truth_document(truth: pd.DataFrame, pictured: Pictured, effects: Effects) -> dict[str, Any]:
    """The document, ready for JSON: effect sizes, models, and one entry per patient.

    Parameters
    ----------
    truth : DataFrame
        Of :func:`radiogen.simulate.build.draw_truth`.
    pictured : dict
        What is true of the pictures, by modality and patient; empty without pictures.
    effects : Effects
        Sizes planted.
    """
    document: dict[str, Any] = {
        "effects": effects.to_dict(),
        "models": {
            "gene_shares": GENE_SHARES,
            "os": {
                "model": "S(t) = exp(-(t / scale)^shape * exp(lp)), t in months",
                "shape": SHAPE,
                "scale_months": SCALE_MONTHS,
                "follow_up_months": list(FOLLOW_UP_MONTHS),
                "mean_time_to_loss_months": LOSS_MONTHS,
            },
            "features": {m: [_feature(asdict(f)) for f in FEATURES[m]] for m in MODALITIES if m not in pictured},
            "pictures": {m: _PICTURES[m] for m in pictured},
            "scanners": {name: asdict(s) for name, s in SCANNERS.items()},
        },
        "patients": {
            str(row["patient_id"]): _patient(row, pictured)
            for row in truth.to_dict("records")
        },
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def _feature(content: dict[str, Any]) -> dict[str, Any]:
    """A feature's model without the bounds that do not bind."""
    return {k: v for k, v in content.items() if not (k == "high" and np.isinf(v))}


def _patient(row: dict[Any, Any], pictured: Pictured) -> dict[str, Any]:
    fixed = ("centre", "scanner", "age", "menopause", "histology", "grade", "size_mm", "node_status")
    markers = ("er_percent", "pr_percent", "her2", "her2_ihc", "ki67_percent", "subtype")
    name = str(row["patient_id"])
    times = ("death_months", "cause", "relapse_months", "censor_months")
    return {
        **{k: row[k] for k in (*fixed, *markers)},
        "tested": row["tested"],
        "mutated": {g: row[f"mut_{g}"] for g in GENES},
        "linear_predictor": {**{g: row[f"lp_{g}"] for g in GENES}, "os": row["lp_os"], "pcr": row["lp_pcr"]},
        "latent": {str(k).removeprefix("latent_"): v for k, v in row.items() if str(k).startswith("latent_")},
        "has": {m: row[f"has_{m}"] for m in MODALITIES},
        "outcome": {k: row[k] for k in times},
        "response": row["pcr"],
        "lesion": pictured.get("bmode", {}).get(name, []),
        **{m: pictured[m].get(name, []) for m in MODALITIES if m in pictured and m != "bmode"},
    }


def _plain(value: Any) -> Any:
    """Numbers and containers that JSON knows; not known is null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.{_DIGITS}g}") if np.isfinite(value) else None
    return value
