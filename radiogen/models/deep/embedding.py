"""Embeddings of pictures by an encoder that learns nothing here; importing this module imports torch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radiogen.errors import fail
from radiogen.models.deep.kept import KeptEmbeddings

Pool = Literal["mean", "max"]
_POOLS = ("mean", "max")


def embed_pictures(
    pixels: NDArray[np.uint8], net: nn.Module, *, pool: Pool = "mean", batch_size: int = 32, device: str = "cpu",
    cache: str | Path | None = None,
) -> NDArray[np.float32]:  # fmt: skip
    """What an encoder makes of pictures, in evaluation and without gradients.

    Parameters
    ----------
    pixels : array of uint8, shape (m, channels, rows, columns), or (m, frames, channels, rows, columns)
        0 … 255 are given as 0 … 1.  The embeddings of a loop's frames are averaged.
    net : Module
        Pictures B × channels × rows × columns to embeddings B × D, such as :func:`radiogen.models.backbone`; it is put back
        into training mode afterwards if it was in it, and stays on ``device``.
    pool : {"mean", "max"}, default "mean"
        Of the last map over its places.  ``"mean"`` is the network's own embedding; ``"max"`` needs ``feature_map``.
    batch_size : int, default 32
        Pictures (frames) at once; embeddings do not depend on it but for rounding.
    device : str, default "cpu"
    cache : str or Path, optional
        Folder that keeps embeddings.  Default: nothing is kept.  The key is the SHA-256 of pixels, weights and settings, so
        that searches over heads and folds on a frozen encoder compute each embedding once.

    Returns
    -------
    array of float32, shape (m, D)

    Raises
    ------
    RadiogenError
        RG705 for pixels of another kind, or an embedding that is not finite; RG708 for options out of range; RG801 where the
        cache cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models import backbone
    >>> from radiogen.models.deep.embedding import embed_pictures
    >>> embed_pictures(np.zeros((5, 1, 48, 48), dtype=np.uint8), backbone("compact")).shape
    (5, 64)
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (4, 5):
        raise fail("RG705", "`pixels` must be uint8 of the shape (m, [frames,] channels, rows, columns)",
                   value=f"{pixels.dtype} {pixels.shape}")  # fmt: skip
    if pool not in _POOLS or (pool == "max" and not hasattr(net, "feature_map")):
        raise fail("RG708", "`pool` is 'mean', or 'max' for an encoder with a map of features", value=pool)
    if batch_size < 1:
        raise fail("RG708", "`batch_size` must be at least 1", value=batch_size)
    kept = None if cache is None else KeptEmbeddings(Path(cache).expanduser())
    encoder = "" if kept is None else encoder_digest(net, pool, device)
    keys = [kept.key(encoder, picture) for picture in pixels] if kept else []
    found = [kept.get(key) for key in keys] if kept else [None] * len(pixels)
    todo = [i for i, embedding in enumerate(found) if embedding is None]
    new = _computed(pixels, todo, net, pool, batch_size, device)
    for i, embedding in zip(todo, new, strict=True):
        found[i] = embedding
        if kept:
            kept.put(keys[i], embedding)
    return np.stack([e for e in found if e is not None]) if found else np.zeros((0, int(getattr(net, "features", 0))), np.float32)


def encoder_digest(net: nn.Module, pool: str, device: str) -> str:
    """SHA-256 of what decides an embedding besides the pixels.

    Parameters
    ----------
    net : Module
        Its arrays with their names, its class and its name.
    pool, device : str
        A GPU rounds otherwise than a CPU, and one torch otherwise than another.

    Returns
    -------
    str
    """
    told = [type(net).__qualname__, str(getattr(net, "name", "")), pool, torch.device(device).type, torch.__version__]
    digest = hashlib.sha256(json.dumps(told).encode())
    for name, array in sorted(net.state_dict().items()):
        values = array.detach().cpu().contiguous()
        digest.update(json.dumps([name, str(values.dtype), list(values.shape)]).encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _computed(
    pixels: NDArray[np.uint8], todo: list[int], net: nn.Module, pool: str, batch_size: int, device: str
) -> NDArray[np.float32]:
    """Embeddings of the pictures at these positions."""
    if not todo:
        return np.zeros((0, 0), np.float32)
    frames = pixels.shape[1] if pixels.ndim == 5 else 1
    step = max(1, batch_size // frames)
    training, parts = net.training, []
    net.to(device).eval()
    try:
        with torch.no_grad():
            for start in range(0, len(todo), step):
                chunk = torch.from_numpy(np.array(pixels[todo[start : start + step]])).to(device)
                flat = chunk.reshape(-1, *chunk.shape[-3:]).to(torch.float32) / 255
                embedded = torch.cat([_pooled(net, part, pool) for part in flat.split(batch_size)])
                parts.append(embedded.reshape(len(chunk), frames, -1).mean(1).cpu().numpy())
    finally:
        net.train(training)
    found = np.concatenate(parts).astype(np.float32)
    if not np.isfinite(found).all():
        raise fail("RG705", "the encoder gave numbers that are not finite", value=str(getattr(net, "name", type(net).__name__)))
    return found


def _pooled(net: nn.Module, x: Tensor, pool: str) -> Tensor:
    if len(x) == 1:  # a CPU's convolutions of a single picture sum in another order: its digits would depend on the batch size
        return _pooled(net, torch.cat([x, x]), pool)[:1]
    if pool == "mean":
        return net(x).float()
    feature_map: Tensor = net.feature_map(x)  # type: ignore[operator]
    return feature_map.amax((2, 3)).float()
