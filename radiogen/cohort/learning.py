"""What an analysis learns from image features inside each training fold, as the YAML declares it."""

from __future__ import annotations

from typing import Annotated, Literal

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


#: part of a picture, or another kind of picture of the modality: ``colour`` as it is displayed (SWE, Doppler), ``spectrum``
#: the strip of pulsed-wave Doppler
View = Literal["whole", "lesion", "ring", "lesion+ring", "masked", "pair", "colour", "spectrum"]


class NetworkSection(Section):
    """How the model `fusion` sees and learns; every key has a default, and what is fitted is fitted inside training folds."""

    fusion: Literal["early", "concat", "gated", "attention", "bilinear", "late", "stacked"] = Field(
        "attention", description="how what the inputs say is joined"
    )
    pictures: list[str] | dict[str, View | list[View]] = Field(
        default_factory=list, description="modalities whose pictures the network sees: a list, or {modality: view or views}"
    )
    view: View = Field("lesion", description="part of a picture that is seen, where `pictures` is a list")
    size: int = Field(96, ge=16, le=1024, description="rows and columns of what is seen, in pixels")
    frames: int = Field(16, ge=2, le=256, description="frames of a loop that are seen")
    features: bool = Field(True, description="whether the features of those modalities are seen too")
    backbone: str = Field("compact", description="network that sees pictures: compact, resnet18, resnet50, densenet121 …")
    weights: str | None = Field(None, description="null (from scratch), imagenet, or a .pth or .safetensors file")
    freeze_epochs: int = Field(0, ge=-1, description="epochs in which pretrained weights stay; -1: always")
    also: list[str] | dict[str, Annotated[float, Field(gt=0, le=1000)]] = Field(
        default_factory=list, description="further targets that are learnt together with this one: a list, or {target: weight}"
    )
    width: int = Field(32, ge=4, le=1024, description="numbers that stand for one input")
    dropout: float = Field(0.2, ge=0, lt=1)
    modality_dropout: float = Field(0.2, ge=0, lt=1, description="share of steps in which a present modality is hidden")
    min_modalities: int = Field(1, ge=1, description="units with fewer get no prediction of their own but the prevalence")
    epochs: int = Field(60, ge=1)
    batch_size: int = Field(32, ge=1)
    optimizer: Literal["adamw", "adam"] = "adamw"
    learning_rate: float = Field(0.001, gt=0, le=1)
    schedule: Literal["cosine", "step", "constant"] = Field("cosine", description="course of the learning rate")
    step_epochs: int = Field(5, ge=1, description="schedule step: epochs after which the rate is multiplied")
    step_factor: float = Field(0.5, gt=0, le=1, description="schedule step: by this")
    weight_decay: float = Field(0.01, ge=0, le=10)
    patience: int = Field(10, ge=0, description="epochs without a better inner validation loss; 0: train all epochs")
    balance: Literal["none", "weights", "sampling"] = "none"
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    augment: bool = Field(True, description="ultrasound augmentation of pictures")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="auto: bfloat16 where the hardware has it")
    device: str = Field("auto", description="cpu, cuda, cuda:1 …; auto: a GPU if there is one")

    @property
    def views(self) -> dict[str, tuple[View, ...]]:
        """The views of each modality whose pictures are seen."""
        if not isinstance(self.pictures, dict):
            return dict.fromkeys(self.pictures, (self.view,))
        return {name: tuple(own) if isinstance(own, list) else (own,) for name, own in self.pictures.items()}

    @property
    def further(self) -> dict[str, float]:
        """Weight of the loss of each further target."""
        return dict(self.also) if isinstance(self.also, dict) else dict.fromkeys(self.also, 1.0)


class Learning(Section):
    """Keys that `classify` and `survive` share; everything here is fitted inside each training fold."""

    harmonize: HarmonizeSection | None = Field(None, description="ComBat between centres or scanners")
    stable: StableSection | None = Field(None, description="a filter by repeated measurement")
    select: SelectSection | None = Field(None, description="selection of image features")
    network: NetworkSection | None = Field(None, description="settings of the model `fusion`")
