"""What the model ``fusion`` of one analysis is given: checked settings, pictures, and labels of all its heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.analysis.design import FIXED_BLOCKS, Design
from radiogen.analysis.networks import Networks, Seen
from radiogen.analysis.recipe import section_of
from radiogen.cohort.learning import NetworkSection
from radiogen.errors import fail
from radiogen.models.fusion.examples import Labels
from radiogen.models.fusion.spec import FUSIONS, HeadSpec

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort

NetworkOption = NetworkSection | Mapping[str, Any] | None


def network_section(network: NetworkOption, fusion: str | None) -> NetworkSection:
    """The settings asked for.

    Raises
    ------
    RadiogenError
        RG708 for a key or value that makes no sense, and for two fusions.
    """
    if fusion is not None and isinstance(network, Mapping) and network.get("fusion", fusion) != fusion:
        raise fail("RG708", f"`fusion` is '{fusion}' and `network` has '{network['fusion']}'", column="fusion", value=fusion,
                   fix="Give one of them.")  # fmt: skip
    made: NetworkSection = section_of(NetworkSection, network if network is not None else {}, "fusion", "network")
    if fusion is None:
        return made
    if fusion not in FUSIONS:
        raise fail("RG708", f"there is no fusion '{fusion}'; there are {', '.join(FUSIONS)}", column="fusion", value=fusion)
    return made.model_copy(update={"fusion": fusion})


def unused_network(models: Sequence[str], network: NetworkOption, fusion: str | None) -> list[str]:
    """A note where networks are described and not asked for."""
    if "fusion" in models or (network is None and fusion is None):
        return []
    return ["`network` had nothing to do: the model `fusion` is not among the models."]


def make_networks(
    cohort: Cohort, design: Design, section: NetworkSection, head: HeadSpec, target: NDArray[Any], n_jobs: int = 1
) -> Networks:
    """Inputs, heads and labels of the networks of an analysis.

    Parameters
    ----------
    cohort : Cohort
    design : Design
    section : NetworkSection
    head : HeadSpec
        Of the target.
    target : array, shape (n,) or (n, 2)
        Its labels, of all units of the design.
    n_jobs : int
        Processes that decode pictures.

    Raises
    ------
    RadiogenError
        RG109 for a further target that does not exist, RG708 for pictures of a block that is no input and for the target
        itself among ``also``, RG603 for a further target of one class, RG730 to RG735 for a backbone or its weights.
    """
    from radiogen.analysis.network_pictures import development_pictures

    blocks = {name: design.sets[name] for name in design.blocks}
    if section.min_modalities > len(blocks):
        raise fail("RG708", f"`network.min_modalities` is {section.min_modalities}, and there are {len(blocks)} inputs",
                   column="network.min_modalities", value=section.min_modalities)  # fmt: skip
    if not section.features and not section.views:
        raise fail("RG708", "`network.features: false` leaves nothing to see: no `pictures` are named", column="network.features",
                   fix="Name modalities under `pictures`, or leave `features` out.")  # fmt: skip
    for name in section.views:
        if name not in blocks or name in FIXED_BLOCKS:
            raise fail("RG708", f"`network.pictures` names '{name}', which is no modality among the inputs "
                       f"({', '.join(blocks)})", column="network.pictures", value=name)  # fmt: skip
    if section.views:
        from radiogen.models.backbones.make import backbone

        # a name or file that is wrong is told before pictures are read and anything is trained
        backbone(section.backbone, weights=section.weights)
    ids = design.frame.index
    pictures = development_pictures(cohort, ids, section, n_jobs) if section.views else {}
    own = {head.name.lower()}
    heads, targets = [head], {head.name: target}
    known: dict[str, NDArray[np.bool_]] = {head.name: np.ones(len(ids), dtype=bool)}
    for name, weight in section.further.items():
        more, values = _further(cohort, name, ids, design.external)
        if more.name.lower() in own:
            raise fail("RG708", f"`network.also` names '{name}' twice, or the target itself", column="network.also", value=name)
        own.add(more.name.lower())
        name = more.name
        heads.append(replace(more, weight=weight))
        targets[name] = values
        known[name] = np.asarray(~np.isnan(values.reshape(len(ids), -1)).any(axis=1))
    filled = {k: np.nan_to_num(np.asarray(v, dtype=float)) for k, v in targets.items()}
    return Networks(section, Seen(blocks, pictures), tuple(heads), Labels(filled, known))


def _further(
    cohort: Cohort, name: str, ids: pd.Index, external: NDArray[np.bool_]
) -> tuple[HeadSpec, NDArray[np.float64]]:
    """Head and labels of a target that is learnt beside the one reported; NaN where not known.

    Classes are those of the development units: of the external ones nothing is learnt.
    """
    endpoint = cohort.endpoints.get(name)
    if endpoint is not None and endpoint.kind in ("survival", "competing"):
        found = cohort.survival(name)[["time", "event"]].reindex(ids)
        return HeadSpec(name, "survival"), found.to_numpy(dtype=float)
    target = cohort.target(name)
    present = target.values.reindex(ids)
    inside = present[~external].astype(str)
    classes = tuple(str(c) for c in target.classes if (inside == str(c)).any())
    if len(classes) < 2:
        raise fail("RG603", f"`network.also`: of '{name}' only one class is left", column="network.also", value=name)
    number = present.astype(str).map({c: float(i) for i, c in enumerate(classes)}).where(present.notna())
    return HeadSpec(target.name, head_kind(target.kind, classes), classes), number.to_numpy(dtype=float)


def head_kind(kind: str, classes: Sequence[str]) -> Any:
    """Two classes are binary whatever the target; several keep their order where they have one."""
    if len(classes) == 2:
        return "binary"
    return "ordinal" if kind == "ordinal" else "multiclass"
