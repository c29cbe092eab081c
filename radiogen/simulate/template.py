"""The commented ``cohort.yaml`` that goes with a simulated cohort."""

from __future__ import annotations

from radiogen.simulate.patients import GENES

FIRST_LINE = "# A simulated cohort, written by radiogen.simulate; the truth behind it is in truth.json.\n"

_HEAD = """\
# Every key is explained here once; `radiogen schema` prints the whole format.
# Paths are relative to this file. Nothing is guessed: units, codes and words for "not known" are declared.
radiogen: 1                     # version of this file's format

cohort:
  name: "{name}"
  unit: patient                 # one row per patient; `lesion` where patients have several
  description: >-
    {description}
  simulated: {{n: {n}, seed: {seed}, effects: {effects}}}   # stamps every page of a report

tables:
  clinical:
    path: data/clinical.csv
    id: patient_id              # ids are read as text
    predictors: [age, menopause, grade, size_mm, node_status, histology]   # known before treatment
    missing: ["NA", "not available", "not done"]   # the centres' words for "not known"
    ordered: {{grade: [1, 2, 3]}}                    # scored 1, 2, 3
    levels:                     # allowed categories, the reference first
      menopause: [pre, post]
      node_status: [negative, positive]
      histology: [ductal, lobular, other]

mutations:
  path: data/mutations.maf
  format: maf                   # silent changes in it do not count
  comment: "#"                  # the MAF's first line
  genes: [{genes}]
  # a MAF lists only who is mutated; this table lists who was tested at all, so that
  # "wild type" and "not tested" stay apart
  sequenced: data/panel.csv

markers:
  er: {{column: ER, unit: percent}}                 # positive from 1 % on
  pr: {{column: PR, unit: percent}}
  her2:                         # 0 and 1+ negative, 3+ positive, 2+ is decided by ISH, without it not known
    ihc: HER2_IHC
    ish: HER2_ISH
    positive: [amplified]
    negative: [not amplified]
  ki67: {{column: Ki67, unit: percent}}

subtype: {{rule: st_gallen_2013, ki67_high: 20, pr_high: 20}}
"""

_IMAGES = """\
  bmode:
    images: data/bmode.csv      # manifest, one row per image: patient_id, image, mask, view, spacing_mm (empty
    aggregate: median           # where the DICOM file has it); some patients have two views
  swe:                          # colours become kPa by the colour bar of the same picture, which is found
    images: data/swe.csv        # with columns reference (a mask of soft tissue) and scale_max (the bar's upper end)
    unit: kPa                   # of the bar: never read off the picture
    stiff_above: 80             # kPa; the share of the lesion that is stiffer
    shell_mm: 2                 # width of the shell around the lesion
  doppler:
    images: data/doppler.csv    # column type: colour (with mask and scale_max in cm/s) or spectrum (a strip)
  ceus:                         # loops with two panes; DICOM has the times of their frames
    images: data/ceus.csv       # with columns reference (a mask of parenchyma) and dynamic_range_db
    contrast_box: [0, 99, 112, 223]   # top, bottom, left, right of the contrast pane, in pixels from 0
    tissue_box: [0, 99, 0, 111]       # of the B-mode pane beside it, by which motion is corrected
"""

_TABLES = """\
  bmode:
    features: data/bmode.csv    # descriptors in place of pictures
  swe:                          # finished feature tables; a patient without a row has no such examination
    features: data/swe.csv
    unit: kPa
  doppler:
    features: data/doppler.csv
    missing: ["NA"]             # no spectrum was taken
  ceus:
    features: data/ceus.csv
"""

_TAIL = """\

batch: {centre: centre, scanner: scanner}

endpoints:
  os:
    kind: survival
    label: Overall survival
    time: os_months
    unit: months
    event: os_status
    event_values: [1]           # died
    censor_values: [0]          # alive at last contact
  rfs:
    kind: competing             # the first event counts
    label: Relapse, with death without relapse competing
    time: rfs_months
    unit: months
    event: rfs_status
    codes: {0: censored, 1: relapse, 2: death}
  pcr:                          # known only after neoadjuvant treatment
    kind: binary
    label: Pathological complete response
    column: pCR
    positive: [1]
    negative: [0]

split:
  external: {centre: [B]}       # touched once, by models developed on the others

table_one: TP53                 # groups of Table 1

analyses:
  - kind: associate
    title: What the images show of mutations and receptors
    targets: [TP53, PIK3CA, subtype, er, her2]
    inputs: [bmode, swe, doppler, ceus]
  - kind: classify
    title: TP53 from the clinic, the images and both
    target: TP53
    inputs: [clinical, bmode, swe, ceus]
    models: [elastic_net, forest, fusion]
    network: {epochs: 25, batch_size: 64, learning_rate: 0.005}   # of `fusion`: small, so that the demo is quick
    folds: 5
    repeats: 2
    missing_modality: impute    # inside the training folds; `complete` drops who lacks a modality
  - kind: classify
    title: Molecular subtype from the clinic and B-mode
    target: subtype
    inputs: [clinical, bmode]
    models: [elastic_net]
    folds: 4
    repeats: 1
    missing_modality: impute
  - kind: survive
    title: Overall survival from the clinic and stiffness
    endpoint: os
    inputs: [clinical, swe]
    models: [cox, coxnet]
    groups: [node_status, grade]
    folds: 5
    repeats: 2
    missing_modality: impute

# decided or known only after the images were taken: no model may see them
exclude_predictors: [neoadjuvant, surgery, adjuvant_chemo, endocrine_therapy, pCR]

privacy: {min_cell: 5, show_ids: false}
seed: 20260101                  # of the analyses; the simulation has its own above
"""

_DESCRIPTION = {
    "default": "Simulated, not real. Two centres with different scanners, four ultrasound modalities, mutations, "
    "receptors and follow-up, with planted effects of moderate size.",
    "none": "Simulated, not real. A null cohort: nothing in it relates to anything that could be predicted. Two centres "
    "with different scanners, and values missing, as in the default cohort.",
    "custom": "Simulated, not real. Two centres with different scanners, four ultrasound modalities, mutations, "
    "receptors and follow-up, with effects chosen by the user (see truth.json).",
}
_NAME = {"default": "Simulated breast cohort", "none": "Simulated null cohort", "custom": "Simulated cohort, own effects"}


def cohort_yaml(n: int, seed: int, effects: str, images: bool) -> str:
    """The text of ``cohort.yaml``; it depends on these four alone.

    Parameters
    ----------
    n : int
        Number of patients.
    seed : int
        Seed of the simulation.
    effects : {"default", "none", "custom"}
        The word for the effects.
    images : bool
        Whether the modalities are pictures with masks, or tables of descriptors.
    """
    head = _HEAD.format(
        name=_NAME[effects], description=_DESCRIPTION[effects], n=n, seed=seed, effects=effects, genes=", ".join(GENES)
    )
    note = "\nmodalities:                     # images with masks, or a finished feature table, or both\n"
    return FIRST_LINE + head + note + (_IMAGES if images else _TABLES) + _TAIL
