"""Fitted objects as JSON and arrays, and back; only classes named here are ever made, so that a file cannot run code."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel

from radiogen.errors import RadiogenError, fail

#: every class that a bundle may hold, and where it lives
CLASSES: dict[str, str] = {
    "LockedModel": "radiogen.analysis.locked",
    "LockedNetwork": "radiogen.analysis.locked",
    "Preparation": "radiogen.analysis.preparation",
    "Recipe": "radiogen.analysis.recipe",
    "Assembler": "radiogen.analysis.networks",
    "CurveScale": "radiogen.analysis.networks",
    "Shown": "radiogen.analysis.network_pictures",
    "HarmonizeSection": "radiogen.cohort.learning",
    "StableSection": "radiogen.cohort.learning",
    "SelectSection": "radiogen.cohort.learning",
    "NetworkSection": "radiogen.cohort.learning",
    "ComBat": "radiogen.features.harmonize.combat",
    "Covariates": "radiogen.features.harmonize.design",
    "Standard": "radiogen.features.harmonize.model",
    "Preprocessor": "radiogen.models.preprocess",
    "LinearPredictor": "radiogen.models.classifiers",
    "SigmoidPredictor": "radiogen.models.classifiers",
    "LinearRisk": "radiogen.models.risk",
    "StoredTrees": "radiogen.models.stored",
    "StoredForest": "radiogen.models.stored",
    "StoredRisk": "radiogen.models.stored",
    "StoredBoost": "radiogen.models.stored",
    "Mlp": "radiogen.models.survival.mlp",
    "NetRisk": "radiogen.models.survival.mlp",
    "DiscreteRisk": "radiogen.models.survival.discrete",
    "StoredMachine": "radiogen.models.stored",
    "CrossFitted": "radiogen.models.fusion.crossfit",
    "Pictures": "radiogen.models.fusion.examples",
    "Plan": "radiogen.models.fusion.spec",
    "InputSpec": "radiogen.models.fusion.spec",
    "HeadSpec": "radiogen.models.fusion.spec",
    "NetSettings": "radiogen.models.fusion.spec",
    "TrainSettings": "radiogen.models.fusion.spec",
    "Trained": "radiogen.models.training.trained",
}
#: the key that tells a packed object from a plain mapping
_KIND = "#"


class Packer:
    """Turns objects into plain values; arrays go into :attr:`arrays`."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}

    def pack(self, value: Any) -> Any:
        """Plain values that JSON knows, with references to arrays.

        Raises
        ------
        TypeError
            For an object of a class that is not in :data:`CLASSES`: a fault of radiogen, not of the user.
        """
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, np.bool_ | np.integer):
            return value.item()
        if isinstance(value, int):
            return value
        if isinstance(value, float | np.floating):
            return float(value) if math.isfinite(value) else {_KIND: "float", "value": repr(float(value))}
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, tuple):
            return {_KIND: "tuple", "items": [self.pack(v) for v in value]}
        if isinstance(value, frozenset | set):
            return {_KIND: "set", "items": [self.pack(v) for v in sorted(value)]}
        if isinstance(value, list):
            return [self.pack(v) for v in value]
        if isinstance(value, pd.DataFrame):
            return {_KIND: "frame", "values": self.pack(value.to_numpy()), "columns": self.pack(list(value.columns)),
                    "index": self.pack(list(value.index))}  # fmt: skip
        if hasattr(value, "items"):
            return {_KIND: "dict", "items": [[self.pack(k), self.pack(v)] for k, v in value.items()]}
        return self._object(value)

    def _array(self, value: NDArray[Any]) -> Any:
        if value.dtype.kind in "OUS":
            return {_KIND: "words", "shape": list(value.shape), "items": [self.pack(v) for v in value.ravel().tolist()]}
        name = f"array{len(self.arrays)}"
        self.arrays[name] = np.ascontiguousarray(value)
        return {_KIND: "array", "name": name, "shape": list(value.shape)}

    def _object(self, value: Any) -> Any:
        name = type(value).__name__
        if CLASSES.get(name) != type(value).__module__:
            raise TypeError(f"{type(value).__module__}.{name} cannot be kept in a bundle")
        if isinstance(value, BaseModel):
            return {_KIND: name, "state": self.pack(value.model_dump())}
        return {_KIND: name, "state": self.pack(_state(value))}


