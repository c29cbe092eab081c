"""The state of a training in one file, so that a killed one goes on where it was; importing this module imports torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from radiogen.errors import fail
from radiogen.files import in_one_step

_FORMAT = "radiogen training 1"
#: the one key of the file's header that is used
_KEY = "radiogen"


@dataclass(frozen=True)
class Checkpoint:
    """A file of safetensors: tensors, and everything else as JSON in its header.  Nothing in it runs when it is read.

    Parameters
    ----------
    path : Path or None
        None keeps nothing.
    fingerprint : str
        Of plan, data, labels, groups and seed (:func:`fingerprint`).

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> from radiogen.models.training.checkpoint import Checkpoint
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Checkpoint(Path(folder) / "run.safetensors", "abc")
    ...     file.save({"epoch": 3}, {"net/weight": torch.ones(2)})
    ...     about, tensors = file.load()
    >>> about["epoch"], tensors["net/weight"].tolist()
    (3, [1.0, 1.0])
    """

    path: Path | None
    fingerprint: str

    def save(self, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Write the state, in one step: a kill while it is written leaves the file of before."""
        if self.path is None:
            return
        from safetensors.torch import save_file

        header = json.dumps({"format": _FORMAT, "fingerprint": self.fingerprint, **about})
        with in_one_step(self.path, "the checkpoint") as part:
            # a copy of each: tensors that share memory may not stand in one file
            plain = {name: t.detach().to("cpu", copy=True).contiguous() for name, t in tensors.items()}
            save_file(plain, str(part), metadata={_KEY: header})

    def load(self) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
        """The state of before; None where there is no file.

        Raises
        ------
        RadiogenError
            RG720 for a file of another training, RG721 for one that is damaged or none of radiogen's.
        """
        if self.path is None or not self.path.exists():
            return None
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(self.path), framework="pt") as file:
                about = json.loads((file.metadata() or {})[_KEY])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
            known = about["format"], about["fingerprint"]
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise fail("RG721", f"this is no checkpoint that can be read ({type(error).__name__})", file=self.path) from error
        if known[0] != _FORMAT:
            raise fail("RG721", f"the checkpoint's format is {known[0]!r}", file=self.path)
        if known[1] != self.fingerprint:
            raise fail("RG720", "the checkpoint belongs to another plan, other data or another seed", file=self.path)
        return about, tensors


def fingerprint(*parts: Any) -> str:
    """SHA-256 of arrays, tensors, mappings of them and plain values: equal where all of them are equal.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.training.checkpoint import fingerprint
    >>> fingerprint({"a": np.arange(3)}, 1) == fingerprint({"a": np.arange(3)}, 1), fingerprint(1) == fingerprint(2)
    (True, False)
    """
    digest = hashlib.sha256()
    for part in parts:
        _add(digest, part)
    return digest.hexdigest()


def _add(digest: Any, part: Any) -> None:
    if isinstance(part, Mapping):
        for key in sorted(part):
            digest.update(f"key {key}\0".encode())
            _add(digest, part[key])
    elif isinstance(part, Tensor):
        _add(digest, part.detach().cpu().numpy())
    elif isinstance(part, np.ndarray):
        _add_array(digest, part)
    else:
        digest.update(f"{json.dumps(part, sort_keys=True)}\0".encode())


def _add_array(digest: Any, array: NDArray[Any]) -> None:
    plain = array.astype(np.str_) if array.dtype == object else array
    digest.update(f"{plain.dtype.str} {plain.shape}\0".encode())
    if plain.ndim == 0:
        digest.update(plain.tobytes())
    # piece by piece: a memory map of pictures need not be in memory as a whole
    for at in range(0, len(plain) if plain.ndim else 0, 256):
        digest.update(np.ascontiguousarray(plain[at : at + 256]).tobytes())
