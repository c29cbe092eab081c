"""Manifests of images, and finished feature tables.  Pixels are not opened here."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd

from radiogen.cohort import ids as id_checks
from radiogen.cohort.config import CohortConfig, ModalitySection, Reading
from radiogen.cohort.frames import feature_name
from radiogen.cohort.join import Joined
from radiogen.cohort.paths import Folder
from radiogen.cohort.tables import RawTable, read_table
from radiogen.cohort.values import is_number, listing, looks_missing, suggest

IMAGE_COLUMNS = ["unit", "patient", "modality", "visit", "image", "masks", "spacing_row_mm", "spacing_col_mm", "manifest", "row"]


def read_images(config: CohortConfig, joined: Joined, everyone: pd.Index, folder: Folder) -> pd.DataFrame:
    """One row per image of the cohort's units; see :class:`radiogen.Cohort` for the columns.

    ``everyone`` are the ids before the rules of exclusion, so that images of excluded units are
    left out in silence and only ids that nobody has are reported.
    """
    parts = [_manifest(n, s, config, joined, everyone, folder) for n, s in config.modalities.items() if s.images]
    parts = [p for p in parts if len(p)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=IMAGE_COLUMNS)


def _id_column(section: ModalitySection, config: CohortConfig, joined: Joined) -> str:
    return section.id or joined.id_columns[next(iter(joined.rows))]


def _manifest(
    name: str, section: ModalitySection, config: CohortConfig, joined: Joined, everyone: pd.Index, folder: Folder
) -> pd.DataFrame:
    key = f"modalities.{name}"
    empty = pd.DataFrame(columns=IMAGE_COLUMNS)
    raw = read_table(Reading(path=section.images, missing=section.missing), f"{key}.images", folder)
    if raw is None:
        return empty
    ids = id_checks.read_ids(raw, _id_column(section, config, joined), folder.findings)
    image_column = section.columns.get("image", "image")
    if ids is None or not raw.has(image_column, folder.findings, f"{key}.columns.image"):
        return empty
    there = [raw.has(c, folder.findings, f"{key}.columns.{role}") for role, c in section.columns.items()]
    if not all(there):
        return empty
    known = id_checks.known_ids(ids, everyone, raw, _id_column(section, config, joined), folder.findings)
    rows = []
    for position in np.flatnonzero((known & ids.isin(joined.units.index)).to_numpy()):
        row = _image_row(raw, int(position), section, key, folder)
        if row is not None:
            unit = ids.iloc[position]
            rows.append({"unit": unit, "patient": joined.units.at[unit, "patient"], "modality": name, **row})
    _check_visits(raw, section, config, key, folder)
    return pd.DataFrame(rows, columns=IMAGE_COLUMNS)


def _cell(raw: RawTable, column: str, position: int) -> str | None:
    return raw.frame[column].iloc[position] if column in raw.frame.columns else None


def _image_row(
    raw: RawTable, position: int, section: ModalitySection, key: str, folder: Folder
) -> dict[str, object] | None:
    names = {role: section.columns.get(role, role) for role in ("image", "mask", "visit", "spacing_mm")}  # type: ignore[call-overload]
    line = int(raw.rows.iloc[position])
    text = _cell(raw, names["image"], position)
    if text is None:
        folder.findings.add("RG501", "the row names no image", file=raw.file, row=line, column=names["image"])
        return None
    beside = Path(raw.file).parent
    image = _place(text, section.image_dir, beside, key, folder)
    mask_text = _cell(raw, names["mask"], position)
    marks = [] if mask_text is None else mask_text.split(section.mask_separator) if section.mask_separator else [mask_text]
    masks = tuple(_place(m.strip(), section.mask_dir, beside, key, folder) for m in marks if m.strip())
    if image is None or any(m is None for m in masks):
        return None
    spacing = _spacing(_cell(raw, names["spacing_mm"], position), raw, line, names["spacing_mm"], folder)
    return {
        "visit": _cell(raw, names["visit"], position), "image": str(image), "masks": tuple(str(m) for m in masks),
        "spacing_row_mm": spacing[0], "spacing_col_mm": spacing[1], "manifest": raw.file, "row": line,
    }


def _place(text: str, declared: str | None, beside: Path, key: str, folder: Folder) -> Path | None:
    """An image's path: in the declared folder, else beside the manifest, else in the root."""
    if declared is not None:
        return folder.resolve(text, key, Path(declared))
    near = folder.resolve(text, key, beside)
    if near is not None and near.exists():
        return near
    far = folder.resolve(text, key)
    return far if far is not None and far.exists() else near


