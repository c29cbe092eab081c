"""What networks saw and how they were trained, in sentences for a methods section and as a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radiogen.analysis.provenance import listed

if TYPE_CHECKING:
    from radiogen.analysis.networks import Networks
    from radiogen.cohort.learning import NetworkSection

_JOINED = {
    "early": "joined before one common encoder",
    "concat": "joined by concatenation",
    "gated": "joined by gates",
    "attention": "joined by attention over the modalities that a unit has",
    "bilinear": "joined by low-rank products of pairs",
    "late": "predicted from one by one, and the logits of the modalities averaged",
    "stacked": "predicted from one by one, and the logits of the modalities weighted as learnt",
}


def network_methods(networks: Networks | None) -> list[str]:
    """Sentences on the networks of an analysis; none without networks."""
    if networks is None:
        return []
    section = networks.section
    sentences = [
        f"Fusion networks had an encoder for each block of inputs ({section.width} numbers each), {_JOINED[section.fusion]}. "
        "A block that a unit does not have was hidden by a presence mask and not imputed; "
        f"during training a present block was hidden with probability {section.modality_dropout:g}.",
        "One network was trained per inner fold, each with a preprocessing of its own, with "
        f"{_OPTIMIZERS[section.optimizer]} (learning rate {section.learning_rate:g}, weight decay {section.weight_decay:g}, "
        f"{_schedule(section)}, batches of {section.batch_size}, at "
        f"most {section.epochs} epochs, {_stopping(section.patience)}); predictions are the mean over these networks"
        + (", probabilities after temperature scaling on the inner fold." if networks.heads[0].kind != "survival" else "."),
    ]
    if networks.seen.pictures:
        shown = listed([f"{s.spec.modality} ({_view(s.spec.name)})" for s in networks.seen.pictures.values()])
        start = "from scratch" if section.weights is None else f"from the weights {section.weights}"
        sentences.append(
            f"The networks saw the pictures of {shown} at {section.size} × {section.size} pixels through {section.backbone}, "
            f"trained {start}; several pictures of a unit were pooled by attention."
            + (" Pictures were flipped, moved, scaled and changed in gain, speckle, blur and shadow at random." if section.augment
               else "")
        )  # fmt: skip
    if section.further:
        sentences.append(f"Together with the target the networks learnt {listed(list(section.further))}, where it is known.")
    if len(networks.seen.blocks) > 1:
        sentences.append(
            "The contribution of each modality to the out-of-fold predictions is its exact Shapley value over all subsets of the "
            "modalities that a unit has, through the presence mask."
        )
    return sentences


_OPTIMIZERS = {"adamw": "AdamW", "adam": "Adam"}


def _schedule(section: NetworkSection) -> str:
    if section.schedule == "step":
        return f"multiplied by {section.step_factor:g} every {section.step_epochs} epochs"
    return {"cosine": "cosine schedule", "constant": "constant rate"}[section.schedule]


def _stopping(patience: int) -> str:
    return f"stopped after {patience} without a better loss on the inner fold" if patience else "all of them"


def _view(name: str) -> str:
    return name.split(":", 1)[1]


def network_settings(networks: Networks | None) -> dict[str, Any]:
    """Everything that the networks depended on; empty without networks."""
    if networks is None:
        return {}
    pictures = {
        name: {"digest": s.digest, "n": len(s.pictures.owner), **s.options}
        for name, s in networks.seen.pictures.items()
    }
    return {"network": {**networks.section.model_dump(), "pictures_seen": pictures}}


def network_notes(networks: Networks | None) -> list[str]:
    """Pictures that could not be shown."""
    if networks is None:
        return []
    return [note for s in networks.seen.pictures.values() for note in s.notes]
