"""What a fusion network is made of: its inputs, its heads and its settings; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from radiogen.errors import fail

InputKind = Literal["table", "image", "cine"]
HeadKind = Literal["binary", "multiclass", "ordinal", "survival"]
FUSIONS = ("early", "concat", "gated", "attention", "bilinear", "late", "stacked")


@dataclass(frozen=True)
class InputSpec:
    """One named input of a network.

    Parameters
    ----------
    name : str
        Unique; ``"clinical"``, ``"swe"``, ``"bmode:ring"`` …
    kind : {"table", "image", "cine"}
        Columns of numbers; stills (several per unit are pooled by attention); loops (frames, pooled over time).
    modality : str
        Inputs of one modality (two views of B-mode, its pictures and its radiomics) share it: they are present,
        dropped and attributed together.  Default the name.
    columns : tuple of str
        Of a table; of a cine the values of its curve, which the network is fed with too (may be empty).
    channels : int, default 1
        Of a picture: 1 grey or kPa, 3 RGB.
    size : (int, int)
        Rows and columns of a picture.
    backbone : str, default "compact"
        Name for :func:`radiogen.models.backbone`.
    weights : str or None
        ``None``, ``"imagenet"`` or a file.
    physical : bool, default False
        Pixels are a measurement (kPa): augmentation moves them and never changes their values.
    aligned : str, default ""
        Pictures of one unit that share this word show the same plane: they are moved alike.
    """

    name: str
    kind: InputKind
    modality: str = ""
    columns: tuple[str, ...] = ()
    channels: int = 1
    size: tuple[int, int] = (96, 96)
    backbone: str = "compact"
    weights: str | None = None
    physical: bool = False
    aligned: str = ""

    def __post_init__(self) -> None:
        if not self.modality:
            object.__setattr__(self, "modality", self.name)


@dataclass(frozen=True)
class HeadSpec:
    """One thing that a network predicts.

    Parameters
    ----------
    name : str
    kind : {"binary", "multiclass", "ordinal", "survival"}
    classes : tuple of str
        In order for an ordinal head; (negative, positive) for a binary one; empty for survival.
    weight : float, default 1
        Of its loss in the sum.
    """

    name: str
    kind: HeadKind
    classes: tuple[str, ...] = ()
    weight: float = 1.0

    @property
    def outputs(self) -> int:
        """Numbers that the head gives: a logit, a logit per class, cumulative logits, or a log-hazard."""
        if self.kind == "multiclass":
            return len(self.classes)
        return len(self.classes) - 1 if self.kind == "ordinal" else 1


@dataclass(frozen=True)
class NetSettings:
    """The network's shape.

    Parameters
    ----------
    fusion : str, default "attention"
        ``"early"`` (inputs joined before one encoder), ``"concat"``, ``"gated"``, ``"attention"``, ``"bilinear"``,
        ``"late"`` (predictions of the inputs averaged), ``"stacked"`` (predictions weighted by what was learnt).
    width : int, default 32
        Numbers that stand for one input; cohorts of hundreds do not carry more.
    hidden : int, default 32
        Units of the hidden layer of a table's encoder.
    dropout : float, default 0.2
    min_modalities : int, default 1
        A unit with fewer present modalities is not predicted.
    """

    fusion: str = "attention"
    width: int = 32
    hidden: int = 32
    dropout: float = 0.2
    min_modalities: int = 1

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise fail("RG708", f"there is no fusion '{self.fusion}'; there are {', '.join(FUSIONS)}", value=self.fusion)
        for name, value, low, high in (
            ("width", self.width, 1, 4096), ("hidden", self.hidden, 1, 4096), ("dropout", self.dropout, 0, 0.95),
            ("min_modalities", self.min_modalities, 1, 100),
        ):  # fmt: skip
            _in_range(name, value, low, high)


@dataclass(frozen=True)
class TrainSettings:
    """How a network is trained.

    Parameters
    ----------
    epochs : int, default 60
        At most; early stopping ends sooner.
    batch_size : int, default 32
        Units.  A survival head on tables alone takes the whole training part, so that risk sets are exact.
    optimizer : {"adamw", "adam"}
    learning_rate : float, default 1e-3
    weight_decay : float, default 1e-2
    schedule : {"cosine", "step", "constant"}
        ``"step"`` multiplies the rate by ``step_factor`` every ``step_epochs``.
    patience : int, default 10
        Epochs without a better inner validation loss; 0 trains all epochs and validates nothing.
    validation_share : float, default 0.2
        Of the training groups, for early stopping and temperature.
    freeze_epochs : int, default 0
        Epochs in which pretrained backbones stay as they are; -1: always.
    modality_dropout : float, default 0.2
        Probability that a present modality is hidden from a step; at least one stays.
    augment : bool, default True
        Ultrasound augmentation of pictures.
    loss : {"cross_entropy", "focal"}
    balance : {"none", "weights", "sampling"}
        For classes of unequal size.
    precision : {"auto", "float32", "bfloat16"}
        ``"auto"``: bfloat16 only where the hardware computes in it.
    device : str, default "auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"`` …; ``"auto"``: a GPU if there is one.
    devices : int, default 1
        GPUs.
    ensemble : int, default 1
        Networks from different seeds whose probabilities are averaged.
    calibrate : bool, default True
        Temperature scaling on the inner validation part.
    ties : {"efron", "breslow"}
        Of the survival head.
    """

    epochs: int = 60
    batch_size: int = 32
    optimizer: Literal["adamw", "adam"] = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    step_epochs: int = 5
    step_factor: float = 0.5
    patience: int = 10
    validation_share: float = 0.2
    freeze_epochs: int = 0
    modality_dropout: float = 0.2
    augment: bool = True
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_gamma: float = 2.0
    balance: Literal["none", "weights", "sampling"] = "none"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: str = "auto"
    devices: int = 1
    ensemble: int = 1
    calibrate: bool = True
    ties: Literal["efron", "breslow"] = "efron"

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            _in_range(name, getattr(self, name), low, high)
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                raise fail("RG708", f"`{name}` must be one of {', '.join(words)}.", value=getattr(self, name))


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("epochs", 1, 100_000), ("batch_size", 1, 1_000_000), ("learning_rate", 1e-12, 10.0), ("weight_decay", 0.0, 10.0),
    ("step_epochs", 1, 100_000), ("step_factor", 1e-6, 1.0), ("patience", 0, 100_000), ("validation_share", 0.05, 0.5),
    ("freeze_epochs", -1, 100_000), ("modality_dropout", 0.0, 0.95), ("focal_gamma", 0.0, 10.0), ("devices", 1, 64),
    ("ensemble", 1, 100),
)  # fmt: skip
_WHOLE = ("epochs", "batch_size", "step_epochs", "patience", "freeze_epochs", "devices", "ensemble", "width", "hidden",
          "min_modalities")  # fmt: skip
_WORDS: dict[str, tuple[str, ...]] = {
    "optimizer": ("adamw", "adam"), "schedule": ("cosine", "step", "constant"), "loss": ("cross_entropy", "focal"),
    "balance": ("none", "weights", "sampling"), "precision": ("auto", "float32", "bfloat16"), "ties": ("efron", "breslow"),
}  # fmt: skip


def _in_range(name: str, value: Any, low: float, high: float) -> None:
    whole = name in _WHOLE
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise fail("RG708", f"`{name}` must be a {'whole ' if whole else ''}number from {low:g} to {high:g}.", value=value)


@dataclass(frozen=True)
class Plan:
    """A whole network: inputs, heads, shape and training; JSON in and out, for bundles and provenance.

    Parameters
    ----------
    inputs : tuple of InputSpec
    heads : tuple of HeadSpec
    net : NetSettings
    training : TrainSettings
    """

    inputs: tuple[InputSpec, ...]
    heads: tuple[HeadSpec, ...]
    net: NetSettings = field(default_factory=NetSettings)
    training: TrainSettings = field(default_factory=TrainSettings)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities in the order of the inputs, each once: the columns of every presence mask."""
        return tuple(dict.fromkeys(i.modality for i in self.inputs))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON knows."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Plan:
        """The plan that :meth:`to_dict` gave."""
        return cls(
            tuple(InputSpec(**{**i, "columns": tuple(i["columns"]), "size": tuple(i["size"])}) for i in plain["inputs"]),
            tuple(HeadSpec(**{**h, "classes": tuple(h["classes"])}) for h in plain["heads"]),
            NetSettings(**plain["net"]),
            TrainSettings(**plain["training"]),
        )


