"""How much faster an epoch of training is than the usual PyTorch loop, with the same network and the same work.

    python -m benchmarks training_epochs                              # compact at 96 px, resnet18 at 224 px
    python -m benchmarks training_epochs --only densenet121 --images 48
    python -m benchmarks training_epochs --device cuda --images 2048 --only resnet18

The usual loop reads PNG files item by item with Pillow in two workers of a DataLoader that stay alive, changes each picture
by itself and trains in float32.  radiogen trains on pictures that were decoded once, changes them batch by batch and
computes in bfloat16 where the hardware does.  The two take turns, epoch by epoch, after one of each that is not counted; the
figure is the median over rounds of the ratio within a round.  Both use all processors.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics as numbers
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from scipy.ndimage import uniform_filter
from torch import nn
from torch.utils.data import DataLoader, Dataset

from radiogen.models import backbone
from radiogen.models.fusion.examples import Examples, Labels, Pictures
from radiogen.models.fusion.spec import HeadSpec, InputSpec, NetSettings, Plan, TrainSettings
from radiogen.models.training import train
from radiogen.models.training.devices import autocast_type, pick_device

#: name -> side in pixels, pictures, units of a batch, wanted ratio
CASES: dict[str, tuple[int, int, int, float]] = {
    "compact": (96, 512, 32, 10.0),
    "resnet18": (224, 64, 16, 2.0),
    "resnet50": (224, 32, 16, 2.0),
    "densenet121": (224, 32, 16, 2.0),
    "mobilenet_v2": (224, 32, 16, 2.0),
    "googlenet": (224, 32, 16, 2.0),
}
#: rows and columns of the files: the median of BUSI's, which are kept as RGB although they are grey
_SCAN = (533, 572)


@dataclass(frozen=True)
class Line:
    """One comparison: seconds of an epoch of both, the ratio, pictures per second."""

    backbone: str
    size: int
    images: int
    radiogen_s: float
    usual_s: float
    ratio: float
    wanted: float
    precision: str

    @property
    def shown(self) -> str:
        """One line for a terminal."""
        return (
            f"{self.backbone:<13} {self.size:3d} px, {self.images:5d} pictures: radiogen {self.radiogen_s:7.2f} s "
            f"({self.precision}, {self.images / self.radiogen_s:7.1f}/s), usual loop {self.usual_s:7.2f} s "
            f"({self.images / self.usual_s:6.1f}/s), {self.ratio:5.1f} times (wanted {self.wanted:g})"
        )


def write_pictures(folder: Path, n: int, scan: tuple[int, int] = _SCAN) -> list[Path]:
    """PNG files with speckle of some pixels' width and a dark lesion, written as RGB."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: scan[0], : scan[1]] / np.array(scan).reshape(2, 1, 1)
    paths = []
    for k in range(n):
        field = (uniform_filter(rng.normal(size=scan), 4) for _ in range(2))
        tissue = 60 + 60 * np.log1p(3 * np.hypot(*field))
        away = ((axis - rng.uniform(0.3, 0.7)) / rng.uniform(0.1, 0.2) for axis in (y, x))
        inside = sum(a**2 for a in away) < 1
        picture = np.clip(np.where(inside, 0.4 * tissue, tissue), 0, 255).astype(np.uint8)
        paths.append(folder / f"{k}.png")
        Image.fromarray(np.repeat(picture[:, :, None], 3, axis=2)).save(paths[-1])
    return paths


class Files(Dataset):
    """The usual data set: an item is opened, made small and changed when it is asked for."""

    def __init__(self, paths: list[Path], size: int) -> None:
        self.paths, self.size = paths, size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        rng = np.random.default_rng()
        with Image.open(self.paths[index]) as file:
            picture = file.convert("L").resize((self.size, self.size), Image.Resampling.BILINEAR)
        if rng.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if rng.random() < 0.7:
            picture = picture.rotate(rng.uniform(-8, 8), Image.Resampling.BILINEAR)
        if rng.random() < 0.2:
            picture = picture.filter(ImageFilter.GaussianBlur(0.7))
        x = np.asarray(picture, dtype=np.float32) / 255
        x = x * rng.uniform(0.8, 1.2) * np.linspace(1, rng.uniform(0.75, 1), self.size, dtype=np.float32)[:, None]
        if rng.random() < 0.5:
            x = x * (1 + rng.uniform(0, 0.25) * (rng.rayleigh(0.8, x.shape).astype(np.float32) - 1))
        return torch.from_numpy(np.clip(x, 0, 1).astype(np.float32))[None], index % 2


