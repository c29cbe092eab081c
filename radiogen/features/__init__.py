"""Named numbers from images: extraction of a cohort, its cache, and the check of its images."""

from radiogen.features.cache import CacheSize, FeatureCache, default_folder, open_cache
from radiogen.features.check import check_images
from radiogen.features.extraction import extract
from radiogen.features.writing import write_features
from radiogen.progress import Progress

__all__ = [
    "CacheSize",
    "FeatureCache",
    "Progress",
    "check_images",
    "default_folder",
    "extract",
    "open_cache",
    "write_features",
]
