"""What became of every array of a file of weights."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class LoadReport:
    """Where a backbone's weights come from, and what did not go the straight way.

    Parameters
    ----------
    source : str
        ``"random"``, or the file.
    sha256 : str
        Of the file; empty for random weights.
    loaded : int
        Arrays that were taken.
    missing : tuple of str
        Arrays of the network that the file lacks; they stay random.
    unexpected : tuple of str
        Arrays of the file that the network has no place for.
    reshaped : tuple of str
        Arrays that were taken in another shape: the first convolution, folded to the channels asked for.
    head : tuple of str
        Arrays of a classifier (or of an auxiliary one) behind the encoder, which is not used.
    prefix : str
        What stood before every name and was taken off, such as ``"module."`` of ``DataParallel``.

    Examples
    --------
    >>> from radiogen.models.backbones.report import LoadReport
    >>> report = LoadReport("net.pth", loaded=100, missing=("layer4.1.bn2.weight",))
    >>> report.complete
    False
    >>> report.frame()
                     array    state
    0  layer4.1.bn2.weight  missing
    """

    source: str = "random"
    sha256: str = ""
    loaded: int = 0
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    reshaped: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    prefix: str = ""

    @property
    def complete(self) -> bool:
        """Whether every weight came from the file."""
        return self.source != "random" and not self.missing

    def frame(self) -> pd.DataFrame:
        """One row for each array that did not simply fit: ``array`` and ``state``.

        Returns
        -------
        DataFrame
            States: ``missing``, ``unexpected``, ``reshaped``, ``head``.
        """
        states = ("missing", "unexpected", "reshaped", "head")
        rows = [(name, state) for state in states for name in getattr(self, state)]
        return pd.DataFrame(rows, columns=["array", "state"]).astype(object)

    def __str__(self) -> str:
        if self.source == "random":
            return "random weights"
        states = ("missing", "unexpected", "reshaped", "head")
        counts = ", ".join(f"{len(getattr(self, state))} {state}" for state in states if getattr(self, state))
        return f"{self.loaded} arrays from {self.source}" + (f" ({counts})" if counts else "")
