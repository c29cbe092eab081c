"""What each modality contributed to the network's out-of-fold predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.models.fusion.crossfit import on_additive_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radiogen.analysis.networks import Units
    from radiogen.models.fusion.crossfit import CrossFitted

CONTRIBUTIONS = [
    "target", "class", "model", "inputs", "modality", "estimate", "lower", "upper", "share", "n", "residual", "method",
]  # fmt: skip
INTERACTIONS = ["target", "class", "model", "inputs", "first", "second", "estimate", "n", "cross_modal_share"]
#: names of the scales on which contributions add up
SCALES = {"binary": "log-odds", "multiclass": "log-probability", "ordinal": "log-probability", "survival": "log-hazard"}
#: exact values take all subsets
MOST = 10


def modality_shares(fitted: CrossFitted, units: Units, empty: NDArray[np.float64]) -> pd.DataFrame | None:
    """Exact Shapley values over modalities of units that the networks were not trained on.

    Parameters
    ----------
    fitted : CrossFitted
    units : Units
    empty : array, shape (classes,) or (1,)
        Prediction without any modality: the prevalences, or an average hazard of 0.

    Returns
    -------
    DataFrame or None
        ``unit``, ``output``, ``kind`` ("modality", "interaction" or "cross-modal share"), ``first``, ``second``,
        ``value``, ``residual``; None without units, with one modality, or with more than ten.
    """
    from radiogen.explain import modality_shapley

    if not len(units.frame) or not 2 <= len(fitted.modalities) <= MOST:
        return None
    present = fitted.present(units)
    least = fitted.members[0][1].plan.net.min_modalities
    if not (present.sum(axis=1) >= least).any():
        return None
    names = _outputs(fitted)
    found = modality_shapley(
        fitted.game(units), len(units.frame), fitted.modalities, present,
        empty=on_additive_scale(empty[None, :], fitted.head)[0], min_modalities=least, units=tuple(units.frame.index),
        outputs=names, scale=SCALES[fitted.head.kind],
    )  # fmt: skip
    table = pd.DataFrame(found.values)
    values = table if len(names) > 1 else pd.concat({names[0]: table}, axis=1)
    residual = np.abs(np.asarray(found.residual).reshape(len(units.frame), -1)).max(axis=1)
    parts = [
        pd.DataFrame({"unit": units.frame.index, "output": o, "kind": "modality", "first": m, "second": "",
                      "value": values[o][m].to_numpy(), "residual": residual})
        for o in names for m in fitted.modalities
    ]  # fmt: skip
    pairs = found.extra["interactions"].assign(kind="interaction", residual=0.0)
    crossed = found.extra["cross_modal_unit"].rename(columns={"share": "value"})
    crossed = crossed.assign(kind="cross-modal share", first="", second="", residual=0.0)
    return pd.concat([*parts, pairs, crossed], ignore_index=True).dropna(subset=["value"])


def _outputs(fitted: CrossFitted) -> tuple[str, ...]:
    if fitted.head.kind == "survival":
        return (fitted.head.name,)
    return fitted.head.classes[1:] if len(fitted.head.classes) == 2 else fitted.head.classes


def contribution_tables(target: str, shares: Sequence[tuple[str, pd.DataFrame]], kind: str) -> dict[str, pd.DataFrame]:
    """Tables of the mean absolute contribution of each modality, and of each pair beyond the sum of the two.

    Parameters
    ----------
    target : str
    shares : sequence of (inputs, frame of modality_shares)
        One per test fold.
    kind : str
        Of the head.

    Returns
    -------
    dict
        ``modalities`` and ``modality_interactions``; empty where there are no shares.
    """
    if not shares:
        return {}
    rows: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    for label, frame in _together(shares):
        own = frame[frame["kind"] == "modality"]
        total = own.groupby("output")["value"].agg(lambda v: v.abs().sum())
        crossed = frame[frame["kind"] == "cross-modal share"].groupby("output")["value"].mean()
        for (output, modality), part in own.groupby(["output", "first"], sort=False):
            rows.append({
                "target": target, "class": output, "model": "fusion", "inputs": label, "modality": modality,
                **_mean_absolute(part["value"].to_numpy()), "share": part["value"].abs().sum() / max(total[output], 1e-300),
                "n": len(part), "residual": part["residual"].max(),
                "method": f"exact Shapley values over modalities by the network's mask, {SCALES[kind]}, out of fold, one repeat; "
                "mean absolute value with normal interval over units",
            })  # fmt: skip
        crossing = frame[frame["kind"] == "interaction"].groupby(["output", "first", "second"], sort=False)
        for (output, first, second), part in crossing:
            pairs.append({
                "target": target, "class": output, "model": "fusion", "inputs": label, "first": first, "second": second,
                "estimate": part["value"].abs().mean(), "n": len(part),
                "cross_modal_share": crossed.get(output, np.nan),
            })  # fmt: skip
    return {
        "modalities": pd.DataFrame(rows, columns=CONTRIBUTIONS),
        "modality_interactions": pd.DataFrame(pairs, columns=INTERACTIONS),
    }


def noise_notes(performance: pd.DataFrame, together: str) -> list[str]:
    """A note where the network on all inputs does not tell units apart: its contributions then describe noise."""
    own = performance[
        (performance["model"] == "fusion") & (performance["inputs"] == together) & (performance["set"] == "development")
        & performance["metric"].isin(["AUC", "macro AUC", "Harrell C"]) & (performance["lower"] <= 0.5)
    ]  # fmt: skip
    if not len(own):
        return []
    return ["The interval of the network's discrimination includes 0.5: the contributions of the modalities describe noise."]


def _together(shares: Sequence[tuple[str, pd.DataFrame]]) -> list[tuple[str, pd.DataFrame]]:
    labels = dict.fromkeys(label for label, _ in shares)
    return [(label, pd.concat([f for own, f in shares if own == label], ignore_index=True)) for label in labels]


def _mean_absolute(values: NDArray[np.float64]) -> dict[str, float]:
    from radiogen.stats.withinfold import Z95

    size = np.abs(values)
    mean, half = float(size.mean()), Z95 * float(size.std(ddof=1)) / np.sqrt(len(size)) if len(size) > 1 else np.nan
    return {"estimate": mean, "lower": max(0.0, mean - half) if np.isfinite(half) else np.nan, "upper": mean + half}
