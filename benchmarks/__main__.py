"""``python -m benchmarks NAME …`` runs one of the scripts of this folder."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

#: one thread per process for every library that counts; set before any of them is imported
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main(argv: list[str]) -> int:
    """Run the script named first with the arguments that follow."""
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    if not argv or argv[0] not in names:
        sys.stderr.write(f"python -m benchmarks NAME [options]; there is {', '.join(names)}\n")
        return 2
    for name in _THREADS:
        os.environ[name] = "1"
    code: int = importlib.import_module(f"benchmarks.{argv[0]}").main(argv[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
