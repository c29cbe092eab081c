"""Deep-learning radiomics: what an encoder makes of a modality's pictures, as one more block of inputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from radiogen.cohort.frames import safe_name
from radiogen.errors import fail

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort
    from radiogen.progress import Progress

#: folder of the cache in which embeddings are kept
_KEPT = "embeddings"


def with_deep_features(
    cohort: Cohort, modality: str, *, backbone: str | Any = "efficientnet_lite0", weights: str | Path | None = "imagenet",
    view: str = "lesion", size: tuple[int, int] = (224, 224), name: str | None = None, batch_size: int = 32, device: str = "cpu",
    n_jobs: int = 1, cache: str | Path | None = None, progress: Progress | None = None, **options: Any,
) -> Cohort:  # fmt: skip
    """A cohort with a block of deep features, for classical models alone or beside handcrafted features.

    Parameters
    ----------
    cohort : Cohort
    modality : str
        With images.
    backbone : str or Module, default "efficientnet_lite0"
        A name for :func:`radiogen.models.backbone`, or an encoder.  This one has ImageNet weights without the network.
    weights : str, path or None, default "imagenet"
        Weights that were learnt elsewhere.  With weights that were learnt from this cohort's outcome every analysis of it
        would be biased: train the network inside the folds instead (``model="fusion"``).
    view, size, options
        Of :func:`radiogen.features.pictures.stack`.
    name : str, optional
        Of the block; default ``deep_{modality}``.
    batch_size : int, default 32
    device : str, default "cpu"
    n_jobs : int, default 1
        Processes that decode.
    cache : path, optional
        Folder for pictures and embeddings; default as for features.  Other analyses of the same pictures reuse them.

    Returns
    -------
    Cohort
        With the block among its modalities: ``inputs=["clinical", "bmode", "deep_bmode"]``.  Units without a usable picture
        lack the block.

    Raises
    ------
    RadiogenError
        RG104 for a name that is taken, RG701 where no picture can be used; those of pictures and backbones.

    Notes
    -----
    Nothing is fitted here.  Of hundreds of columns the analyses drop near copies and screen the rest inside each training
    fold, or select as asked (``select="lasso"``).

    Examples
    --------
    >>> import radiogen as rg                                                                      # doctest: +SKIP
    >>> cohort = rg.analysis.with_deep_features(rg.extract(rg.load_cohort("cohort.yaml")), "bmode")   # doctest: +SKIP
    >>> rg.analysis.classify(cohort, "her2", ["bmode", "deep_bmode"], select="lasso")               # doctest: +SKIP
    """
    from radiogen.features.cache import default_folder
    from radiogen.features.pictures import stack
    from radiogen.models import deep_features
    from radiogen.models.fusion.examples import Pictures

    block = name or f"deep_{modality}"
    if block in cohort.blocks:
        raise fail("RG104", f"the cohort has a block '{block}' already", value=block, fix="Give another `name`.")
    if safe_name(block) != block:
        raise fail("RG104", f"the name '{block}' may hold only letters, digits and _", value=block)
    made = stack(cohort, modality, view=view, size=size, n_jobs=n_jobs, cache=cache, progress=progress, **options)
    owner = made.owner(cohort.index)
    own = np.flatnonzero(owner >= 0)
    if not len(own):
        raise fail("RG701", f"no picture of '{modality}' can be used", value=modality,
                   fix="See `radiogen check`: masks may be missing, or files cannot be read.")  # fmt: skip
    kept = Path(cache) if cache is not None else default_folder()
    frame = deep_features(
        Pictures(made.pixels[own], owner[own]), cohort.index.to_numpy(dtype=str), backbone, weights=weights,
        batch_size=batch_size, device=device, cache=kept / _KEPT, seed=cohort.config.seed,
    )  # fmt: skip
    frame.columns = [f"{block}_{column.removeprefix('deep_')}" for column in frame.columns]
    return cohort.with_features({block: frame.set_axis(cohort.index, axis=0)})
