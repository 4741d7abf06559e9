"""A walk from one network to another: its stops, what is measured there, and what is kept.

Of the chapter on interpolation between networks.
"""

from __future__ import annotations

import copy
import csv
import dataclasses
import hashlib
import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import (
    GROUPS,
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
from tutorial_lib.settings import at_least, not_empty, one_of, share
from tutorial_lib.srgan.evaluation import CROPS, PROTOCOL, SCALE, averages, measure
from tutorial_lib.srgan.training import recorded_generator
from tutorial_lib.training import History

TENTHS = tuple(k / 10 for k in range(11))

MEASURES = ("mse_pirm", "psnr_y", "niqe")
"""What is measured at each stop, by the names that :mod:`tutorial_lib.srgan.evaluation` gives."""

WAYS = ("interpolated", "blended")
"""Averaged weights, and averaged pictures."""

Stops = dict[str, list[dict[str, float]]]
"""What one picture got: way → at each stop, measure → value."""

PATH_PROTOCOL = {
    "network": "weights as recorded; averaged and evaluated in float32",
    "interpolated": "the network with the weights alpha · end + (1 − alpha) · start",
    "blended": "alpha · the end's picture + (1 − alpha) · the start's picture",
} | {name: PROTOCOL[name] for name in ("rmse", "psnr", "niqe", "low resolution")}


@torch.no_grad()
def output_of(network: nn.Module, picture: Tensor) -> Tensor:
    """What a network makes of (N, 3, H, W): on the CPU, in [0, 1]."""
    device = next(network.parameters()).device
    return network(picture.to(device)).cpu().clamp(0, 1)


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
        Those of the book's squares that are kept at each stop, from the test sets; of the first,
        the blended pictures and an animation, too.
    limit : int or None
        Measure only so many pictures of each set, evenly spread.
    """

    steps: int = 0
    start: str = "srgan/brief"
    end: str = "srgan/brief_gan"
    alphas: tuple[float, ...] = TENTHS
    test_sets: tuple[str, ...] = ("set14", "bsd100")
    squares: tuple[str, ...] = ("baboon", "statues", "zebra")
    limit: int | None = None

    def __post_init__(self) -> None:
        not_empty(self, "alphas", "test_sets")
        share(self, "alphas")
        one_of(self, GROUPS, "test_sets")
        one_of(self, CROPS, "squares")
        at_least(self, 1, "limit")


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
        used = {name: ledger.start(name).sha256 for name in names}
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
        For :class:`tutorial_lib.dni.rrdb.RRDBNet`.

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


def square_files(config: PathConfig, way: str, name: str) -> list[str]:
    """The files of one square, one for each stop; none where this way is not kept."""
    if way == "blended" and name != config.squares[0]:
        return []
    label = f"{name}_blended" if way == "blended" else name
    return [f"{label}_{k:02d}.webp" for k in range(len(config.alphas))]


def measure_along(
    move: Interpolator, network: nn.Module, file: str, *, config: PathConfig, folder: Path
) -> Stops:
    """Enlarge one picture at each stop and measure it; the squares to be shown are written.

    Parameters
    ----------
    move : Interpolator
        Of `network`, among the end (first) and the start.
    network : nn.Module
        Enlarges by four.
    file : str
        The photograph's name in the registry.
    config : PathConfig
        Where to stop, and which squares to keep.
    folder : Path
        For the squares.

    Returns
    -------
    dict
        Way → at each stop, measure → value.
    """
    image = load(file)
    low, real = low_resolution(image, scale=SCALE), mod_crop(image, SCALE)
    made = {}
    for alpha in {*config.alphas, 0.0, 1.0}:
        move(alpha, 1 - alpha)
        made[alpha] = output_of(network, low)
    found: Stops = {way: [] for way in WAYS}
    for k, alpha in enumerate(config.alphas):
        blend = torch.lerp(made[0.0], made[1.0], alpha)
        for way, picture in zip(WAYS, (made[alpha], blend), strict=True):
            found[way].append(measure(picture, real, MEASURES))
            for name in config.squares:
                shown_in, (top, left) = CROPS[name]
                if shown_in == file and (files := square_files(config, way, name)):
                    square = picture[..., top : top + 256, left : left + 256]
                    write_image(folder / files[k], square, quality=95, overwrite=True)
    return found


def average_along(pictures: Mapping[str, Stops]) -> dict[str, list[float]]:
    """Measures over pictures: ``way measure`` → one value for each stop.

    Parameters
    ----------
    pictures : mapping of str to Stops
        What each picture got.

    Returns
    -------
    dict
        ``interpolated rmse`` in grey levels, the root of the mean squared error over all pictures;
        ``interpolated psnr_y`` in dB and ``interpolated niqe``, means over pictures; and the same
        for ``blended``.
    """
    found = {}
    for way in WAYS:
        stops = [
            averages(dict(zip(pictures, scores, strict=True)))
            for scores in zip(*(stops[way] for stops in pictures.values()), strict=True)
        ]
        found[f"{way} rmse"] = [round(math.sqrt(stop["mse_pirm"]), 4) for stop in stops]
        for name in ("psnr_y", "niqe"):
            found[f"{way} {name}"] = [round(stop[name], 4) for stop in stops]
    return found


def run_path(run: Run) -> ledger.Record:
    """Walk from one network to the other, and measure each stop beside the blend of pictures.

    Each picture's numbers and squares are kept as soon as they are there: a walk that was stopped
    goes on.
    """
    config, began = run.config, time.monotonic()
    network, states, used = endpoints([config.end, config.start])
    move = Interpolator(network.to(run.fabric.device), states)
    # Other weights, stops, measures or squares are another walk, and are kept elsewhere.
    walk = repr((used, config.alphas, MEASURES, config.squares))
    kept = run.folder / "walks" / hashlib.sha256(walk.encode()).hexdigest()[:12]
    kept.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, Stops]] = {group: {} for group in config.test_sets}
    for group, pictures in found.items():
        for file in chosen(group, config):
            part = kept / f"{group}_{Path(file).stem}.json"
            if not part.exists():
                stops = measure_along(move, network, file, config=config, folder=kept)
                write_json(part, stops)
            pictures[Path(file).stem] = json.loads(part.read_text(encoding="utf-8"))

    metrics: dict[str, Any] = {"alphas": list(config.alphas)}
    for group, pictures in found.items():
        metrics[group] = {"pictures": len(pictures)} | average_along(pictures)
    metrics["shown"] = {}
    for name in config.squares:
        picture = Path(CROPS[name][0]).stem
        shown = {picture: found[group_of(name, config)][picture]}
        metrics["shown"][name] = average_along(shown)
    files = [f for name in config.squares for way in WAYS for f in square_files(config, way, name)]
    for file in files:
        shutil.copy2(kept / file, run.folder / file)
    for name in config.squares[:1]:
        scores = metrics["shown"][name]
        files.append(animate(run.folder, name, config.alphas, scores))
    write_pictures(run.folder / "pictures.csv", found, config.alphas)
    record = run.record(
        history=History(seconds=time.monotonic() - began),
        metrics=metrics,
        protocol=PATH_PROTOCOL,
        artefacts=["pictures.csv", *files],
        data=config.test_sets,
        start=used,
    )
    return dataclasses.replace(record, precision="32-true")


def write_json(path: Path, stops: Stops) -> None:
    """Write what one picture got; the file appears when it is whole."""
    text = json.dumps(stops)
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_pictures(path: Path, found: dict[str, dict[str, Stops]], alphas: Sequence[float]) -> None:
    """Write every picture's numbers as CSV, one stop a line."""

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["set", "picture", "way", "alpha", *MEASURES])
            for group, pictures in found.items():
                for picture, stops in pictures.items():
                    for way in WAYS:
                        for alpha, scores in zip(alphas, stops[way], strict=True):
                            numbers = [f"{scores[name]:.5f}" for name in MEASURES]
                            rows.writerow([group, picture, way, f"{alpha:g}", *numbers])

    write_atomically(path, write)


def animate(
    folder: Path, name: str, alphas: Sequence[float], scores: dict[str, list[float]]
) -> str:
    """Write the walk as an animation, there and back, with its indicators above the picture.

    Parameters
    ----------
    folder : Path
        Holds the square at each stop; the animation is written beside them.
    name : str
        Of the square.
    alphas : sequence of float
        The stops.
    scores : dict
        ``interpolated rmse`` and ``interpolated niqe`` at each, as from :func:`average_along`.

    Returns
    -------
    str
        The animation's file.
    """
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
    file = f"{name}_path.webp"
    write_atomically(
        folder / file,
        lambda path: frames[0].save(
            path,
            format="WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=[700 if k in (0, len(alphas) - 1) else 250 for k in range(len(frames))],
            loop=0,
            quality=70,
            method=6,
        ),
    )
    return file
