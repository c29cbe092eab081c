"""The format of ``cohort.yaml``, version 1, as typed models.

Every key that the file may hold stands here with its type and default, so that
the JSON schema (``radiogen schema``), the error messages and the documentation
come from one place.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from radiogen.cohort.learning import Learning
from radiogen.cohort.modality import ModalitySection, RingSection
from radiogen.cohort.sections import Categories, Reading, Scalar, Section, TableFormat

__all__ = ["Categories", "CohortConfig", "ModalitySection", "Reading", "RingSection", "Scalar", "Section", "TableFormat"]


class Simulated(Section):
    """How a simulated cohort was made; its presence stamps every page."""

    n: int = Field(gt=0, description="number of patients simulated")
    seed: int = Field(description="seed of the simulation")
    effects: str = Field("default", description="'default', 'none' or a word for the effects planted")


class CohortSection(Section):
    """Name, unit of analysis and description."""

    name: str = Field(min_length=1, description="name shown in the report")
    unit: Literal["patient", "lesion"] = Field("patient", description="unit of analysis")
    description: str = Field("", description="one or two sentences for the report")
    citation: str = Field("", description="where the data come from")
    simulated: Simulated | None = Field(None, description="set where the data are simulated")


class TableSection(Reading):
    """A table that joins the cohort on an id."""

    id: str = Field(description="column of the patient id, or of the lesion id where 'patient' is given")
    patient: str | None = Field(None, description="column of the patient id in a table of lesions")
    predictors: list[str] = Field(default_factory=list, description="columns used as inputs of models")
    types: dict[str, Literal["numeric", "categorical"]] = Field(
        default_factory=dict, description="type of a column where it is not to be read off the values"
    )
    levels: dict[str, Categories] = Field(
        default_factory=dict, description="allowed categories of a column, the reference first"
    )
    ordered: dict[str, Categories] = Field(
        default_factory=dict, description="categories from lowest to highest, scored 1, 2, 3 …"
    )
    event: str | None = Field(None, description="REDCap: the event whose rows are used")
    repeat: Literal["first", "last"] | int | None = Field(None, description="REDCap: the repeat instance used")


class MutationSection(Reading):
    """Mutations, in one of four layouts, and who was tested."""

    format: Literal["maf", "long", "wide", "cbioportal"] = Field(description="layout of the file")  # type: ignore[assignment]
    id: str | None = Field(None, description="id column; default Tumor_Sample_Barcode for a MAF")
    gene: str | None = Field(None, description="gene column; default Hugo_Symbol for a MAF")
    change: str | None = Field(None, description="column of the protein or DNA change")
    genes: list[str] = Field(min_length=1, description="genes of interest")
    columns: dict[str, str] = Field(default_factory=dict, description="wide: {gene: column} where they differ")
    keep_classes: list[str] | None = Field(
        None, description="MAF Variant_Classification values that count; default the non-silent ones"
    )
    values: dict[Scalar, Literal["mutated", "wild_type", "not_tested"]] = Field(
        default_factory=dict, description="wide: meaning of values that are not self-evident"
    )
    vaf_min: float | None = Field(None, gt=0, le=1, description="wide: allele frequency from which on a gene is mutated")
    sequenced: str | SequencedSection | None = Field(None, description="table of who was tested for what")
    absent_is: Literal["wild_type", "not_tested"] | None = Field(
        None, description="what a patient without a row is, where there is no tested list"
    )


class SequencedSection(Reading):
    """Who was tested: one row per patient, or per patient and gene."""

    id: str | None = Field(None, description="id column; default the first column")
    gene: str | None = Field(None, description="gene column, where patients had different panels")
    every_gene: bool = Field(False, description="who has a row was tested for all genes, whatever gene the row names")


MutationSection.model_rebuild()


class PercentMarker(Section):
    """ER, PR or Ki-67."""

    column: str = Field(description="column of the marker")
    unit: Literal["percent", "fraction", "allred", "status"] | None = Field(None, description="how it is written")
    positive: list[Scalar] = Field(default_factory=list, description="status: values that mean positive (or high)")
    negative: list[Scalar] = Field(default_factory=list, description="status: values that mean negative (or low)")
    cut: float | None = Field(None, gt=0, le=100, description="positive (high) from this percentage on; default 1 (Ki-67: 20)")
    ranges: Literal["midpoint", "lower", "upper", "refuse"] = Field(
        "refuse", description="what a range such as '10-20' is taken as"
    )
    below: Literal["half", "zero", "limit", "refuse"] = Field("refuse", description="what '<1' is taken as")
    confirm: bool = Field(False, description="percent values at or below 1 are really percent")


class Her2Marker(Section):
    """HER2 by immunohistochemistry and in-situ hybridisation, or as a status."""

    ihc: str | None = Field(None, description="column of IHC: 0, 1+, 2+, 3+")
    ish: str | None = Field(None, description="column of ISH: amplified / not amplified")
    ish_ratio: str | None = Field(None, description="column of the HER2/CEP17 ratio")
    ish_copies: str | None = Field(None, description="column of the mean HER2 copies per cell")
    column: str | None = Field(None, description="column of a finished status, instead of the others")
    positive: list[Scalar] = Field(default_factory=list, description="values of 'column' or 'ish' that mean positive")
    negative: list[Scalar] = Field(default_factory=list, description="values of 'column' or 'ish' that mean negative")

    @model_validator(mode="after")
    def _one_way(self) -> Her2Marker:
        tests = [self.ihc, self.ish, self.ish_ratio, self.ish_copies]
        if self.column is not None and any(tests):
            raise ValueError("give either 'column' (a finished status) or 'ihc' and 'ish…', not both")
        if self.column is None and not any(tests):
            raise ValueError("name at least one of 'ihc', 'ish', 'ish_ratio', 'column'")
        if self.ish_copies is not None and self.ish_ratio is None:
            raise ValueError("'ish_copies' needs 'ish_ratio'")
        return self


class MarkerSection(Section):
    """Receptors and proliferation."""

    er: PercentMarker | None = None
    pr: PercentMarker | None = None
    her2: Her2Marker | None = None
    ki67: PercentMarker | None = None


class SubtypeSection(Section):
    """Subtype by rule from the markers, or from a column."""

    rule: Literal["st_gallen_2013", "ki67_14", "maisonneuve"] | None = None
    ki67_high: float = Field(20, gt=0, le=100, description="Ki-67 is high from this percentage on")
    pr_high: float = Field(20, gt=0, le=100, description="PR is high from this percentage on")
    pr_alone: Literal["unclassified", "luminal"] = Field("unclassified", description="what ER- PR+ is")
    column: str | None = None
    classes: list[Scalar] = Field(default_factory=list, description="values of the column that are subtypes; default all")

    @model_validator(mode="after")
    def _one_way(self) -> SubtypeSection:
        if (self.rule is None) == (self.column is None):
            raise ValueError("give either 'rule' or 'column'")
        return self


class VisitSection(Section):
    """Names of visits, in order, and the one that analyses use."""

    baseline: str
    order: list[str] = Field(default_factory=list)


class SurvivalEndpoint(Section):
    """Time to an event with censoring."""

    kind: Literal["survival"]
    time: str | None = Field(None, description="column of the follow-up time")
    origin: str | None = Field(None, description="date of origin, instead of 'time'")
    until: str | None = Field(None, description="date of the event or last contact")
    date_format: str | None = Field(None, description="strptime form of the dates; default YYYY-MM-DD")
    unit: Literal["days", "weeks", "months", "years"] | None = None
    event: str = Field(description="column of the status")
    event_values: list[Scalar] = Field(default_factory=list)
    censor_values: list[Scalar] = Field(default_factory=list)
    zero_time: Literal["error", "exclude"] = "error"
    label: str = ""


class CompetingEndpoint(Section):
    """Time to the first of several events."""

    kind: Literal["competing"]
    time: str | None = None
    origin: str | None = None
    until: str | None = None
    date_format: str | None = None
    unit: Literal["days", "weeks", "months", "years"] | None = None
    event: str
    codes: dict[Scalar, str] = Field(
        description="{value: name}; the name 'censored' is censoring, the first other the event of interest"
    )
    zero_time: Literal["error", "exclude"] = "error"
    label: str = ""


class BinaryEndpoint(Section):
    """Yes or no."""

    kind: Literal["binary"]
    column: str
    positive: list[Scalar] = Field(default_factory=list)
    negative: list[Scalar] = Field(default_factory=list)
    label: str = ""


class OrdinalEndpoint(Section):
    """Ordered classes."""

    kind: Literal["ordinal"]
    column: str
    order: Categories = Field(min_length=2)
    label: str = ""


class MultiClassEndpoint(Section):
    """Unordered classes."""

    kind: Literal["multiclass"]
    column: str
    classes: Categories = Field(min_length=2)
    label: str = ""


EndpointSection = Annotated[
    SurvivalEndpoint | CompetingEndpoint | BinaryEndpoint | OrdinalEndpoint | MultiClassEndpoint,
    Field(discriminator="kind"),
]


class Rule(Section):
    """Patients set aside, with the reason that the flow diagram shows."""

    column: str
    values: list[Scalar] | None = None
    missing: bool = False
    below: float | None = None
    above: float | None = None
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _one_test(self) -> Rule:
        if sum([self.values is not None, self.missing, self.below is not None, self.above is not None]) != 1:
            raise ValueError("give exactly one of 'values', 'missing', 'below', 'above'")
        return self


class SplitSection(Section):
    """External data: touched once, by a locked model."""

    external: dict[str, list[Scalar]] = Field(default_factory=dict)


class AssociateSection(Section):
    """Every feature against every gene, receptor or subtype."""

    kind: Literal["associate"]
    targets: list[str] = Field(min_length=1)
    inputs: list[str] | None = Field(None, min_length=1, description="feature blocks; default every modality, else clinical")
    adjust: list[str] | None = Field(None, description="covariates of the adjusted odds ratio; default the predictors")
    title: str = ""


class ClassifySection(Learning):
    """Prediction of a mutation, receptor, subtype or binary endpoint."""

    kind: Literal["classify"]
    target: str
    inputs: list[str] | None = Field(None, min_length=1)
    models: list[Literal["elastic_net", "forest", "svm", "graph", "fusion"]] = Field(["elastic_net"], min_length=1)
    folds: int = Field(5, ge=2, le=20)
    repeats: int = Field(3, ge=1, le=100)
    missing_modality: Literal["complete", "impute"] = "complete"
    title: str = ""


class SurviveSection(Learning):
    """Survival: curves, Cox, and prediction out of fold."""

    kind: Literal["survive"]
    endpoint: str
    inputs: list[str] | None = Field(None, min_length=1)
    models: list[Literal["cox", "coxnet", "firth_cox", "rsf", "gbm", "deepsurv", "discrete", "fusion"]] = Field(
        ["cox"], min_length=1
    )
    groups: list[str] = Field(default_factory=list, description="columns by which curves are drawn")
    folds: int = Field(5, ge=2, le=20)
    repeats: int = Field(3, ge=1, le=100)
    missing_modality: Literal["complete", "impute"] = "complete"
    title: str = ""


AnalysisSection = Annotated[
    AssociateSection | ClassifySection | SurviveSection, Field(discriminator="kind")
]


class PrivacySection(Section):
    """What the report may show of single patients."""

    min_cell: int = Field(5, ge=0, description="counts below this are suppressed in tables by group")
    show_ids: bool = False
    thumbnails: bool = Field(False, description="small pictures of the images, which may hold a patient's name burnt in")


class CohortConfig(Section):
    """A whole ``cohort.yaml``."""

    radiogen: Literal[1]
    cohort: CohortSection
    allow_outside: bool = Field(False, description="paths may leave the folder")
    tables: dict[str, TableSection] = Field(min_length=1)
    mutations: MutationSection | None = None
    markers: MarkerSection = MarkerSection()
    subtype: SubtypeSection | None = None
    modalities: dict[str, ModalitySection] = Field(default_factory=dict)
    visits: VisitSection | None = None
    batch: dict[Literal["centre", "scanner"], str] = Field(default_factory=dict)
    endpoints: dict[str, EndpointSection] = Field(default_factory=dict)
    exclude: list[Rule] = Field(default_factory=list, description="patients set aside by rule")
    split: SplitSection = SplitSection()
    table_one: str | None = Field(None, description="column or target by which Table 1 is split")
    analyses: list[AnalysisSection] = Field(default_factory=list)
    exclude_predictors: list[str] = Field(default_factory=list)
    accept_predictors: list[str] = Field(
        default_factory=list, description="predictors kept although they determine an endpoint"
    )
    privacy: PrivacySection = PrivacySection()
    seed: int = 20260101
