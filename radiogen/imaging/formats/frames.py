"""Frames put together to the pixels of an image, one after the other, so that a loop is in memory once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.image import check_size, from_rgb

#: frames for which room is made where their number is not known
_ROOM = 32


class Frames:
    """Collects frames of one size, grey as long as none of them has a colour.

    Parameters
    ----------
    expected : int
        Frames that the header announces; 0 where it does not.  Room is made for them, and more are taken up to the cap.
    """

    def __init__(self, expected: int = 0) -> None:
        self._expected = expected
        self._store: NDArray[Any] | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, frame: NDArray[Any]) -> None:
        """Take one frame: H × W of any number type, or H × W × 3 uint8.

        Raises
        ------
        RadiogenError
            RG508 where the frames together are above the cap, RG502 where they differ in size or type or hold values
            that are not finite.
        """
        if frame.ndim == 3:
            grey = _equal_channels(frame)
            frame = frame if grey is None else grey
        elif frame.dtype.kind == "f" and not np.isfinite(frame).all():
            raise fail("RG502", "the image has pixels that are not finite numbers")
        store = self._room_for(frame)
        if frame.ndim == 3 and store.ndim == 3:
            store = self._coloured(store)
        store[self._count] = frame if frame.ndim == store.ndim - 1 else frame[..., None]
        self._count += 1

    def pixels(self) -> tuple[NDArray[Any], int]:
        """The pixels as :class:`~radiogen.imaging.image.Image` keeps them, and the number of frames.

        Raises
        ------
        RadiogenError
            RG502 where there is no frame.
        """
        store, self._store = self._store, None
        if store is None or self._count == 0:
            raise fail("RG502", "the file holds no picture")
        if self._count == 1:
            still = store[0].copy()
            return (still.astype(np.float64) if still.ndim == 2 else from_rgb(still)), 1
        if len(store) > self._count:
            store.resize((self._count, *store.shape[1:]), refcheck=False)
        return store, self._count

    def _room_for(self, frame: NDArray[Any]) -> NDArray[Any]:
        rows, columns = frame.shape[:2]
        size = frame.dtype.itemsize * (3 if frame.ndim == 3 else 1)
        check_size(rows, columns, self._count + 1, size)
        if self._store is None:
            room = self._expected or _ROOM
            check_size(rows, columns, self._expected, size)
            # the system gives memory only where something is written
            self._store = np.empty((room, *frame.shape), frame.dtype)
            return self._store
        if (rows, columns) != self._store.shape[1:3]:
            first = f"{self._store.shape[1]} × {self._store.shape[2]}"
            raise fail("RG502", f"frame {self._count + 1} has {rows} × {columns} pixels, the frames before it {first}")
        if frame.dtype != self._store.dtype:
            raise fail("RG502", f"frame {self._count + 1} is of type {frame.dtype}, the frames before it {self._store.dtype}")
        if self._count == len(self._store):
            self._store.resize((self._count + max(self._count // 2, _ROOM), *self._store.shape[1:]), refcheck=False)
        return self._store

    def _coloured(self, grey: NDArray[Any]) -> NDArray[Any]:
        """The grey frames so far in three channels, because a frame with colours has come."""
        self._store = np.empty((*grey.shape, 3), grey.dtype)
        for number in range(self._count):
            self._store[number] = grey[number][..., None]
        return self._store


def _equal_channels(frame: NDArray[Any]) -> NDArray[Any] | None:
    """The one channel where red, green and blue are equal everywhere, else None."""
    first = frame[..., 0]
    equal = np.array_equal(first, frame[..., 1]) and np.array_equal(first, frame[..., 2])
    return np.ascontiguousarray(first) if equal else None