def _state(value: Any) -> dict[str, Any]:
    """What an object holds, without what belongs to single patients."""
    from radiogen.analysis.recipe import Recipe

    if type(value).__name__ == "Trained":
        return _trained_state(value)
    state = dict(vars(value))
    if isinstance(value, Recipe):
        state["repeats"] = {}
    return state


def _trained_state(value: Any) -> dict[str, Any]:
    nets = [{k: t.detach().cpu().numpy() for k, t in net.state_dict().items()} for net in value.nets]
    return {"plan": value.plan, "nets": nets, "temperature": value.temperature, "seeds": value.seeds, "notes": value.notes}


def unpack(plain: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """The object that :meth:`Packer.pack` was given.

    Raises
    ------
    RadiogenError
        RG802 for anything that no bundle of radiogen holds.
    """
    if isinstance(plain, list):
        return [unpack(v, arrays) for v in plain]
    if not isinstance(plain, dict):
        return plain
    kind = plain.get(_KIND)
    try:
        match kind:
            case "float":
                return float(plain["value"])
            case "tuple":
                return tuple(unpack(v, arrays) for v in plain["items"])
            case "set":
                return frozenset(unpack(v, arrays) for v in plain["items"])
            case "dict":
                return {unpack(k, arrays): unpack(v, arrays) for k, v in plain["items"]}
            case "words":
                return np.array([unpack(v, arrays) for v in plain["items"]], dtype=object).reshape(plain["shape"])
            case "array":
                return arrays[plain["name"]].reshape(plain["shape"])
            case "frame":
                columns, index = (unpack(plain[k], arrays) for k in ("columns", "index"))
                return pd.DataFrame(unpack(plain["values"], arrays), index=index, columns=columns)
        if kind not in CLASSES:
            raise fail("RG802", f"the bundle names a class '{kind}' that no bundle holds", value=kind)
        return _made(getattr(import_module(CLASSES[kind]), kind), unpack(plain["state"], arrays))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError, MemoryError) as error:
        # a coded error of a class's own checks is no news to the user: the folder is what is wrong
        raise fail("RG802", f"the bundle is damaged: {(str(error) or type(error).__name__).splitlines()[0]}") from error
    except RadiogenError as error:
        if error.problems[0].code == "RG802":
            raise
        raise fail("RG802", f"the bundle is damaged: {error.problems[0].message}") from error


def _made(cls: Any, state: dict[str, Any]) -> Any:
    if issubclass(cls, BaseModel):
        return cls.model_validate(state)
    if cls.__name__ == "Trained":
        return _trained(cls, state)
    if is_dataclass(cls) and all(f.init for f in fields(cls)):
        build: Any = cls  # its own checks see what the file says
        return build(**state)
    made = cls.__new__(cls)
    # a fitted object has no other door; only attributes of data are put into it, never one of the class
    if any(not isinstance(k, str) or callable(getattr(cls, k, None)) or k.startswith("__") for k in state):
        raise ValueError(f"a {cls.__name__} does not hold {', '.join(map(str, state))}")
    made.__dict__.update(state)
    return made


def _trained(cls: Any, state: dict[str, Any]) -> Any:
    import torch

    from radiogen.models.fusion.network import FusionNet

    plan, nets = state["plan"], []
    # the weights come from the bundle, whatever the networks began with
    bare = replace(plan, inputs=tuple(replace(i, weights=None) for i in plan.inputs))
    for weights in state["nets"]:
        with torch.random.fork_rng(devices=[]):
            net = FusionNet(bare)
        net.plan = plan
        net.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in weights.items()})
        # the layout that training leaves: another one takes other sums, and differs in the last digits
        nets.append(net.to(memory_format=torch.channels_last).eval())
    return cls(plan, nets, pd.DataFrame(), state["temperature"], state["seeds"], state["notes"])
