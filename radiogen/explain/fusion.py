"""Gradients and activation maps of a fusion network, by input, column and picture."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.explain.attribution import Attribution, assemble

if TYPE_CHECKING:
    import torch

    from radiogen.explain.cams import Kind
    from radiogen.models.fusion.batch import Batch
    from radiogen.models.fusion.network import FusionNet

FloatArray = NDArray[np.float64]


def fusion_gradients(
    net: FusionNet | Sequence[FusionNet],
    batch: Batch,
    background: Batch,
    head: str,
    *,
    target: int | None = None,
    samples: int = 200,
    max_samples: int = 12_800,
    seed: int = 0,
    units: Sequence[Hashable] = (),
    tolerance: float = 0.02,
    rows: int = 256,
) -> Attribution:
    """Expected gradients of a fusion network, over all its inputs with one shared background.

    Parameters
    ----------
    net : FusionNet, or a sequence of them
        Of an ensemble the mean of the logits is explained.
    batch : Batch
        Units to explain, with their pixels.
    background : Batch
        Units of the training data.  For a unit those are used that have all its inputs; their pictures stand against the
        unit's pictures in order, and begin anew where they are fewer.
    head : str
    target : int, optional
        Class of a multi-class head (or step of an ordinal one); of a binary head 1 (default) or 0.
    samples, max_samples, seed, tolerance
        As in :func:`radiogen.explain.expected_gradients`.
    units : sequence, optional
        Ids.
    rows : int, default 256
        Units that the network sees at once; fewer for large pictures.

    Returns
    -------
    Attribution
        One column per column of a table or curve, and one per input of pictures (the sum over their pixels); NaN where the
        unit does not have the input.  ``extra``: ``"modality"`` (feature -> modality), ``"pixels"`` (input -> list, one array
        per unit of the shape of its pictures, or None), ``"samples"``.

    Raises
    ------
    RadiogenError
        RG705 where no background unit has all the inputs of a unit, or pictures stand there as features; RG708 for a head
        that is not there.
    """
    nets = [net] if not isinstance(net, Sequence) else list(net)
    logit = _logit(nets, head, target)
    parts = _parts(nets[0], batch)
    have, others = _has(parts, batch), _has(parts, background)
    ids = list(units) if len(units) else list(range(len(batch)))
    with _Evaluating(nets):
        each = [
            _of_unit(logit, batch, background, parts, i, have[i], others, ids[i],
                     {"samples": samples, "max_samples": max_samples, "seed": seed, "tolerance": tolerance, "batch": rows})
            for i in range(len(batch))
        ]  # fmt: skip
    features, modality = _features(nets[0], parts)
    values = np.stack([_row(parts, features, found) for found, _, _, _ in each])
    pixels = {p.name: [found.get(p.key) for found, _, _, _ in each] for p in parts if p.pictures}
    return assemble(
        values, [f for part in parts for f in features[part.key]], base=np.array([e[1] for e in each]),
        prediction=np.array([e[2] for e in each]), relative=tolerance, absolute=1e-6, units=ids,
        method="Expected gradients over all inputs of the network with one shared background unit per draw.",
        scale=_scale(nets[0], head), extra={"modality": modality, "pixels": pixels, "samples": np.array([e[3] for e in each])},
    )  # fmt: skip


class _Part:
    """A tensor of a batch: a table or curve, or the pictures of an input."""

    def __init__(self, name: str, column: int, pictures: bool, needs: str | None) -> None:
        self.name, self.column, self.pictures = name, column, pictures
        #: the input without whose pictures a curve is not read
        self.needs = needs
        self.key = (name, pictures)


def _parts(net: FusionNet, batch: Batch) -> list[_Part]:
    found = []
    for spec in net.plan.inputs:
        column = net.plan.modalities.index(spec.modality)
        if spec.columns:
            found.append(_Part(spec.name, column, False, None if spec.kind == "table" else spec.name))
        if spec.kind != "table":
            if spec.name not in batch.pictures or batch.pictures[spec.name][0].ndim < 4:
                raise fail("RG705", f"pixels of the input '{spec.name}' are needed", value=spec.name)
            found.append(_Part(spec.name, column, True, spec.name))
    return found


def _has(parts: list[_Part], batch: Batch) -> NDArray[np.bool_]:
    """Who has which part, shape (units, parts)."""
    columns = []
    for part in parts:
        has = batch.present[:, part.column].cpu().numpy().copy()
        if part.needs is not None:
            has &= np.bincount(batch.pictures[part.needs][1].cpu().numpy(), minlength=len(batch)) > 0
        columns.append(has)
    return np.stack(columns, axis=1)


def _own_pictures(batch: Batch, name: str, unit: int) -> torch.Tensor:
    import torch

    pixels, owner = batch.pictures[name]
    own = pixels[owner == unit]
    return own if own.is_floating_point() else own.to(torch.float32) / 255


def _of_unit(
    logit: Callable[[Batch], torch.Tensor], batch: Batch, background: Batch, parts: list[_Part], unit: int,
    has: NDArray[np.bool_], others: NDArray[np.bool_], name: Hashable, options: dict[str, Any],
) -> tuple[dict[tuple[str, bool], FloatArray], float, float, int]:  # fmt: skip
    """Attributions of the parts that a unit has, its base, its prediction, and the draws."""
    import torch

    from radiogen.explain.expected import expected_gradients

    if not has.any():
        return {}, np.nan, np.nan, 0
    usable = np.flatnonzero((others | ~has).all(axis=1))
    if not len(usable):
        raise fail("RG705", f"no background unit has all the inputs of unit {name}", value=name)
    if len(usable) > options["samples"]:
        usable = np.sort(np.random.default_rng(options["seed"]).choice(usable, options["samples"], replace=False))
    own = [p for p, h in zip(parts, has, strict=True) if h]
    inputs, other = [], []
    for part in own:
        if part.pictures:
            mine = _own_pictures(batch, part.name, unit)
            theirs = [_own_pictures(background, part.name, int(j)) for j in usable]
            inputs.append(mine[None])
            other.append(torch.stack([t[torch.arange(len(mine)) % len(t)] for t in theirs]))
        else:
            inputs.append(batch.tables[part.name][unit : unit + 1])
            other.append(background.tables[part.name][usable.tolist()])
    present = torch.zeros(batch.present.shape[1], dtype=torch.bool, device=batch.present.device)
    present[[p.column for p in own]] = True

    def function(*tensors: torch.Tensor) -> torch.Tensor:
        return logit(_assembled(own, tensors, present, batch))

    found = expected_gradients(function, tuple(inputs), tuple(other), names=[f"{p.name}|{p.pictures}" for p in own], **options)
    values = {p.key: a[0] for p, a in zip(own, found.arrays, strict=True)}
    return values, float(found.base[0]), float(found.prediction[0]), int(found["samples"][0])


def _assembled(parts: list[_Part], tensors: tuple[torch.Tensor, ...], present: torch.Tensor, like: Batch) -> Batch:
    """A batch of as many units as the tensors have rows; what the unit has not stands there empty."""
    import torch

    from radiogen.models.fusion.batch import Batch

    rows = len(tensors[0])
    tables = {k: t.new_zeros(rows, t.shape[1]) for k, t in like.tables.items()}
    pictures = {k: (p[:0], o[:0]) for k, (p, o) in like.pictures.items()}
    for part, tensor in zip(parts, tensors, strict=True):
        if part.pictures:
            owner = torch.arange(rows, device=tensor.device).repeat_interleave(tensor.shape[1])
            pictures[part.name] = (tensor.reshape(-1, *tensor.shape[2:]), owner)
        else:
            tables[part.name] = tensor
    return Batch(present.expand(rows, -1), tables, pictures)


def _features(net: FusionNet, parts: list[_Part]) -> tuple[dict[tuple[str, bool], list[str]], dict[str, str]]:
    """Names of the columns of each part, with the input before a name that two inputs share, and their modalities."""
    columns = {spec.name: list(spec.columns) for spec in net.plan.inputs}
    plain = [c for p in parts for c in ([p.name] if p.pictures else columns[p.name])]
    names, modality = {}, {}
    for part in parts:
        own = [part.name] if part.pictures else columns[part.name]
        names[part.key] = [c if plain.count(c) == 1 else f"{part.name}_{'pictures' if part.pictures else c}" for c in own]
        modality.update(dict.fromkeys(names[part.key], net.plan.modalities[part.column]))
    return names, modality


def _row(
    parts: list[_Part], features: dict[tuple[str, bool], list[str]], found: dict[tuple[str, bool], FloatArray]
) -> FloatArray:
    cells: list[float] = []
    for part in parts:
        if part.key not in found:
            cells += [np.nan] * len(features[part.key])
        else:
            cells += [float(found[part.key].sum())] if part.pictures else found[part.key].tolist()
    return np.array(cells)


def _logit(nets: list[FusionNet], head: str, target: int | None) -> Callable[[Batch], torch.Tensor]:
    """One number per unit of a head: its logit, that of a class, or the log-hazard."""
    from radiogen.explain.cams import one_class

    known = {h.name: h for h in nets[0].plan.heads}
    if head not in known:
        raise fail("RG708", f"there is no head '{head}'; there are {', '.join(known)}", value=head)
    binary = known[head].kind == "binary"
    sign = -1.0 if binary and target == 0 else 1.0
    if binary and target not in (None, 0, 1):
        raise fail("RG708", "`target` of a binary head is 0 or 1", value=target)
    at = None if binary else target

    def logit(batch: Batch) -> torch.Tensor:
        found = sum(net(batch)[head] for net in nets) / len(nets)
        return sign * one_class(lambda x: x, at)(found)  # type: ignore[arg-type]

    return logit


def _scale(net: FusionNet, head: str) -> str:
    kind = {h.name: h.kind for h in net.plan.heads}[head]
    return {"survival": "log-hazard", "binary": "log-odds"}.get(kind, "logit")


class _Evaluating:
    """Networks in evaluation mode, and afterwards as they were."""

    def __init__(self, nets: Sequence[FusionNet]) -> None:
        self.nets = nets
        self.before = [n.training for n in nets]

    def __enter__(self) -> None:
        for net in self.nets:
            net.eval()

    def __exit__(self, *_: object) -> None:
        for net, mode in zip(self.nets, self.before, strict=True):
            net.train(mode)


def fusion_cam(
    net: FusionNet,
    batch: Batch,
    name: str,
    head: str,
    *,
    target: int | None = None,
    kind: Kind = "grad_cam",
    size: tuple[int, int] | None = None,
    units: Sequence[Hashable] = (),
) -> Attribution:
    """Activation maps of one input of pictures of a fusion network.

    Parameters
    ----------
    net : FusionNet
    batch : Batch
        Units with the pixels of the input.
    name : str
        The input.
    head : str
    target : int, optional
        Class; of a binary head 1 (default) or 0.
    kind : {"grad_cam", "grad_cam_plus_plus", "cam"}
        ``"cam"`` weighs by the slope of the logit at the pooled map; what the net's further layers make of it is the residual.
    size : (int, int), optional
        Rows and columns; default those of the pictures.
    units : sequence, optional
        Ids.

    Returns
    -------
    Attribution
        One row per picture (of loops: per frame) of the units that have the input: ``values[name]`` (maps, rows, columns);
        ``extra["owner"]``: position of the unit of each.  Base, prediction and residual are those of the unit; the base is
        its logit with maps of zeros in all its pictures of this input.  The level of the channels, which the network reads
        beside the backbone, is in no map.

    Raises
    ------
    RadiogenError
        RG708 for an input without a backbone or a head that is not there; RG705 where no unit has the input, or its
        pictures stand there as features.
    """
    from radiogen.explain.cams import finish

    known = net.readers()
    # stacked inputs are joined by a plus, which may stand in a name too ("bmode:lesion+ring")
    readers = [known[name]] if name in known else [r for n, r in known.items() if f"+{name}+" in f"+{n}+"]
    if not readers or name not in {spec.name for spec in net.plan.inputs}:
        raise fail("RG708", f"the network has no pictures called '{name}'", value=name)
    logit = _logit([net], head, target)
    ids = list(units) if len(units) else list(range(len(batch)))
    found = []
    with _Evaluating([net]):
        for i, unit in enumerate(ids):
            maps = _unit_maps(readers[0].backbone, logit, batch, i, kind)
            if maps is not None:
                found.append((i, unit, *maps))
    if not found:
        raise fail("RG705", f"no unit has pictures of '{name}'", value=name)
    weighted = np.concatenate([f[2] for f in found])
    counts = [len(f[2]) for f in found]
    labels = [str(f[1]) if k == 1 else f"{f[1]}, picture {p + 1}" for f, k in zip(found, counts, strict=True) for p in range(k)]
    done = finish(
        kind, weighted, np.repeat([f[3] for f in found], counts), np.repeat([f[4] for f in found], counts), name,
        size or tuple(batch.pictures[name][0].shape[-2:]), labels, _scale(net, head),
        total=np.repeat([f[2].mean(axis=(1, 2)).sum() if kind == "cam" else f[2].sum() for f in found], counts),
        more={"owner": np.repeat([f[0] for f in found], counts)},
    )  # fmt: skip
    return done


def _unit_maps(
    backbone: Any, logit: Callable[[Batch], torch.Tensor], batch: Batch, unit: int, kind: Kind
) -> tuple[FloatArray, float, float] | None:
    """Weighted maps of a unit's pictures, its logit and its base; None where it has none."""
    import torch

    from radiogen.explain.cams import weigh

    own = batch.take(torch.tensor([unit]))
    seen: list[torch.Tensor] = []
    feature_map = backbone.feature_map

    def watched(x: torch.Tensor) -> torch.Tensor:
        seen.append(feature_map(x))
        return seen[-1]

    with torch.no_grad(), _Instead(backbone, watched):
        logit(own)
    if not seen or not len(seen[0]):
        return None

    def with_maps(maps: torch.Tensor) -> torch.Tensor:
        with _Instead(backbone, lambda x: maps):
            return logit(own)

    weighted, prediction, base = weigh(kind, seen[0], with_maps)
    return weighted, float(prediction[0]), float(base[0])


class _Instead:
    """A backbone whose feature map is another function, and afterwards its own."""

    def __init__(self, backbone: Any, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.backbone, self.function = backbone, function

    def __enter__(self) -> None:
        self.backbone.feature_map = self.function

    def __exit__(self, *_: object) -> None:
        del self.backbone.feature_map
