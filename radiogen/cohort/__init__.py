"""Cohorts: the YAML, tables, markers, mutations, endpoints, joined and checked."""

from radiogen.cohort.cohort import Cohort, Source
from radiogen.cohort.config import CohortConfig
from radiogen.cohort.endpoint import Endpoint, Target
from radiogen.cohort.ledger import Ledger
from radiogen.cohort.loader import load_cohort, read_cohort

__all__ = ["Cohort", "CohortConfig", "Endpoint", "Ledger", "Source", "Target", "load_cohort", "read_cohort"]
