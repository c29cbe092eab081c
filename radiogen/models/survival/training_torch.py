"""Training of small perceptrons on tables, forwards and backwards by hand; importing this module imports torch.

Autograd, a fresh tensor for every operation and an optimiser that walks over parameters cost more than the arithmetic of a
network of a few dozen units.  Here all parameters are one vector and all intermediate values live in buffers that are
allocated once.  Random numbers come from numpy, so that torch's global generator is neither read nor moved.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.survival.mlp import SELU_ALPHA, SELU_SCALE
from radiogen.models.survival.netspec import NetSpec
from radiogen.models.survival.relu_pass import relu_backward, relu_forward, relu_plain

try:
    import torch
    from torch import Tensor
except ImportError as error:  # pragma: no cover - the environment of the tests has torch
    raise fail("RG902", "survival networks need torch", fix="pip install torch (the CPU build is enough)") from error

_NORM_MOMENTUM, _NORM_EPSILON = 0.1, 1e-5
_BETAS, _ADAM_EPSILON = (0.9, 0.999), 1e-8


def torch_device(name: str) -> torch.device:
    """The device of this name; ``"auto"``: a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise fail("RG708", "there is no GPU that torch can use", value=name)
    return torch.device(name)


class Parameters:
    """Weights of all layers in one vector, and their gradients in another."""

    def __init__(self, widths: list[int], spec: NetSpec, random: np.random.Generator, device: torch.device) -> None:
        kind = torch.float64 if spec.precision == "float64" else torch.float32
        shapes = [
            shape
            for k, (inputs, outputs) in enumerate(pairwise(widths))
            for shape in ((inputs, outputs), (outputs,), *(((outputs,),) if spec.batch_norm and k < len(widths) - 2 else ()))
        ]
        size = sum(int(np.prod(s)) for s in shapes)
        self.vector = torch.zeros(size, dtype=kind, device=device)
        self.gradient = torch.zeros_like(self.vector)
        self.decay = torch.zeros_like(self.vector)
        views, slopes, decays = (_views(v, shapes) for v in (self.vector, self.gradient, self.decay))
        self.weights = [v for v in views if v.ndim == 2]
        self.weight_slopes = [v for v in slopes if v.ndim == 2]
        flat, flat_slopes = [v for v in views if v.ndim == 1], [v for v in slopes if v.ndim == 1]
        step = 2 if spec.batch_norm else 1
        self.offsets, self.offset_slopes = flat[::step], flat_slopes[::step]
        self.gains = flat[1::2] if spec.batch_norm else []
        self.gain_slopes = flat_slopes[1::2] if spec.batch_norm else []
        for weight in self.weights:
            # Glorot's uniform start, as the published networks had
            limit = np.sqrt(6.0 / sum(weight.shape))
            weight.copy_(torch.from_numpy(random.uniform(-limit, limit, tuple(weight.shape))))
        for gain in self.gains:
            gain.fill_(1.0)
        for part in decays:
            part.fill_(1.0 if part.ndim == 2 else 0.0)


def _views(vector: Tensor, shapes: list[tuple[int, ...]]) -> list[Tensor]:
    sizes = [int(np.prod(s)) for s in shapes]
    return [part.view(shape) for part, shape in zip(vector.split(sizes), shapes, strict=True)]


class Optimizer:
    """Adam, or gradient descent with Nesterov's momentum, on one vector; the rate falls as 1 / (1 + decay × epoch)."""

    def __init__(self, parameters: Parameters, spec: NetSpec, penalty: float) -> None:
        self.parameters, self.spec, self.penalty, self.steps = parameters, spec, penalty, 0
        self.first = torch.zeros_like(parameters.vector)
        self.second = torch.zeros_like(parameters.vector)

    def step(self, epoch: int) -> None:
        """One step along the gradient."""
        vector, gradient = self.parameters.vector, self.parameters.gradient
        rate = self.spec.learning_rate / (1.0 + self.spec.lr_decay * epoch)
        if self.penalty:
            gradient.addcmul_(vector, self.parameters.decay, value=2.0 * self.penalty)
        self.steps += 1
        if self.spec.optimizer == "sgd":
            self.first.mul_(self.spec.momentum).add_(gradient)
            vector.add_(gradient.add_(self.first, alpha=self.spec.momentum), alpha=-rate)
            return
        one, two = _BETAS
        self.first.lerp_(gradient, 1.0 - one)
        self.second.mul_(two).addcmul_(gradient, gradient, value=1.0 - two)
        scale = (1.0 - two**self.steps) ** 0.5
        # Adam's epsilon is added to the corrected root, hence the factor
        vector.addcdiv_(self.first, self.second.sqrt().add_(_ADAM_EPSILON * scale), value=-rate * scale / (1.0 - one**self.steps))


