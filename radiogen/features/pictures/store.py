"""Stacks of pictures on disk: pixels that can be mapped into memory, and beside them what is known of each picture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.features.cache import FeatureCache, digest
from radiogen.features.pictures.work import Picture

#: bytes that are read at once
_BLOCK = 2**22
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Stored:
    """A stack from the disk.

    Parameters
    ----------
    pixels : ndarray of uint8
        Mapped into memory, read-only.
    pictures : tuple of Picture or None
        One for each picture asked for, without pixels; None for those that could not be read when it was written.
    """

    pixels: Pixels
    pictures: tuple[Picture | None, ...]


def stack_key(keys: Sequence[str | None]) -> str:
    """The key of a stack of pictures with these keys."""
    return digest({"stack": 1, "pictures": list(keys)})


def load(cache: FeatureCache, key: str) -> Stored | None:
    """The stack, or None where there is none or it is damaged."""
    entry = cache.get(key)
    if entry is None:
        return None
    path = _pixels_path(cache, key)
    try:
        if _sha256(path) != entry["pixels_sha256"]:
            return None
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None  # removed, or cut short: made again
    return Stored(pixels, tuple(None if p is None else Picture.from_json(p) for p in entry["pictures"]))


def save(
    cache: FeatureCache, key: str, pictures: Sequence[Picture], shape: tuple[int, ...], pixels_of: Callable[[int], Pixels]
) -> Pixels:
    """Write a stack of one picture at least and give it back mapped into memory.

    The pixels are written to a file of their own that is moved into place before the description is written: another
    process sees the whole of it or nothing, and two that write the same write the same bytes.

    Parameters
    ----------
    cache : FeatureCache
    key : str
    pictures : sequence of Picture
        All that were asked for; those with an error are not kept.
    shape : tuple of int
        Of one picture.
    pixels_of : callable
        ``(number among pictures) -> pixels``; asked once for each picture that has some.

    Raises
    ------
    RadiogenError
        RG801 where the folder cannot be written.
    """
    good = [i for i, p in enumerate(pictures) if p.error is None and not p.other]
    path, part = _pixels_path(cache, key), cache.unfinished()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(good), *shape)}
        with part.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for i in good:
                file.write(np.ascontiguousarray(pixels_of(i), dtype=np.uint8).tobytes())
        sha256 = _sha256(part)
        part.replace(path)
    except OSError as error:
        text = f"the cache of pictures cannot be written: {error.strerror or error}"
        raise fail("RG801", text, file=cache.folder,
                   fix="Set RADIOGEN_CACHE to a folder that can be written, free the disk, or work without a cache.") from error
    finally:
        part.unlink(missing_ok=True)
    kept = [p.to_json(pixels=False) if p.error is None else None for p in pictures]
    cache.put(key, {"pixels_sha256": sha256, "pictures": kept})
    pixels: Pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    return pixels


def _pixels_path(cache: FeatureCache, key: str) -> Path:
    return cache.path(key).with_suffix(".npy")


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
