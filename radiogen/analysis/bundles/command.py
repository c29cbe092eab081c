"""What ``radiogen predict`` does: load, extract, predict, write, and say it in a page of text."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from radiogen.analysis.bundles.applying import chosen_models, predict
from radiogen.analysis.bundles.files import load_bundle
from radiogen.analysis.result import Result
from radiogen.errors import fail
from radiogen.files import check_writable, in_one_step
from radiogen.progress import Progress

#: rows of a table that are printed
_SHOWN = 12
#: twice what the development data have by definition
_OUTSIDE = 0.04


def predict_cohort(
    bundle: str | Path, cohort: str | Path, output: str | Path, *, model: str | None = None, inputs: str | None = None,
    result: str | Path | None = None, data: str | Path | None = None, allow_outside: bool = False, n_jobs: int = 1,
    cache: str | Path | None = None, progress: Progress | None = None,
) -> str:
    """Apply a bundle to a cohort file and write the predictions.

    Parameters
    ----------
    bundle : path
    cohort : path
        The YAML or its folder.
    output : path
        ``.parquet`` or ``.csv``.
    model, inputs
        As in :func:`radiogen.analysis.predict`.
    result : path, optional
        Folder for the whole result, tables included.
    data, allow_outside, n_jobs, cache, progress
        As in :func:`radiogen.report.pipeline.report_cohort`.

    Returns
    -------
    str
        What was found, for people.

    Raises
    ------
    RadiogenError
        RG708 for another kind of file, RG801 where it cannot be written; those of loading, extraction and prediction.
    """
    from radiogen.cohort import load_cohort
    from radiogen.features import extract

    target = Path(output)
    if target.suffix not in (".parquet", ".csv"):
        raise fail("RG708", "predictions are written as .parquet or .csv", file=target, value=target.suffix,
                   fix="Give a file name such as predictions.parquet.")  # fmt: skip
    models = load_bundle(bundle)
    wanted = chosen_models(models, model, inputs)
    check_writable(target)
    loaded = load_cohort(cohort, data=data, allow_outside=allow_outside)
    needed = {b for m in wanted.values() for b in m.blocks}
    if len(loaded.images) and loaded.images["modality"].isin(needed).any():
        loaded = extract(loaded, n_jobs=n_jobs, cache=cache, progress=progress)
    found = predict(models, loaded, model, inputs)
    with in_one_step(target, "the predictions") as part:
        _write(predictions_of(found), part, target.suffix)
    if result is not None:
        found.save(result)
    return summary(found, target)


def _write(predictions: pd.DataFrame, part: Path, suffix: str) -> None:
    if suffix == ".csv":
        predictions.to_csv(part, index=False)
    else:
        predictions.to_parquet(part, index=False)


def predictions_of(found: Result) -> pd.DataFrame:
    """The predictions, which every result of this kind has."""
    return pd.DataFrame() if found.predictions is None else found.predictions


def summary(found: Result, target: Path) -> str:
    """The drift table, inputs outside the range, and notes."""
    lines = [found.title, *found.methods, ""]
    if "drift" in found.tables:
        drift = found.tables["drift"].rename(columns={"estimate": "here"})
        lines += ["Here, and out of fold in development:", drift.to_string(index=False, float_format="{:.3f}".format), ""]
    ranges = found.tables["ranges"]
    odd = ranges[(ranges["outside"] > _OUTSIDE) | (ranges["new_levels"] != "")]
    if len(odd):
        first = f"; the first {_SHOWN}" if len(odd) > _SHOWN else ""
        lines.append(
            f"{len(odd)} of {len(ranges)} inputs lie outside the development range in more than {_OUTSIDE:.0%} of the units"
            f"{first}:"
        )
        lines += [odd.head(_SHOWN).to_string(index=False, float_format="{:.3g}".format), ""]
    else:
        lines += [f"All {len(ranges)} inputs lie in the range of the development data.", ""]
    lines += [*found.notes]
    lines.append(f"{predictions_of(found)['unit'].nunique()} units predicted: {target}")
    return "\n".join(lines)
