"""A walk from one network to another: its stops, what is measured there, and what is kept.

Of the chapter on interpolation between networks.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import (
    DataUnavailable,
    group_names,
    load,
    low_resolution,
    mod_crop,
    write_atomically,
    write_image,
)
from tutorial_lib.dni.interpolation import Interpolator, State
from tutorial_lib.dni.rrdb import network_of, plain_names
from tutorial_lib.experiment import Run
from tutorial_lib.metrics import PIRM, Y, mse, niqe, psnr
from tutorial_lib.srgan.evaluation import CROPS, PROTOCOL, SCALE
from tutorial_lib.srgan.training import recorded_generator

TENTHS = tuple(k / 10 for k in range(11))


@torch.no_grad()
def upscale(network: nn.Module, low: Tensor) -> Tensor:
    """What a network makes of a small picture, on the CPU, in [0, 1]."""
    device = next(network.parameters()).device
    return network(low.to(device)).cpu().clamp(0, 1)


@dataclasses.dataclass(frozen=True)
class PathConfig:
    """Settings of a walk from one network to another.

    Attributes
    ----------
    steps : int
        None: nothing is trained.
    start, end : str
        The networks at α = 0 and at α = 1: recorded experiments, or checkpoints of RRDBNet, whose
        names end in ".pth".
    alphas : tuple of float
        Where to stop and measure.
    test_sets : tuple of str
        Measured at each stop.
    squares : tuple of str
        Those of the book's squares that are kept at each stop, from the test sets.
    limit : int or None
        Measure only so many pictures of each set, evenly spread.
    """

    steps: int = 0
    start: str = "srgan/srresnet"
    end: str = "srgan/srgan"
    alphas: tuple[float, ...] = TENTHS
    test_sets: tuple[str, ...] = ("set14", "bsd100")
    squares: tuple[str, ...] = ("baboon", "statues", "zebra")
    limit: int | None = None


PATH_PROTOCOL = {
    "network": "weights as recorded; averaged and evaluated in float32",
    "interpolated": "the network with the weights alpha · end + (1 − alpha) · start",
    "blended": "alpha · the end's picture + (1 − alpha) · the start's picture",
    "rmse": "PIRM 2018: 8-bit Y, 4 pixels shaved, root of the mean squared error over all "
    "pictures of the set, in grey levels",
    "psnr": "in dB on Y (BT.601), pictures rounded to 8 bits, 4 pixels cropped; mean over pictures",
    "niqe": PROTOCOL["niqe"],
    "low resolution": PROTOCOL["low resolution"],
}

METHODS = ("interpolated", "blended")


def endpoints(names: Sequence[str]) -> tuple[nn.Module, list[State], dict[str, str]]:
    """Networks by name: one of their kind, their weights, and the hashes of the weights' files.

    Parameters
    ----------
    names : sequence of str
        Recorded experiments such as ``"srgan/srgan"``, or paths of RRDBNet's checkpoints (.pth).

    Raises
    ------
    DataUnavailable
        If a checkpoint is not there.
    """
    if not names[0].endswith(".pth"):
        networks = [recorded_generator(name) for name in names]
        used = {name: ledger.read(name).artefacts["weights.safetensors"] for name in names}
        return networks[0], [copy.deepcopy(n.state_dict()) for n in networks], used
    states: list[State] = []
    hashes: dict[str, str] = {}
    for name in names:
        states.append(read_checkpoint(Path(name)))
        hashes[Path(name).name] = ledger.sha256(Path(name))
    return network_of(states[0]), states, hashes


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint of ESRGAN's network, of whichever of its published forms.

    Only tensors are read: a file that holds anything that would be run is refused.

    Parameters
    ----------
    path : Path
        A file such as ``RRDB_ESRGAN_x4.pth`` or ``RRDB_PSNR_x4.pth``.

    Returns
    -------
    dict of str to Tensor
        For :class:`tutorial_lib.dni.interpolation.rrdb.RRDBNet`.

    Raises
    ------
    DataUnavailable
        If there is no such file.
    ValueError
        If it is not a checkpoint of this network.
    """
    if not path.exists():
        raise DataUnavailable(
            f"{path} is not there. ESRGAN's authors publish RRDB_PSNR_x4.pth and "
            "RRDB_ESRGAN_x4.pth at https://github.com/xinntao/ESRGAN; download both, and name "
            "their places with --set start=… and --set end=…"
        )
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"{path} is not a readable checkpoint: {error}") from error
    return plain_names(checkpoint)


