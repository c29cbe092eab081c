"""What the sections of ``cohort.yaml`` are made of: scalars, categories, and how a table is read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from radiogen.cohort.values import canonical

Scalar = str | int | float | bool


def _distinct(values: list[Scalar]) -> list[Scalar]:
    """Categories of which no two mean the same."""
    seen: set[str] = set()
    for value in values:
        if canonical(value) in seen:
            raise ValueError(f"the value '{value}' stands in the list twice")
        seen.add(canonical(value))
    return values


Categories = Annotated[list[Scalar], Field(min_length=1), AfterValidator(_distinct)]
TableFormat = Literal["csv", "tsv", "excel", "parquet", "cbioportal", "redcap"]


class Section(BaseModel):
    """A mapping of the YAML: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Reading(Section):
    """How a text or Excel file is read; shared by all tables."""

    path: str | None = Field(None, min_length=1, description="file, or folder of a cBioPortal study")
    builtin: Literal["gbsg2"] | None = Field(None, description="a table that an installed package ships")
    format: TableFormat | None = Field(None, description="kind of file; default by its ending")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="column separator of a text file")
    encoding: str = Field("utf-8", description="encoding of a text file, such as latin-1 or gb18030")
    decimal: Literal[".", ","] = Field(".", description="decimal mark")
    sheet: str | int | None = Field(None, description="sheet of an Excel file; default the first")
    comment: str | None = Field(None, min_length=1, description="lines that start with this are skipped")
    missing: list[Scalar] = Field(default_factory=list, description="values that stand for 'not known', besides empty")
    recode: dict[str, dict[Scalar, Scalar | None]] = Field(
        default_factory=dict, description="{column: {old: new}}; a new value of null means not known"
    )
    rename: dict[str, str] = Field(default_factory=dict, description="{old column: new column}")
    id_pattern: str | None = Field(None, description="regular expression; its first group is the id")

    @model_validator(mode="after")
    def _one_source(self) -> Reading:
        if (self.path is None) == (self.builtin is None):
            raise ValueError("give either 'path' or 'builtin'")
        return self
