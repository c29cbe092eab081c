"""Plotly figures from finished tables, in one theme; the same in notebooks, report and explorer.

Every function takes a frame whose numbers were computed elsewhere and returns a
:class:`plotly.graph_objects.Figure`.  ``figure.layout.meta`` holds ``title``, ``caption``
(one sentence computed from the numbers), ``table`` (the key of the table it shows),
``min_width`` and ``max_width`` (the widths in pixels between which it reads well, 0 for any).
"""

from __future__ import annotations

from radiogen.plots.agreement import bland_altman
from radiogen.plots.associations import association_heatmap, volcano
from radiogen.plots.cohort import availability, classes, flow, missingness, mutations
from radiogen.plots.cutpoints import cutpoint_profile
from radiogen.plots.decisions import decision_curve
from radiogen.plots.discrimination import calibration_curve, confusion_matrix, performance, roc
from radiogen.plots.effects import forest, importance
from radiogen.plots.harmonisation import batch_components, batch_variance
from radiogen.plots.horizons import horizon_scores, rmst_areas
from radiogen.plots.incidence import cumulative_incidences, stacked_incidence
from radiogen.plots.nomogram_print import nomogram_svg
from radiogen.plots.nomograms import nomogram
from radiogen.plots.planning import sample_size_curve
from radiogen.plots.reclassification import reclassification, reclassification_table
from radiogen.plots.regressions import regression_forest
from radiogen.plots.residuals import schoenfeld
from radiogen.plots.stability import icc_heatmap, icc_intervals, icc_shares
from radiogen.plots.subgroups import subgroup_forest
from radiogen.plots.survival import cumulative_incidence, kaplan_meier
from radiogen.plots.text import text

__all__ = [
    "association_heatmap",
    "availability",
    "batch_components",
    "batch_variance",
    "bland_altman",
    "calibration_curve",
    "classes",
    "confusion_matrix",
    "cumulative_incidence",
    "cumulative_incidences",
    "cutpoint_profile",
    "decision_curve",
    "flow",
    "forest",
    "horizon_scores",
    "icc_heatmap",
    "icc_intervals",
    "icc_shares",
    "importance",
    "kaplan_meier",
    "missingness",
    "mutations",
    "nomogram",
    "nomogram_svg",
    "performance",
    "reclassification",
    "reclassification_table",
    "regression_forest",
    "rmst_areas",
    "roc",
    "sample_size_curve",
    "schoenfeld",
    "stacked_incidence",
    "subgroup_forest",
    "text",
    "volcano",
]
