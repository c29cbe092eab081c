"""The section on image quality: what was looked at, what is doubtful, and small pictures where they are allowed."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Mapping

import numpy as np
import pandas as pd

from radiogen.cohort import Cohort
from radiogen.features.part import is_automatic
from radiogen.features.quality import quality_spread
from radiogen.imaging.quality import THRESHOLDS
from radiogen.plots.naming import with_unit
from radiogen.plots.text import count, listed, plain, share
from radiogen.report.drawing import drawing
from radiogen.report.privacy import Privacy, short_path, suppressed
from radiogen.report.sections import Counter, Numbered, Plate, Section
from radiogen.report.tables import view
from radiogen.report.thumbnails import Thumbnail, choose, lesion_picture

#: numbers whose spread is shown: title of the figure, title of the axis
_SPREAD: Mapping[str, tuple[str, str]] = {
    "focus": ("Sharpness of the images", "Sharpness, 0 to 1"),
    "gcnr": ("Contrast of the lesions", "gCNR, 0 to 1"),
}
#: numbers of the list of flagged images
_LISTED = ("focus", "saturated_pct", "black_pct", "gcnr", "shadow_index", "marks_in_roi_pct")
_SHOWN_FLAGGED = 20
_NOTE = (
    "A flag sets nothing aside: it names what is worth a look before numbers are believed. Text beside the lesion is no flag. "
    "A copy is nearly the same picture of another patient, or one picture listed twice."
)
_HOW = (
    "Sharpness: share of the change from pixel to pixel that a blur would take away, so that a picture that was enlarged is "
    "less sharp. Contrast: generalised contrast-to-noise ratio of lesion and surroundings. Shadow index: above 0 it is darker "
    "below the lesion than beside it."
)
_PICTURES = (
    "Each picture is the lesion with a margin and its outline, the flagged ones first. The rest of the screen, where scanners "
    "write names, is not shown; text within the margin is."
)


def quality_section(cohort: Cohort, privacy: Privacy, counter: Counter) -> Section | None:
    """The section on the quality of the images, or None where there are none.

    Parameters
    ----------
    cohort : Cohort
        Its ``quality`` is that of :func:`radiogen.features.quality.quality_table`.
    privacy : Privacy
        Counts of patients by centre or scanner below its limit are not shown, and ids only where it allows them.
    counter : Counter

    Returns
    -------
    Section or None
    """
    table = cohort.quality
    if table.empty:
        return None
    prefix = counter.id("image-quality")

    def numbered(name: str, frame: pd.DataFrame, note: str = "", *, whole: bool = True, folded: bool = False) -> Numbered:
        made = view(name, frame, counter.id(f"tab-{prefix}-{name.replace('_', '-')}", 90), note=note, whole=whole)
        return Numbered(counter.table(), made, folded)

    tables = [numbered("quality_images", images_by_modality(table), _NOTE)]
    kinds = flags_by_modality(table)
    if len(kinds):
        tables.append(numbered("quality_flags", kinds))
    spread, hidden = shown_spread(quality_spread(cohort, table, tuple(_SPREAD)), privacy.min_cell)
    plates = _plates(spread, counter, prefix, hidden, privacy)
    rest = []
    flagged = flagged_images(cohort, table, privacy)
    if len(flagged):
        rest.append(numbered("quality_flagged", flagged, _HOW, whole=len(flagged) <= _SHOWN_FLAGGED))
    pictures, lost = _thumbnails(cohort, table) if cohort.config.privacy.thumbnails else ((), 0)
    said = _PICTURES if pictures else ""
    if lost:
        said = f"{said} {count(lost, 'image')} could not be read again or {'has' if lost == 1 else 'have'} no outline.".strip()
    return Section(
        id=prefix, title="Image quality", kind="Images", lead=(_lead(table),), first=tuple(tables), plates=plates,
        tables=tuple(rest), thumbnails=pictures, thumbnails_note=said,
    )


def _lead(table: pd.DataFrame) -> str:
    n, flagged = len(table), sum(bool(f) for f in table["flags"])
    readable = int(table["readable"].sum())
    kinds_of_image = table["modality"].nunique()
    said = f"{count(n, 'image')} " + (f"of {kinds_of_image} modalities " if kinds_of_image > 1 else "")
    said += f"{'was' if n == 1 else 'were'} looked at; "
    said += "all could be read" if readable == n else f"{readable:,} could be read"
    if not flagged:
        return f"{said}, and none was flagged."
    kinds = Counted(_kind(f) for flags in table["flags"] for f in flags)
    return f"{said}. {flagged:,} ({share(flagged / n)}) {'is' if flagged == 1 else 'are'} flagged: " + (
        f"{listed(f'{k} ({v:,})' for k, v in kinds.most_common())}."
    )


def _kind(flag: str) -> str:
    """The flag without its code."""
    return flag.split(":")[0]


# -- tables ---------------------------------------------------------------------------------------


def images_by_modality(table: pd.DataFrame) -> pd.DataFrame:
    """Counts of images: all, readable, calibrated, with masks drawn automatically, copies, flagged."""
    rows = []
    for modality, images in table.groupby("modality", sort=False):
        automatic = [is_automatic(m) for m in images["mask_source"]]
        rows.append({
            "modality": with_unit(str(modality))[0], "images": len(images), "readable": int(images["readable"].sum()),
            "calibrated": int((images["calibrated"] == 1).sum()), "automatic_masks": int(np.sum(automatic)),
            "duplicates": int(images["duplicate_of"].notna().sum()), "flagged": sum(bool(f) for f in images["flags"]),
        })  # fmt: skip
    return pd.DataFrame(rows)


def flags_by_modality(table: pd.DataFrame) -> pd.DataFrame:
    """How many images carry each flag, what it means and when it is raised."""
    rows = []
    for modality, images in table.groupby("modality", sort=False):
        found = Counted(f for flags in images["flags"] for f in flags)
        order = [*THRESHOLDS, *sorted(f for f in found if f not in THRESHOLDS)]
        rows += [
            {"modality": with_unit(str(modality))[0], "flag": flag, "message": _meaning(flag), "n": found[flag],
             "share": found[flag] / len(images)}
            for flag in order if found[flag]
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=["modality", "flag", "message", "n", "share"])


def _meaning(flag: str) -> str:
    threshold = THRESHOLDS.get(flag)
    if threshold is not None:
        yes_or_no = threshold.name in ("text_over_lesion", "calipers_in_roi")
        rule = "" if yes_or_no else f" ({_short(threshold.name)} {threshold.side} {threshold.value:g})"
        return threshold.words + rule
    known = {
        "duplicate": "a copy of an image that stands before it",
        "unreadable": "the file could not be read",
        "not measured": "the file was read, and could not be measured",
    }
    return known.get(_kind(flag), flag)


def _short(name: str) -> str:
    words = {"focus": "sharpness", "gcnr": "gCNR", "saturated_pct": "% at the top", "black_pct": "% black"}
    return words.get(name, name.replace("_", " "))


def flagged_images(cohort: Cohort, table: pd.DataFrame, privacy: Privacy) -> pd.DataFrame:
    """The flagged images by manifest and row, with the numbers behind the flags; ids only where they may be shown."""
    found = table[[bool(f) for f in table["flags"]]]
    root = str(cohort.root)
    rows = []
    for row in found.to_dict("records"):
        flags = [f"{f} of row {int(row['duplicate_row'])}" if f == "duplicate" else f for f in row["flags"]]
        rows.append({
            "modality": with_unit(str(row["modality"]))[0], "manifest": privacy.redact(short_path(str(row["manifest"]), root)),
            "row": str(int(row["row"])), **({"unit": str(row["unit"])} if privacy.show_ids else {}),
            "flags": ", ".join(flags), **{k: row[k] for k in _LISTED},
        })  # fmt: skip
    out = pd.DataFrame(rows)
    if len(out) and out["manifest"].nunique() == out["modality"].nunique() == 1:
        out = out.drop(columns="modality")
    return out


# -- spread by group ------------------------------------------------------------------------------


def shown_spread(spread: pd.DataFrame, min_cell: int) -> tuple[pd.DataFrame, bool]:
    """The spread without groups of fewer patients than ``min_cell``, nor a count that would give theirs away.

    Parameters
    ----------
    spread : DataFrame
        Of :func:`radiogen.features.quality.quality_spread`.
    min_cell : int

    Returns
    -------
    frame : DataFrame
        Without ``patients``.  All numbers of a small group are NaN; where its count could be computed from the total,
        so is the count of one other.
    hidden : bool
        Whether anything is not shown.
    """
    names = [with_unit(str(m))[0] for m in spread["modality"]]
    shown, hidden = spread.assign(modality=names).drop(columns="patients"), False
    numbers = [c for c in shown if c not in ("measure", "modality", "group")]
    shown = shown.astype(dict.fromkeys(numbers, float))
    for _, places in spread.groupby(["measure", "modality"], sort=False).groups.items():
        patients = spread.loc[places, "patients"].to_numpy(dtype=float)[:, None]
        marks = suppressed(patients, min_cell, rows=False, columns=len(places) > 1)[:, 0]
        shown.loc[places[marks == 1], numbers] = np.nan
        shown.loc[places[marks == 2], "images"] = np.nan
        hidden |= bool(marks.any())
    return shown, hidden


def _plates(
    spread: pd.DataFrame, counter: Counter, prefix: str, hidden: bool, privacy: Privacy
) -> tuple[Plate, ...]:
    from radiogen.plots.quality import image_quality

    note = f"Groups of fewer than {privacy.min_cell} patients are not shown, nor a count that would give theirs away."
    plates: list[Plate] = []
    given = ""
    for measure, (title, axis) in _SPREAD.items():
        part = spread[(spread["measure"] == measure) & spread["median"].notna()]
        if part.empty:
            continue
        limit = next(t.value for t in THRESHOLDS.values() if t.name == measure)
        figure = image_quality(part.assign(group=_group_names(part)), title=title, axis=axis, worth_a_look=limit)
        made = drawing(measure, figure, counter.id(f"fig-{prefix}-{measure}", 90))
        table = None
        if not given:
            given = counter.id(f"tab-{prefix}-by-group", 90)
            words = spread.assign(measure=[_short(str(m)) for m in spread["measure"]])
            table = view("quality_by_group", words, given, note=note if hidden else "", whole=True)
        plates.append(Plate(counter.figure(), made, table, "" if table is not None else given))
    return tuple(plates)


def _group_names(part: pd.DataFrame) -> list[str]:
    """Modality, group or both, whichever tells the rows apart."""
    pairs = list(zip(part["modality"], part["group"], strict=True))
    if set(part["group"]) == {"all"}:
        return [str(m) for m, _ in pairs]
    return [f"{m}, {g}" if part["modality"].nunique() > 1 else str(g) for m, g in pairs]


# -- pictures -------------------------------------------------------------------------------------


def _thumbnails(cohort: Cohort, table: pd.DataFrame) -> tuple[tuple[Thumbnail, ...], int]:
    """The small pictures, and how many of those chosen have none."""
    images = cohort.images.set_index(["manifest", "row"], drop=False)
    made: list[Thumbnail] = []
    chosen = choose(table)
    for row in chosen.to_dict("records"):
        key = (row["manifest"], row["row"])
        picture = lesion_picture(cohort, images.loc[[key]].iloc[0]) if key in images.index else None
        if picture is None:
            continue
        source, width, height = picture
        name = f"{with_unit(str(row['modality']))[0]}, row {int(row['row'])}"
        who = f" ({plain(row['unit'], 30)})" if cohort.config.privacy.show_ids else ""
        flags = ", ".join(row["flags"]) or "no flag"
        made.append(Thumbnail(source, width, height, f"Lesion with its outline: {name}; {flags}", f"{name}{who}: {flags}"))
    return tuple(made), len(chosen) - len(made)
