"""Images and masks in physical units: reading, regions and near-duplicates."""

from radiogen.imaging.duplicates import Fingerprint, Pair, find_duplicates, fingerprint
from radiogen.imaging.image import Image, Region
from radiogen.imaging.masks import read_mask
from radiogen.imaging.readers import read_image

__all__ = [
    "Fingerprint",
    "Image",
    "Pair",
    "Region",
    "find_duplicates",
    "fingerprint",
    "read_image",
    "read_mask",
]
