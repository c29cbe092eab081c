"""Files of weights, read without running code."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from radiogen.errors import fail

#: names under which files that hold more than weights keep them
_WRAPPINGS = ("state_dict", "model_state_dict", "model", "net", "weights")
#: of a saved backbone: only stems of :mod:`radiogen.models.backbones.stems` have it
_FOLDED = ".shift"
#: how torch names an object that it would have to build by running code
_OBJECT = re.compile(r"GLOBAL ([\w.]+)")


@dataclass(frozen=True)
class Stored:
    """Arrays of a file, with the names that they have there.

    Parameters
    ----------
    path : Path
    sha256 : str
        Of the file.
    arrays : mapping of str to Tensor
    """

    path: Path
    sha256: str
    arrays: Mapping[str, Tensor]

    @property
    def own(self) -> bool:
        """Whether a backbone of radiogen's was saved here, rather than one of torchvision's networks."""
        return any(name.endswith(_FOLDED) for name in self.arrays)


def read_weights(path: str | Path) -> Stored:
    """The arrays of a file.

    Parameters
    ----------
    path : str or Path
        ``.safetensors``, or what ``torch.save`` wrote: names and arrays, bare or under ``state_dict`` or ``model``.  Nothing
        but arrays is read (``torch.load(..., weights_only=True)``).

    Returns
    -------
    Stored

    Raises
    ------
    RadiogenError
        RG732 where there is no such file, it is damaged, holds no arrays or numbers that are not finite; RG733 where it
        holds objects that only running its code would build.

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> from radiogen.models.backbones.weights import read_weights
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save({"state_dict": {"fc.weight": torch.ones(2, 3)}}, Path(folder) / "net.pth")
    ...     sorted(read_weights(Path(folder) / "net.pth").arrays)
    ['fc.weight']
    """
    path = Path(path).expanduser()
    try:
        sha256 = sha256_of(path)
    except OSError as error:
        raise fail("RG732", f"the weights cannot be read: {error.strerror or error}", file=path) from error
    found: Any = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    for name in _WRAPPINGS:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    arrays = {str(k): v for k, v in found.items() if isinstance(v, Tensor)} if isinstance(found, Mapping) else {}
    if not arrays:
        raise fail("RG732", "the file holds no named arrays", file=path)
    for name, array in arrays.items():
        if array.is_floating_point() and not bool(torch.isfinite(array).all()):
            raise fail("RG732", f"the array '{name}' holds numbers that are not finite", file=path)
    return Stored(path, sha256, arrays)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise fail("RG732", f"the file is no sound .safetensors: {error}", file=path) from error


def _pickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        object_ = _OBJECT.search(str(error))
        if object_:
            raise fail("RG733", f"the file holds more than arrays: {object_.group(1)}", file=path) from error
        raise _unsound(path) from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            raise fail("RG733", "the file is a TorchScript program", file=path) from error
        raise _unsound(path) from error
    except (EOFError, ValueError, LookupError, OSError, AttributeError, TypeError) as error:
        raise _unsound(path) from error


def _unsound(path: Path) -> Exception:
    return fail("RG732", "the file was not written by torch.save, or is damaged", file=path)
