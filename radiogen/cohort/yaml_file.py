"""Reading ``cohort.yaml``: every problem with its line, and "did you mean"."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from radiogen.cohort.config import CohortConfig
from radiogen.cohort.values import listing, suggest
from radiogen.errors import Findings

#: a cohort file is a page or two; larger ones are something else
MAX_BYTES = 1_000_000
#: keys and values, each anchor counted wherever it is used; a file that unfolds to more is a trap
MAX_NODES = 50_000
Path_ = tuple[str | int, ...]


def read_config(path: Path, findings: Findings, lines: dict[Path_, int] | None = None) -> CohortConfig | None:
    """Parse and validate a cohort file.

    Parameters
    ----------
    path : Path
        The YAML.
    findings : Findings
        Takes every problem found, with its line.
    lines : dict, optional
        Filled with the line of every key.

    Returns
    -------
    CohortConfig or None
        None if there is an error.
    """
    text = _read_text(path, findings)
    if text is None:
        return None
    lines = {} if lines is None else lines
    lines[()] = 1
    try:
        node = YAML(typ="rt", pure=True).compose(text)
        if node is None:
            findings.add("RG101", "the file is empty", file=path)
            return None
        before = len(findings)
        _walk(node, (), lines, path, findings, set(), [0])
        loader = YAML(typ="safe", pure=True)
        loader.allow_duplicate_keys = True
        data = loader.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        findings.add("RG101", f"this is not valid YAML: {error.problem or error.context}", file=path, line=line)
        return None
    except (YAMLError, ValueError, RecursionError) as error:
        findings.add("RG101", f"this is not valid YAML: {str(error).splitlines()[0]}", file=path)
        return None
    if not isinstance(data, dict):
        findings.add("RG101", "the file must be a mapping of keys (radiogen:, cohort:, tables:, …)", file=path, line=1,
                     fix="Give the cohort file; it begins with `radiogen: 1`.")
        return None
    config = _validate(data, lines, path, findings)
    return config if len(findings) == before else None


def _read_text(path: Path, findings: Findings) -> str | None:
    try:
        if not path.is_file():
            what = "is no file" if path.exists() else "does not exist"
            findings.add("RG108", f"the cohort file '{path}' {what}", file=path)
            return None
        if path.stat().st_size > MAX_BYTES:
            findings.add("RG101", f"the file has more than {MAX_BYTES:,} bytes; is it a cohort file?", file=path)
            return None
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        findings.add("RG101", "the file is not text in UTF-8", fix="Save it as UTF-8.", file=path)
    except OSError as error:
        findings.add("RG108", f"the file cannot be read: {error.strerror}", file=path, fix="Check its name and permissions.")
    except ValueError as error:
        findings.add("RG108", f"'{path}' cannot be the name of a file: {error}", file=path)
    return None


def _walk(
    node: Node, where: Path_, lines: dict[Path_, int], path: Path, findings: Findings, open_nodes: set[int], count: list[int]
) -> None:
    """Record the line of every key and report duplicates."""
    count[0] += 1
    if count[0] > MAX_NODES:
        raise ValueError(f"it unfolds to more than {MAX_NODES:,} values; is it a cohort file?")
    if id(node) in open_nodes:
        raise ValueError("an anchor refers to itself")
    open_nodes = open_nodes | {id(node)}
    if isinstance(node, MappingNode):
        seen: dict[Any, int] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node)
            line = key_node.start_mark.line + 1
            if key in seen:
                findings.add(
                    "RG103", f"the key '{key}' stands twice, in lines {seen[key]} and {line}",
                    file=path, line=line, column=".".join(map(str, (*where, key))),
                )
            seen.setdefault(key, line)
            lines.setdefault((*where, key), line)
            _walk(value_node, (*where, key), lines, path, findings, open_nodes, count)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*where, index)] = item.start_mark.line + 1
            _walk(item, (*where, index), lines, path, findings, open_nodes, count)


def _scalar(node: Node) -> Any:
    if not isinstance(node, ScalarNode):
        return "?"
    text = node.value
    if node.tag and str(node.tag).endswith(":int"):
        try:
            return int(text, 0)
        except ValueError:
            return text
    return text


def _validate(data: dict[str, Any], lines: dict[Path_, int], path: Path, findings: Findings) -> CohortConfig | None:
    try:
        return CohortConfig.model_validate(data)
    except ValidationError as error:
        for item in _relevant(error.errors()):
            _report(dict(item), data, lines, path, findings)
        return None


def _relevant(errors: list[Any]) -> list[Any]:
    """Without the second branch of a union when the first one explains the same key."""
    kept: dict[Path_, Any] = {}
    for item in errors:
        loc = tuple(p for p in item["loc"] if p not in ("str", "int", "float", "bool", "SequencedSection"))
        kept.setdefault((*loc, item["type"] == "extra_forbidden"), {**item, "loc": loc})
    return list(kept.values())


def _report(item: dict[str, Any], data: Any, lines: dict[Path_, int], path: Path, findings: Findings) -> None:
    where, rest = _locate(item["loc"], data)
    kind = item["type"]
    key = ".".join(map(str, (*where, *rest)))
    line = _line(where, lines)
    name = str((*where, *rest)[-1]) if (*where, *rest) else ""
    if kind == "extra_forbidden":
        known = _keys_at(CohortConfig, item["loc"][:-1], data)
        findings.add(
            "RG102", f"unknown key '{name}'.{suggest(name, known)}", file=path, line=line, column=key,
            fix=f"Correct or delete it; the keys here are {listing(sorted(known), 40)}.",
        )
    elif kind in ("missing", "union_tag_not_found"):
        missing = name if kind == "missing" else "kind"
        findings.add("RG105", f"the key '{missing}' is missing", file=path, line=line, column=key)
    elif where == ("radiogen",):
        findings.add("RG107", f"format version {data.get('radiogen')!r} is not supported", file=path, line=line)
    else:
        value = item.get("input")
        message = _plain_message(item)
        if kind == "union_tag_invalid" and isinstance(value, dict):
            value = value.get("kind")
        shown = None if isinstance(value, dict | list) else value
        hint = ""
        context = item.get("ctx") or {}
        if isinstance(value, str) and ("expected" in context or "expected_tags" in context):
            choices = str(context.get("expected", context.get("expected_tags"))).replace("'", "").replace(" or ", ", ")
            hint = suggest(value, choices.split(", "))
        fix = "Give it a value, or delete the key." if value is None else None
        findings.add(
            "RG104", f"'{key or 'the file'}': {message[0].lower() + message[1:]}.{hint}", file=path, line=line,
            column=key or None, value=shown, fix=fix,
        )


#: kinds of pydantic errors in words that do not speak of Python
_WORDS = {
    "model_type": "this must be keys with values, as in `{key: value}`",
    "model_attributes_type": "this must be keys with values, as in `{key: value}`",
    "dict_type": "this must be keys with values, as in `{key: value}`",
    "list_type": "this must be a list, as in `[a, b]`",
    "string_type": "this must be text; a number or a word such as true needs quotes to be one",
    "bool_type": "this must be true or false",
    "bool_parsing": "this must be true or false",
    "int_type": "this must be a whole number",
    "int_parsing": "this must be a whole number",
    "int_from_float": "this must be a whole number",
    "float_type": "this must be a number",
    "float_parsing": "this must be a number",
}


def _plain_message(item: dict[str, Any]) -> str:
    if item.get("input") is None:
        return "there is nothing here"
    kind, context = str(item["type"]), item.get("ctx") or {}
    if kind == "too_short" and context.get("actual_length") == 0:
        return "the list is empty"
    if kind == "string_too_short" and not item["input"]:
        return "the text is empty"
    return _WORDS.get(kind, str(item["msg"]).removeprefix("Value error, "))


def _locate(loc: Path_, data: Any) -> tuple[Path_, Path_]:
    """The part of a pydantic location that is in the data, and what is not there."""
    where: list[str | int] = []
    current: Any = data
    for index, part in enumerate(loc):
        if _holds(current, part):
            where.append(part)
            current = current[part]
        elif index == len(loc) - 1:
            return tuple(where), (part,) if not _is_tag(part, current) else ()
    return tuple(where), ()


def _holds(current: Any, part: str | int) -> bool:
    """Whether a mapping has the key, or a list the position."""
    if isinstance(current, list):
        return isinstance(part, int) and part < len(current)
    return isinstance(current, dict) and part in current


def _is_tag(part: str | int, current: Any) -> bool:
    return isinstance(current, dict) and current.get("kind") == part


def _line(where: Path_, lines: dict[Path_, int]) -> int | None:
    while where not in lines and where:
        where = where[:-1]
    return lines.get(where)


def _keys_at(annotation: Any, loc: Path_, data: Any) -> set[str]:
    """The keys that the format has at a location."""
    for model in _models(annotation, data):
        fields = model.model_fields
        if not loc:
            return set(fields)
        head = loc[0]
        if head in fields:
            inner = data.get(head) if isinstance(data, dict) else None
            return _keys_at(fields[str(head)].annotation, loc[1:], inner)
        if _is_tag(head, data):
            return _keys_at(model, loc[1:], data)
    origin = typing.get_origin(annotation)
    if origin in (dict, list) and loc:
        inner_type = typing.get_args(annotation)[-1]
        inner = None
        if isinstance(data, dict | list):
            inner = data[loc[0]]  # type: ignore[index]
        return _keys_at(inner_type, loc[1:], inner)
    return set()


def _models(annotation: Any, data: Any) -> list[type[BaseModel]]:
    """The models an annotation admits, narrowed by ``kind`` where the data have one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) is typing.Annotated:
        return _models(typing.get_args(annotation)[0], data)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        found = [m for arg in typing.get_args(annotation) for m in _models(arg, data)]
        kind = data.get("kind") if isinstance(data, dict) else None
        fitting = [m for m in found if kind is None or _kind_of(m) in (None, kind)]
        return fitting or found
    return []


def _kind_of(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("kind")
    return None if field is None else str(typing.get_args(field.annotation)[0])
