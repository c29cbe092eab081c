"""torchvision, imported safely beside a torch that its compiled operators were not built for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

import torch.library

from radiogen.errors import fail

_NAMESPACE = "torchvision::"
#: what torch says when an operator of torchvision is described that its library did not bring
_FAULT = f"operator {_NAMESPACE}"


def torchvision_models() -> ModuleType:
    """The module ``torchvision.models``.

    The wheels of torchvision on PyPI carry operators (non-maximum suppression and the like) that are compiled against the
    CUDA build of torch.  Beside the CPU build they do not load, and the import ends with ``operator torchvision::nms does
    not exist``, although the classifiers need none of them.  On that error alone the import is repeated with the
    description of torchvision's own operators left out; everything else is as it was before and after.

    Returns
    -------
    module

    Raises
    ------
    RadiogenError
        RG902 where torchvision is not installed; RG736 where it cannot be imported for another reason.

    Examples
    --------
    >>> from radiogen.models.backbones.vision import torchvision_models
    >>> "resnet18" in torchvision_models().list_models()
    True
    """
    before = set(sys.modules)
    try:
        return import_module("torchvision.models")
    except ImportError as error:
        if error.name != "torchvision":
            raise _unusable(error) from error
        raise fail("RG902", "the backbone needs torchvision, which is not installed", fix="pip install torchvision") from error
    except RuntimeError as error:
        if _FAULT not in str(error) or "does not exist" not in str(error):
            raise _unusable(error) from error
    _forget(before)
    try:
        with _without_descriptions():
            return import_module("torchvision.models")
    except (ImportError, RuntimeError) as error:
        _forget(before)
        raise _unusable(error) from error


@contextmanager
def _without_descriptions() -> Iterator[None]:
    """``torch.library.register_fake`` passes over names of torchvision's while this lasts."""
    original = torch.library.register_fake

    def register_fake(op: Any, func: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        if isinstance(op, str) and op.startswith(_NAMESPACE):
            return func if func is not None else _unchanged
        return original(op, func, **options)

    torch.library.register_fake = register_fake
    try:
        yield
    finally:
        torch.library.register_fake = original


def _unchanged(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _forget(before: set[str]) -> None:
    """Take what a failed import left of torchvision out of the modules, so that the next import starts anew."""
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "torchvision":
            del sys.modules[name]


def _unusable(error: Exception) -> Exception:
    return fail("RG736", f"torchvision cannot be imported beside torch {torch.__version__}: {error}")
