"""Rules of exclusion, and external centres set aside."""

from __future__ import annotations

import pandas as pd

from radiogen.cohort.config import CohortConfig, Rule
from radiogen.cohort.join import Joined
from radiogen.cohort.ledger import Ledger
from radiogen.cohort.values import canonical, canonical_set, is_number, listing, suggest


def apply_rules(config: CohortConfig, joined: Joined, ledger: Ledger) -> tuple[Joined, Ledger]:
    """Set units aside by the rules of ``exclude:``, each with a ledger line."""
    for number, rule in enumerate(config.exclude):
        key = f"exclude.{number}"
        text = joined.column(rule.column, f"{key}.column")
        if text is None:
            continue
        out = _matches(rule, text, joined, key)
        ledger = ledger.add("rules", rule.reason, text.index[out])
        joined = joined.select(text.index[~out])
    if joined.text.empty:
        joined.findings.add("RG220", "the rules of exclusion leave nobody", column="exclude")
    return joined, ledger


def _matches(rule: Rule, text: pd.Series, joined: Joined, key: str) -> pd.Series:
    if rule.missing:
        return text.isna()
    if rule.values is not None:
        found = text.map(lambda v: None if v is None else canonical(v))
        for value in rule.values:
            if canonical(value) not in set(found.dropna()):
                joined.findings.add(
                    "RG109", f"the rule '{rule.reason}' names the value '{value}', which '{rule.column}' does not hold."
                    f"{suggest(str(value), text.dropna().unique())}", severity="warning", column=key, value=value,
                    fix="Check its spelling; the rule sets nobody aside for it.",
                )
        return found.isin(canonical_set(rule.values))
    bad = text.dropna()[~text.dropna().map(is_number)]
    if len(bad):
        joined.findings.add("RG211", f"the rule '{rule.reason}' compares '{rule.column}' with a number, and '{bad.iloc[0]}' is "
                            "none", value=bad.iloc[0], **joined.where(rule.column, bad.index[0]))
    numbers = pd.to_numeric(text, errors="coerce")
    return numbers < rule.below if rule.below is not None else numbers > rule.above


def mark_external(config: CohortConfig, joined: Joined) -> pd.Series:
    """Which units are set aside for external validation; no patient may stand on both sides."""
    external = pd.Series(False, index=joined.text.index)
    findings = joined.findings
    for column, levels in config.split.external.items():
        key = f"split.external.{column}"
        batch = {str(name): source for name, source in config.batch.items()}
        text = joined.column(column if column in joined.text.columns else batch.get(column, column), key)
        if text is None:
            continue
        found = text.map(lambda v: None if v is None else canonical(v))
        for level in levels:
            if canonical(level) not in set(found.dropna()):
                findings.add("RG602", f"'{column}' has no level '{level}'.{suggest(str(level), text.dropna().unique())}",
                             column=key, value=level, fix=f"Use one of {listing(sorted(text.dropna().unique()))}.")
        unknown = text.index[text.isna()]
        if len(unknown):
            findings.add("RG602", f"'{column}' is not known of {len(unknown)} units, such as {listing(unknown[:3])}; they "
                         "count as development data", severity="warning", column=key,
                         fix="Fill in the value, or `exclude:` these units.")
        external |= found.isin(canonical_set(levels))
    if len(external) and external.all():
        findings.add("RG602", "`split: external` takes all patients; none is left to develop a model on", column="split.external")
    _report_both_sides(external, joined)
    return external


def _report_both_sides(external: pd.Series, joined: Joined) -> None:
    patients = joined.units["patient"]
    sides = external.groupby(patients.to_numpy()).nunique()
    for patient in sides.index[sides > 1]:
        units = patients.index[patients == patient]
        table = next(iter(joined.rows))
        row = joined.rows[table].get(units[-1])
        joined.findings.add(
            "RG601", f"the patient '{patient}' has lesions in the development and in the external data ({listing(units, 4)})",
            file=joined.files[table], row=None if row is None else int(row), column="split.external", value=patient,
        )


def unit_frame(config: CohortConfig, joined: Joined, external: pd.Series) -> pd.DataFrame:
    """One row per unit: patient, fold group, external or not, centre, scanner."""
    units = joined.units.copy()
    units["group"] = units["patient"]
    units["external"] = external
    for name, column in config.batch.items():
        text = joined.column(column, f"batch.{name}")
        if text is not None:
            units[name] = text
    return units