def usual(name: str, paths: list[Path], size: int, batch: int, device: torch.device) -> Callable[[], None]:
    """One epoch of the usual loop, each time it is called."""
    trunk = backbone(name)
    net = nn.Sequential(trunk, nn.Linear(trunk.features, 2)).to(device).train()
    pin = device.type == "cuda"
    loader = DataLoader(Files(paths, size), batch, shuffle=True, num_workers=2, persistent_workers=True, pin_memory=pin)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def epoch() -> None:
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x.to(device)), y.to(device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return epoch


def decoded(paths: list[Path], size: int) -> Examples:
    """The pictures as radiogen keeps them."""
    pixels = np.empty((len(paths), 1, size, size), dtype=np.uint8)
    for k, path in enumerate(paths):
        with Image.open(path) as file:
            pixels[k, 0] = np.asarray(file.convert("L").resize((size, size), Image.Resampling.BILINEAR))
    n = len(paths)
    pictures = {"bmode": Pictures(pixels, np.arange(n))}
    return Examples(np.arange(n).astype(str), ("bmode",), np.ones((n, 1), dtype=bool), {}, pictures)


def measure(name: str, images: int, rounds: int, device: torch.device, scan: tuple[int, int]) -> Line:
    """Epochs of both in turns: radiogen's own training calls the usual loop between its epochs."""
    size, usually, batch, wanted = CASES[name]
    n = images or usually
    settings = TrainSettings(epochs=rounds + 1, batch_size=batch, patience=0, calibrate=False, device=str(device))
    plan = Plan((InputSpec("bmode", "image", size=(size, size), backbone=name),), (HeadSpec("y", "binary", ("0", "1")),),
                NetSettings(fusion="concat"), settings)  # fmt: skip
    labels = Labels({"y": np.arange(n) % 2}, {"y": np.ones(n, dtype=bool)})
    pairs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        paths = write_pictures(Path(folder), n, scan)
        examples, theirs = decoded(paths, size), usual(name, paths, size, batch, device)
        clock = [time.perf_counter()]

        def take_turns(done: int, total: int, label: str) -> None:
            if len(pairs) > rounds:
                return
            mine = time.perf_counter() - clock[0]
            start = time.perf_counter()
            theirs()
            pairs.append((mine, time.perf_counter() - start))
            clock[0] = time.perf_counter()

        train(plan, examples, labels, np.arange(n), seed=1, progress=take_turns)
    counted = pairs[1:]
    ours, other = (numbers.median(column) for column in zip(*counted, strict=True))
    precision = "bfloat16" if autocast_type(settings, device, pictures=True) is not None else "float32"
    return Line(name, size, n, ours, other, numbers.median(b / a for a, b in counted), wanted, precision)


def main(argv: list[str]) -> int:
    """Print one line for each backbone; 1 where a ratio is below what is wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks training_epochs", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", choices=list(CASES), action="append", help="this backbone; may be repeated")
    parser.add_argument("--images", type=int, default=0, help="pictures of an epoch (default 512 for compact, else 32 or 64)")
    parser.add_argument("--scan", type=int, nargs=2, default=_SCAN, metavar=("ROWS", "COLUMNS"), help="of the files")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of both (default all processors)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds in turns (default 3)")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--json", type=Path, help="also write the numbers into this file")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    device = pick_device(options.device)
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    sys.stdout.write(f"Python {platform.python_version()}, torch {torch.__version__}, {options.threads} threads, {machine}, ")
    sys.stdout.write(f"files of {options.scan[0]} × {options.scan[1]}, {options.rounds} rounds\n")
    lines = []
    for name in options.only or ["compact", "resnet18"]:
        lines.append(measure(name, options.images, options.rounds, device, tuple(options.scan)))
        sys.stdout.write(lines[-1].shown + "\n")
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps([asdict(line) for line in lines], indent=1), encoding="utf-8")
    return int(any(line.ratio < line.wanted for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
