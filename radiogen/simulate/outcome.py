"""What becomes of the patients: treatment, response, relapse and death."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radiogen.simulate.draws import Floats, expit, normal, uniforms
from radiogen.simulate.effects import Effects

#: Weibull of the time to death: S(t) = exp(-(t / scale)^shape · exp(lp)), months
SHAPE, SCALE_MONTHS = 1.2, 135.0
#: administrative end of follow-up, uniform between these months, and mean time to loss
FOLLOW_UP_MONTHS, LOSS_MONTHS = (30.0, 120.0), 400.0


def draw_treatment(patients: pd.DataFrame, seed: int, effects: Effects) -> pd.DataFrame:
    """Treatment and, of those treated before surgery, pathological complete response."""
    u = uniforms(seed, "treatment", len(patients), 5)
    m = effects.markers_on_treatment
    risky = patients["subtype"].isin(["HER2-positive non-luminal", "Triple negative"]) | patients["her2"]
    her2_or_tn = risky.to_numpy(float) - 0.30
    nodes = (patients["node_status"] == "positive").to_numpy(float) - 0.40
    er = patients["er"].to_numpy(float) - 0.77
    neoadjuvant = u[:, 0] < expit(-0.9 + m * (1.3 * her2_or_tn + 0.5 * patients["size_z"].to_numpy(float)))
    chemo = u[:, 1] < expit(0.0 + m * (1.0 * her2_or_tn + 1.2 * nodes))
    endocrine = u[:, 2] < expit(1.2 + m * 5.0 * er)
    response = expit(-0.9 + effects.subtype_on_pcr * her2_or_tn)
    return pd.DataFrame(
        {
            "surgery": np.where(u[:, 3] < 0.6, "breast-conserving", "mastectomy"),
            "neoadjuvant": np.where(neoadjuvant, "yes", "no"),
            "adjuvant_chemo": np.where(chemo, "yes", "no"),
            "endocrine_therapy": np.where(endocrine, "yes", "no"),
            "lp_pcr": np.log(response / (1 - response)),
            "pcr": u[:, 4] < response,
        },
        index=patients.index,
    )


def draw_outcome(patients: pd.DataFrame, latents: pd.DataFrame, seed: int, effects: Effects) -> pd.DataFrame:
    """Latent and observed times.

    Death follows a Weibull model with proportional hazards. A death is of the
    cancer or of something else; one of the cancer is preceded by a relapse
    at a fraction of the time to death, so that both endpoints agree: nobody
    relapses after death, and whoever dies without relapse dies at one time in both.

    Returns
    -------
    DataFrame, n rows
        ``lp_os``, ``death_months``, ``cause`` ("cancer", "other"), ``relapse_months`` (NaN for
        "other"), ``censor_months``, and as observed ``os_months``, ``os_status``,
        ``rfs_months``, ``rfs_status`` (0 censored, 1 relapse, 2 death without relapse).
    """
    n = len(patients)
    u = uniforms(seed, "outcome", n, 5)
    lp = _log_hazard(patients, latents, effects)
    death = SCALE_MONTHS * (-np.log(u[:, 0]) * np.exp(-lp)) ** (1 / SHAPE)
    other = u[:, 1] < expit(-1.5 + effects.age_on_other_death * (patients["age"].to_numpy(float) - 57) / 10)
    fraction = np.clip(0.65 + 0.18 * normal(u[:, 2]), 0.2, 0.98)
    relapse = np.where(other, np.inf, fraction * death)
    low, high = FOLLOW_UP_MONTHS
    censor = np.minimum(low + (high - low) * u[:, 3], -LOSS_MONTHS * np.log(u[:, 4]))
    frame = pd.DataFrame({"lp_os": lp, "death_months": death, "cause": np.where(other, "other", "cancer")})
    frame["relapse_months"] = np.where(other, np.nan, relapse)
    frame["censor_months"] = censor
    frame["os_months"] = _recorded(np.minimum(death, censor))
    frame["os_status"] = (death <= censor).astype(int)
    first = np.minimum(relapse, death)
    frame["rfs_months"] = _recorded(np.minimum(first, censor))
    frame["rfs_status"] = np.where(first > censor, 0, np.where(relapse < death, 1, 2))
    frame.index = patients.index
    return frame


def _log_hazard(patients: pd.DataFrame, latents: pd.DataFrame, effects: Effects) -> Floats:
    nodes = (patients["node_status"] == "positive").to_numpy(float)
    lp: Floats = (
        effects.age_on_death * (patients["age"].to_numpy(float) - 57) / 10
        + effects.nodes_on_death * (nodes - 0.40)
        + effects.size_on_death * (patients["size_mm"].to_numpy(float) - 23) / 10
        + effects.stiffness_on_death * latents["stiffness"].to_numpy(float)
    )
    return lp


def _recorded(months: Floats) -> Floats:
    """Months as a registry holds them: one decimal, never zero."""
    return np.maximum(np.round(months, 1), 0.1)
