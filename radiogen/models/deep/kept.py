"""Embeddings on disk, one small file per picture, found by the content of pixels, weights and settings."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.files import in_one_step

_FORMAT = b"radiogen embedding 1"
_SUFFIX = ".embedding"
#: bytes of a SHA-256
_DIGEST = 32


@dataclass(frozen=True)
class KeptEmbeddings:
    """A folder of embeddings.

    An entry is the SHA-256 of what follows, and an array as numpy writes it.  It is written beside its place and moved there,
    so that two runs at once do no harm; one whose checksum does not fit counts as absent.  Nothing that enters a value is left
    out of the key, so an entry never goes stale; delete the folder to free the disk.

    Parameters
    ----------
    folder : Path

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from radiogen.models.deep.kept import KeptEmbeddings
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = KeptEmbeddings(Path(folder))
    ...     key = kept.key("weights and settings", np.zeros((1, 4, 4), dtype=np.uint8))
    ...     kept.put(key, np.ones(3, dtype=np.float32))
    ...     kept.get(key)
    array([1., 1., 1.], dtype=float32)
    """

    folder: Path

    def key(self, encoder: str, picture: NDArray[np.uint8]) -> str:
        """The name of a picture's embedding.

        Parameters
        ----------
        encoder : str
            Digest of weights and settings.
        picture : array of uint8
        """
        parts = (_FORMAT, encoder.encode(), repr(picture.shape).encode(), np.ascontiguousarray(picture).tobytes())
        return hashlib.sha256(b"\n".join(parts)).hexdigest()

    def path(self, key: str) -> Path:
        """Where the entry of a key stands; 256 subfolders keep listings short."""
        return self.folder / key[:2] / f"{key}{_SUFFIX}"

    def get(self, key: str) -> NDArray[np.float32] | None:
        """The entry, or None where there is none or it is damaged."""
        try:
            raw = self.path(key).read_bytes()
        except OSError:
            return None  # absent: computed anew
        body = raw[_DIGEST:]
        if hashlib.sha256(body).digest() != raw[:_DIGEST]:
            return None  # damaged: computed anew and replaced
        found: Any = np.load(io.BytesIO(body), allow_pickle=False)
        return found

    def put(self, key: str, embedding: NDArray[np.float32]) -> None:
        """Write an entry; RG801 where the folder cannot be written."""
        body = io.BytesIO()
        np.save(body, embedding, allow_pickle=False)
        with in_one_step(self.path(key), "the embeddings") as part:
            part.write_bytes(hashlib.sha256(body.getvalue()).digest() + body.getvalue())