def _spacing(text: str | None, raw: RawTable, line: int, column: str, folder: Folder) -> tuple[float, float]:
    """Row and column spacing in mm from ``0.1`` or ``0.1 x 0.12``; NaN where not known."""
    if text is None:
        return math.nan, math.nan
    parts = [p for p in re.split(r"\s*[x×;,\s]\s*", text.strip()) if p]
    if len(parts) in (1, 2) and all(is_number(p) and 0 < float(p) < 100 for p in parts):
        return float(parts[0]), float(parts[-1])
    folder.findings.add("RG509", f"'{text}' is not a pixel spacing in mm", file=raw.file, row=line, column=column, value=text)
    return math.nan, math.nan


def _check_visits(raw: RawTable, section: ModalitySection, config: CohortConfig, key: str, folder: Folder) -> None:
    column = section.columns.get("visit", "visit")
    if column not in raw.frame.columns:
        return
    found = list(dict.fromkeys(v for v in raw.frame[column] if v is not None))
    if config.visits is None:
        if len(found) > 1:
            folder.findings.add("RG105", f"the manifest has the visits {listing(found)} and `visits` is not declared",
                                file=raw.file, column=column, fix="Add `visits: {baseline: …, order: […]}`.")
        return
    declared = {config.visits.baseline, *config.visits.order}
    for visit in found:
        if visit not in declared:
            row = int(raw.rows[raw.frame[column] == visit].iloc[0])
            folder.findings.add("RG109", f"the visit '{visit}' is not declared under `visits`.{suggest(visit, declared)}",
                                file=raw.file, row=row, column=column, value=visit)


# -- finished feature tables ---------------------------------------------------------------


def read_features(
    config: CohortConfig, joined: Joined, everyone: pd.Index, folder: Folder
) -> dict[str, pd.DataFrame]:
    """Feature tables of the YAML: one row per unit, columns ``{modality}_{feature}``."""
    found = {}
    for name, section in config.modalities.items():
        if section.features is None:
            continue
        frame = _feature_table(name, section, config, joined, everyone, folder)
        if frame is not None:
            found[name] = frame
    return found


def _feature_table(
    name: str, section: ModalitySection, config: CohortConfig, joined: Joined, everyone: pd.Index, folder: Folder
) -> pd.DataFrame | None:
    key = f"modalities.{name}"
    raw = read_table(Reading(path=section.features, missing=section.missing), f"{key}.features", folder)
    if raw is None:
        return None
    column = _id_column(section, config, joined)
    ids = id_checks.read_ids(raw, column, folder.findings)
    if ids is None:
        return None
    id_checks.known_ids(ids, everyone, raw, column, folder.findings)
    visit_column = section.columns.get("visit", "visit")
    _check_visits(raw, section, config, key, folder)
    keep = ids.isin(joined.units.index)
    if config.visits is not None and visit_column in raw.frame.columns:
        keep &= raw.frame[visit_column] == config.visits.baseline
    fixed = {column, visit_column, *config.batch.values(), *joined.id_columns.values()}
    names = section.use or [c for c in raw.frame.columns if c not in fixed]
    there = [raw.has(c, folder.findings, f"{key}.use") for c in names]
    if not all(there):
        return None
    numbers = {feature_name(name, c): _numeric(c, raw, section, folder) for c in names}
    frame = pd.DataFrame({c: v for c, v in numbers.items() if v is not None}, index=raw.frame.index)[keep.to_numpy()]
    frame.index = pd.Index(ids[keep], name=joined.units.index.name)
    if frame.index.has_duplicates:
        how = section.aggregate
        grouped = frame.groupby(level=0, sort=False)
        frame = grouped.nth(0) if how == "first" else grouped.agg(how)
    return frame.reindex(joined.units.index)


def _numeric(column: str, raw: RawTable, section: ModalitySection, folder: Folder) -> pd.Series | None:
    """A feature column as numbers; text columns that were not asked for are left out."""
    text = raw.frame[column]
    bad = text[text.map(lambda v: v is not None and not is_number(v))]
    mostly_text = len(bad) > 0.5 * text.notna().sum()
    if len(bad) and mostly_text and section.use is None:
        return None
    for value in dict.fromkeys(bad):
        positions = bad.index[bad == value]
        code = "RG212" if looks_missing(value) else "RG211"
        what = "looks like 'not known'" if code == "RG212" else "is not a number"
        fix = f"Add it to `missing:` of the modality: `missing: [\"{value}\"]`." if code == "RG212" else None
        folder.findings.add(code, f"'{value}' in the feature '{column}' {what} ({len(positions)} rows)", file=raw.file,
                            row=int(raw.rows[positions[0]]), column=column, value=value, fix=fix)
    return text.map(lambda v: float(v) if v is not None and is_number(v) else np.nan).astype(float)
