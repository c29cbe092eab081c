"""Cohorts with known truth, pictures included.

The floor above the features: it may use everything below and no models.
"""

from __future__ import annotations

from radiogen.simulate.build import cohort
from radiogen.simulate.effects import DEFAULT, NULL, Effects

__all__ = ["DEFAULT", "NULL", "Effects", "cohort"]
