"""Tables that an installed package ships, read from it without copying."""

from __future__ import annotations

from importlib.resources import as_file, files

import numpy as np
import pandas as pd

from radiogen.cohort.paths import Folder
from radiogen.cohort.tables import RawTable


def read_builtin(name: str, key: str, folder: Folder) -> RawTable | None:
    """Read a built-in table; the only one so far is ``gbsg2``.

    The 686 patients of the German Breast Cancer Study Group trial 2 as
    scikit-survival ships them [1]_; ``patient_id`` numbers them in file order.

    References
    ----------
    .. [1] Schumacher M et al. J Clin Oncol 1994; 12:2086-2093. doi:10.1200/JCO.1994.12.10.2086
    """
    try:
        resource = files("sksurv").joinpath("datasets/data/GBSG2.arff")
    except ModuleNotFoundError:
        folder.findings.add("RG902", f"the built-in table '{name}' needs scikit-survival", column=f"{key}.builtin",
                            fix="pip install scikit-survival")
        return None
    with as_file(resource) as path:
        folder.remember(path)
        names, body = _arff(path.read_text(encoding="utf-8"))
    frame = pd.DataFrame(body, columns=names, dtype=object)
    frame.insert(0, "patient_id", [f"G{i:03d}" for i in range(1, len(frame) + 1)])
    return RawTable(frame, pd.Series(np.arange(1, len(frame) + 1)), f"built-in table {name}", key)


def _arff(text: str) -> tuple[list[str], list[list[str | None]]]:
    """Names and cells of a flat ARFF file."""
    names: list[str] = []
    body: list[list[str | None]] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.lower().startswith("@attribute"):
            names.append(stripped.split(None, 2)[1].strip("'\""))
        elif stripped and not stripped.startswith(("@", "%")):
            cells = [c.strip().strip("'\"") for c in stripped.split(",")]
            body.append([None if c == "?" else c for c in cells])
    return names, body
