"""What an analysis learns from image features in each training fold, besides the common preprocessing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import ValidationError

from radiogen.cohort.learning import HarmonizeSection, SelectSection, StableSection
from radiogen.cohort.repeats import foreign_repeats
from radiogen.errors import RadiogenError, fail

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort

#: what a caller may give for each: nothing, the one thing that has no default, or all keys of the YAML
HarmonizeOption = HarmonizeSection | Mapping[str, Any] | str | None
StableOption = StableSection | Mapping[str, Any] | float | None
SelectOption = SelectSection | Mapping[str, Any] | str | None


@dataclass(frozen=True)
class Recipe:
    """Harmonisation, stability filter and selection of one analysis.

    Parameters
    ----------
    harmonize, stable, select : section or None
        As in the YAML; None is not done.
    repeats : mapping of str to DataFrame, index (unit, repeat)
        Features measured again, by modality; only these modalities are filtered.
    """

    harmonize: HarmonizeSection | None = None
    stable: StableSection | None = None
    select: SelectSection | None = None
    repeats: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def context(self, cohort: Cohort) -> pd.DataFrame:
        """Each unit's ``group``, and where features are harmonised its ``batch`` and covariates."""
        frame = cohort.units[["group"]]
        if self.harmonize is None:
            return frame
        if self.harmonize.batch not in cohort.units.columns:
            what = self.harmonize.batch
            raise fail("RG109", f"features are harmonised, and the cohort does not say which {what} a unit is from",
                       column=f"batch.{what}", fix=f"Declare `batch: {{{what}: COLUMN}}`.")  # fmt: skip
        lacking = [c for c in self.harmonize.covariates if c not in cohort.clinical.columns]
        if lacking:
            raise fail("RG109", f"harmonisation keeps the effect of '{lacking[0]}', and there is no such clinical column",
                       column=lacking[0])  # fmt: skip
        return frame.assign(batch=cohort.units[self.harmonize.batch]).join(cohort.clinical[self.harmonize.covariates])

    def notes(self, screened: Collection[str]) -> list[str]:
        """What was asked for and has nothing to work on."""
        asked = [name for name, part in (("harmonize", self.harmonize), ("stable", self.stable), ("select", self.select)) if part]
        if not asked or screened:
            return []
        return [f"There are no image features among the inputs: {' and '.join(f'`{a}`' for a in asked)} had nothing to do."]

    def settings(self) -> dict[str, Any]:
        """The sections as plain values, for the record; empty where nothing is asked for."""
        parts = {"harmonize": self.harmonize, "stable": self.stable, "select": self.select}
        found: dict[str, Any] = {name: part.model_dump() for name, part in parts.items() if part is not None}
        if self.stable is not None:
            found["stable"]["modalities"] = list(self.repeats)
        return found


def make_recipe(
    cohort: Cohort, harmonize: HarmonizeOption, stable: StableOption, select: SelectOption, *, outcome: tuple[str, ...] = ()
) -> Recipe:
    """Check what was asked for against the cohort.

    Parameters
    ----------
    cohort : Cohort
    harmonize : mapping, section, str or None
        A text is the batch: ``"centre"`` or ``"scanner"``.
    stable : mapping, section, float or None
        A number is the threshold.
    select : mapping, section, str or None
        A text is the method.
    outcome : tuple of str
        Columns from which the outcome is made: they may not be covariates of the harmonisation.

    Raises
    ------
    RadiogenError
        RG708 for an option that makes no sense, RG109 for a batch or covariate that is not there, RG408 for a
        covariate that is the outcome, RG701 where nothing was measured again.
    """
    made = Recipe(
        section_of(HarmonizeSection, harmonize, "batch", "harmonize"),
        section_of(StableSection, stable, "threshold", "stable"),
        section_of(SelectSection, select, "method", "select"),
    )
    if made.harmonize is not None:
        _check_harmonize(cohort, made.harmonize, outcome)
    if made.stable is None:
        return made
    if not cohort.repeats:
        raise fail("RG701", "`stable` needs features that were measured again, and no modality has `repeats`", column="stable")
    if foreign := foreign_repeats(cohort.repeats, cohort.modalities):
        raise RadiogenError(foreign)
    # features that were not measured again have an empty column, and no ICC
    return replace(made, repeats={
        name: frame.reindex(columns=cohort.modalities[name].columns)
        for name, frame in cohort.repeats.items() if name in cohort.modalities
    })  # fmt: skip


def section_of(kind: Any, given: Any, short: str, name: str) -> Any:
    """The section of an option, however briefly it is written."""
    if given is None or isinstance(given, kind):
        return given
    values = dict(given) if isinstance(given, Mapping) else {short: given}
    try:
        return kind(**values)
    except ValidationError as error:
        # of the ways in which a value may be written, the one that got furthest is the one that was meant
        first = max(error.errors(), key=lambda e: len(e["loc"]))
        where = ".".join([name, *(str(part) for part in first["loc"] if not _is_type(part))])
        raise fail("RG708", f"`{where}`: {first['msg']}", column=where, value=first.get("input")) from error


def _is_type(part: str | int) -> bool:
    """Whether a part of a place is pydantic's name of a type, such as ``dict[str,float]``."""
    return isinstance(part, str) and ("[" in part or part in ("literal", "constrained-str"))


def _check_harmonize(cohort: Cohort, section: HarmonizeSection, outcome: tuple[str, ...]) -> None:
    if section.batch not in cohort.units.columns:
        raise fail("RG109", f"the cohort does not say which {section.batch} a unit is from", column="harmonize.batch",
                   value=section.batch, fix=f"Declare `batch: {{{section.batch}: COLUMN}}` in the YAML.")  # fmt: skip
    for name in section.covariates:
        if name not in cohort.clinical.columns:
            raise fail("RG109", f"there is no clinical column '{name}'", column="harmonize.covariates", value=name)
        if name in outcome:
            raise fail("RG408", f"the covariate '{name}' of the harmonisation is what is to be predicted",
                       column="harmonize.covariates", value=name, fix="Leave it out of `covariates`.")  # fmt: skip
