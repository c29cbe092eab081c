"""The report: one offline HTML file from finished results; nothing is computed here."""

from __future__ import annotations

from radiogen.report.page import render, write

__all__ = ["render", "write"]
