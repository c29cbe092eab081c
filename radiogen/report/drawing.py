"""Figures as the page carries them: JSON that a small script draws when the reader gets there."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from radiogen.plots import theme
from radiogen.report.payload import json_block

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True)
class Drawing:
    """One figure of the page.

    ``table`` is the key of its table; ``data`` the JSON of traces and layout, without the template, which
    the page holds once.
    """

    id: str
    title: str
    caption: str
    table: str
    height: int
    min_width: int
    max_width: int
    still: bool
    filename: str
    data: Markup


def drawing(name: str, figure: Figure, identifier: str) -> Drawing:
    """Make the drawing of a figure.

    Parameters
    ----------
    name : str
        Its key among the figures of a result.
    figure : plotly.graph_objects.Figure
        With ``layout.meta`` as :mod:`radiogen.plots` sets it.
    identifier : str
        Its id in the page.
    """
    meta = figure.layout.meta or {}
    content = _readable(json.loads(figure.to_json()))
    content["layout"].pop("template", None)
    content["layout"].pop("meta", None)
    content.pop("frames", None)
    return Drawing(
        id=identifier, title=str(meta.get("title", name)), caption=str(meta.get("caption", "")),
        table=str(meta.get("table", "")), height=int(figure.layout.height or 420), min_width=int(meta.get("min_width", 0)),
        max_width=int(meta.get("max_width", 0)), still=bool(figure.layout.xaxis.fixedrange),
        filename=f"radiogen-{identifier}",
        data=json_block({"data": content["data"], "layout": content["layout"]}),
    )


def _readable(value: Any) -> Any:
    """Arrays as lists and numbers with six digits, which no screen can tell from all of them."""
    if isinstance(value, dict) and "bdata" in value and "dtype" in value:
        array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=np.dtype(value["dtype"]))
        shape = [int(n) for n in str(value.get("shape", array.size)).split(",")]
        return _readable(array.reshape(shape).tolist())
    if isinstance(value, dict):
        return {k: _readable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_readable(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def shared_json() -> Markup:
    """What all figures of a page share: the template, and the colours on a dark ground."""
    template = json.loads(theme.figure("", "", "").to_json())["layout"]["template"]
    return json_block({"template": template, "dark": theme.DARK})
