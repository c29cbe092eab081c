"""The descriptions in ``data/``: one file per class of radiomics and per family of the other kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True)
class Line:
    """One feature as a file describes it.

    Parameters
    ----------
    formula, unit, ibsi, note : str
    reference : str
        Where it is not the file's.
    group : str
        The class inside a family that has several.
    """

    formula: str
    unit: str = ""
    ibsi: str = ""
    note: str = ""
    reference: str = ""
    group: str = ""


@dataclass(frozen=True)
class Sheet:
    """One file of descriptions.

    Parameters
    ----------
    title, symbols, reference : str
    lines : mapping of str to Line
    """

    title: str
    symbols: str
    reference: str
    lines: Mapping[str, Line]


@cache
def sheet(name: str) -> Sheet:
    """The descriptions of a class or family, such as ``"glcm"`` or ``"contrast"``."""
    from ruamel.yaml import YAML

    text = (files("radiogen.features.dictionary") / "data" / f"{name}.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    common = str(data.get("note", ""))
    lines = {
        str(key): Line(
            formula=str(value["formula"]), unit=str(value.get("unit", "")), ibsi=str(value.get("ibsi", "")),
            note=str(value.get("note", common)), reference=str(value.get("reference", "")), group=str(value.get("class", "")),
        )
        for key, value in data["features"].items()
    }  # fmt: skip
    return Sheet(str(data["title"]), str(data["symbols"]), str(data["reference"]), MappingProxyType(lines))