class Perceptron:
    """Forward and backward pass of up to ``rows`` units, in buffers that are allocated once."""

    def __init__(self, parameters: Parameters, spec: NetSpec, rows: int, random: np.random.SeedSequence) -> None:
        self.p, self.spec, self.rows = parameters, spec, rows
        widths = [w.shape[1] for w in parameters.weights]
        new = parameters.vector.new_empty
        #: rectified units of the processor go through compiled passes, and need no buffer but one
        self.fused = spec.activation == "relu" and not spec.batch_norm and parameters.vector.device.type == "cpu"
        self.linear = [new(rows, w) for w in widths]
        self.active = self.linear if self.fused else [new(rows, w) for w in widths[:-1]]
        self.dropped = [new(rows, w) for w in widths[:-1]] if spec.dropout and not self.fused else self.active
        self.slopes = [new(rows, w) for w in widths[:-1]]
        self.sums = [(np.zeros(w, parameters.vector.cpu().numpy().dtype), np.zeros(w)) for w in widths]
        self.masks: list[Tensor] = []
        self.normal: list[tuple[Tensor, Tensor]] = []
        self.inputs: list[Tensor] = []
        self.draws = np.random.SFC64(random)
        #: a share of 256ths, so that one byte decides on a unit
        self.threshold = min(round(spec.dropout * 256), 255)
        self.boost = 256 / (256 - self.threshold)
        self.dropping = False
        self.running = [
            parameters.vector.new_full((w,), float(k)) for w in widths[:-1] for k in (0, 1)
        ] if spec.batch_norm else []  # fmt: skip

    def forward(self, x: Tensor, learning: bool) -> Tensor:
        """Outputs; when learning, units are left out by chance and batch norms are the batch's own."""
        rows, last = x.shape[0], len(self.p.weights) - 1
        self.inputs, self.masks, self.normal = [x], [], []
        self.dropping = learning and self.threshold > 0
        for k, (weight, offset) in enumerate(zip(self.p.weights, self.p.offsets, strict=True)):
            boosted = weight * self.boost if self.dropping and k else weight
            out = self.linear[k][:rows]
            if k == last:
                return torch.addmm(offset, self.inputs[k], boosted, out=out)
            if self.fused:
                torch.mm(self.inputs[k], boosted, out=out)
                self._rectify(out, offset)
                self.inputs.append(out)
                continue
            if self.spec.batch_norm:
                torch.mm(self.inputs[k], boosted, out=out)
                out = self._normalise(out, k, learning)
            else:
                torch.addmm(offset, self.inputs[k], boosted, out=out)
            value = _activate(self.spec.activation, out, self.active[k][:rows])
            if self.dropping:
                kept = (self._bytes(value) >= self.threshold).reshape(value.shape)
                self.masks.append(torch.from_numpy(kept).to(value.device))
                value = torch.mul(value, self.masks[k], out=self.dropped[k][:rows])
            self.inputs.append(value)
        raise AssertionError("a perceptron has a last layer")  # pragma: no cover

    def backward(self, slope: Tensor) -> None:
        """Fill the gradient from that of the outputs of the last learning pass."""
        rows, last = slope.shape[0], len(self.p.weights) - 1
        for k in range(last, -1, -1):
            if k < last:
                slope = self._through_layer(slope, k)
            else:
                torch.sum(slope, 0, out=self.p.offset_slopes[k])
            torch.mm(self.inputs[k].T, slope, out=self.p.weight_slopes[k])
            if k:
                weight = self.p.weights[k]
                if self.dropping:
                    self.p.weight_slopes[k].mul_(self.boost)
                    weight = weight * self.boost
                # a product with a single column is a multiplication
                product = torch.mul if slope.shape[1] == 1 else torch.mm
                slope = product(slope, weight.T, out=self.slopes[k - 1][:rows])

    def _through_layer(self, slope: Tensor, k: int) -> Tensor:
        """Gradient before the activation of a hidden layer, and that of its offsets."""
        if self.fused:
            part, total = self.sums[k]
            relu_backward(slope.numpy(), self.inputs[k + 1].numpy(), part, total)
            self.p.offset_slopes[k].copy_(torch.from_numpy(total))
            return slope
        if self.dropping:
            slope.mul_(self.masks[k])
        slope = _through(self.spec.activation, slope, self.active[k][: slope.shape[0]])
        if self.spec.batch_norm:
            return self._through_norm(slope, k)
        torch.sum(slope, 0, out=self.p.offset_slopes[k])
        return slope

    def _rectify(self, out: Tensor, offset: Tensor) -> None:
        if self.dropping:
            draws = self._bytes(out).reshape(out.shape)
            relu_forward(out.numpy(), offset.numpy(), draws, np.uint8(self.threshold))
        else:
            relu_plain(out.numpy(), offset.numpy())

    def _bytes(self, value: Tensor) -> NDArray[np.uint8]:
        count = value.numel()
        return np.asarray(self.draws.random_raw((count + 7) // 8).view(np.uint8)[:count])

    def _normalise(self, z: Tensor, k: int, learning: bool) -> Tensor:
        mean, variance = self.running[2 * k], self.running[2 * k + 1]
        if learning:
            own_mean, own_variance = z.mean(0), z.var(0, unbiased=False)
            mean.lerp_(own_mean, _NORM_MOMENTUM)
            variance.lerp_(own_variance, _NORM_MOMENTUM)
            mean, variance = own_mean, own_variance
        scale = (variance + _NORM_EPSILON).rsqrt()
        standard = (z - mean) * scale
        self.normal.append((standard, scale))
        return torch.addcmul(self.p.offsets[k], standard, self.p.gains[k])

    def _through_norm(self, slope: Tensor, k: int) -> Tensor:
        standard, scale = self.normal[k]
        torch.sum(slope, 0, out=self.p.offset_slopes[k])
        torch.sum(slope * standard, 0, out=self.p.gain_slopes[k])
        mean, along = self.p.offset_slopes[k] / len(slope), self.p.gain_slopes[k] / len(slope)
        return (slope - mean - standard * along) * (self.p.gains[k] * scale)

    def layers(self) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
        """Weights and offsets as arrays, batch norms taken into them."""
        found = []
        for k, (weight, offset) in enumerate(zip(self.p.weights, self.p.offsets, strict=True)):
            w, b = (v.detach().to("cpu", torch.float64).numpy().copy() for v in (weight, offset))
            if self.spec.batch_norm and k < len(self.p.weights) - 1:
                mean, variance, gain = (
                    v.detach().to("cpu", torch.float64).numpy()
                    for v in (self.running[2 * k], self.running[2 * k + 1], self.p.gains[k])
                )
                factor = gain / np.sqrt(variance + _NORM_EPSILON)
                w, b = w * factor, b - mean * factor
            found.append((w, b))
        return tuple(found)


def _activate(name: str, z: Tensor, out: Tensor) -> Tensor:
    if name == "relu":
        return torch.clamp_min(z, 0.0, out=out)
    if name == "tanh":
        return torch.tanh(z, out=out)
    if name == "linear":
        return out.copy_(z)
    return out.copy_(torch.nn.functional.elu(z) if name == "elu" else torch.selu(z))


def _through(name: str, slope: Tensor, y: Tensor) -> Tensor:
    """Gradient before an activation from that behind it and its value."""
    aten = torch.ops.aten
    if name == "relu":
        return aten.threshold_backward(slope, y, 0.0)  # type: ignore[no-any-return]
    if name == "tanh":
        return aten.tanh_backward(slope, y)  # type: ignore[no-any-return]
    if name == "linear":
        return slope
    alpha, scale = (1.0, 1.0) if name == "elu" else (SELU_ALPHA, SELU_SCALE)
    return aten.elu_backward(slope, alpha, scale, 1.0, True, y)  # type: ignore[no-any-return]
