"""What a worker of a cluster has and sees; the source of :func:`look` travels, since a worker may lack radiogen."""

from __future__ import annotations


def look(packages: list, files: dict) -> dict:
    """Versions of radiogen and of packages, and which files of ``{path: size}`` are not seen, or are others.

    Runs where radiogen may not be installed and in any version of Python: it imports only the standard library.
    """
    import hashlib
    import importlib
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    found: dict = {"radiogen": None, "code": None, "why": "", "packages": {}, "unseen": []}
    try:
        package = importlib.import_module("radiogen")
        found["radiogen"] = package.__version__
        folder = Path(str(package.__file__)).parent
        parts = [path.relative_to(folder).as_posix().encode() + path.read_bytes() for path in sorted(folder.rglob("*.py"))]
        found["code"] = hashlib.sha256(b"".join(part.replace(b"\r\n", b"\n") for part in parts)).hexdigest()
    except ImportError as error:
        found["why"] = str(error)
    for name in packages:
        try:
            found["packages"][name] = version(name)
        except PackageNotFoundError:
            found["packages"][name] = None
    for name, size in files.items():
        try:
            seen = Path(name).stat().st_size == size
        except OSError:
            seen = False
        if not seen:
            found["unseen"].append(name)
    return found