def chosen(group: str, config: PathConfig) -> list[str]:
    """Pictures of a set: all, or `limit` of them evenly spread and those that are shown."""
    files = group_names(group)
    shown = {CROPS[name][0] for name in config.squares}
    spread = set(files[:: math.ceil(len(files) / (config.limit or len(files)))])
    return [file for file in files if file in spread | shown]


def group_of(name: str, config: PathConfig) -> str:
    """The test set that one of the book's squares is cut from."""
    return next(group for group in config.test_sets if CROPS[name][0] in group_names(group))


def measure_along(run: Run, move: Interpolator, network: nn.Module, file: str, part: Path) -> None:
    """Enlarge one picture at each stop; write what was measured, and the squares to be shown."""
    config, image = run.config, load(file)
    low, real = low_resolution(image, scale=SCALE), mod_crop(image, SCALE)
    made = {}
    for alpha in {*config.alphas, 0.0, 1.0}:
        move(alpha, 1 - alpha)
        made[alpha] = upscale(network, low)
    lines = []
    for k, alpha in enumerate(config.alphas):
        blend = torch.lerp(made[0.0], made[1.0], alpha)
        pictures = dict(zip(METHODS, (made[alpha], blend), strict=True))
        for method, picture in pictures.items():
            found = (
                mse(picture, real, protocol=PIRM),
                psnr(picture, real, protocol=Y),
                niqe(picture),
            )
            numbers = ",".join(f"{value.item():.5f}" for value in found)
            lines.append(f"{method},{alpha:g},{numbers}\n")
        for name in config.squares:
            if CROPS[name][0] != file:
                continue
            top, left = CROPS[name][1]
            for method, picture in pictures.items():
                if method == "blended" and name != config.squares[0]:
                    continue
                label = f"{name}_blended" if method == "blended" else name
                square = picture[..., top : top + 256, left : left + 256]
                write_image(run.folder / f"{label}_{k:02d}.webp", square, overwrite=True)
    write_atomically(part, lambda path: path.write_text("".join(lines), "utf-8"))


def average_along(parts: list[str], alphas: Sequence[float]) -> dict[str, list[float]]:
    """Measures over all pictures: ``method measure`` → one value for each stop."""
    found: dict[tuple[str, float], list[list[float]]] = {}
    for line in "".join(parts).splitlines():
        method, alpha, *numbers = line.split(",")
        found.setdefault((method, float(alpha)), []).append([float(n) for n in numbers])
    averaged = {}
    for method in METHODS:
        stops = [found[method, float(f"{alpha:g}")] for alpha in alphas]
        means = [[fmean(column) for column in zip(*rows, strict=True)] for rows in stops]
        errors, decibels, naturalness = zip(*means, strict=True)
        averaged[f"{method} rmse"] = [round(math.sqrt(error), 4) for error in errors]
        averaged[f"{method} psnr_y"] = [round(value, 4) for value in decibels]
        averaged[f"{method} niqe"] = [round(value, 4) for value in naturalness]
    return averaged


def animate(
    folder: Path, name: str, alphas: Sequence[float], scores: dict[str, list[float]]
) -> None:
    """Write the walk as an animation, with its indicators above the picture, there and back."""
    font = ImageFont.load_default(15)
    frames = []
    for k, alpha in enumerate(alphas):
        with Image.open(folder / f"{name}_{k:02d}.webp") as square:
            frame = Image.new("RGB", (square.width, square.height + 24), "white")
            frame.paste(square, (0, 24))
        rmse, score = scores["interpolated rmse"][k], scores["interpolated niqe"][k]
        text = f"alpha {alpha:.1f}   RMSE {rmse:.2f}   NIQE {score:.2f}"
        ImageDraw.Draw(frame).text((6, 2), text, fill="black", font=font)
        frames.append(frame)
    frames += frames[-2:0:-1]
    write_atomically(
        folder / f"{name}_path.webp",
        lambda path: frames[0].save(
            path,
            format="WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=[700 if k % (len(alphas) - 1) == 0 else 250 for k in range(len(frames))],
            loop=0,
            quality=70,
            method=6,
        ),
    )
