"""How the lesions look: latent traits, and the feature tables that show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from radiogen.simulate.draws import Floats, normals, uniforms
from radiogen.simulate.effects import Effects
from radiogen.simulate.patients import GENE_SHARES, LOG_SIZE_MEAN, LOG_SIZE_SD

MODALITIES = ("bmode", "swe", "doppler", "ceus")
#: share of patients who have the modality, by centre
PRESENT = {
    "bmode": {"A": 0.98, "B": 0.97}, "swe": {"A": 0.87, "B": 0.80}, "doppler": {"A": 0.92, "B": 0.86},
    "ceus": {"A": 0.70, "B": 0.50},
}  # fmt: skip
HER2_SHARE, LUMINAL_MEAN = 0.165, 0.30
#: B-mode lesions larger than the field of view are cut to this, those too small to be seen enlarged
DIAMETER_MM = (6.0, 42.0)


@dataclass(frozen=True)
class Feature:
    """One feature: exp (or identity) of centre + latent traits + noise + scanner.

    ``centre`` is the median where ``log`` is true and the mean where not; ``latents`` are
    the loadings on latent traits, ``noise`` the SD of the measurement and ``beta`` the
    shift on scanner Beta, all on the log scale where ``log`` is true.
    """

    name: str
    centre: float
    latents: Mapping[str, float] = field(default_factory=dict)
    noise: float = 0.1
    beta: float = 0.0
    log: bool = True
    digits: int = 1
    low: float = 0.0
    high: float = float("inf")


FEATURES: dict[str, tuple[Feature, ...]] = {
    "bmode": (
        Feature("bmode_area_mm2", 150, {"log_diameter": 2.0}, 0.12),
        Feature("bmode_margin_irregularity", 0.20, {"margin": 0.30}, 0.20, digits=3),
        Feature("bmode_heterogeneity_db", 3.4, {"texture": 0.25}, 0.15, beta=-0.20, digits=2),
        Feature("bmode_posterior_db", -2.0, {"shadow": -3.0}, 1.5, beta=1.0, log=False, low=-30),
        Feature("bmode_contrast_db", -16.0, {"contrast": 2.5}, 1.0, beta=2.0, log=False, low=-40),
        Feature("bmode_aspect_ratio", 0.72, {"aspect": 0.14}, 0.05, digits=3),
    ),
    "swe": (
        Feature("swe_mean_kpa", 58, {"stiffness": 0.38}, 0.12, beta=0.15),
        Feature("swe_max_kpa", 108, {"stiffness": 0.38}, 0.15, beta=0.10, high=300),
        Feature("swe_min_kpa", 14, {"stiffness": 0.25}, 0.30, beta=0.10),
        Feature("swe_sd_kpa", 17, {"stiffness": 0.42}, 0.22, beta=-0.12),
        Feature("swe_ratio", 4.6, {"stiffness": 0.30}, 0.25, digits=2),
    ),
    "doppler": (
        Feature("doppler_vascularity_index_pct", 5.5, {"vascularity": 0.50}, 0.25, beta=-0.25, digits=2, high=80),
        Feature("doppler_vessel_count", 3.2, {"vascularity": 0.40}, 0.30, beta=-0.15, digits=0),
        Feature("doppler_psv_cm_s", 14, {"vascularity": 0.20, "flow": 0.25}, 0.10),
        Feature("doppler_ri", 0.72, {"flow": 0.05}, 0.05, log=False, digits=2, low=0.35, high=0.98),
    ),
    "ceus": (
        Feature("ceus_peak_enhancement_au", 22, {"peak": 0.35}, 0.12, beta=0.30),
        Feature("ceus_time_to_peak_s", 14, {"time": 0.22}, 0.10, beta=-0.06),
        Feature("ceus_rise_time_s", 8.5, {"time": 0.24}, 0.12, beta=-0.06),
        Feature("ceus_mean_transit_time_s", 38, {"time": 0.12}, 0.20),
    ),
}


def draw_latents(patients: pd.DataFrame, seed: int, effects: Effects) -> pd.DataFrame:
    """Latent traits of each lesion: causes plus standard normal noise.

    Returns
    -------
    DataFrame, n rows
        ``stiffness``, ``vascularity``, ``flow``, ``peak``, ``time``, ``margin``, ``texture``,
        ``shadow``, ``contrast``, ``aspect``, ``diameter_mm`` and ``log_diameter`` (centred).
    """
    n = len(patients)
    b, s, d, c = (normals(seed, task, n, k) for task, k in (("bmode", 6), ("swe", 1), ("doppler", 2), ("ceus", 2)))
    tp53 = patients["mut_TP53"].to_numpy(float) - GENE_SHARES["TP53"]
    pik3ca = patients["mut_PIK3CA"].to_numpy(float) - GENE_SHARES["PIK3CA"]
    her2 = patients["her2"].to_numpy(float) - HER2_SHARE
    luminal = patients["luminal_score"].to_numpy(float) - LUMINAL_MEAN
    size = patients["size_z"].to_numpy(float)
    r = effects.size_on_image
    seen = LOG_SIZE_MEAN + LOG_SIZE_SD * (r * size + np.sqrt(1 - r**2) * b[:, 0])
    diameter = np.clip(np.exp(seen), *DIAMETER_MM)
    columns: dict[str, Floats] = {
        "stiffness": effects.tp53_on_stiffness * tp53 + effects.size_on_stiffness * size + s[:, 0],
        "vascularity": effects.her2_on_vascularity * her2 + effects.size_on_vascularity * size + d[:, 0],
        "flow": d[:, 1],
        "peak": effects.pik3ca_on_ceus_peak * pik3ca + c[:, 0],
        "time": effects.pik3ca_on_ceus_time * pik3ca + c[:, 1],
        "margin": effects.tp53_on_margin * tp53 + effects.subtype_on_margin * luminal + b[:, 1],
        "texture": effects.tp53_on_texture * tp53 + b[:, 2],
        "shadow": effects.subtype_on_shadow * luminal + b[:, 3],
        "contrast": b[:, 4],
        "aspect": b[:, 5],
        "diameter_mm": diameter,
        "log_diameter": np.log(diameter) - LOG_SIZE_MEAN,
    }
    return pd.DataFrame(columns, index=patients.index)


def draw_present(patients: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Who has which modality; it depends on the centre and on nothing else."""
    u = uniforms(seed, "missing", len(patients), 16)[:, : len(MODALITIES)]
    shares = {m: patients["centre"].map(PRESENT[m]).to_numpy(float) for m in MODALITIES}
    return pd.DataFrame({m: u[:, k] < shares[m] for k, m in enumerate(MODALITIES)}, index=patients.index)


