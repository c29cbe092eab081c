"""Reading images of any supported kind, still or loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from radiogen.errors import RadiogenError, fail, problem
from radiogen.imaging.image import MAX_BYTES, Image, Spacing, check_spacing, positive

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
_KINDS = "PNG, JPEG, BMP, TIFF, DICOM, NRRD, NIfTI, AVI, MP4"
#: enough of a file to tell its kind
_HEAD = 4096
#: what a caller declares and what the file says may differ by this share without a word
_SAME = 0.01


def read_image(
    path: str | Path,
    *,
    spacing_mm: float | Spacing | None = None,
    frame_interval_ms: float | None = None,
    calibration: Literal["file", "ignore"] = "file",
) -> Image:
    """Read one still image or one loop.

    The kind of file is told by its first bytes, not by its name.  Rows × columns × frames are capped
    before anything is decoded.

    Parameters
    ----------
    path : str or Path
        A PNG, JPEG, BMP, TIFF, DICOM, NRRD, NIfTI, AVI or MP4 file.  Several pages, frames or slices are a loop.
    spacing_mm : float or (float, float), optional
        Declared pixel spacing in millimetres per row and per column (one number: both).  It takes the place
        of what the file says, in all its regions; a warning is kept where the two differ by more than 1 %.
        Default: what the file says, or not known.
    frame_interval_ms : float, optional
        Declared time between two frames of a loop, in milliseconds.  It takes the place of what the file says; a
        warning is kept where the two differ by more than 1 %.  Default: what the file says, or not known.
    calibration : {"file", "ignore"}, default "file"
        ``"ignore"``: neither the spacing nor the regions of the file are used, right or wrong.

    Returns
    -------
    Image
        Still: grey pixels as float64 H × W, or colours as uint8 H × W × 3 where the three channels differ.
        Loop: N × H × W as stored, or N × H × W × 3 uint8.

    Raises
    ------
    RadiogenError
        RG501 no such file, RG502 unreadable, RG508 too large, RG509 the spacing declared is not a positive
        number, RG511 a kind without grey values (CMYK, 1-bit), RG518 a calibrated region of a DICOM file lies beyond
        the image, RG708 another argument out of range, RG902 a package for this compression is missing.

    Notes
    -----
    The print resolution of PNG, JPEG, BMP and TIFF files is never taken as the spacing of tissue.  In DICOM
    the spacing is read from SequenceOfUltrasoundRegions (units code 3, centimetres), else from PixelSpacing.
    NRRD and NIfTI files in which no spacing was set carry 1 × 1 mm; that is taken as not known.

    A region that lies beyond the image is a sign that the picture was resized after it was calibrated: its
    millimetres per pixel are wrong.  That is an error, unless the true spacing is declared or the calibration ignored.

    Frame times are those of DICOM's frame time (vector) or cine rate, of the time axis of NIfTI, or the presentation
    times of a video; ``None`` where there is none of them.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from PIL import Image as pillow
    >>> from radiogen.imaging import read_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = pillow.fromarray(np.full((4, 6), 7, np.uint8))
    ...     page.save(folder + "/a.png")
    ...     page.save(folder + "/a.tif", save_all=True, append_images=[page])
    ...     read_image(folder + "/a.png", spacing_mm=0.1)
    ...     read_image(folder + "/a.tif", frame_interval_ms=50).frame_times_s
    <Image 4 × 6 grey, PNG L, spacing 0.1 × 0.1 mm>
    array([0.  , 0.05])
    """
    path = Path(path)
    spacing = check_spacing(spacing_mm)
    if calibration not in ("file", "ignore"):
        raise fail("RG708", "calibration must be 'file' or 'ignore'", value=calibration)
    if frame_interval_ms is not None and not (_is_number(frame_interval_ms) and positive(frame_interval_ms)):
        raise fail("RG708", "frame_interval_ms must be a positive number of milliseconds", value=frame_interval_ms)
    try:
        image = _read(path, spacing, ignore=calibration == "ignore")
        return _with_interval(_with_spacing(image, spacing), frame_interval_ms)
    except RadiogenError as error:
        raise located(error, path) from error.__cause__
    except MemoryError as error:
        raise fail("RG508", "there is not enough memory to decode the image", file=path) from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def read_bytes(path: Path, missing: str) -> bytes:
    """The bytes of a file; coded errors where it is missing (code given), empty, huge or not readable."""
    return _bytes(path, missing, None)


def read_head(path: Path, missing: str) -> bytes:
    """The first bytes of a file, by which its kind is told; the same coded errors as :func:`read_bytes`."""
    return _bytes(path, missing, _HEAD)


def _bytes(path: Path, missing: str, count: int | None) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise fail("RG508", f"the file has {path.stat().st_size:,} bytes; the cap is {MAX_BYTES:,}")
        if not path.is_file():
            raise fail("RG502", "the path names no file but a folder or a device")
        with path.open("rb") as file:
            data = file.read() if count is None else file.read(count)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise fail(missing, f"there is no file '{path.name}'") from error
    except (OSError, ValueError) as error:  # no permission, a name that cannot be one
        raise fail("RG502", f"the file cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    if not data:
        raise fail("RG502", "the file is empty (0 bytes)")
    return data


def located(error: RadiogenError, path: Path) -> RadiogenError:
    """The same error with the file's name, where it has none yet."""
    return RadiogenError(p if p.file else replace(p, file=str(path)) for p in error.problems)


