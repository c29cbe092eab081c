"""Pictures of a cohort as arrays for networks: decoded once, cut to a view, and kept."""

from radiogen.features.pictures.kinds import Scale
from radiogen.features.pictures.result import PictureStack
from radiogen.features.pictures.stacking import stack
from radiogen.features.pictures.views import views_of

__all__ = ["PictureStack", "Scale", "stack", "views_of"]
