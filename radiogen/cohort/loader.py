"""From ``cohort.yaml`` to a :class:`Cohort`, with every problem found in one run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from radiogen.cohort.cbioportal import mutation_files, sequenced_samples
from radiogen.cohort.clinical import type_columns
from radiogen.cohort.cohort import Cohort, Source
from radiogen.cohort.config import CohortConfig, MutationSection, Reading, Scalar, SequencedSection
from radiogen.cohort.feature_tables import read_features
from radiogen.cohort.her2 import parse_her2
from radiogen.cohort.join import Joined, join_tables
from radiogen.cohort.leakage import check_predictors
from radiogen.cohort.ledger import Ledger
from radiogen.cohort.manifests import read_images
from radiogen.cohort.markers import parse_percent_marker
from radiogen.cohort.mutations import build_mutations
from radiogen.cohort.outcomes import build_endpoints
from radiogen.cohort.paths import Folder, file_digest
from radiogen.cohort.references import check_names, check_references
from radiogen.cohort.repeats import read_repeats
from radiogen.cohort.rules import apply_rules, mark_external, unit_frame
from radiogen.cohort.states import NOT_TESTED
from radiogen.cohort.subtype import SUBTYPES, derive_subtype, marker_cuts
from radiogen.cohort.tables import RawTable, read_table
from radiogen.cohort.values import fold, listing, looks_missing, suggest
from radiogen.cohort.yaml_file import read_config
from radiogen.errors import Findings


def load_cohort(path: str | Path, *, data: str | Path | None = None, allow_outside: bool = False) -> Cohort:
    """Read a cohort file and all tables it names.

    Images are not opened; :func:`radiogen.extract` and ``radiogen check`` do that.

    Parameters
    ----------
    path : str or Path
        The YAML, or a folder with a ``cohort.yaml``.
    data : str or Path, optional
        Folder in which the paths of the YAML resolve; default its own.
    allow_outside : bool, default False
        Let paths leave that folder, which is otherwise refused (RG106).

    Returns
    -------
    Cohort
        Its ``findings`` hold warnings and notes.

    Raises
    ------
    RadiogenError
        With every error found, each with code, file, row, column, value and fix.

    Examples
    --------
    >>> import tempfile
    >>> import radiogen as rg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cohort = rg.load_cohort(rg.simulate.cohort(folder, n=30, seed=1, images=False))
    >>> len(cohort)
    30
    """
    findings = Findings()
    cohort = read_cohort(path, findings, data=data, allow_outside=allow_outside)
    findings.raise_if_errors()
    assert cohort is not None
    return cohort


def read_cohort(
    path: str | Path, findings: Findings, *, data: str | Path | None = None, allow_outside: bool = False
) -> Cohort | None:
    """Like :func:`load_cohort`, but problems go to ``findings``; None where there is no cohort to speak of."""
    file = Path(path)
    try:
        file = file / "cohort.yaml" if file.is_dir() else file
    except (OSError, ValueError) as error:
        findings.add("RG108", f"'{file}' cannot be opened: {getattr(error, 'strerror', None) or error}", file=file)
        return None
    lines: dict[tuple[str | int, ...], int] = {}
    config = read_config(file, findings, lines)
    if config is None:
        return None
    try:
        return _read(config, file, findings, data, allow_outside)
    finally:
        findings.place(file, lines)


def _read(
    config: CohortConfig, file: Path, findings: Findings, data: str | Path | None, allow_outside: bool
) -> Cohort | None:
    root = file.parent if data is None else Path(data)
    if not root.is_dir():
        findings.add("RG108", f"there is no folder '{root}'", file=file, column="--data", value=root,
                     fix="Give --data the folder in which the tables lie.")
        return None
    check_names(config, findings, file)
    folder = Folder(root, allow_outside or config.allow_outside, file, findings)
    joined = join_tables(config, folder)
    if joined is None:
        return None
    cohort = _build(config, joined, folder)
    check_references(cohort, findings, file)
    check_predictors(cohort, findings)
    return _with_findings(cohort, findings)


def _with_findings(cohort: Cohort, findings: Findings) -> Cohort:
    return replace(cohort, findings=tuple(findings.warnings))


def _build(config: CohortConfig, joined: Joined, folder: Folder) -> Cohort:
    ledger = Ledger(len(joined.units))
    everyone = joined.units
    joined, ledger = apply_rules(config, joined, ledger)
    external = mark_external(config, joined)
    ledger = ledger.add("split", "external validation", external.index[external], "external")
    clinical, predictors = type_columns(config, joined)
    markers = read_markers(config, joined)
    subtype = _subtype(config, joined, markers)
    if config.subtype is not None:
        ledger = ledger.add("subtype", "subtype not known", subtype.index[subtype.isna()], "subtype")
    # ids of excluded patients are known ids: mutations and images are matched before they are dropped
    mutations = _mutations(config, joined, pd.Index(everyone["patient"].unique()), folder)
    ledger = _note_unknown(ledger, markers, mutations)
    endpoints, ledger = build_endpoints(config, joined, ledger)
    images = read_images(config, joined, everyone.index, folder)
    features = read_features(config, joined, everyone.index, folder)
    repeats = read_repeats(config, joined, everyone.index, folder)
    for name in config.modalities:
        have = set(images.loc[images["modality"] == name, "unit"])
        if name in features:
            have |= set(features[name].index[features[name].notna().any(axis=1)])
        ledger = ledger.add("modalities", f"no {name}", [u for u in joined.units.index if u not in have], name)
    sources = tuple(
        Source(_role(p, folder), p.name, digest) for p, digest in {folder.yaml: file_digest(folder.yaml), **folder.hashes}.items()
    )
    return Cohort(
        config=config, units=unit_frame(config, joined, external), clinical=clinical, predictors=predictors,
        markers=markers, mutations=mutations, subtype=subtype, endpoints=endpoints, images=images,
        modalities=features, ledger=ledger, sources=sources, root=folder.root, repeats=repeats,
    )


def _note_unknown(ledger: Ledger, markers: pd.DataFrame, mutations: pd.DataFrame) -> Ledger:
    """Ledger lines for markers that are not known and genes that were not tested."""
    for name in (m for m in ("er", "pr", "her2", "ki67") if m in markers.columns):
        ledger = ledger.add("markers", f"{name}: not known", markers.index[markers[name].isna()], name)
    for gene in mutations.columns:
        untested = mutations.index[mutations[gene] == NOT_TESTED]
        ledger = ledger.add("mutations", f"{gene}: not tested", untested, str(gene))
    return ledger


def _role(path: Path, folder: Folder) -> str:
    return "cohort file" if path == folder.yaml else "table"


def read_markers(config: CohortConfig, joined: Joined) -> pd.DataFrame:
    """All markers parsed, each beside its source text."""
    parts: list[pd.DataFrame] = []
    for name in ("er", "pr", "ki67"):
        section = getattr(config.markers, name)
        if section is None:
            continue
        text = joined.column(section.column, f"markers.{name}.column")
        if text is not None:
            where = joined.where(section.column, text.index[0]) if len(text) else {}
            parts.append(parse_percent_marker(name, text, section, file=str(where.get("file")),
                                              rows=joined.source_rows(section.column), findings=joined.findings))
    her2 = config.markers.her2
    if her2 is not None:
        names = {k: v for k in ("ihc", "ish", "ish_ratio", "ish_copies", "column") if (v := getattr(her2, k)) is not None}
        texts = {k: joined.column(c, f"markers.her2.{k}") for k, c in names.items()}
        if all(t is not None for t in texts.values()):
            first = next(iter(names.values()))
            file = joined.files[joined.table_of[first]]
            parts.append(parse_her2({k: t for k, t in texts.items() if t is not None}, her2, file=file,
                                    rows=joined.source_rows(first), findings=joined.findings))
    return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=joined.text.index)


def _subtype(config: CohortConfig, joined: Joined, markers: pd.DataFrame) -> pd.Series:
    section = config.subtype
    index = joined.text.index
    if section is None:
        return pd.Series(None, index=index, dtype=object, name="subtype")
    if section.rule is not None:
        derived = derive_subtype(markers, section, cuts=marker_cuts(config.markers)).rename("subtype")
        return _asked_for(derived, section.classes, joined)
    text = joined.column(str(section.column), "subtype.column")
    if text is None:
        return pd.Series(None, index=index, dtype=object, name="subtype")
    if not section.classes:
        _report_odd_classes(text, str(section.column), joined)
    else:
        allowed = {str(c) for c in section.classes}
        for value in dict.fromkeys(text.dropna()[~text.dropna().isin(allowed)]):
            unit = text.index[text == value][0]
            joined.findings.add(
                "RG221", f"'{value}' is not among the declared classes of the subtype.{suggest(value, allowed)}",
                value=value, **joined.where(str(section.column), unit),
            )
        text = text.where(text.isin(allowed), None)
    return text.rename("subtype").astype(object)


def _report_odd_classes(text: pd.Series, column: str, joined: Joined) -> None:
    """Values of an undeclared subtype column that look like 'not known', or like another class."""
    seen: dict[str, str] = {}
    for value in dict.fromkeys(text.dropna()):
        where = joined.where(column, text.index[text == value][0])
        other = seen.setdefault(fold(value), value)
        if looks_missing(value):
            joined.findings.add("RG212", f"the subtype '{value}' looks like 'not known' and would be a class", value=value,
                                **where)
        elif other != value:
            joined.findings.add("RG221", f"the subtypes '{other}' and '{value}' differ only in case, spaces or kinds of letter",
                                value=value, fix="Correct the file, `recode` it, or list the `classes:` of the subtype.", **where)


def _asked_for(derived: pd.Series, classes: list[Scalar], joined: Joined) -> pd.Series:
    """The subtypes of ``classes`` alone, where a rule gives more."""
    for name in classes:
        if name not in SUBTYPES:
            joined.findings.add("RG104", f"the rule gives no subtype '{name}'.{suggest(str(name), SUBTYPES)}", value=name,
                                column="subtype.classes", fix=f"Use some of {listing(SUBTYPES)}.")
    return derived.where(derived.isin([str(c) for c in classes]), None) if classes else derived


def _mutations(config: CohortConfig, joined: Joined, patients: pd.Index, folder: Folder) -> pd.DataFrame:
    section = config.mutations
    empty = pd.DataFrame(index=joined.text.index)
    if section is None:
        return empty
    findings = folder.findings
    raw, sequenced, section = _mutation_tables(section, folder)
    if raw is None:
        return empty
    _keep_ids_as_written(raw, section.id or "Tumor_Sample_Barcode")
    if sequenced is not None:
        declared = section.sequenced.id if isinstance(section.sequenced, SequencedSection) else None
        _keep_ids_as_written(sequenced, declared or str(sequenced.frame.columns[0]))
    built = build_mutations(
        raw.frame, section, patients, sequenced=None if sequenced is None else sequenced.frame, file=raw.file,
        sequenced_file=None if sequenced is None else sequenced.file, rows=raw.rows,
        sequenced_rows=None if sequenced is None else sequenced.rows, findings=findings,
    )
    return built.reindex(joined.units["patient"].to_numpy()).set_axis(joined.text.index, axis=0)


def _keep_ids_as_written(raw: RawTable, column: str) -> None:
    """Stray spaces in ids are an error (RG207), so that ids are checked before they are stripped."""
    if raw.untouched is not None and column in raw.frame.columns:
        raw.frame[column] = raw.untouched[column].where(raw.frame[column].notna(), None)


def _mutation_tables(
    section: MutationSection, folder: Folder
) -> tuple[RawTable | None, RawTable | None, MutationSection]:
    """The mutation table and the tested list, from files or from a cBioPortal folder."""
    key = "mutations"
    if section.format == "cbioportal" and section.path is not None:
        path = folder.existing(section.path, f"{key}.path")
        if path is None:
            return None, None, section
        if path.is_dir():
            return _study_mutations(section, path, folder)
    raw = read_table(_plain(section), key, folder)
    if raw is None or section.sequenced is None:
        return raw, None, section
    listed = Reading(path=section.sequenced) if isinstance(section.sequenced, str) else section.sequenced
    sequenced = read_table(listed, f"{key}.sequenced", folder)
    return (raw, sequenced, section) if sequenced is not None else (None, None, section)


def _plain(section: MutationSection) -> Reading:
    """The reading options of a mutation table, without its layout."""
    fields = {f: getattr(section, f) for f in Reading.model_fields if f != "format"}
    if section.format in ("maf", "cbioportal") and section.comment is None:
        fields["comment"] = "#"
    return Reading(**fields)


def _study_mutations(
    section: MutationSection, path: Path, folder: Folder
) -> tuple[RawTable | None, RawTable | None, MutationSection]:
    """Mutations of a cBioPortal folder, sample ids turned into patient ids."""
    file, samples, cases = mutation_files(path)
    if file is None:
        folder.findings.add("RG201", "the study folder has no data_mutations.txt", file=path, column="mutations.path")
        return None, None, section
    base = section.path or ""
    raw = read_table(Reading(path=f"{base}/{file.name}", comment="#", delimiter="\t"), "mutations", folder)
    patient_of: dict[str, str] = {}
    if samples is not None:
        table = read_table(Reading(path=f"{base}/{samples.name}", comment="#", delimiter="\t"), "mutations", folder)
        if table is not None and {"SAMPLE_ID", "PATIENT_ID"} <= set(table.frame.columns):
            patient_of = dict(zip(table.frame["SAMPLE_ID"], table.frame["PATIENT_ID"], strict=True))
    tested = None
    if section.sequenced is not None:
        listed = Reading(path=section.sequenced) if isinstance(section.sequenced, str) else section.sequenced
        tested = read_table(listed, "mutations.sequenced", folder)
    elif cases is not None and section.absent_is is None:
        frame = sequenced_samples(cases)
        folder.remember(cases)
        tested = RawTable(frame, pd.Series(range(1, len(frame) + 1)), str(cases), "mutations.sequenced")
        section = section.model_copy(update={"sequenced": "case_lists/cases_sequenced.txt"})
    column = section.id or "Tumor_Sample_Barcode"
    for table, name in ((raw, column), (tested, None if tested is None else tested.frame.columns[0])):
        if table is not None and name in table.frame.columns:
            table.frame[name] = [patient_of.get(v, v) for v in table.frame[name]]
    # the ids are the patients' now, no longer the text of the file
    mapped = [None if t is None else replace(t, untouched=None) for t in (raw, tested)]
    return mapped[0], mapped[1], section
