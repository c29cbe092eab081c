"""Where a network is trained, and in which precision; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from radiogen.errors import fail
from radiogen.models.fusion.spec import TrainSettings

#: first generation of CUDA hardware (Ampere) that computes in bfloat16; older ones only imitate it
_CUDA_BFLOAT16 = (8, 0)


def pick_device(word: str = "auto") -> torch.device:
    """The device that a word names.

    Parameters
    ----------
    word : str, default "auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"`` …; ``"auto"`` is the first GPU, or the CPU where there is none.

    Returns
    -------
    torch.device

    Raises
    ------
    RadiogenError
        RG723 for a word that names no device, or a GPU that is not there.

    Examples
    --------
    >>> from radiogen.models.training.devices import pick_device
    >>> pick_device("cpu").type
    'cpu'
    """
    if word == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(word)
    except (RuntimeError, TypeError) as error:
        raise fail("RG723", f"'{word}' names no device", value=word) from error
    if device.type not in ("cpu", "cuda"):
        raise fail("RG723", f"networks are trained on the CPU or on CUDA, not on '{device.type}'", value=word)
    if device.type == "cuda":
        check_gpus((device.index or 0) + 1)
        return torch.device("cuda", device.index or 0)
    return device


def check_gpus(number: int) -> None:
    """RG723 where there are fewer GPUs."""
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if there < number:
        raise fail("RG723", f"{number} GPU{'s are' if number > 1 else ' is'} needed and {there} can be used", value=number)


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies in bfloat16 itself (AVX-512 BF16, AMX, CUDA from compute capability 8.0 on).

    Hardware without such instructions imitates bfloat16, which is slower than float32.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.training.devices import computes_bfloat16
    >>> computes_bfloat16(torch.device("meta"))
    False
    """
    if device.type == "cuda":
        return torch.cuda.is_available() and torch.cuda.get_device_capability(device) >= _CUDA_BFLOAT16
    return device.type == "cpu" and _cpu_bfloat16()


def _cpu_bfloat16() -> bool:
    """What torch's own detection of the processor says; older releases answer one question at a time."""
    if hasattr(torch.cpu, "get_capabilities"):
        able = torch.cpu.get_capabilities()
        return any(bool(able.get(name, False)) for name in ("avx512_bf16", "amx_bf16"))
    asked = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(bool(question()) for question in asked if question is not None)


def autocast_type(settings: TrainSettings, device: torch.device, pictures: bool) -> torch.dtype | None:
    """The type that convolutions are computed in while training; None for float32 throughout.

    Parameters
    ----------
    settings : TrainSettings
        Its ``precision``; ``"bfloat16"`` is obeyed on any hardware.
    device : torch.device
    pictures : bool
        Whether pictures pass through the network.  Tables alone gain nothing from bfloat16 and lose digits: ``"auto"``
        trains them in float32.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.spec import TrainSettings
    >>> from radiogen.models.training.devices import autocast_type
    >>> autocast_type(TrainSettings(precision="auto"), torch.device("cpu"), pictures=False) is None
    True
    """
    if settings.precision == "bfloat16":
        return torch.bfloat16
    if settings.precision == "float32" or not pictures:
        return None
    return torch.bfloat16 if computes_bfloat16(device) else None


@contextmanager
def float32_norms(net: nn.Module, device: torch.device) -> Iterator[None]:
    """Let every GroupNorm of a network see float32 while this lasts.

    On the CPU torch's GroupNorm is several times slower in bfloat16 than in float32, and less exact; the convolution that
    follows goes back to bfloat16 by itself.  Where the network is in float32 nothing changes.
    """
    norms = [m for m in net.modules() if isinstance(m, nn.GroupNorm)] if device.type == "cpu" else []
    hooks = [m.register_forward_pre_hook(_as_float32) for m in norms]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _as_float32(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return (inputs[0].float(), *inputs[1:])
