"""A bundle: final models as safetensors and JSON, with checksums; nothing in it is run when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from radiogen.analysis.bundles.codec import Packer, unpack
from radiogen.analysis.locked import LockedModel, LockedModels, LockedNetwork
from radiogen.analysis.provenance import plain
from radiogen.analysis.storage import folder_in_one_step
from radiogen.cohort.paths import file_digest
from radiogen.errors import fail
from radiogen.models.graph_models import GRAPHS
from radiogen.models.stored import StoredMachine

#: version of the folder's format
FORMAT = 1
INDEX = "bundle.json"
_TENSORS, _PARTS = "arrays.safetensors", "models.json"
#: what every index holds
_SHAPES: dict[str, type] = {
    "kind": str, "target": str, "cohort": str, "unit": str, "n": int, "files": dict, "predictors": dict, "development": dict,
}


def save_bundle(models: LockedModels, folder: str | Path, *, patient_values: bool = False) -> Path:
    """Write final models to a folder, at once or not at all.

    Parameters
    ----------
    models : LockedModels
        ``result.model``.
    folder : str or Path
        Made anew; an older bundle in it is replaced, other files are refused.
    patient_values : bool, default False
        Whether support vector machines are written, which hold the standardised predictors of single patients.

    Returns
    -------
    Path
        The folder: ``bundle.json`` (what it is, of which cohort, checksums), ``models.json`` (structure,
        preprocessing, thresholds) and ``arrays.safetensors`` (weights).

    Raises
    ------
    RadiogenError
        RG803 if the folder holds something else, RG801 if it cannot be written, RG708 where nothing is left to write.

    Notes
    -----
    No id is written, and without ``patient_values`` no row of a patient: medians, means, scales, cut-points of trees and the
    1st and 99th percentiles of predictors are what is learnt from all.
    """
    # a graph of patients is made of the patients themselves and has no other form
    kept = {
        key: m for key, m in models.models.items() if key[0] not in GRAPHS and (patient_values or not _holds_patients(m))
    }
    if not kept:
        raise fail("RG708", "every model here holds values of single patients", column="patient_values",
                   fix="Save support vector machines with `patient_values=True` where that is allowed; graphs are not saved.")
    left_out = [{"model": m, "inputs": i} for m, i in models.models if (m, i) not in kept]
    held = any(_holds_patients(m) for m in kept.values())
    about = {**models.about, "left_out": left_out, "patient_values": held}
    return folder_in_one_step(Path(folder), INDEX, "bundle", partial(_write, LockedModels(kept, about)))


def _holds_patients(locked: LockedModel | LockedNetwork) -> bool:
    return isinstance(locked, LockedModel) and isinstance(getattr(locked.predictor, "machine", None), StoredMachine)


def _write(models: LockedModels, folder: Path) -> None:
    from safetensors.numpy import save_file

    packer = Packer()
    packed = [{"model": m, "inputs": i, "object": packer.pack(locked)} for (m, i), locked in models.models.items()]
    save_file(packer.arrays, folder / _TENSORS, metadata={"format": "radiogen"})
    (folder / _TENSORS).chmod(0o644)  # safetensors gives its files to their owner alone
    (folder / _PARTS).write_text(json.dumps(packed, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    index: dict[str, Any] = {
        "radiogen_bundle": FORMAT, **plain(models.about),
        "models": [{"model": m, "inputs": i, "blocks": list(locked.blocks)} for (m, i), locked in models.models.items()],
        "files": {name: file_digest(folder / name) for name in (_TENSORS, _PARTS)},
    }  # fmt: skip
    index["sha256"] = _digest(index)
    (folder / INDEX).write_text(json.dumps(index, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _digest(index: Mapping[str, Any]) -> str:
    """Of all that the index says besides."""
    text = json.dumps({k: v for k, v in index.items() if k != "sha256"}, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode("utf-8")).hexdigest()


def load_bundle(folder: str | Path) -> LockedModels:
    """Read the models that :func:`save_bundle` wrote.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    LockedModels

    Raises
    ------
    RadiogenError
        RG802 if the folder is no bundle, is of a later format, or a file is missing, damaged or was changed.

    Notes
    -----
    The checksums show damage and accidents.  They are no signature: whoever can change the files can change them too.
    Loading makes only objects of radiogen's own classes and never runs code from the folder.
    """
    from safetensors.numpy import load_file

    folder = Path(folder)
    about = _index(folder)
    for name in (_TENSORS, _PARTS):
        path = folder / name
        if not path.is_file():
            raise fail("RG802", f"the file {name} is missing", file=path)
        if file_digest(path) != about["files"].get(name):
            raise fail("RG802", f"the file {name} was changed after it was saved", file=path)
    try:
        arrays = load_file(folder / _TENSORS)
        packed = json.loads((folder / _PARTS).read_text(encoding="utf-8"))
    except Exception as error:  # safetensors has an exception of its own
        raise fail("RG802", f"the bundle cannot be read: {error}", file=folder) from error
    models = dict(_entry(entry, arrays, folder) for entry in packed) if isinstance(packed, list) else {}
    if not models:
        raise fail("RG802", f"{_PARTS} holds no model", file=folder / _PARTS)
    return LockedModels(models, {k: v for k, v in about.items() if k not in ("radiogen_bundle", "models", "files", "sha256")})


def _entry(entry: Any, arrays: dict[str, Any], folder: Path) -> tuple[tuple[str, str], LockedModel | LockedNetwork]:
    """One model under its name."""
    try:
        key, plain_object = (entry["model"], entry["inputs"]), entry["object"]
    except (KeyError, TypeError) as error:
        raise fail("RG802", f"{_PARTS} does not list models", file=folder / _PARTS) from error
    made = unpack(plain_object, arrays)
    if not isinstance(made, LockedModel | LockedNetwork) or not all(isinstance(k, str) for k in key):
        raise fail("RG802", f"{_PARTS} lists something that is no model", file=folder / _PARTS, value=str(key[0]))
    return key, made


def _index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    if not path.is_file():
        raise fail("RG802", f"there is no {INDEX} in {folder}", file=folder,
                   fix="Give the folder that `result.model.save(folder)` wrote.")  # fmt: skip
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise fail("RG802", f"{INDEX} is damaged: {error}", file=path) from error
    if not isinstance(about, dict) or not isinstance(about.get("radiogen_bundle"), int):
        raise fail("RG802", f"{INDEX} is not of a bundle", file=path)
    # a later format may hold other keys: it is told before they are looked at
    if about["radiogen_bundle"] > FORMAT:
        raise fail("RG802", "the bundle was written by a later version of radiogen", file=path, value=about["radiogen_bundle"])
    if not all(isinstance(about.get(k), t) for k, t in _SHAPES.items()):
        raise fail("RG802", f"{INDEX} is not of a bundle", file=path)
    if about.get("sha256") != _digest(about):
        raise fail("RG802", f"the file {INDEX} was changed after it was saved", file=path)
    return about
