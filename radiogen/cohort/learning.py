"""What an analysis learns from image features inside each training fold, as the YAML declares it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from radiogen.cohort.sections import Scalar, Section

#: features that ``mrmr`` keeps where no number is declared
MRMR_FEATURES = 20
#: false discovery rate of ``fdr`` where none is declared
FDR_LEVEL = 0.05


class HarmonizeSection(Section):
    """ComBat: location and scale of every image feature made alike between batches."""

    batch: Literal["centre", "scanner"] = Field("scanner", description="key of `batch:` by which features are harmonised")
    covariates: list[str] = Field(
        default_factory=list, description="clinical columns whose effect is kept; never the outcome"
    )
    parametric: bool = Field(True, description="normal and inverse-gamma priors; false: empirical ones")
    empirical_bayes: bool = Field(True, description="shrink the batches' parameters over features")
    mean_only: bool = Field(False, description="only the location, not the scale")
    reference: Scalar | None = Field(None, description="batch that stays as it is")
    unseen: Literal["refuse", "estimate"] = Field(
        "refuse", description="a batch that the training data lack: an error, or estimated from its own unlabelled features"
    )


class StableSection(Section):
    """Only features that come out alike when measured again (`modalities: {…: {repeats: …}}`)."""

    model: Literal["1,1", "2,1", "3,1"] = Field("2,1", description="form of the intraclass correlation (ICC)")
    threshold: float = Field(0.75, gt=0, lt=1, description="least ICC of a feature that is used")
    bound: Literal["lower", "estimate"] = Field("lower", description="lower limit of the 95 % interval, or the estimate")


class SelectSection(Section):
    """How image features are chosen in place of the univariable screen."""

    method: Literal["mrmr", "fdr", "lasso", "elastic_net", "shadow", "stability", "clusters"]
    features: int | None = Field(None, ge=1, description="how many are kept (mrmr: default 20)")
    level: float | None = Field(None, gt=0, lt=1, description="false discovery rate (fdr: default 0.05)")

    @model_validator(mode="after")
    def _own_options(self) -> SelectSection:
        if self.features is not None and self.method != "mrmr":
            raise ValueError(f"'features' belongs to `method: mrmr`, not to {self.method}")
        if self.level is not None and self.method != "fdr":
            raise ValueError(f"'level' belongs to `method: fdr`, not to {self.method}")
        return self


class Learning(Section):
    """Keys that `classify` and `survive` share; everything here is fitted inside each training fold."""

    harmonize: HarmonizeSection | None = Field(None, description="ComBat between centres or scanners")
    stable: StableSection | None = Field(None, description="a filter by repeated measurement")
    select: SelectSection | None = Field(None, description="selection of image features")
