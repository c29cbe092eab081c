"""Mean teacher: a network and its running average, which agree on units without labels; importing this module imports torch."""

from __future__ import annotations

from copy import deepcopy

import numpy as np

from radiogen.errors import fail
from radiogen.models.tabular.table import check_range

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:  # pragma: no cover - the environment of the tests has torch
    raise fail("RG902", "the network needs torch", fix="pip install torch (the CPU build is enough)") from error


def ramp_up(step: int, length: int) -> float:
    """Weight of the consistency loss, from near 0 to 1: exp(-5 (1 - t)²), with t the share of ``length`` that is done.

    Examples
    --------
    >>> from radiogen.models.weak.teacher import ramp_up
    >>> round(ramp_up(0, 10), 4), ramp_up(10, 10), ramp_up(99, 10)
    (0.0067, 1.0, 1.0)
    """
    done = 1.0 if length <= 0 else min(max(step / length, 0.0), 1.0)
    return float(np.exp(-5 * (1 - done) ** 2))


class MeanTeacher(nn.Module):
    """A student and its teacher, the exponential moving average of the student's weights.

    Parameters
    ----------
    student : Module
        The network that is trained; any, also one of pictures.
    decay : float, default 0.99
        Of the average; in the first steps less, so that the random start is soon forgotten.

    Attributes
    ----------
    student, teacher : Module
        The teacher is a copy and gets no gradient.

    Notes
    -----
    After step t, teacher ← a · teacher + (1 - a) · student with a = min(decay, (t + 1) / (t + 10)).  Buffers that are no
    floating-point numbers are copied.

    References
    ----------
    Tarvainen A, Valpola H (2017) NeurIPS 30, arXiv 1703.01780.

    Examples
    --------
    >>> from torch import nn
    >>> from radiogen.models.weak.teacher import MeanTeacher
    >>> pair = MeanTeacher(nn.Linear(2, 2))
    >>> all(not weight.requires_grad for weight in pair.teacher.parameters())
    True
    """

    def __init__(self, student: nn.Module, decay: float = 0.99) -> None:
        super().__init__()
        check_range("decay", decay, 0, 1)
        self.student = student
        self.teacher = deepcopy(student).requires_grad_(False)
        self.decay = decay
        self.steps = 0

    def forward(self, x: Tensor) -> Tensor:
        """The teacher's answer, by which units are predicted."""
        return self.teacher(x)

    def update(self) -> None:
        """Move the teacher towards the student; call it after each step of the optimiser."""
        keep = min(self.decay, (self.steps + 1) / (self.steps + 10))
        own = self.student.state_dict()
        with torch.no_grad():
            for name, value in self.teacher.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(own[name], 1 - keep)
                else:
                    value.copy_(own[name])
        self.steps += 1

    def consistency(self, student_view: Tensor, teacher_view: Tensor) -> Tensor:
        """Mean over units of the squared distance between the probabilities of student and teacher, each on its own view."""
        with torch.no_grad():
            aim = self.teacher(teacher_view).softmax(dim=1)
        return ((self.student(student_view).softmax(dim=1) - aim) ** 2).sum(dim=1).mean()
