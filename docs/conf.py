"""Sphinx configuration."""

from __future__ import annotations

import re
from typing import Any

from docutils.nodes import SkipNode
from docutils.utils.math import latex2mathml

import radiogen

project = "radiogen"
author = "the radiogen authors"
release = version = radiogen.__version__
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
exclude_patterns = ["_build", "generated/README*"]
html_theme = "pydata_sphinx_theme"
html_title = "radiogen"
html_theme_options = {"show_prev_next": False, "navigation_with_keys": False}
html_show_sourcelink = False
html_sidebars: dict[str, list[str]] = {"**": []}
html_static_path = ["_static"]
html_css_files = ["pictures.css"]
suppress_warnings = ["myst.header"]
html_math_renderer = "mathml"


def _inline(writer: Any, node: Any) -> None:
    writer.body.append(latex2mathml.tex2mathml(node.astext()))
    raise SkipNode


def _display(writer: Any, node: Any) -> None:
    writer.body.append(f'<div class="formula">{latex2mathml.tex2mathml(node.astext(), as_block=True)}</div>\n')
    raise SkipNode


def _without_foreign_labels(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Docstrings that scikit-learn's classes hand down refer to pages of its own documentation."""
    lines[:] = [re.sub(r":ref:`([^`<]*?)\s*<[^`>]*>`", r"\1", line) for line in lines]


def setup(app: Any) -> None:
    """Formulas as MathML, which browsers draw by themselves: the pages need no network."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    app.connect("autodoc-process-docstring", _without_foreign_labels)
