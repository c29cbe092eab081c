"""What became of one image: small in memory, and the same after it was kept in a cache."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem
from radiogen.features.cache import digest
from radiogen.imaging import Fingerprint

#: the names of numbers that were met, so that a million images share one tuple
_SHARED: dict[tuple[str, ...], tuple[str, ...]] = {}


class Numbers(Mapping[str, float]):
    """Named numbers as one array: a tenth of the memory of a dict, since images share their names.

    Parameters
    ----------
    values : mapping of str to float

    Examples
    --------
    >>> from radiogen.features.outcome import Numbers
    >>> found = Numbers({"focus": 0.5, "cnr": 2.0})
    >>> found["cnr"], list(found), {**found}
    (2.0, ['focus', 'cnr'], {'focus': 0.5, 'cnr': 2.0})
    """

    __slots__ = ("_names", "_values")

    def __init__(self, values: Mapping[str, float] | None = None) -> None:
        given = values or {}
        names = tuple(given)
        self._names = _SHARED.setdefault(names, names)
        self._values = np.fromiter(given.values(), np.float64, len(names))

    def __getitem__(self, name: str) -> float:
        try:
            return float(self._values[self._names.index(name)])
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"Numbers({dict(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Numbers, (dict(self),))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one image.

    Parameters
    ----------
    features : ndarray of float64, or None
        In the order of the family's ``names(settings, calibrated=calibrated)``; None where the image was not measured
        or failed: errors among ``problems`` say why.
    fingerprint : Fingerprint or None
        None where the image could not be read.
    problems : tuple of Problem
    calibrated : bool
        Whether the pixel spacing is known.
    quality : mapping of str to float
        Empty where the image could not be read.
    files : bytes
        The SHA-256 of the image, its masks and its reference, 32 bytes each; empty where they were not all read.
    """

    features: NDArray[np.float64] | None = None
    fingerprint: Fingerprint | None = None
    problems: tuple[Problem, ...] = ()
    calibrated: bool = False
    quality: Mapping[str, float] = field(default_factory=Numbers)
    files: bytes = b""

    @property
    def error(self) -> Problem | None:
        """The first error, if there is one."""
        return next((p for p in self.problems if p.severity == "error"), None)


def names_digest(names: tuple[str, ...]) -> str:
    """A short hash of names in their order."""
    return digest("\n".join(names).encode())[:16]


def to_entry(outcome: Outcome, names: str) -> dict[str, Any]:
    """An outcome for the cache, with all bits of its numbers; file names are not kept.

    Parameters
    ----------
    outcome : Outcome
    names : str
        :func:`names_digest` of the features.
    """
    values = outcome.features
    return {
        "features": None if values is None else base64.b64encode(values.astype("<f8").tobytes()).decode("ascii"),
        "names": names,
        "fingerprint": None if outcome.fingerprint is None else outcome.fingerprint.to_json(),
        "problems": [{k: v for k, v in asdict(replace(p, file=None)).items() if v is not None} for p in outcome.problems],
        "calibrated": outcome.calibrated,
        "quality": {k: None if np.isnan(v) else float(v) for k, v in outcome.quality.items()},
    }


def from_entry(entry: Mapping[str, Any]) -> Outcome:
    """The outcome back from :func:`to_entry`, without ``files``."""
    values = entry["features"]
    return Outcome(
        None if values is None else np.frombuffer(base64.b64decode(values), "<f8").astype(np.float64),
        None if entry["fingerprint"] is None else Fingerprint.from_json(entry["fingerprint"]),
        tuple(Problem(**p) for p in entry["problems"]),
        bool(entry["calibrated"]),
        Numbers({k: np.nan if v is None else float(v) for k, v in entry["quality"].items()}),
    )
