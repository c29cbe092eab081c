"""Molecular subtype from ER, PR, HER2 and Ki-67 by a declared rule, with unknown markers left unknown."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from radiogen.cohort.config import MarkerSection, SubtypeSection
from radiogen.cohort.markers import marker_cut
from radiogen.errors import fail

LUMINAL_A = "Luminal A-like"
LUMINAL_B_NEG = "Luminal B-like HER2-"
LUMINAL_B_POS = "Luminal B-like HER2+"
HER2_POSITIVE = "HER2-positive non-luminal"
TRIPLE_NEGATIVE = "Triple negative"
UNCLASSIFIED = "Unclassified"
#: the subtypes in the order of tables and legends
SUBTYPES = (LUMINAL_A, LUMINAL_B_NEG, LUMINAL_B_POS, HER2_POSITIVE, TRIPLE_NEGATIVE, UNCLASSIFIED)

#: below this Ki-67 is low in the rules with a cut at 14
KI67_LOW = 14.0
#: ER and PR are positive from this percentage on
RECEPTOR_POSITIVE = 1.0


@dataclass(frozen=True)
class _Rule:
    """Cuts of one rule: Ki-67 below ``ki67_low`` is A whatever PR is, between the two A if PR is high."""

    ki67_low: float
    ki67_high: float
    pr_high: float
    pr_for_low: bool
    pr_alone: bool


def _rule(section: SubtypeSection) -> _Rule:
    if section.rule is None:
        raise fail("RG105", "the subtype is read from a column; there is no rule to apply", column="subtype.rule")
    luminal = section.pr_alone == "luminal"
    if section.rule == "maisonneuve":
        return _Rule(KI67_LOW, section.ki67_high, section.pr_high, False, luminal)
    cut = section.ki67_high
    if section.rule == "ki67_14" and "ki67_high" not in section.model_fields_set:
        cut = KI67_LOW
    return _Rule(cut, cut, section.pr_high, True, luminal)


def describe_rule(section: SubtypeSection) -> str:
    """The rule in one paragraph, for methods texts.

    Parameters
    ----------
    section : SubtypeSection
        With ``rule``.

    Returns
    -------
    str

    Raises
    ------
    RadiogenError
        RG105 if the subtype is read from a column.

    Examples
    --------
    >>> from radiogen.cohort.config import SubtypeSection
    >>> print(describe_rule(SubtypeSection(rule="maisonneuve")).split(":")[0])
    Subtype by Maisonneuve 2014 (doi 10.1186/bcr3653)
    """
    rule = _rule(section)
    names = {
        "st_gallen_2013": "St Gallen 2013 (doi 10.1093/annonc/mdt303)",
        "ki67_14": "St Gallen 2013 with the Ki-67 cut of Cheang 2009 (doi 10.1093/jnci/djp082)",
        "maisonneuve": "Maisonneuve 2014 (doi 10.1186/bcr3653)",
    }
    pr, high, low = f"{rule.pr_high:g} %", f"{rule.ki67_high:g} %", f"{rule.ki67_low:g} %"
    luminal = "ER+" if not rule.pr_alone else "ER+ or PR+"
    if rule.pr_for_low:
        a, b = f"Ki-67 < {low} and PR ≥ {pr}", f"Ki-67 ≥ {high} or PR < {pr}"
    else:
        a = f"Ki-67 < {low}, or Ki-67 ≥ {low} and < {high} with PR ≥ {pr}"
        b = "any other Ki-67 and PR"
    alone = "ER- PR+ counts as luminal" if rule.pr_alone else f"ER- PR+ is {UNCLASSIFIED.lower()}"
    return (
        f"Subtype by {names[str(section.rule)]}: {luminal} HER2+ is {LUMINAL_B_POS}; {luminal} HER2- is {LUMINAL_A} with "
        f"{a}, and {LUMINAL_B_NEG} with {b}; ER- PR- HER2+ is {HER2_POSITIVE}; ER- PR- HER2- is {TRIPLE_NEGATIVE}; "
        f"{alone}. A patient with a missing marker has a subtype only if every value of that marker gives the same one."
    )


def marker_cuts(section: MarkerSection) -> dict[str, float]:
    """At which percentage the status of ER, PR and Ki-67 was cut, for :func:`derive_subtype`.

    Parameters
    ----------
    section : MarkerSection

    Returns
    -------
    dict of str to float
        ``er``, ``pr``, ``ki67`` where declared; NaN where the cut is not known (a status without ``cut``, Allred).

    Examples
    --------
    >>> from radiogen.cohort.config import MarkerSection, PercentMarker
    >>> marker_cuts(MarkerSection(ki67=PercentMarker(column="Ki67", unit="status", cut=14)))
    {'ki67': 14.0}
    """
    declared = {"er": section.er, "pr": section.pr, "ki67": section.ki67}
    return {name: marker_cut(name, marker) for name, marker in declared.items() if marker is not None}


def derive_subtype(
    markers: pd.DataFrame, section: SubtypeSection, *, cuts: Mapping[str, float] | None = None
) -> pd.Series:
    """Subtype of every patient; NaN where the markers do not decide it.

    Parameters
    ----------
    markers : DataFrame, shape (n, k)
        ``er``, ``pr``, ``her2`` (``"positive"``, ``"negative"``), ``ki67`` (``"high"``, ``"low"``), and ``er_percent``,
        ``pr_percent``, ``ki67_percent`` (percent); NaN is not known, a column that is absent is not known at all.
    section : SubtypeSection
        The rule and its cuts.
    cuts : mapping of str to float, optional
        Percentage from which on the status of a marker is positive or high, from :func:`marker_cuts`; NaN or absent
        is not known.  Default: not known.

    Returns
    -------
    Series of str, index as ``markers``
        One of :data:`SUBTYPES`, or NaN.

    Raises
    ------
    RadiogenError
        RG105 if the section has no rule, RG705 if a status has another value.

    Notes
    -----
    All values that the markers can have are tried; the subtype is known if all give the same one.  So ER+ HER2+ needs
    no Ki-67, and ER+ HER2- with Ki-67 30 % needs no PR.

    Whether ER and PR are positive is their status, cut where the YAML says (1 % unless declared), else the percentage.
    Whether PR and Ki-67 are high is the percentage, where it is known.  A status alone tells that only as far as its
    cut is known: Ki-67 "low" with ``cut: 14`` is below 20 too, Ki-67 "high" with ``cut: 14`` may be above or below 20,
    and a status whose cut is not declared tells nothing of Ki-67.  PR negative is always below ``pr_high``, because no
    convention calls PR of 20 % negative (unless its declared cut is higher); PR positive without a percentage is not.

    References
    ----------
    Goldhirsch A et al. Ann Oncol 2013;24:2206. doi:10.1093/annonc/mdt303
    Cheang MCU et al. J Natl Cancer Inst 2009;101:736. doi:10.1093/jnci/djp082
    Maisonneuve P et al. Breast Cancer Res 2014;16:R65. doi:10.1186/bcr3653

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.cohort.config import SubtypeSection
    >>> markers = pd.DataFrame({"er": ["positive"], "her2": ["negative"], "ki67_percent": [30.0]})
    >>> derive_subtype(markers, SubtypeSection(rule="st_gallen_2013")).tolist()
    ['Luminal B-like HER2-']
    """
    rule = _rule(section)
    known = {} if cuts is None else dict(cuts)
    _check_words(markers)
    her2 = _column(markers, "her2")
    er, pr, ki67 = (_Marker(n, markers, known.get(n, math.nan)) for n in ("er", "pr", "ki67"))
    found: list[Any] = []
    for row in range(len(markers)):
        answers = {
            _classify(e, p[0], p[1], h, k, rule)
            for e, p, h, k in itertools.product(
                _er_states(er, row), _pr_states(pr, row, rule), _both(her2[row]), _ki67_states(ki67, row, rule)
            )
        }
        found.append(answers.pop() if len(answers) == 1 else np.nan)
    return pd.Series(found, index=markers.index, dtype=object, name="subtype")


def _classify(er: bool, pr: bool, pr_high: bool, her2: bool, ki67: float, rule: _Rule) -> str:
    """The subtype of known markers; ``ki67`` is any value in the right interval."""
    if not er and pr and not rule.pr_alone:
        return UNCLASSIFIED
    if not er and not pr:
        return HER2_POSITIVE if her2 else TRIPLE_NEGATIVE
    if her2:
        return LUMINAL_B_POS
    if ki67 < rule.ki67_low:
        return LUMINAL_A if pr_high or not rule.pr_for_low else LUMINAL_B_NEG
    return LUMINAL_A if ki67 < rule.ki67_high and pr_high else LUMINAL_B_NEG


# -- the values that a marker can have ------------------------------------------------------


class _Marker:
    """Status (True, False, None), percentage (or NaN) and cut of one marker, per row."""

    def __init__(self, name: str, markers: pd.DataFrame, cut: float) -> None:
        self.status = _column(markers, name)
        percents = markers.get(f"{name}_percent")
        self.percent = np.full(len(markers), np.nan) if percents is None else percents.to_numpy(dtype=float)
        self.cut = cut


def _column(markers: pd.DataFrame, name: str) -> list[bool | None]:
    words = {"positive": True, "negative": False, "high": True, "low": False}
    return [words.get(v) for v in markers[name]] if name in markers else [None] * len(markers)


def _check_words(markers: pd.DataFrame) -> None:
    allowed = {"er": ("positive", "negative"), "pr": ("positive", "negative"), "her2": ("positive", "negative"),
               "ki67": ("high", "low")}
    for name, words in allowed.items():
        if name not in markers:
            continue
        strange = markers[name].dropna()[lambda s, w=words: ~s.isin(w)]
        if len(strange):
            raise fail("RG705", f"'{name}' holds '{strange.iloc[0]}'; it takes {words[0]}, {words[1]} or NaN",
                       column=name, value=strange.iloc[0])


def _both(state: bool | None) -> tuple[bool, ...]:
    return (False, True) if state is None else (state,)


def _er_states(er: _Marker, row: int) -> tuple[bool, ...]:
    if er.status[row] is None and not math.isnan(er.percent[row]):
        return (bool(er.percent[row] >= RECEPTOR_POSITIVE),)
    return _both(er.status[row])


def _pr_states(pr: _Marker, row: int, rule: _Rule) -> list[tuple[bool, bool]]:
    """Pairs of PR positive, PR high."""
    percent = pr.percent[row]
    if not math.isnan(percent):
        positive = pr.status[row]
        return [(bool(percent >= RECEPTOR_POSITIVE) if positive is None else positive, bool(percent >= rule.pr_high))]
    pairs: list[tuple[bool, bool]] = []
    for positive in _both(pr.status[row]):
        if positive:
            pairs += [(True, True)] if pr.cut >= rule.pr_high else [(True, False), (True, True)]
        else:
            pairs += [(False, False), (False, True)] if pr.cut > rule.pr_high else [(False, False)]
    return pairs


def _ki67_states(ki67: _Marker, row: int, rule: _Rule) -> list[float]:
    """One Ki-67 for each interval of the rule that it may lie in."""
    percent, status, cut = ki67.percent[row], ki67.status[row], ki67.cut
    # a percentage can contradict its status only where it stands for a limit: '<20' taken as 20 is still below 20
    agrees = status is None or math.isnan(cut) or (percent >= cut) == status
    if not math.isnan(percent) and agrees:
        return [float(percent)]
    # the ends of the rule's intervals and of the status: a value stands for [value, next value)
    ends = sorted({0.0, rule.ki67_low, rule.ki67_high, *([] if math.isnan(cut) else [cut])})
    if status is None or math.isnan(cut):
        return ends
    return [end for end in ends if (end >= cut) == status]
