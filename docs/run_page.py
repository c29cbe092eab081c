"""Run the code of a page, in order, in an empty folder: ``bash`` blocks in a shell, ``python`` blocks in one namespace.

The text block that follows a block and begins with a line ``<!-- prints -->`` before it is what its output must contain.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"(<!-- prints -->\n)?^```(bash|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(page: Path) -> int:
    """Run one page; the number of blocks run."""
    namespace: dict[str, object] = {"__name__": "page"}
    printed, count = "", 0
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as folder:
        environment["RADIOGEN_CACHE"] = str(Path(folder) / "cache")
        os.environ["RADIOGEN_CACHE"] = environment["RADIOGEN_CACHE"]
        with contextlib.chdir(folder):
            for expected, language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
                if language == "bash":
                    done = subprocess.run(
                        ["bash", "-euo", "pipefail", "-c", code], env=environment, capture_output=True, text=True, check=False
                    )
                    printed = done.stdout + done.stderr
                    if done.returncode:
                        sys.stderr.write(f"{page.name}: this block ended with {done.returncode}\n{code}\n{printed}")
                        raise SystemExit(1)
                elif language == "python":
                    out = io.StringIO()
                    with contextlib.redirect_stdout(out):
                        exec(compile(code, str(page), "exec"), namespace)
                    printed = out.getvalue()
                elif expected and (lost := [ln for ln in code.strip().splitlines() if ln.strip() not in printed]):
                    sys.stderr.write(f"{page.name}: these lines were not printed: {lost}\nbut:\n{printed}")
                    raise SystemExit(1)
                count += language != "text"
    return count


if __name__ == "__main__":
    for name in sys.argv[1:]:
        sys.stdout.write(f"{name}: {run(Path(name).resolve())} blocks run\n")
