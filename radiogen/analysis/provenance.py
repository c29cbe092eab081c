"""What made a result: settings that fit into JSON, versions, hashes of the inputs."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort

_PACKAGES = ("radiogen", "numpy", "pandas", "scipy", "scikit-learn", "scikit-survival", "lifelines", "statsmodels", "torch")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def resolve_seed(cohort: Cohort, seed: int | None) -> int:
    """The seed given, else the cohort's."""
    return cohort.config.seed if seed is None else int(seed)


def settings_of(cohort: Cohort, **options: Any) -> dict[str, Any]:
    """All options with the cohort's name, size and input hashes, as plain JSON values."""
    sources = [{"role": s.role, "sha256": s.sha256} for s in cohort.sources]
    about = {"cohort": cohort.name, "unit_of_analysis": cohort.unit, "units": len(cohort), "simulated": cohort.simulated}
    made: dict[str, Any] = plain({**about, **options, "sources": sources})
    return made


def plain(value: Any) -> Any:
    """Numpy scalars, tuples and mappings as what JSON holds."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.tolist()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def listed(words: Sequence[str]) -> str:
    """Words with commas and 'and'."""
    names = [str(w) for w in words]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
