"""The forms of the intraclass correlation, which stand in :mod:`radiogen.stats.icc_forms`."""

from __future__ import annotations

from radiogen.stats.icc_forms import AVERAGES, FORMS, Squares, form, squares_of

__all__ = ["AVERAGES", "FORMS", "Squares", "form", "squares_of"]
