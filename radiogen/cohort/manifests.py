"""Manifests of images, and finished feature tables.  Pixels are not opened here."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd

from radiogen.cohort import ids as id_checks
from radiogen.cohort.config import CohortConfig, ModalitySection
from radiogen.cohort.join import Joined
from radiogen.cohort.paths import Folder, exists
from radiogen.cohort.tables import RawTable, read_table
from radiogen.cohort.values import is_number, listing, suggest

IMAGE_COLUMNS = ["unit", "patient", "modality", "visit", "image", "masks", "spacing_row_mm", "spacing_col_mm", "manifest", "row"]


def read_images(config: CohortConfig, joined: Joined, everyone: pd.Index, folder: Folder) -> pd.DataFrame:
    """One row per image of the cohort's units; see :class:`radiogen.Cohort` for the columns.

    ``everyone`` are the ids before the rules of exclusion, so that images of excluded units are
    left out in silence and only ids that nobody has are reported.
    """
    parts = [_manifest(n, s, config, joined, everyone, folder) for n, s in config.modalities.items() if s.images]
    parts = [p for p in parts if len(p)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=IMAGE_COLUMNS)


def id_column(section: ModalitySection, config: CohortConfig, joined: Joined) -> str:
    return section.id or joined.id_columns[next(iter(joined.rows))]


def _manifest(
    name: str, section: ModalitySection, config: CohortConfig, joined: Joined, everyone: pd.Index, folder: Folder
) -> pd.DataFrame:
    key = f"modalities.{name}"
    assert section.images is not None
    empty = pd.DataFrame(columns=IMAGE_COLUMNS)
    raw = read_table(section.reading(section.images), f"{key}.images", folder)
    if raw is None:
        return empty
    ids = id_checks.read_ids(raw, id_column(section, config, joined), folder.findings)
    image_column = section.columns.get("image", "image")
    if ids is None or not raw.has(image_column, folder.findings, f"{key}.columns.image"):
        return empty
    there = [raw.has(c, folder.findings, f"{key}.columns.{role}") for role, c in section.columns.items()]
    if not all(there):
        return empty
    known = id_checks.known_ids(ids, everyone, raw, id_column(section, config, joined), folder.findings)
    rows = []
    used = known & ids.isin(joined.units.index)
    for position in np.flatnonzero(used.to_numpy()):
        row = _image_row(raw, int(position), section, key, folder)
        if row is not None:
            unit = ids.iloc[position]
            rows.append({"unit": unit, "patient": joined.units.at[unit, "patient"], "modality": name, **row})
    check_visits(raw, used, ids, section, config, key, folder)
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
    if image in masks:
        folder.findings.add("RG517", f"'{text}' is named as image and as mask", file=raw.file, row=line, column=names["mask"],
                            value=mask_text)
        return None
    spacing = _spacing(_cell(raw, names["spacing_mm"], position), raw, line, names["spacing_mm"], folder)
    return {
        "visit": _cell(raw, names["visit"], position), "image": str(image), "masks": tuple(str(m) for m in masks),
        "spacing_row_mm": spacing[0], "spacing_col_mm": spacing[1], "manifest": raw.file, "row": line,
    }


def _place(text: str, declared: str | None, beside: Path, key: str, folder: Folder) -> Path | None:
    """An image's absolute path: in the declared folder, else beside the manifest, else in the root."""
    if declared is not None:
        path = folder.resolve(text, key, Path(declared))
        return None if path is None else path.absolute()
    # the manifest's folder already has the root in it; only an absolute path is not joined to it again
    near = folder.resolve(text, key, beside.absolute())
    if near is None or exists(near) or beside.absolute() == folder.root.absolute():
        return near
    far = folder.resolve(text, key)
    return far.absolute() if far is not None and exists(far) else near


def _spacing(text: str | None, raw: RawTable, line: int, column: str, folder: Folder) -> tuple[float, float]:
    """Row and column spacing in mm from ``0.1`` or ``0.1 x 0.12``; NaN where not known."""
    if text is None:
        return math.nan, math.nan
    parts = [p for p in re.split(r"\s*[x×;,\s]\s*", text.strip()) if p]
    if len(parts) in (1, 2) and all(is_number(p) and 0 < float(p) < 100 for p in parts):
        return float(parts[0]), float(parts[-1])
    folder.findings.add("RG509", f"'{text}' is not a pixel spacing in mm", file=raw.file, row=line, column=column, value=text)
    return math.nan, math.nan


def check_visits(
    raw: RawTable, used: pd.Series, ids: pd.Series, section: ModalitySection, config: CohortConfig, key: str, folder: Folder
) -> None:
    """Visits are declared where there are several, spelt as declared, and there at baseline.

    Parameters
    ----------
    raw : RawTable
        Manifest or feature table.
    used : Series of bool
        Its rows of units of the cohort.
    ids : Series of str
        Units of its rows.
    section, config, key, folder
        Of the modality.
    """
    column = section.columns.get("visit", "visit")
    if column not in raw.frame.columns:
        several = bool(ids[used.to_numpy()].duplicated().any())
        if config.visits is not None and (several or section.features is None):
            # without the visit, values of later visits would be averaged into the baseline
            folder.findings.add("RG203", f"`visits` are declared and '{Path(raw.file).name}' has no column '{column}'",
                                file=raw.file, row=1, column=column, fix="Add the column, or name it in `columns: {visit: …}`.")
        return
    found = list(dict.fromkeys(v for v in raw.frame[column] if v is not None))
    if config.visits is None:
        if len(found) > 1:
            folder.findings.add("RG105", f"the table has the visits {listing(found)} and `visits` is not declared",
                                file=raw.file, column=column, fix="Add `visits: {baseline: …, order: […]}`.")
        return
    baseline = config.visits.baseline
    declared = {baseline, *config.visits.order}
    for visit in found:
        if visit not in declared:
            row = int(raw.rows[raw.frame[column] == visit].iloc[0])
            folder.findings.add("RG109", f"the visit '{visit}' is not declared under `visits`.{suggest(visit, declared)}",
                                file=raw.file, row=row, column=column, value=visit)
    if baseline not in found:
        folder.findings.add("RG109", f"no row of '{Path(raw.file).name}' is of the baseline visit '{baseline}'."
                            f"{suggest(baseline, found)}", column="visits.baseline", value=baseline,
                            fix=f"Use one of {listing(found) or '(no visit is written)'}.")
        return
    here = used.to_numpy() & (raw.frame[column] == baseline).to_numpy()
    without = [u for u in dict.fromkeys(ids[used.to_numpy()]) if u not in set(ids[here])]
    if without:
        folder.findings.add("RG224", f"{len(without)} units have rows and none of the baseline visit '{baseline}', such as "
                            f"{listing(without[:3])}; analyses have nothing of them", file=raw.file, column=column)
