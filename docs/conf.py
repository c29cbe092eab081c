"""Sphinx configuration."""

from __future__ import annotations

import radiogen

project = "radiogen"
author = "the radiogen authors"
release = version = radiogen.__version__
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax"]
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
suppress_warnings = ["myst.header"]
