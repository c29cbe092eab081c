"""The files of a segmentation: masks, manifests and the cohort file that names them; the inputs stay as they are."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from radiogen.cohort.modality import ModalitySection
from radiogen.cohort.raw_table import RawTable
from radiogen.errors import fail
from radiogen.files import in_one_step
from radiogen.imaging.regions import Mask

#: folder of the masks, beside the manifest
FOLDER = "masks_automatic"
_PART = "segmented"


@dataclass(frozen=True)
class Places:
    """Where the results of one modality go.

    Parameters
    ----------
    manifest : Path
        The new manifest.
    named : str
        The same as the cohort file names it.
    masks : Path
        Folder of the masks.
    """

    manifest: Path
    named: str
    masks: Path


def places(modality: str, section: ModalitySection, raw: RawTable, *, shared: bool) -> Places:
    """The places of one modality; the manifest's name has the modality in it where several ``shared`` one."""
    assert section.images is not None
    old = Path(raw.file)
    middle = f".{safe_name(modality)}" if shared else ""
    name = f"{Path(section.images).stem}{middle}.{_PART}.csv"
    return Places(old.with_name(name), Path(section.images).with_name(name).as_posix(), old.parent / FOLDER / safe_name(modality))


def yaml_place(cohort_yaml: Path) -> Path:
    """``cohort.segmented.yaml`` beside ``cohort.yaml``, where its paths mean the same."""
    return cohort_yaml.with_name(f"{cohort_yaml.stem}.{_PART}.yaml")


def safe_name(text: str) -> str:
    """Letters, digits, ``.``, ``_`` and ``-``; all else becomes ``_``."""
    return re.sub(r"[^\w.-]+", "_", text)


def refuse_to_overwrite(files: Iterable[Path], folders: Iterable[Path]) -> None:
    """RG803 where a file is there already, or a folder that is not empty."""
    for path in files:
        if path.exists():
            raise fail("RG803", f"'{path.name}' exists already and would be overwritten", file=path)
    for folder in folders:
        if folder.is_dir() and any(folder.iterdir()):
            raise fail("RG803", f"the folder '{folder.name}' of '{folder.parent.name}' holds masks already", file=folder)


def refuse_to_touch(inputs: Iterable[str | Path], outputs: Iterable[Path]) -> None:
    """RG801 where an output is one of the inputs: they are never changed."""
    known = {Path(p).resolve() for p in inputs}
    for path in outputs:
        if path.resolve() in known:
            raise fail("RG801", f"'{path.name}' is an input of this cohort and would be overwritten", file=path,
                       fix="Segment the cohort file that was first drawn up by hand, or rename the masks.")


# -- masks ---------------------------------------------------------------------------------


