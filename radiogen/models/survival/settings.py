"""Settings under which the networks of the DeepSurv paper were trained."""

from __future__ import annotations

from typing import Any

from radiogen.errors import fail

_NAMES = ("hidden", "dropout", "l2", "learning_rate", "lr_decay", "momentum", "optimizer", "standardize", "epochs")
#: from the model files and command lines of the authors' repository
_PUBLISHED: dict[str, tuple[tuple[int, ...], float, float, float, float, float, str, bool, int]] = {
    "gaussian": ((39, 39, 39), 0.0735595703125, 2.78821044921875, 0.001485675043584323, 0.000249599609375, 0.93199267578125,
                 "adam", False, 1000),
    "gbsg": ((8,), 0.6606318359375, 6.5512451171875, 0.153895727328729, 0.00566708984375, 0.88674658203125, "adam", True, 1000),
    "linear": ((4,), 0.3752001953125, 1.9989501953125, 0.0002921891348405711, 0.000357880859375, 0.9064692382812499,
               "sgd", False, 500),
    "metabric": ((41,), 0.160087890625, 10.890986328125, 0.010289691253027908, 0.0041685546875, 0.8439658203125,
                 "adam", True, 1500),
    "support": ((44,), 0.2553173828125, 8.1196630859375, 0.047277902766138385, 0.00257333984375, 0.8589028320312501,
                "adam", True, 800),
    "treatment": ((45,), 0.10884765625, 9.72212890625, 0.026024993217560365, 0.0001635546875, 0.845416015625, "adam", True, 1500),
    "whas": ((40, 40, 40), 0.0899951171875, 2.8032470703125, 0.023825980458515722, 0.00058173828125, 0.83831005859375,
             "adam", True, 1200),
}  # fmt: skip
#: events of the training part of the one data set that was trained by gradient descent, whose rate depends on the loss' scale
_EVENTS = {"linear": 2000}


def published(name: str) -> dict[str, Any]:
    """Parameters of :class:`DeepSurv` under which a data set of the DeepSurv paper was trained.

    Parameters
    ----------
    name : {"gaussian", "gbsg", "linear", "metabric", "support", "treatment", "whas"}

    Returns
    -------
    dict
        To be passed to :class:`DeepSurv`; no early stopping, as published.

    Raises
    ------
    RadiogenError
        RG708 for an unknown name.

    Notes
    -----
    The authors' loss is the sum over events and radiogen's is the mean.  ``l2`` counts beside the sum in both, and Adam does
    not notice the scale; the rate of gradient descent is multiplied by the number of events.  Adam takes no momentum.  In the
    authors' code a momentum is reassigned after the update was compiled and never reaches it; with gradient descent, which
    would diverge with it at this rate, it is 0 here.  Random starts, and therefore results, differ.

    References
    ----------
    Katzman JL et al. BMC Med Res Methodol 2018;18:24. doi:10.1186/s12874-018-0482-1; settings from the files
    ``experiments/deepsurv`` of the repository jaredleekatzman/DeepSurv (MIT licence).

    Examples
    --------
    >>> published("metabric")["hidden"]
    (41,)
    """
    if name not in _PUBLISHED:
        raise fail("RG708", f"there are published settings for {', '.join(_PUBLISHED)}", value=name)
    found: dict[str, Any] = dict(zip(_NAMES, _PUBLISHED[name], strict=True))
    found["learning_rate"] *= _EVENTS.get(name, 1)
    if found["optimizer"] == "sgd":
        found["momentum"] = 0.0
    return {**found, "activation": "selu", "patience": 0}