def kind_of(path: Path, data: bytes) -> str:
    """``"raster"``, ``"dicom"``, ``"volume"`` or ``"video"``, from the name and the first bytes.

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
    if data[4:8] == b"ftyp" or (data[:4] == b"RIFF" and data[8:12] == b"AVI "):
        return "video"
    if path.suffix.lower() in _DICOM_SUFFIXES:
        return "dicom"
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return "volume"
    raise fail("RG502", f"the file is none of the kinds that are read ({_KINDS})")


def _read(path: Path, declared: Spacing | None, ignore: bool) -> Image:
    kind = kind_of(path, read_head(path, "RG501"))
    if kind == "raster":
        from radiogen.imaging.formats.raster import read_raster

        return read_raster(read_bytes(path, "RG501"))
    if kind == "dicom":
        from radiogen.imaging.formats.dicom import read_dicom

        return read_dicom(path, calibration="ignore" if ignore else "file", declared=declared is not None)
    if kind == "video":
        from radiogen.imaging.formats.video import read_video

        return read_video(path)
    from radiogen.imaging.formats.volume import read_volume

    image = read_volume(path)
    return replace(image, spacing_mm=None) if ignore else image


def _with_spacing(image: Image, declared: Spacing | None) -> Image:
    if declared is None:
        return image
    problems = image.problems
    stored = {r.spacing_mm for r in image.regions if r.spacing_mm is not None} | {image.spacing_mm} - {None}
    other = next((s for s in sorted(s for s in stored if s is not None) if _differ(declared, s)), None)
    if other is not None:
        found = problem(
            "RG509",
            f"the spacing declared, {declared[0]:g} × {declared[1]:g} mm, is used; the file says "
            f"{other[0]:g} × {other[1]:g} mm",
            severity="warning",
        )
        problems = (*problems, found)
    regions = tuple(replace(r, spacing_mm=declared) if r.is_tissue else r for r in image.regions)
    return replace(image, spacing_mm=declared, spacing_declared=True, regions=regions, problems=problems)


def _differ(declared: tuple[float, ...], stored: tuple[float, ...]) -> bool:
    return any(abs(d / s - 1) > _SAME for d, s in zip(declared, stored, strict=True))


def _with_interval(image: Image, declared_ms: float | None) -> Image:
    if declared_ms is None or not image.is_loop:
        return image
    problems = image.problems
    times = np.arange(image.n_frames, dtype=np.float64) * (float(declared_ms) / 1000)
    if image.frame_times_s is not None:
        stored_ms = float(image.frame_times_s[-1]) * 1000 / (image.n_frames - 1)
        if _differ((float(declared_ms),), (stored_ms,)):
            text = f"the time between frames declared, {declared_ms:g} ms, is used; the file says {stored_ms:g} ms on average"
            problems = (*problems, problem("RG514", text, severity="warning"))
    return replace(image, frame_times_s=times, problems=problems)
