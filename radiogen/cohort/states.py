"""The three states of a gene in a patient; not tested is never wild type."""

from __future__ import annotations

#: mutation states as they stand in ``Cohort.mutations``
MUTATED, WILD_TYPE, NOT_TESTED = "mutated", "wild type", "not tested"