def feature_table(modality: str, patients: pd.DataFrame, latents: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The features of one modality for every patient, before whole modalities go missing.

    Returns
    -------
    DataFrame, n rows
        Named numbers with the unit last; NaN where a measurement could not be made.
    """
    found = FEATURES[modality]
    n, beta = len(patients), (patients["scanner"] == "Beta").to_numpy(float)
    # the first 8 numbers of the task belong to the latent traits
    noise = normals(seed, modality, n, 20)[:, 8:]
    table = pd.DataFrame(index=patients.index)
    for k, feature in enumerate(found):
        value = feature.beta * beta + feature.noise * noise[:, k]
        for latent, loading in feature.latents.items():
            value = value + loading * latents[latent].to_numpy(float)
        value = feature.centre * np.exp(value) if feature.log else feature.centre + value
        table[feature.name] = np.clip(value, feature.low, feature.high)
    table = _DERIVED.get(modality, lambda t, _: t)(table, noise[:, len(found) :])
    return table.round({f.name: f.digits for f in found})


def _derive_swe(table: pd.DataFrame, _: Floats) -> pd.DataFrame:
    mean = table["swe_mean_kpa"]
    return table.assign(
        swe_max_kpa=np.minimum(np.maximum(table["swe_max_kpa"], 1.1 * mean), 300.0),
        swe_min_kpa=np.minimum(table["swe_min_kpa"], 0.9 * mean),
    )


def _derive_doppler(table: pd.DataFrame, noise: Floats) -> pd.DataFrame:
    """Counts are whole; spectra exist only where there is a vessel and a spectrum was taken."""
    count = np.floor(table["doppler_vessel_count"])
    spectrum = (count > 0) & (noise[:, 0] < 1.3)
    psv, ri = table["doppler_psv_cm_s"].where(spectrum), table["doppler_ri"].where(spectrum)
    edv = (psv * (1 - ri)).round(1)
    return table.assign(doppler_vessel_count=count, doppler_psv_cm_s=psv, doppler_ri=ri, doppler_edv_cm_s=edv)


def _derive_ceus(table: pd.DataFrame, noise: Floats) -> pd.DataFrame:
    """The slope and the area follow from peak and times, with an error of their own."""
    peak = table["ceus_peak_enhancement_au"]
    rise = np.minimum(table["ceus_rise_time_s"], 0.9 * table["ceus_time_to_peak_s"])
    slope = 0.8 * peak / rise * np.exp(0.10 * noise[:, 0])
    area = peak * table["ceus_mean_transit_time_s"] * np.exp(0.08 * noise[:, 1])
    return table.assign(
        ceus_rise_time_s=rise, ceus_wash_in_rate_au_per_s=slope.round(2), ceus_auc_au_s=area.round(0)
    )


_DERIVED = {"swe": _derive_swe, "doppler": _derive_doppler, "ceus": _derive_ceus}
