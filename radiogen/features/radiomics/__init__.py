"""Radiomics of grey images: one call, several engines, pyradiomics' names."""

from radiogen.features.radiomics.engine import DEFAULT_ENGINE, ENGINES, engine_versions, extract
from radiogen.features.radiomics.names import FEATURES, feature_names
from radiogen.features.radiomics.settings import DEFAULT_SETTINGS, load_settings, settings_text

__all__ = [
    "DEFAULT_ENGINE",
    "DEFAULT_SETTINGS",
    "ENGINES",
    "FEATURES",
    "engine_versions",
    "extract",
    "feature_names",
    "load_settings",
    "settings_text",
]
