"""Reading still images of any supported kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from radiogen.errors import RadiogenError, fail, problem
from radiogen.imaging.image import MAX_BYTES, Image, Spacing, check_spacing

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "raster"),
    (b"\xff\xd8\xff", "raster"),
    (b"BM", "raster"),
    (b"II*\x00", "raster"),
    (b"MM\x00*", "raster"),
    (b"II+\x00", "raster"),
    (b"MM\x00+", "raster"),
    (b"NRRD000", "volume"),
)
_DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}
_KINDS = "PNG, JPEG, BMP, TIFF, DICOM, NRRD, NIfTI"


def read_image(path: str | Path, *, spacing_mm: float | Spacing | None = None) -> Image:
    """Read one still image.

    The kind of file is told by its first bytes, not by its name.  Rows × columns × frames are capped
    before anything is decoded.

    Parameters
    ----------
    path : str or Path
        A PNG, JPEG, BMP, TIFF, DICOM, NRRD or NIfTI file.
    spacing_mm : float or (float, float), optional
        Declared pixel spacing in millimetres per row and per column (one number: both).  It takes the place
        of what the file says; a warning is kept where the two differ by more than 1 %.  Default: what the
        file says, or not known.

    Returns
    -------
    Image
        Grey pixels as float64 H × W, or colours as uint8 H × W × 3 where the three channels differ.

    Raises
    ------
    RadiogenError
        RG501 no such file, RG502 unreadable, RG508 too large, RG509 the spacing declared is not a positive
        number, RG511 a kind without grey values (CMYK, 1-bit), several pages or frames, RG902 a DICOM
        compression for which a package is missing.

    Notes
    -----
    The print resolution of PNG, JPEG, BMP and TIFF files is never taken as the spacing of tissue.  In DICOM
    the spacing is read from SequenceOfUltrasoundRegions (units code 3, centimetres), else from PixelSpacing.
    NRRD and NIfTI files in which no spacing was set carry 1 × 1 mm; that is taken as not known.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from PIL import Image as pillow
    >>> from radiogen.imaging import read_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pillow.fromarray(np.full((4, 6), 7, np.uint8)).save(folder + "/a.png")
    ...     read_image(folder + "/a.png", spacing_mm=0.1)
    <Image 4 × 6 grey, PNG L, spacing 0.1 × 0.1 mm>
    """
    path = Path(path)
    declared = check_spacing(spacing_mm)
    try:
        return _declare(_read(path, read_bytes(path, "RG501")), declared)
    except RadiogenError as error:
        raise located(error, path) from error.__cause__


def read_bytes(path: Path, missing: str) -> bytes:
    """The bytes of a file; coded errors where it is missing (code given), empty, huge or not readable."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise fail("RG508", f"the file has {path.stat().st_size:,} bytes; the cap is {MAX_BYTES:,}")
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise fail(missing, f"there is no file '{path.name}'") from error
    except (OSError, ValueError) as error:  # a folder, no permission, a name that cannot be one
        raise fail("RG502", f"the file cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    if not data:
        raise fail("RG502", "the file is empty (0 bytes)")
    return data


def located(error: RadiogenError, path: Path) -> RadiogenError:
    """The same error with the file's name, where it has none yet."""
    return RadiogenError(p if p.file else replace(p, file=str(path)) for p in error.problems)


def kind_of(path: Path, data: bytes) -> str:
    """``"raster"``, ``"dicom"`` or ``"volume"``.

    Raises
    ------
    RadiogenError
        RG502 for anything else.
    """
    if data[128:132] == b"DICM":  # before the others: the preamble may hold the header of a TIFF
        return "dicom"
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if path.suffix.lower() in _DICOM_SUFFIXES:
        return "dicom"
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return "volume"
    raise fail("RG502", f"the file is none of the kinds that are read ({_KINDS})")


def _read(path: Path, data: bytes) -> Image:
    kind = kind_of(path, data)
    if kind == "raster":
        from radiogen.imaging.raster import read_raster

        return read_raster(data)
    if kind == "dicom":
        from radiogen.imaging.dicom import read_dicom

        return read_dicom(data)
    from radiogen.imaging.volume import read_volume

    return read_volume(path, data)


def _declare(image: Image, declared: Spacing | None) -> Image:
    if declared is None:
        return image
    problems = image.problems
    stored = image.spacing_mm
    if stored is not None and any(abs(d / s - 1) > 0.01 for d, s in zip(declared, stored, strict=True)):
        found = problem(
            "RG509",
            f"the spacing declared, {declared[0]:g} × {declared[1]:g} mm, is used; the file says "
            f"{stored[0]:g} × {stored[1]:g} mm",
            severity="warning",
        )
        problems = (*problems, found)
    return replace(image, spacing_mm=declared, problems=problems)