def mask_png(mask: Mask, label: int | str | None = None) -> bytes:
    """A mask as the bytes of a PNG: 255 (or the declared label) in the lesion, 0 elsewhere.

    Raises
    ------
    RadiogenError
        RG708 where the declared label is that of a polygon file, which a picture cannot carry.
    """
    from PIL import Image as Pillow
    from PIL import ImageColor

    if label is None or isinstance(label, int):
        value = 255 if label is None else label
        if not 0 < value < 256:
            raise fail("RG708", "an automatic mask holds labels from 1 to 255", value=label)
        picture = Pillow.fromarray(np.where(mask, value, 0).astype(np.uint8))
    else:
        try:
            colour = ImageColor.getrgb(label)[:3]
        except ValueError as error:
            raise fail("RG708", "`mask_label` is the label of outlines, and automatic masks are pictures", value=label,
                       fix="Declare `mask_label` only for modalities whose masks are all outlines, or draw them all.") from error
        picture = Pillow.fromarray(mask[..., None] * np.array(colour, dtype=np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def mask_cell(path: Path, section: ModalitySection, manifest: Path, root: Path) -> str:
    """A mask's path as a cell of the manifest: relative to the folder in which the modality's masks resolve."""
    base = manifest.parent if section.mask_dir is None else root / section.mask_dir
    text = Path(os.path.relpath(path.absolute(), base.absolute())).as_posix()
    if section.mask_separator and section.mask_separator in text:
        raise fail("RG708", f"the separator of masks occurs in '{text}'", value=section.mask_separator,
                   fix="Use another `mask_separator`.")
    return text


# -- tables --------------------------------------------------------------------------------


def filled(raw: RawTable, section: ModalitySection, masks: Mapping[int, tuple[str, str]], given: str) -> bytes:
    """The manifest with its masks filled in, in the same encoding and with the same separator.

    Parameters
    ----------
    raw : RawTable
        As read.
    section : ModalitySection
    masks : mapping of int to (str, str)
        Row of the file to the cell of its mask and its source.
    given : str
        Source of masks that were there.

    Returns
    -------
    bytes
        Of a text table.
    """
    table = (raw.frame if raw.untouched is None else raw.untouched).copy()
    mask, source = section.column("mask"), section.column("mask_source")
    for column in (mask, source):
        if column not in table.columns:
            table[column] = None
    for at, row in enumerate(raw.rows):
        drawn = masks.get(int(row))
        if drawn is not None:
            table.loc[table.index[at], [mask, source]] = list(drawn)
        elif _holds(raw, mask, at) and not _holds(raw, source, at):
            table.loc[table.index[at], source] = given
    if section.decimal == "," and Path(raw.file).suffix.lower() not in (".csv", ".tsv", ".txt", ".tab"):
        table = table.map(lambda v: v.replace(".", ",") if isinstance(v, str) and re.fullmatch(r"-?\d+\.\d+", v) else v)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=section.delimiter or ",", lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([["" if v is None else v for v in row] for row in table.itertuples(index=False, name=None)])
    return buffer.getvalue().encode(section.encoding)


def _holds(raw: RawTable, column: str, at: int) -> bool:
    """Whether there is a value in a column of a row."""
    return column in raw.frame.columns and raw.frame[column].iloc[at] is not None


# -- the cohort file ---------------------------------------------------------------------------


def yaml_with(text: str, images: Mapping[str, str]) -> str:
    """The cohort file with other manifests, and not a character changed elsewhere.

    Parameters
    ----------
    text : str
        The cohort file.
    images : mapping of str to str
        Modality to the path of its new manifest.

    Raises
    ------
    RadiogenError
        RG801 where a manifest's name cannot be exchanged in its place, because an anchor stands there.

    Examples
    --------
    >>> from radiogen.features.segmented_files import yaml_with
    >>> yaml_with("modalities:  # all\\n  bmode: {images: b.csv, aggregate: mean}\\n", {"bmode": "b.segmented.csv"})
    'modalities:  # all\\n  bmode: {images: "b.segmented.csv", aggregate: mean}\\n'
    """
    from ruamel.yaml import YAML

    root = YAML(typ="rt", pure=True).compose(text)
    spans = []
    for modality, path in images.items():
        node = _value(_value(_value(root, "modalities"), modality), "images")
        if node is not None:
            start, end = node.start_mark.index, node.end_mark.index
            end = start + len(text[start:end].rstrip())  # a text in lines of its own ends with their break
            spans.append((start, end, json.dumps(path, ensure_ascii=False)))
    changed = text
    for start, end, new in sorted(set(spans), reverse=True):
        changed = changed[:start] + new + changed[end:]
    if len({s for s, _, _ in spans}) < len(images) or _data(changed) != _expected(text, images):
        raise fail("RG801", "the manifests' names cannot be exchanged in the cohort file", column="modalities",
                   fix="Write `images:` of each modality as plain text, without anchors.")
    return changed


def _value(node: Any, key: str) -> Any:
    """The value of a key of a mapping node; None where there is none."""
    pairs: Sequence[Any] = getattr(node, "value", ()) if node is not None else ()
    return next((v for k, v in pairs if getattr(k, "value", None) == key), None)


def _data(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(text)


def _expected(text: str, images: Mapping[str, str]) -> Any:
    data = _data(text)
    for modality, path in images.items():
        # an alias stands for one and the same mapping; only this use of it is meant
        data["modalities"] = {**data["modalities"], modality: {**data["modalities"][modality], "images": path}}
    return data


# -- writing -------------------------------------------------------------------------------


def write(path: Path, data: bytes) -> None:
    """Write a file in one step; RG801 where it cannot be written."""
    with in_one_step(path, f"'{path.name}'") as part:
        part.write_bytes(data)
