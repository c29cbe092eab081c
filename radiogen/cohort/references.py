"""Names in the YAML: none stands for two things, and all that are used exist."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.config import AssociateSection, ClassifySection, CohortConfig, ModalitySection, SurviveSection
from radiogen.cohort.frames import safe_name
from radiogen.cohort.learning import HarmonizeSection, NetworkSection
from radiogen.cohort.repeats import foreign_repeats
from radiogen.cohort.targets import MARKER_CLASSES, target_names
from radiogen.cohort.values import listing, suggest
from radiogen.errors import Findings

BLOCKS = ("clinical", "markers", "mutations", "subtype")
_TIMED = ("survival", "competing")


def check_names(config: CohortConfig, findings: Findings, file: Path) -> None:
    """RG104 for a modality, endpoint or gene whose name already means something else."""

    def refuse(key: str, name: str, what: str) -> None:
        findings.add("RG104", f"the name '{name}' {what}", file=file, column=key, value=name, fix="Choose another name.")

    for name in config.modalities:
        if name in BLOCKS:
            refuse(f"modalities.{name}", name, "is the name of an input that every cohort has")
        elif safe_name(name) != name:
            refuse(f"modalities.{name}", name, "may hold only letters, digits and _, as formulas need it")
    for name, section in config.modalities.items():
        for key in section.foreign_keys(name):
            findings.add("RG104", f"`{key}` means nothing for '{name}', whose pictures are of the kind {section.kind_for(name)}",
                         file=file, column=f"modalities.{name}.{key}", fix="Delete the key, or declare `kind:` of the modality.")
        _check_scale(name, section, findings, file)
    genes = set(config.mutations.genes) if config.mutations else set()
    for name in config.endpoints:
        if name in genes:
            refuse(f"endpoints.{name}", name, "is a gene of this cohort too")
        elif name.lower() in (*MARKER_CLASSES, "subtype"):
            refuse(f"endpoints.{name}", name, "is the name of a target that every cohort has")
    for name in sorted(genes):
        if name.lower() in (*MARKER_CLASSES, "subtype"):
            refuse("mutations.genes", name, "is the name of a target that every cohort has")
    if config.subtype is not None and config.subtype.rule is not None:
        lacking = [m for m in ("er", "her2") if getattr(config.markers, m) is None]
        if lacking:
            findings.add("RG105", f"the subtype rule needs {listing(f'markers.{m}' for m in lacking)}", file=file,
                         column="subtype.rule", fix="Declare the marker, or give `subtype: {column: …}`.")


def _check_scale(name: str, section: ModalitySection, findings: Findings, file: Path) -> None:
    """The unit of an elastogram is declared, never read off the picture."""
    if section.images is None or section.kind_for(name) != "swe" or section.unit in ("kPa", "m/s"):
        return
    if section.unit is None:
        findings.add("RG105", f"`modalities.{name}` has elastograms and does not say in which unit", file=file,
                     column=f"modalities.{name}.unit", fix="Add `unit: kPa` or `unit: m/s`.")
    else:
        findings.add("RG104", f"an elastogram is in kPa or in m/s, not in '{section.unit}'", file=file,
                     column=f"modalities.{name}.unit", value=section.unit, fix="Write `unit: kPa` or `unit: m/s`.")


def check_references(cohort: Cohort, findings: Findings, file: Path) -> None:
    """RG109 for targets, endpoints, inputs and columns that do not exist, RG703 for targets of the wrong kind."""
    config = cohort.config
    check = _Checker(cohort, findings, file)
    for number, section in enumerate(config.analyses):
        key = f"analyses.{number}"
        if isinstance(section, AssociateSection):
            check.targets(section.targets, f"{key}.targets", "`survive`")
            for name in section.adjust or ():
                if name not in cohort.clinical.columns:
                    check.missing("clinical column", name, cohort.clinical.columns, f"{key}.adjust")
        elif isinstance(section, ClassifySection):
            check.targets([section.target], f"{key}.target", "`survive`")
        elif isinstance(section, SurviveSection):
            check.endpoint(section.endpoint, f"{key}.endpoint")
            check.columns(section.groups, f"{key}.groups")
        if isinstance(section, ClassifySection | SurviveSection):
            check.learning(section, key)
        for block in section.inputs or ():
            if block not in cohort.blocks:
                check.missing("input", block, cohort.blocks, f"{key}.inputs")
            elif block in _empty_blocks(config):
                findings.add("RG109", f"the input '{block}' is not defined in this cohort", file=file, column=f"{key}.inputs",
                             value=block, fix=f"Add `{block}:` to the YAML, or leave it out of the inputs.")
    if config.table_one is not None:
        check.columns([config.table_one], "table_one")
    for key in ("exclude_predictors", "accept_predictors"):
        features = {c for frame in cohort.modalities.values() for c in frame.columns}
        for name in getattr(config, key):
            if name not in cohort.clinical.columns and name not in features:
                check.missing("column", name, cohort.clinical.columns, key)


def _empty_blocks(config: CohortConfig) -> set[str]:
    """Inputs that the YAML does not define."""
    markers = any(getattr(config.markers, m) is not None for m in MARKER_CLASSES)
    defined = {"mutations": config.mutations is not None, "markers": markers, "subtype": config.subtype is not None,
               "clinical": any(t.predictors for t in config.tables.values())}  # fmt: skip
    return {name for name, there in defined.items() if not there}


class _Checker:
    """Looks names up and reports those that are not there."""

    def __init__(self, cohort: Cohort, findings: Findings, file: Path) -> None:
        self.cohort, self.findings, self.file = cohort, findings, file
        endpoints = cohort.config.endpoints
        self.timed = [n for n, e in endpoints.items() if e.kind in _TIMED]
        genes = cohort.config.mutations.genes if cohort.config.mutations else ()
        self.known = {*target_names(cohort), *genes, *(n for n in endpoints if n not in self.timed)}
        #: markers that are declared, whether or not their column could be read
        self.known |= {m for m in MARKER_CLASSES if getattr(cohort.config.markers, m) is not None}

    def missing(self, what: str, name: str, known: Iterable[str], key: str) -> None:
        known = list(known)
        self.findings.add("RG109", f"there is no {what} '{name}'.{suggest(name, known)}", file=self.file, column=key, value=name,
                          fix=f"Use one of {listing(known, 60) or '(none is defined)'}.")

    def targets(self, names: Iterable[str], key: str, instead: str) -> None:
        for name in names:
            if name in self.timed:
                self.findings.add("RG703", f"'{name}' is a survival endpoint; classes are needed here", file=self.file,
                                  column=key, value=name, fix=f"Use {instead} for it.")
            elif name not in self.known and name.lower() not in self.known:
                self.missing("target", name, sorted(self.known), key)

    def endpoint(self, name: str, key: str) -> None:
        kinds = self.cohort.config.endpoints
        if name in kinds and name not in self.timed:
            self.findings.add("RG703", f"'{name}' is {kinds[name].kind}; a survival endpoint is needed here", file=self.file,
                              column=key, value=name, fix="Use `classify` for it.")
        elif name not in self.timed:
            self.missing("survival endpoint", name, self.timed, key)

    def columns(self, names: Iterable[str], key: str) -> None:
        """Columns of tables, or targets, by which tables and curves are drawn."""
        known = {*self.cohort.clinical.columns, *self.known, *self.cohort.config.batch}
        for name in names:
            if name not in known:
                self.missing("column or target", name, [*sorted(self.known), *self.cohort.clinical.columns], key)

    def learning(self, section: ClassifySection | SurviveSection, key: str) -> None:
        """What harmonisation and the stability filter of an analysis need from the rest of the YAML."""
        config = self.cohort.config
        if section.network is not None:
            self._network(section, section.network, f"{key}.network")
        if section.harmonize is not None:
            self._harmonize(section, section.harmonize, f"{key}.harmonize")
        if section.stable is not None and not any(m.repeats for m in config.modalities.values()):
            self.findings.add("RG109", "the filter needs features that were measured again, and no modality has `repeats`",
                              file=self.file, column=f"{key}.stable", fix="Write `repeats: FILE` under the modality, or leave "
                              "`stable` out.")
        if section.stable is not None:
            foreign = foreign_repeats(self.cohort.repeats, self.cohort.modalities)
            self.findings.extend(replace(p, file=str(self.file)) for p in foreign)

    def _network(self, section: ClassifySection | SurviveSection, asked: NetworkSection, key: str) -> None:
        """Pictures, further targets, backbone and weights of networks."""
        modalities = self.cohort.config.modalities
        inputs = [m for m in modalities if section.inputs is None or m in section.inputs]
        for name in asked.views:
            if name not in modalities:
                self.missing("modality", name, modalities, f"{key}.pictures")
            elif modalities[name].images is None:
                self.findings.add("RG706", f"the modality '{name}' has no images that a network could see", file=self.file,
                                  column=f"{key}.pictures", value=name, fix="Add `images:` to it, or leave it out of `pictures`.")
            elif name not in inputs:
                self.findings.add("RG109", f"the network is to see pictures of '{name}', which is not among the inputs",
                                  file=self.file, column=f"{key}.pictures", value=name, fix=f"Add {name} to `inputs`.")
        outcome = section.target if isinstance(section, ClassifySection) else section.endpoint
        seen = {outcome.lower()}
        for name in asked.also:
            if name.lower() in seen:
                self.findings.add("RG708", f"'{name}' is learnt already", file=self.file, column=f"{key}.also", value=name,
                                  fix="Name each further target once, and not the target itself.")
            elif name not in self.timed and name not in self.known and name.lower() not in self.known:
                self.missing("target", name, sorted({*self.known, *self.timed}), f"{key}.also")
            seen.add(name.lower())

    def _harmonize(self, section: ClassifySection | SurviveSection, asked: HarmonizeSection, key: str) -> None:
        """Batches and covariates of ComBat, as far as they can be judged before any fold is drawn."""
        config, clinical = self.cohort.config, self.cohort.clinical
        if asked.batch not in config.batch:
            self.missing("batch", asked.batch, config.batch, f"{key}.batch")
            return
        outcome = section.target if isinstance(section, ClassifySection) else section.endpoint
        made_of = {outcome, *(self.cohort.endpoints[outcome].columns if outcome in self.cohort.endpoints else ())}
        for name in asked.covariates:
            if name not in clinical.columns and name not in made_of:
                self.missing("clinical column", name, clinical.columns, f"{key}.covariates")
            elif name in made_of:
                self.findings.add("RG408", f"the covariate '{name}' of the harmonisation is what is to be predicted",
                                  file=self.file, column=f"{key}.covariates", value=name, fix="Leave it out of `covariates`.")
            elif name == config.batch[asked.batch]:
                self.findings.add("RG710", f"the covariate '{name}' is the {asked.batch} itself", file=self.file,
                                  column=f"{key}.covariates", value=name, fix="Leave it out of `covariates`.")
            else:
                self._known(clinical[name], f"the covariate '{name}'", name)
        if asked.batch in self.cohort.units:
            self._batches(asked, key)

    def _known(self, values: pd.Series, what: str, column: str) -> None:
        """ComBat cannot harmonise a unit of which batch or a covariate is not known."""
        lacking = values.index[values.isna()]
        if len(lacking):
            self.findings.add("RG705", f"{what} of the harmonisation is not known of {len(lacking)} units, such as "
                              f"{listing(lacking[:3])}; an analysis that has them cannot be done", severity="warning",
                              file=self.file, column=column, fix="Fill in the value, `exclude:` these units, or leave it out.")

    def _batches(self, asked: HarmonizeSection, key: str) -> None:
        units = self.cohort.units
        self._known(units[asked.batch], f"the {asked.batch}", self.cohort.config.batch[asked.batch])
        counts = units.loc[~units["external"], asked.batch].value_counts()
        if len(counts) < 2:
            self.findings.add("RG701", f"the development data are of {len(counts)} {asked.batch}; ComBat needs at least 2",
                              file=self.file, severity="warning", column=f"{key}.batch", fix="Leave the harmonisation out.")
        single = counts.index[counts < 2]
        if len(single) and not asked.mean_only:
            self.findings.add("RG701", f"the {asked.batch} {listing(single)} has one unit in the development data: its scale is "
                              "not known", severity="warning", file=self.file, column=f"{key}.batch", value=single[0],
                              fix="Merge it with another by `recode`, `exclude:` the unit, or write `mean_only: true`.")
        if asked.reference is not None and str(asked.reference) not in {str(c) for c in counts.index}:
            self.findings.add("RG709", f"the reference '{asked.reference}' is no {asked.batch} of the development data."
                              f"{suggest(str(asked.reference), counts.index)}", file=self.file, column=f"{key}.reference",
                              value=asked.reference, fix=f"Use one of {listing(counts.index)}.")
