"""A cBioPortal study folder: clinical patient and sample files, mutations, case lists.

The format is described at https://docs.cbioportal.org/file-formats/: clinical
files begin with four ``#`` lines, the header follows.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from radiogen.cohort.config import Reading, TableSection
from radiogen.cohort.ids import known_ids, read_ids
from radiogen.cohort.paths import Folder
from radiogen.cohort.tables import RawTable, read_file
from radiogen.cohort.values import listing

_PATIENTS = ("data_clinical_patient.txt", "data_clinical_patients.txt", "data_bcr_clinical_data_patient.txt")
_SAMPLES = ("data_clinical_sample.txt", "data_clinical_samples.txt", "data_bcr_clinical_data_sample.txt")
_MUTATIONS = ("data_mutations.txt", "data_mutations_extended.txt", "data_mutations_mskcc.txt")
_SEQUENCED = "case_lists/cases_sequenced.txt"


def read_study_table(section: Reading, path: Path, key: str, folder: Folder) -> RawTable | None:
    """The clinical patient file, with the sample file joined where there is one.

    ``path`` may also be one of the clinical files.
    """
    plain = Reading(path=section.path, comment="#", encoding=section.encoding, delimiter="\t")
    if path.is_file():
        return read_file(path, plain, key, folder, "cbioportal")
    patients = _first(path, _PATIENTS)
    if patients is None:
        folder.findings.add("RG201", f"the study folder has none of {listing(_PATIENTS)}", file=path, column=f"{key}.path")
        return None
    raw = read_file(patients, plain, key, folder, "cbioportal")
    samples = _first(path, _SAMPLES)
    if raw is None or samples is None:
        return raw
    extra = read_file(samples, plain, key, folder, "cbioportal")
    if extra is None or not raw.has("PATIENT_ID", folder.findings) or not extra.has("PATIENT_ID", folder.findings):
        return None
    return _join_samples(raw, extra, section, folder)


def _join_samples(raw: RawTable, samples: RawTable, section: Reading, folder: Folder) -> RawTable | None:
    """Patient rows with the columns of their one sample."""
    repeat = section.repeat if isinstance(section, TableSection) else None
    own = read_ids(raw, "PATIENT_ID", folder.findings)
    ids = read_ids(samples, "PATIENT_ID", folder.findings)
    if own is None or ids is None:
        return None
    known_ids(ids, pd.Index(own), samples, "PATIENT_ID", folder.findings)
    frame = samples.frame
    twice = frame["PATIENT_ID"].duplicated(keep=False)
    if twice.any() and repeat not in ("first", "last"):
        row = int(samples.rows[twice].iloc[0])
        folder.findings.add(
            "RG204", f"{frame.loc[twice, 'PATIENT_ID'].nunique()} patients have several samples in '{samples.file}'",
            file=samples.file, row=row, column="PATIENT_ID", value=frame.loc[twice, "PATIENT_ID"].iloc[0],
            fix="Declare `repeat: first` or `repeat: last` of the table.",
        )
        return None
    one = frame.drop_duplicates("PATIENT_ID", keep="last" if repeat == "last" else "first")
    new = [c for c in one.columns if c == "PATIENT_ID" or c not in raw.frame.columns]
    joined = raw.frame.merge(one[new], on="PATIENT_ID", how="left")
    return RawTable(joined.astype(object).where(joined.notna(), None), raw.rows, raw.file, raw.key)


def mutation_files(path: Path) -> tuple[Path | None, Path | None, Path | None]:
    """Mutation file, sample file and list of sequenced samples of a study folder."""
    sequenced = path / _SEQUENCED
    return _first(path, _MUTATIONS), _first(path, _SAMPLES), sequenced if sequenced.is_file() else None


def sequenced_samples(path: Path) -> pd.DataFrame:
    """The sample ids of a case list (``case_list_ids:`` then tab-separated ids)."""
    ids: list[str] = []
    # only ids are taken from the file; its descriptions may be in any encoding
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("case_list_ids:"):
            ids = line.split(":", 1)[1].split()
    return pd.DataFrame({"sample": ids}, dtype=object)


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / n for n in names if (folder / n).is_file()), None)