def split_settings(options: Mapping[str, Any]) -> tuple[NetSettings, TrainSettings]:
    """Settings of network and training from one flat mapping of names.

    Parameters
    ----------
    options : mapping
        Names of fields of :class:`NetSettings` and :class:`TrainSettings`.

    Raises
    ------
    RadiogenError
        RG708 for a name that neither has, or a value out of range.

    Examples
    --------
    >>> net, training = split_settings({"fusion": "gated", "epochs": 5})
    >>> net.fusion, training.epochs, training.batch_size
    ('gated', 5, 32)
    """
    own = {f.name for f in fields(NetSettings)}
    other = {f.name for f in fields(TrainSettings)}
    for name in options:
        if name not in own | other:
            known = ", ".join(sorted(own | other))
            raise fail("RG708", f"there is no setting '{name}' of a network; there are {known}", value=name)
    net = replace(NetSettings(), **{k: v for k, v in options.items() if k in own})
    return net, replace(TrainSettings(), **{k: v for k, v in options.items() if k in other})


def check_plan(inputs: Sequence[InputSpec], heads: Sequence[HeadSpec]) -> None:
    """RG705 where names repeat, or there is no input or head."""
    for what, names in (("input", [i.name for i in inputs]), ("head", [h.name for h in heads])):
        if not names:
            raise fail("RG705", f"a network needs at least one {what}")
        for name in names:
            if names.count(name) > 1:
                raise fail("RG705", f"two {what}s are called '{name}'", value=name)
