"""Write reference.json: what neuroCombat 0.2.12 gives for the matrix and designs of ``cases.py``.

Run by hand where neuroCombat is installed::

    python -m tests.features.harmonize.make_reference

neuroCombat 0.2.12 uses ``numpy.int``, which NumPy 1.24 took away; it is put back while it runs.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.features.harmonize.cases import CASES, by_neurocombat


def main() -> None:
    """Write the file beside this one."""
    found = {name: [[repr(float(v)) for v in row] for row in by_neurocombat(name)] for name in CASES}
    Path(__file__).with_name("reference.json").write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
