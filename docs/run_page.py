"""Run the code of a page, in order, in an empty folder: ``bash`` blocks in a shell, ``python`` blocks in one namespace.

With ``--together`` all pages run in one folder, so that later pages find the files of the first; each has its own namespace.

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


def run(*pages: Path) -> list[int]:
    """Run pages in one folder; the number of blocks run of each."""
    with tempfile.TemporaryDirectory() as folder:
        cache = str(Path(folder) / "cache")
        os.environ["RADIOGEN_CACHE"] = cache
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        with contextlib.chdir(folder):
            return [_run(page, environment) for page in pages]


def _run(page: Path, environment: dict[str, str]) -> int:
    namespace: dict[str, object] = {"__name__": "page"}
    printed, count = "", 0
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


def main(arguments: list[str]) -> None:
    """Run the pages named."""
    pages = [Path(name).resolve() for name in arguments if name != "--together"]
    together = "--together" in arguments
    counts = run(*pages) if together else [n for page in pages for n in run(page)]
    for page, count in zip(pages, counts, strict=True):
        sys.stdout.write(f"{page.name}: {count} blocks run\n")


if __name__ == "__main__":
    main(sys.argv[1:])
