"""The dictionary of features: name, class, filter, unit, formula and IBSI identifier of everything extraction makes."""

from radiogen.features.dictionary.entry import COLUMNS, Entry
from radiogen.features.dictionary.table import cohort_settings, entries, feature_dictionary

__all__ = ["COLUMNS", "Entry", "cohort_settings", "entries", "feature_dictionary"]
