"""Final models on disk, and what they say of another cohort."""

from radiogen.analysis.bundles.files import load_bundle, save_bundle

__all__ = ["load_bundle", "save_bundle"]
