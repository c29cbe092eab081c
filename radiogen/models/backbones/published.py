"""torchvision's published weights: from torch's hub cache, or fetched into it."""

from __future__ import annotations

import hashlib
import re
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import urlopen

import torch.hub

from radiogen.errors import fail
from radiogen.files import in_one_step
from radiogen.models.backbones.weights import sha256_of
from radiogen.models.backbones.zoo import published

#: seconds without an answer after which the network counts as closed
TIMEOUT = 20.0
_CHUNK = 1 << 20
#: published files carry the first digits of their SHA-256 in their names
_HASH = re.compile(r"-([0-9a-f]{8,})\.")


def published_file(name: str, *, timeout: float = TIMEOUT) -> Path:
    """The file with the ImageNet weights of one of torchvision's classifiers.

    Taken are the weights ``IMAGENET1K_V1``, those of the original training that studies with torchvision report, where
    there are several.  A file that is in torch's hub cache (``$TORCH_HOME/hub/checkpoints``) is used without the network.

    Parameters
    ----------
    name : str
        As torchvision writes it.
    timeout : float, default 20
        Seconds to wait for an answer.

    Returns
    -------
    Path

    Raises
    ------
    RadiogenError
        RG735 where the file is not there and cannot be fetched, or is not the one that was published; RG801 where the
        cache cannot be written; errors of :func:`radiogen.models.backbones.vision.torchvision_models`.
    """
    url: str = published(name).url
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    if not path.is_file():
        _fetch(url, path, name, timeout)
    elif not _as_published(sha256_of(path), path):
        raise _unfetched(name, url, path, "the file in the cache is not the one that was published; delete it")
    return path


def _fetch(url: str, path: Path, name: str, timeout: float) -> None:
    """Download a file into the cache, whole or not at all."""
    with in_one_step(path, "the downloaded weights") as part:
        digest = hashlib.sha256()
        try:
            answer = urlopen(url, timeout=timeout)
        except (OSError, HTTPException, ValueError) as error:
            raise _unfetched(name, url, path, _reason(error)) from error
        with answer, part.open("wb") as file:
            while chunk := _read(answer, name, url, path):
                digest.update(chunk)
                file.write(chunk)
        if not _as_published(digest.hexdigest(), path):
            raise _unfetched(name, url, path, "what came is not the file that was published (its SHA-256 differs)")


def _read(answer: Any, name: str, url: str, path: Path) -> bytes:
    try:
        return answer.read(_CHUNK)
    except (OSError, HTTPException) as error:
        raise _unfetched(name, url, path, f"the connection broke ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error or type(error).__name__)


def _as_published(sha256: str, path: Path) -> bool:
    wanted = _HASH.search(path.name)
    return wanted is None or sha256.startswith(wanted.group(1))


def _unfetched(name: str, url: str, path: Path, reason: str) -> Exception:
    return fail(
        "RG735", f"the ImageNet weights of '{name}' cannot be fetched from {url}: {reason}", value=name,
        fix=f"Fetch {url} on a machine with a network and put it to {path}, or give weights='<folder>/{path.name}'; "
            "'efficientnet_lite0' has its ImageNet weights installed.",
    )  # fmt: skip
