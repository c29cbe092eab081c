"""Manifests of images, and finished feature tables.  Pixels are not opened here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from radiogen.cohort import ids as id_checks
from radiogen.cohort.config import CohortConfig, ModalitySection
from radiogen.cohort.join import Joined
from radiogen.cohort.modality import PER_IMAGE, Role
from radiogen.cohort.paths import Folder, exists
from radiogen.cohort.tables import RawTable, read_table
from radiogen.cohort.values import is_number, listing, nearest, suggest

IMAGE_COLUMNS = [
    "unit", "patient", "modality", "visit", "image", "masks", "spacing_row_mm", "spacing_col_mm", "manifest", "row",
    "reference", "type", "box", "point", "mask_source", "declared",
]  # fmt: skip
#: what the pictures of a modality may be, where it has several kinds
TYPES: Mapping[str, tuple[str, ...]] = {"doppler": ("colour", "power", "spectrum")}


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
    image_column = section.column("image")
    if ids is None or not raw.has(image_column, folder.findings, f"{key}.columns.image"):
        return empty
    if section.kind_for(name) == "swe" and section.scale_max is None and section.column("scale_max") not in raw.frame.columns:
        folder.findings.add("RG520", f"neither `{key}.scale_max` nor a column '{section.column('scale_max')}' says how far the "
                            "colour scale goes", file=raw.file, column=f"{key}.scale_max")
    there = [raw.has(c, folder.findings, f"{key}.columns.{role}") for role, c in section.columns.items()]
    if not all(there):
        return empty
    _misspelt(raw, section, folder)
    known = id_checks.known_ids(ids, everyone, raw, id_column(section, config, joined), folder.findings)
    rows = []
    used = known & ids.isin(joined.units.index)
    for position in np.flatnonzero(used.to_numpy()):
        row = _image_row(raw, int(position), section, name, folder)
        if row is not None:
            unit = ids.iloc[position]
            rows.append({"unit": unit, "patient": joined.units.at[unit, "patient"], "modality": name, **row})
    check_visits(raw, used, ids, section, config, key, folder)
    return pd.DataFrame(rows, columns=IMAGE_COLUMNS)


def _misspelt(raw: RawTable, section: ModalitySection, folder: Folder) -> None:
    """RG203, as a warning, for a column that looks like a role's name and is none: what it says would be lost."""
    roles = [r for r in get_args(Role) if r not in section.columns]
    taken = {*section.columns.values(), *roles}
    for column in raw.frame.columns:
        near = None if column in taken else nearest(str(column), roles, 0.8)
        if near is not None and near not in raw.frame.columns:
            folder.findings.add("RG203", f"the manifest has a column '{column}', which is not used; is it '{near}'?",
                                severity="warning", file=raw.file, row=1, column=str(column),
                                fix=f"Call it '{near}', or write `columns: {{{near}: {column}}}` in the modality.")


def _cell(raw: RawTable, column: str, position: int) -> str | None:
    return raw.frame[column].iloc[position] if column in raw.frame.columns else None


def _image_row(
    raw: RawTable, position: int, section: ModalitySection, modality: str, folder: Folder
) -> dict[str, object] | None:
    def cell(role: str) -> str | None:
        return _cell(raw, section.column(role), position)

    line, key = int(raw.rows.iloc[position]), f"modalities.{modality}"
    text = cell("image")
    if text is None:
        folder.findings.add("RG501", "the row names no image", file=raw.file, row=line, column=section.column("image"))
        return None
    beside = Path(raw.file).parent
    image = _place(text, section.image_dir, beside, key, folder)
    mask_text, reference_text = cell("mask"), cell("reference")
    marks = [] if mask_text is None else mask_text.split(section.mask_separator) if section.mask_separator else [mask_text]
    masks = tuple(_place(m.strip(), section.mask_dir, beside, key, folder) for m in marks if m.strip())
    reference = None if reference_text is None else _place(reference_text, section.mask_dir, beside, key, folder)
    if image is None or any(m is None for m in masks) or (reference_text is not None and reference is None):
        return None
    for role, found, written in (("mask", masks, mask_text), ("reference", (reference,), reference_text)):
        if image in found:
            folder.findings.add("RG517", f"'{text}' is named as image and as {role}", file=raw.file, row=line,
                                column=section.column(role), value=written)
            return None
    read = _Cells(raw, section, position, line, folder)
    spacing = _spacing(cell("spacing_mm"), raw, line, section.column("spacing_mm"), folder)
    return {
        "visit": cell("visit"), "image": str(image), "masks": tuple(str(m) for m in masks),
        "spacing_row_mm": spacing[0], "spacing_col_mm": spacing[1], "manifest": raw.file, "row": line,
        "reference": None if reference is None else str(reference),
        "type": read.word("type", TYPES.get(section.kind_for(modality))),
        "box": read.whole("box", 4), "point": read.whole("point", 2),
        "mask_source": cell("mask_source"),
        "declared": {role: value for role in PER_IMAGE if (value := read.number(role)) is not None},
    }


class _Cells:
    """Cells of one row of a manifest, with what is wrong about them added to the findings."""

    def __init__(self, raw: RawTable, section: ModalitySection, position: int, line: int, folder: Folder) -> None:
        self.raw, self.section, self.position, self.line, self.folder = raw, section, position, line, folder

    def _text(self, role: str) -> str | None:
        return _cell(self.raw, self.section.column(role), self.position)

    def _wrong(self, code: str, message: str, role: str, value: str) -> None:
        self.folder.findings.add(code, message, file=self.raw.file, row=self.line, column=self.section.column(role), value=value)

    def word(self, role: str, known: tuple[str, ...] | None) -> str | None:
        """One of the known words; a modality whose pictures are of one kind has no such column."""
        text = self._text(role)
        if text is None or known is None:
            return None
        if text not in known:
            self._wrong("RG104", f"'{text}' is none of {listing(known)}.{suggest(text, known)}", role, text)
            return None
        return text

    def whole(self, role: str, length: int) -> tuple[int, ...] | None:
        """So many whole numbers from 0, separated by spaces or commas."""
        text = self._text(role)
        if text is None:
            return None
        parts = [p for p in re.split(r"[\s;,]+", text.strip("[]() ")) if p]
        if len(parts) == length and all(re.fullmatch(r"\d{1,6}", p) for p in parts):
            found = tuple(int(p) for p in parts)
            if length != 4 or (found[0] < found[1] and found[2] < found[3]):
                return found
        form = "'top bottom left right'" if length == 4 else "'row column'"
        self._wrong("RG104", f"'{text}' is not {form} in whole pixels from 0", role, text)
        return None

    def number(self, role: str) -> float | None:
        """A number; above zero, but for the lower end of a scale."""
        text = self._text(role)
        if text is None:
            return None
        if is_number(text) and math.isfinite(float(text)) and (float(text) > 0 or role == "scale_min"):
            return float(text)
        self._wrong("RG104", f"'{text}' is not a number{'' if role == 'scale_min' else ' above zero'}", role, text)
        return None


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
    column = section.column("visit")
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
