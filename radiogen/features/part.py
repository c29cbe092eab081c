"""One modality of a cohort after extraction: its table, its lines in the ledger, its findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.catalogue import CATALOGUE
from radiogen.cohort.cohort import Cohort
from radiogen.cohort.frames import feature_name
from radiogen.cohort.ledger import Ledger
from radiogen.cohort.modality import PLAIN, Kind
from radiogen.errors import Problem, fail, problem
from radiogen.features.families import family_of
from radiogen.features.job import Job, Outcome, names_of
from radiogen.features.jobs import ImageRow, column_of, image_problems, summed_up
from radiogen.features.record import RECORD, record

#: step of the ledger's entries
STEP = "features"
#: what the manifest's column ``mask_source`` says of a mask that a reader drew
MANUAL = "manual"
#: key of ``DataFrame.attrs`` with the number of columns, the last ones, that extraction gave
EXTRACTED = "extracted"
#: units with several images that are joined in one step; bounds the memory
_AT_ONCE = 256


class _Placed(NamedTuple):
    """The features of one image and the columns of the table in which they belong."""

    values: NDArray[np.float64]
    columns: NDArray[np.intp]


@dataclass(frozen=True)
class Part:
    """The baseline images of one modality, each with its job and its outcome.

    Parameters
    ----------
    cohort : Cohort
    name : str
        The modality.
    done : sequence of (ImageRow, Job, Outcome)
        In the order of the manifest.
    """

    cohort: Cohort
    name: str
    done: Sequence[tuple[ImageRow, Job, Outcome]]

    @property
    def kind(self) -> Kind:
        """What the pictures are."""
        return self.cohort.config.modalities[self.name].kind_for(self.name)

    # -- features -----------------------------------------------------------------

    def joined(self) -> pd.DataFrame | None:
        """The features, beside the columns of a finished feature table; an earlier extraction is replaced.

        The finished table alone (or None) where no image was or could be measured.

        Raises
        ------
        RadiogenError
            RG215 where both bring a column.
        """
        if not self.tried or self.lost:
            return self.cohort.modalities.get(self.name)
        new = self.table()
        old = self.cohort.modalities.get(self.name)
        if old is None:
            return new
        kept = old.iloc[:, : max(0, old.shape[1] - int(old.attrs.get(EXTRACTED, 0)))]
        if not kept.shape[1]:
            return new
        both = kept.columns.intersection(new.columns)
        if len(both):
            text = f"the feature table of '{self.name}' has {len(both)} columns that extraction gives too, such as '{both[0]}'"
            raise fail("RG215", text, column=str(both[0]))
        joined = pd.concat([kept, new], axis=1)
        joined.attrs.update(new.attrs)
        return joined

    @property
    def tried(self) -> int:
        """Number of images that were to be measured."""
        return sum(job.measure for _, job, _ in self.done)

    @property
    def lost(self) -> bool:
        """Whether there were images to measure and none could be."""
        return self.tried > 0 and all(outcome.features is None for _, _, outcome in self.done)

    def total_loss(self) -> list[Problem]:
        """RG706 and the errors of all images of a lost modality."""
        text = f"none of the {self.tried} images of '{self.name}' could be measured"
        summary = problem("RG706", text, value=self.name, fix="Mend the images named below, or remove the modality.")
        return [summary, *(p for p in self._problems() if p.severity == "error")]

    def table(self) -> pd.DataFrame:
        """Features per unit of the cohort; NaN where there is none."""
        columns, places = self._columns()
        rows: dict[str, list[_Placed]] = {}
        for row, job, outcome in self.done:
            if outcome.features is not None:
                found = _Placed(outcome.features, places[names_of(job, outcome.calibrated)[0]])
                rows.setdefault(row.unit, []).append(found)
        table = np.full((len(self.cohort.index), len(columns)), np.nan)
        place = {unit: i for i, unit in enumerate(self.cohort.index)}
        several = {unit: own for unit, own in rows.items() if unit in place and len(own) > 1}
        for unit, own in rows.items():
            if unit in place and len(own) == 1:
                table[place[unit], own[0].columns] = own[0].values
        for unit, values in self._aggregated(several, len(columns)):
            table[place[unit]] = values
        per_unit = pd.DataFrame(
            table, index=self.cohort.index, columns=[feature_name(self.name, c) for c in columns], copy=False
        )
        per_unit.attrs[EXTRACTED] = per_unit.shape[1]
        per_unit.attrs[RECORD] = record(self.cohort, self.name, self.done[0][1])
        return per_unit

    def _columns(self) -> tuple[list[str], dict[tuple[str, ...], NDArray[np.intp]]]:
        """The fixed columns of the settings, with and without spacing as the images have it, and where each stand."""
        measured = [(job, outcome.calibrated) for _, job, outcome in self.done if outcome.features is not None]
        kinds = dict.fromkeys(names_of(job, state)[0] for wanted in (True, False) for job, state in measured if state is wanted)
        columns = list(dict.fromkeys(name for names in kinds for name in names))
        order = pd.Index(columns)
        return columns, {names: order.get_indexer(pd.Index(names)) for names in kinds}

    def _aggregated(
        self, several: Mapping[str, Sequence[_Placed]], width: int
    ) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """One row for each unit with several images, some units at a time."""
        how = self.cohort.config.modalities[self.name].aggregate
        units = list(several)
        for start in range(0, len(units), _AT_ONCE):
            these = [(unit, found) for unit in units[start : start + _AT_ONCE] for found in several[unit]]
            block = np.full((len(these), width), np.nan)
            for i, (_, found) in enumerate(these):
                block[i, found.columns] = found.values
            # of several types of picture each gives its own columns, so that "first" is the first that has the number
            grouped = pd.DataFrame(block).groupby(np.array([unit for unit, _ in these], dtype=object), sort=False)
            joined = pd.DataFrame(grouped.agg(how))
            yield from zip(joined.index, joined.to_numpy(), strict=True)

    # -- what is said about them ----------------------------------------------------

    def _problems(self) -> list[Problem]:
        return [p for row, job, outcome in self.done for p in image_problems(self.cohort, row, job, outcome)]

    def findings(self) -> list[Problem]:
        """Errors of images as warnings, one by one; remarks summed up by code; the state of calibration."""
        problems = self._problems()
        lost = [replace(p, severity="warning") for p in problems if p.severity == "error"]
        remarks = [*[p for p in problems if p.severity != "error"], *self._unmasked()]
        return [*lost, *summed_up(remarks, key=lambda p: (p.code, p.column)), *self._calibration(), *self._automatic()]

    def _calibration(self) -> list[Problem]:
        """RG513 where the spacing of some or of all images measured in a lesion is not known."""
        states = [outcome.calibrated for _, job, outcome in self.done if outcome.features is not None and job.masks]
        without = states.count(False)
        if not without:
            return []
        file, column = self.done[0][0].manifest, column_of(self.cohort, self.name, "spacing_mm")
        radiomics = self.kind in PLAIN
        if without == len(states):
            text = f"no image of '{self.name}' has a pixel spacing: features in mm are missing"
            text += ", filter widths count pixels" if radiomics else ""
            return [problem("RG513", text, file=file, column=column)]
        text = f"{without} of {len(states)} images of '{self.name}' have no pixel spacing: "
        text += "filters in mm and in pixels stand in different columns, each with missing values" if radiomics else (
            "their features in mm are missing")
        return [problem("RG513", text, severity="warning", file=file, column=column)]

    def _unmasked(self) -> list[Problem]:
        """RG503 where no image of the modality could be measured because none has a mask."""
        found = unmasked(self.cohort, self.name, [row for row, _, _ in self.done])
        return [found] if found is not None and self.tried == 0 else []

    def _automatic(self) -> list[Problem]:
        """RG529 where masks were not drawn by a reader."""
        states = [row.mask_source for row, job, _ in self.done if job.masks]
        drawn = [s for s in states if is_automatic(s)]
        if not drawn:
            return []
        text = f"{len(drawn)} of {len(states)} masks of '{self.name}' were drawn automatically"
        column = column_of(self.cohort, self.name, "mask_source")
        return [problem("RG529", text, file=self.done[0][0].manifest, column=column)]

    def entries(self, ledger: Ledger, units: Sequence[str]) -> Ledger:
        """The ledger with a line for each reason for which units lost images; ``units`` have some image."""
        usable = {row.unit for row, job, outcome in self.done if _reason(job, outcome) is None}
        whole: dict[str, list[str]] = {}
        partly: dict[str, list[str]] = {}
        settled: set[str] = set()
        for row, job, outcome in self.done:
            reason = _reason(job, outcome)
            if reason is None:
                continue
            if row.unit in usable:
                partly.setdefault(reason, []).append(row.unit)
            elif row.unit not in settled:  # lost with the first of its images
                whole.setdefault(reason, []).append(row.unit)
                settled.add(row.unit)
        here = {row.unit for row, _, _ in self.done}
        ledger = ledger.add(STEP, "no image at the baseline visit", [u for u in units if u not in here], self.name)
        for reason, lost in whole.items():
            ledger = ledger.add(STEP, reason, lost, self.name)
        for reason, touched in partly.items():
            text = f"features from the unit's other images; one or more left out: {reason}"
            ledger = ledger.add(STEP, text, dict.fromkeys(touched), self.name)
        return ledger


def is_automatic(mask_source: str | None) -> bool:
    """Whether a mask was not drawn by a reader; where nothing is said, it was."""
    return mask_source not in (None, MANUAL)


def unmasked(cohort: Cohort, name: str, rows: Sequence[ImageRow]) -> Problem | None:
    """RG503, as a warning, where images that are measured in a lesion have no mask; None where all have one."""
    section = cohort.config.modalities[name]
    family = family_of(section.kind_for(name))
    bare = [row for row in rows if not row.masks and family.needs_mask(row.type)]
    if not bare:
        return None
    text = f"{len(bare)} of {len(rows)} images of '{name}' have no mask and are not measured"
    fix = f"Name the mask's file in the column '{section.column('mask')}', or draw masks with `radiogen segment`."
    first = bare[0]
    return problem("RG503", text, severity="warning", file=first.manifest, row=first.row, column=section.column("mask"), fix=fix)


def _reason(job: Job, outcome: Outcome) -> str | None:
    """Why an image has no features, or None where it has."""
    if outcome.error is not None:
        return f"{CATALOGUE[outcome.error.code].title.lower()} ({outcome.error.code})"
    return None if job.measure else "no mask"
