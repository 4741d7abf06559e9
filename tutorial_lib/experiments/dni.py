"""The experiments of the chapter on interpolation between networks.

The path from SRResNet to SRGAN, a triangle of three networks, the conditions under which networks
can be interpolated, and the paper's figure of a denoiser's filters.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import itertools
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from lightning_fabric import Fabric
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import save_file
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from tutorial_lib import ledger
from tutorial_lib.data import (
    DataUnavailable,
    Pairs,
    group_names,
    load,
    low_resolution,
    mod_crop,
    write_atomically,
    write_image,
)
from tutorial_lib.dni import Denoiser, Interpolator, State, align, correlations, interpolate
from tutorial_lib.experiments.evaluation import CROPS, PROTOCOL, SCALE
from tutorial_lib.experiments.experiment import Claim, Experiment, Reader, Run, curves
from tutorial_lib.experiments.perception_distortion import COEFFICIENTS
from tutorial_lib.experiments.srgan import (
    SrresnetConfig,
    SrresnetRecipe,
    generator_from,
    half_state,
    recorded_generator,
)
from tutorial_lib.metrics import PIRM, RGB, Y, mse, niqe, psnr
from tutorial_lib.rrdb import RRDBNet, blocks_of, plain_names
from tutorial_lib.srgan import Generator
from tutorial_lib.training import History, set_up, shard, train

TENTHS = tuple(k / 10 for k in range(11))


@torch.no_grad()
def upscale(network: nn.Module, low: Tensor) -> Tensor:
    """What a network makes of a small picture, on the CPU, in [0, 1]."""
    device = next(network.parameters()).device
    return network(low.to(device)).cpu().clamp(0, 1)


# ----------------------------------------------------------------------------- the path


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
MEASURES = ("mse", "psnr_y", "niqe")


def run_path(run: Run) -> ledger.Record:
    """Walk from one network to the other, and measure each stop beside the blend of pictures.

    Each picture's numbers are kept as soon as they are there: a walk that was stopped goes on.
    """
    config, began = run.config, time.monotonic()
    network, states, used = endpoints([config.end, config.start])
    move = Interpolator(network.to(run.fabric.device), states)
    # Other weights or other stops are another walk.
    key = hashlib.sha256(repr((used, config.alphas)).encode()).hexdigest()[:12]
    lines = {}
    for group in config.test_sets:
        for file in _chosen(group, config):
            part = run.folder / "parts" / f"{key}_{group}_{Path(file).stem}.csv"
            if not part.exists():
                _measure_along(run, move, network, file, part)
            lines[group, Path(file).stem] = part.read_text(encoding="utf-8")
    table = "set,picture,method,alpha,mse,psnr_y,niqe\n"
    for (group, picture), text in lines.items():
        table += "".join(f"{group},{picture},{line}\n" for line in text.splitlines())
    write_atomically(run.folder / "pictures.csv", lambda path: path.write_text(table, "utf-8"))

    metrics: dict[str, Any] = {"alphas": list(config.alphas)}
    for group in config.test_sets:
        parts = [text for (there, _), text in lines.items() if there == group]
        metrics[group] = {"pictures": len(parts)} | _averages(parts, config.alphas)
    shown = {
        name: lines[_group_of(name, config), Path(CROPS[name][0]).stem] for name in config.squares
    }
    metrics["shown"] = {name: _averages([text], config.alphas) for name, text in shown.items()}
    kept = [f"{name}_{k:02d}.webp" for name in config.squares for k in range(len(config.alphas))]
    first = config.squares[0]
    blends = [f"{first}_blended_{k:02d}.webp" for k in range(len(config.alphas))]
    _animate(run.folder, first, config.alphas, metrics["shown"][first])
    record = run.record(
        history=History(seconds=time.monotonic() - began),
        metrics=metrics,
        protocol=PATH_PROTOCOL | {f"weights at {name}": sha for name, sha in used.items()},
        artefacts=["pictures.csv", *kept, *blends, f"{first}_path.webp"],
        data=config.test_sets,
    )
    return dataclasses.replace(record, precision="32-true")


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
        hashes = {name: ledger.read(name).artefacts["weights.safetensors"] for name in names}
        return networks[0], [copy.deepcopy(n.state_dict()) for n in networks], hashes
    states, hashes = [], {}
    for name in names:
        states.append(read_checkpoint(Path(name)))
        hashes[Path(name).name] = ledger.sha256(Path(name))
    network = RRDBNet(blocks=blocks_of(states[0])).eval()
    network.load_state_dict(states[0])
    return network, states, hashes


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
        For :class:`tutorial_lib.rrdb.RRDBNet`.

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


def _chosen(group: str, config: PathConfig) -> list[str]:
    """Pictures of a set: all, or `limit` of them evenly spread and those that are shown."""
    files = group_names(group)
    shown = {CROPS[name][0] for name in config.squares}
    spread = set(files[:: math.ceil(len(files) / (config.limit or len(files)))])
    return [file for file in files if file in spread | shown]


def _group_of(name: str, config: PathConfig) -> str:
    return next(group for group in config.test_sets if CROPS[name][0] in group_names(group))


def _measure_along(run: Run, move: Interpolator, network: nn.Module, file: str, part: Path) -> None:
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


def _averages(parts: list[str], alphas: Sequence[float]) -> dict[str, list[float]]:
    """Measures over all pictures: ``method measure`` → one value for each stop."""
    found: dict[tuple[str, float], list[list[float]]] = {}
    for line in "".join(parts).splitlines():
        method, alpha, *numbers = line.split(",")
        found.setdefault((method, float(alpha)), []).append([float(n) for n in numbers])
    means = {
        place: [fmean(column) for column in zip(*rows, strict=True)]
        for place, rows in found.items()
    }
    averaged = {}
    for method in METHODS:
        stops = [found[method, float(f"{alpha:g}")] for alpha in alphas]
        means = [[fmean(column) for column in zip(*rows, strict=True)] for rows in stops]
        errors, decibels, naturalness = zip(*means, strict=True)
        averaged[f"{method} rmse"] = [round(math.sqrt(error), 4) for error in errors]
        averaged[f"{method} psnr_y"] = [round(value, 4) for value in decibels]
        averaged[f"{method} niqe"] = [round(value, 4) for value in naturalness]
    return averaged


def _animate(
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
        text = f"α = {alpha:.1f}   RMSE {rmse:.2f}   NIQE {score:.2f}"
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


# ------------------------------------------------------------------------- the triangle


@dataclasses.dataclass(frozen=True)
class TriangleConfig:
    """Settings of the triangle of three networks.

    Attributes
    ----------
    steps : int
        None: nothing is trained.
    corners : tuple of str
        Three recorded experiments.
    parts : int
        Stops along a side, less one.
    square : str
        The picture that is enlarged, one of the book's squares.
    """

    steps: int = 0
    corners: tuple[str, ...] = ("srgan/srresnet", "srgan/srgan", "srgan/vgg54")
    parts: int = 4
    square: str = "baboon"


def triangle(parts: int) -> list[tuple[float, float, float]]:
    """Weights of three networks, in rows: the first one's falls from row to row.

    Examples
    --------
    >>> triangle(2)[:3]
    [(1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5)]
    """
    return [
        ((parts - row) / parts, (row - k) / parts, k / parts)
        for row in range(parts + 1)
        for k in range(row + 1)
    ]


def run_triangle(run: Run) -> ledger.Record:
    """Enlarge one picture by the mean of three networks, for weights all over a triangle."""
    config, began = run.config, time.monotonic()
    network, states, used = endpoints(config.corners)
    move = Interpolator(network.to(run.fabric.device), states)
    file, (top, left) = CROPS[config.square]
    image = load(file)
    low, real = low_resolution(image, scale=SCALE), mod_crop(image, SCALE)
    metrics: dict[str, Any] = {"weights": [], "rmse": [], "niqe": []}
    files = []
    for k, weights in enumerate(triangle(config.parts)):
        move(*weights)
        made = upscale(network, low)
        files.append(f"{k:02d}.webp")
        square = made[..., top + 16 : top + 176, left + 48 : left + 208]
        write_image(run.folder / files[-1], square, overwrite=True)
        metrics["weights"].append(list(weights))
        error = mse(made, real, protocol=PIRM).item()
        metrics["rmse"].append(round(math.sqrt(error), 4))
        metrics["niqe"].append(round(niqe(made).item(), 4))
    record = run.record(
        history=History(seconds=time.monotonic() - began),
        metrics=metrics,
        protocol=PATH_PROTOCOL
        | {"picture": f"{file}, whole; squares of 160 pixels are kept"}
        | {f"weights at {name}": sha for name, sha in used.items()},
        artefacts=files,
        data=[file],
    )
    return dataclasses.replace(record, precision="32-true")


# ----------------------------------------------------------------------- the conditions


@dataclasses.dataclass(frozen=True)
class ConditionsConfig(SrresnetConfig):
    """Settings of the pairs of networks that share a start or do not.

    `steps` is the length of each of the three trainings.

    Attributes
    ----------
    alphas : tuple of float
        Where to measure between the networks of a pair.
    batches : int
        Batches of training patches from which batch normalisation's statistics are made anew.
    """

    batch: int = 4
    learning_rate: float = 4e-4
    cosine: bool = True
    test_sets: tuple[str, ...] = ("set5",)
    alphas: tuple[float, ...] = TENTHS
    batches: int = 4


PAIRS = {"two starts": ("first", "second"), "one start": ("first", "carried on")}
"""The pairs of networks: trained twice from scratch, and once from scratch and then on."""


def run_conditions(run: Run) -> ledger.Record:
    """Train SRResNet twice from scratch and once onwards; measure between the two kinds of pairs.

    All three trainings have the same number of steps and schedule; they differ in where they start
    and in the order of the photographs.
    """
    config, device = run.config, run.fabric.device
    recipe = SrresnetRecipe(config, run.fabric, steps=run.steps)
    fresh = copy.deepcopy(recipe.optimizer.state_dict())
    states: dict[str, dict[str, Tensor]] = {}
    found, seconds = {}, 0.0
    for seed, name in enumerate(("first", "second", "carried on")):
        torch.manual_seed(seed)
        start = Generator(scale=SCALE).state_dict()
        if name == "carried on":
            start = generator_from(states["first"]).state_dict()
        recipe.modules["generator"].load_state_dict(start)
        recipe.optimizer.load_state_dict(fresh)
        history = train(
            recipe,
            fabric=run.fabric,
            steps=run.steps,
            folder=run.folder / name.replace(" ", "_"),
            config=run.settings() | {"steps": run.steps, "network": name},
            seed=seed,
            label=name,
        )
        states[name] = half_state(recipe.modules["generator"])
        found[f"mse, {name}"] = curves(history)["mse"]
        seconds += history.seconds

    pairs = {
        title: [generator_from(states[name]).state_dict() for name in reversed(names)]
        for title, names in PAIRS.items()
    }
    pairs["SRResNet and SRGAN"] = [
        recorded_generator(name).state_dict() for name in ("srgan/srgan", "srgan/srresnet")
    ]
    random = torch.Generator().manual_seed(0)
    lows = [
        recipe.pairs.sample(16, patch=config.patch, generator=random, device=device)[0]
        for _ in range(config.batches)
    ]
    metrics: dict[str, Any] = {"alphas": list(config.alphas)}
    files = []
    for title, (end, start) in pairs.items():
        network = Generator(scale=SCALE).eval().to(device)
        move = Interpolator(network, [end, start])
        decibels: dict[str, list[float]] = {"interpolated": [], "re-estimated": []}
        for k, alpha in enumerate(config.alphas):
            for statistics, values in decibels.items():
                move(alpha, 1 - alpha)
                if statistics == "re-estimated":
                    update_bn(lows, network)
                    network.eval()
                made = {file: upscale(network, low) for file, low in _small(config.test_sets[0])}
                score = fmean(_psnr(made[file], file) for file in made)
                values.append(round(score, 4))
                if title in PAIRS and statistics == "interpolated":
                    files.append(f"{title.replace(' ', '_')}_{k:02d}.webp")
                    square = made["set5/butterfly.png"][..., :192, :192]
                    write_image(run.folder / files[-1], square, overwrite=True)
        metrics[title] = decibels | _distance(end, start)
    record = run.record(
        history=dataclasses.replace(history, seconds=seconds),
        metrics=metrics,
        protocol={
            "psnr": PATH_PROTOCOL["psnr"] + f", {config.test_sets[0]}",
            "network": "weights rounded to half precision; averaged and evaluated in float32",
            "interpolated": "batch normalisation's statistics averaged like all weights",
            "re-estimated": f"statistics made anew, as the mean over {config.batches} batches of "
            "16 training patches in the averaged network",
            "distance": "length of the difference of all weights over the mean of their lengths",
            "low resolution": PROTOCOL["low resolution"],
        },
        artefacts=files,
        data=[*config.test_sets, config.photographs],
    )
    return dataclasses.replace(record, curves=found)


def _small(group: str) -> Iterator[tuple[str, Tensor]]:
    for file in group_names(group):
        yield file, low_resolution(load(file), scale=SCALE)


def _psnr(made: Tensor, file: str) -> float:
    return psnr(made, mod_crop(load(file), SCALE), protocol=Y).item()


def _distance(a: State, b: State) -> dict[str, float]:
    """How far two networks are from each other, in convolutions' weights."""
    flat = [
        torch.cat([value.flatten() for value in state.values() if value.ndim == 4])
        for state in (a, b)
    ]
    mean = (flat[0].norm() + flat[1].norm()) / 2
    return {
        "distance": round(((flat[0] - flat[1]).norm() / mean).item(), 4),
        "cosine": round(nn.functional.cosine_similarity(*flat, dim=0).item(), 4),
    }


# -------------------------------------------------------------------------- the filters


@dataclasses.dataclass(frozen=True)
class FiltersConfig:
    """Settings of the denoisers whose filters are compared.

    Attributes
    ----------
    steps : int
        Updates of each denoiser, whether from scratch or carried on.
    batch, patch : int
        Patches a step, and their side in pixels.
    learning_rate : float
        Of Adam at the start; it falls along a cosine to zero.
    noises : tuple of int
        Standard deviations of the noise, in grey levels of 255: the first is trained twice from
        scratch, the others are carried on from its first run.
    photographs : str
        What is trained on.
    limit : int or None
        Use only so many photographs.
    alphas : tuple of float
        Where to measure between two denoisers.
    test_set : str
        What is measured on.
    pictures : int
        So many pictures of it, evenly spread, of each the middle 128 pixels.
    """

    steps: int
    batch: int = 16
    patch: int = 40
    learning_rate: float = 1e-3
    noises: tuple[int, ...] = (20, 30, 40, 50, 60)
    photographs: str = "bsds500"
    limit: int | None = None
    alphas: tuple[float, ...] = TENTHS
    test_set: str = "bsd100"
    pictures: int = 20


class DenoiserRecipe:
    """A denoiser for one strength of noise, on the squared error."""

    def __init__(self, config: FiltersConfig, fabric: Fabric, *, steps: int) -> None:
        self.config, self.fabric, self.steps = config, fabric, steps
        self.batch_size = config.batch
        self.pairs = Pairs.from_group(
            config.photographs, limit=config.limit, progress=fabric.is_global_zero
        )
        network = Denoiser()
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        self.denoiser, self.optimizer = set_up(fabric, network, optimizer)
        self.modules: dict[str, nn.Module] = {"denoiser": network}
        self.optimizers = {"denoiser": self.optimizer}
        self._fresh = copy.deepcopy(self.optimizer.state_dict())
        self.noise = 0

    def restart(self, state: State, *, noise: int) -> None:
        """Begin another training, from these weights, at this strength of noise."""
        self.modules["denoiser"].load_state_dict(state)
        self.optimizer.load_state_dict(self._fresh)
        self.noise = noise

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the denoiser."""
        config = self.config
        for group in self.optimizer.param_groups:
            share = (1 + math.cos(math.pi * index / self.steps)) / 2
            group["lr"] = config.learning_rate * share
        _, clean = self.pairs.sample(config.batch, patch=config.patch, generator=generator)
        noisy = clean + self.noise / 255 * torch.randn(clean.shape, generator=generator)
        noisy, clean = (t.to(self.fabric.device) for t in shard(self.fabric, noisy, clean))
        loss = nn.functional.mse_loss(self.denoiser(noisy), clean)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.optimizer.step()
        return {"mse": loss.detach()}


def run_filters(run: Run) -> ledger.Record:
    """Train denoisers from two starts and onwards, and compare their filters."""
    config = run.config
    recipe = DenoiserRecipe(config, run.fabric, steps=run.steps)
    first, *others = config.noises
    plan = [("run 1", first), ("run 2", first)] + [(f"noise {n}", n) for n in others]
    states: dict[str, dict[str, Tensor]] = {}
    found, seconds = {}, 0.0
    for seed, (name, noise) in enumerate(plan):
        torch.manual_seed(seed)
        start = Denoiser().state_dict() if name.startswith("run") else states["run 1"]
        recipe.restart(start, noise=noise)
        history = train(
            recipe,
            fabric=run.fabric,
            steps=run.steps,
            folder=run.folder / name.replace(" ", "_"),
            config=run.settings() | {"steps": run.steps, "network": name},
            seed=seed,
            checkpoint_every=500,
            label=name,
        )
        # As stored, so that the record's weights are those that were measured.
        stored = half_state(recipe.modules["denoiser"])
        states[name] = {key: value.float() for key, value in stored.items()}
        found[f"mse, {name}"] = curves(history)["mse"]
        seconds += history.seconds

    weights = {
        f"{name.replace(' ', '_')}.{key}": value.half().contiguous()
        for name, state in states.items()
        for key, value in state.items()
    }
    write_atomically(run.folder / "weights.safetensors", lambda path: save_file(weights, str(path)))
    record = run.record(
        history=dataclasses.replace(history, seconds=seconds),
        metrics=_filters_alike(states, config) | _denoising(states, config),
        protocol={
            "correlation": "Pearson, over the 3 × 7 × 7 weights of a filter of the first layer; "
            "mean over the 64 filters",
            "best match": "filters paired one to one so that the sum of correlations is largest",
            "psnr": f"in dB, RGB, rounded, 4 pixels cropped; mean over {config.pictures} pictures "
            f"of {config.test_set}, the middle 128 pixels of each; noise is not clipped",
            "aligned": "run 2 with the channels of every layer in the order that brings its "
            "weights nearest to run 1's",
            "network": "weights rounded to half precision; averaged and evaluated in float32",
        },
        artefacts=["weights.safetensors"],
        data=[config.test_set, config.photographs],
    )
    return dataclasses.replace(record, curves=found)


def _filters_alike(states: dict[str, dict[str, Tensor]], config: FiltersConfig) -> dict[str, Any]:
    """Correlations of first-layer filters with those of run 1: in place, matched, interpolated."""
    key = "net.0.weight"
    reference = states["run 1"][key]
    same, best = {}, {}
    for name, state in states.items():
        table = correlations(state[key], reference)
        same[name] = round(table.diagonal().mean().item(), 4)
        best[name] = round(table[linear_sum_assignment(table, maximize=True)].mean().item(), 4)
    last = states[f"noise {config.noises[-1]}"]
    path = [interpolate(last, states["run 1"], alpha)[key] for alpha in config.alphas]
    learned = {"run 1": 0.0} | {
        f"noise {n}": (n - config.noises[0]) / (config.noises[-1] - config.noises[0])
        for n in config.noises[1:]
    }
    between = {
        name: round(
            correlations(interpolate(last, states["run 1"], alpha)[key], states[name][key])
            .diagonal()
            .mean()
            .item(),
            4,
        )
        for name, alpha in learned.items()
    }
    return {
        "alphas": list(config.alphas),
        "in the same place": same,
        "best match": best,
        "interpolated, with run 1": [
            round(correlations(filters, reference).diagonal().mean().item(), 4) for filters in path
        ],
        "interpolated, with the learned": between,
    }


def _denoising(states: dict[str, dict[str, Tensor]], config: FiltersConfig) -> dict[str, Any]:
    """PSNR of the denoisers and of those between them."""
    files = group_names(config.test_set)
    clean = [_middle(load(file), 128) for file in files[:: len(files) // config.pictures]]
    network = Denoiser().eval()

    def score(state: State, noise: int) -> float:
        network.load_state_dict(state)
        values = []
        for k, picture in enumerate(clean):
            random = torch.Generator().manual_seed(k)
            noisy = picture + noise / 255 * torch.randn(picture.shape, generator=random)
            values.append(psnr(upscale(network, noisy), picture, protocol=RGB).item())
        return round(fmean(values), 4)

    low, *_, high = config.noises
    last, first = states[f"noise {high}"], states["run 1"]
    aligned = align(states["run 2"], first)
    strengths = {noise: (noise - low) / (high - low) for noise in config.noises}
    learned = {n: states["run 1" if n == low else f"noise {n}"] for n in config.noises}
    return {
        "trained for the noise": {n: score(learned[n], n) for n in config.noises},
        "interpolated for the noise": {
            n: score(interpolate(last, first, alpha), n) for n, alpha in strengths.items()
        },
        "trained for the least": {n: score(first, n) for n in config.noises},
        "trained for the most": {n: score(last, n) for n in config.noises},
        "two runs": [score(interpolate(states["run 2"], first, a), low) for a in config.alphas],
        "two runs, aligned": [score(interpolate(aligned, first, a), low) for a in config.alphas],
        "carried on": [
            score(interpolate(learned[config.noises[1]], first, a), low) for a in config.alphas
        ],
    }


def _middle(image: Tensor, side: int) -> Tensor:
    top, left = ((length - side) // 2 for length in image.shape[-2:])
    return image[..., top : top + side, left : left + side]


# -------------------------------------------------------------------------------- claims


def _continuous(read: Reader) -> str:
    record = read("dni/path")
    errors = record.metrics["shown"]["baboon"]["interpolated rmse"]
    steps = [b - a for a, b in itertools.pairwise(errors)]
    return (
        f"baboon: RMSE {errors[0]:.2f} at α = 0, {errors[-1]:.2f} at α = 1; from one stop to the "
        f"next it changes by {min(steps):+.2f} to {max(steps):+.2f}"
    )


def _trade_off(read: Reader) -> str:
    record = read("dni/path")
    alphas, parts = record.metrics["alphas"], []
    for group in record.config["test_sets"]:
        found = record.metrics[group]
        errors, scores = found["interpolated rmse"], found["interpolated niqe"]
        best = min(range(len(scores)), key=scores.__getitem__)
        rising = sum(b > a for a, b in itertools.pairwise(errors))
        parts.append(
            f"{group} ({found['pictures']} pictures): RMSE {errors[0]:.2f} → {errors[-1]:.2f}, "
            f"rising at {rising} of {len(errors) - 1} stops; NIQE {scores[0]:.2f} → "
            f"{scores[-1]:.2f}, least at α = {alphas[best]:g} ({scores[best]:.2f})"
        )
    return "; ".join(parts)


def niqe_at(record: ledger.Record, group: str, error: float, *, method: str) -> float | None:
    """NIQE where a walk has a given RMSE, on straight lines between stops; None if nowhere."""
    found = record.metrics[group]
    stops = list(zip(found[f"{method} rmse"], found[f"{method} niqe"], strict=True))
    for (a, low), (b, high) in itertools.pairwise(stops):
        if min(a, b) <= error <= max(a, b) and a != b:
            return low + (high - low) * (error - a) / (b - a)
    return None


def _instead_of_training(read: Reader) -> str:
    walk, parts = read("dni/sweep"), []
    for coefficient in COEFFICIENTS:
        trained = read(f"perception_distortion/adv_{coefficient}")
        error, score = trained.metric("set14", "rmse"), trained.metric("set14", "niqe")
        between = niqe_at(walk, "set14", error, method="interpolated")
        if between is not None:
            parts.append(
                f"{coefficient}: RMSE {error:.2f}, trained {score:.2f}, path {between:.2f}"
            )
    return "NIQE on Set14 at equal RMSE, by the coefficient that was trained: " + "; ".join(parts)


def _from_scratch(read: Reader) -> str:
    record, parts = read("dni/conditions"), []
    middle = len(record.metrics["alphas"]) // 2
    for pair in PAIRS:
        found = record.metrics[pair]
        decibels = found["interpolated"]
        parts.append(
            f"{pair}: {decibels[0]:.2f} and {decibels[-1]:.2f} dB at the ends, "
            f"{decibels[middle]:.2f} dB halfway (cosine of the weights {found['cosine']:.2f})"
        )
    return f"Set5, {record.steps:,} steps each: " + "; ".join(parts)


def _places(read: Reader) -> str:
    found = read("dni/filters").metrics
    return (
        f"two runs at one noise: mean correlation {found['in the same place']['run 2']:.2f} in the "
        f"same place, {found['best match']['run 2']:.2f} when each filter is paired with its like"
    )


def _carried_on(read: Reader) -> str:
    found = read("dni/filters").metrics
    values = [
        f"{n} {v:.2f}" for n, v in found["in the same place"].items() if n.startswith("noise")
    ]
    return "correlation in the same place with the run they began from: " + ", ".join(values)


def _between(read: Reader) -> str:
    found = read("dni/filters").metrics
    alike = found["interpolated, with the learned"]["noise 40"]
    learned, between = (found[f"{way} for the noise"]["40"] for way in ("trained", "interpolated"))
    ends = [found[f"trained for the {end}"]["40"] for end in ("least", "most")]
    return (
        f"halfway between noise 20 and 60: correlation {alike:.3f} with the filters trained for "
        f"40; PSNR at noise 40: {between:.2f} dB interpolated, {learned:.2f} dB trained for it "
        f"({ends[0]:.2f} and {ends[1]:.2f} dB by the two ends)"
    )


def _three(read: Reader) -> str:
    found = read("dni/triangle").metrics
    errors = {tuple(w): e for w, e in zip(found["weights"], found["rmse"], strict=True)}
    corners = [errors[w] for w in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    inside = [error for weights, error in errors.items() if 0 not in weights]
    return (
        f"baboon: RMSE {', '.join(f'{e:.2f}' for e in corners)} at the corners, "
        f"{min(inside):.2f} to {max(inside):.2f} at {len(inside)} means of all three"
    )


CLAIMS = (
    Claim(
        "averaging the weights of two networks turns the picture of the one continuously into that "
        "of the other",
        _continuous,
    ),
    Claim(
        "with ESRGAN's networks, texture and RMSE grow with α and NIQE falls: the trade-off is "
        "crossed nicely",
        _trade_off,
    ),
    Claim(
        "this is a simple substitute for training anew with every coefficient of the adversarial "
        "loss",
        _instead_of_training,
    ),
    Claim(
        "the networks must be fine-tuned from common weights: trained from scratch, each filter's "
        "role falls by chance",
        _from_scratch,
    ),
    Claim("two denoisers from scratch learn similar filters in different places", _places),
    Claim("one carried on from another has similar filters in the same places", _carried_on),
    Claim(
        "interpolated filters come close to those that training at the noise between learns",
        _between,
    ),
    Claim("three networks or more will do, if the weights sum to one", _three),
)
"""What the article found, and how the records answer."""


# ------------------------------------------------------------------------------ register

NEEDS = ("set14", "bsd100")

EXPERIMENTS = (
    Experiment(
        name="dni/path",
        summary="from SRResNet to SRGAN: averaged weights beside blended pictures",
        profiles={
            "smoke": PathConfig(
                alphas=(0.0, 0.5, 1.0), test_sets=("set14",), squares=("baboon",), limit=1
            ),
            "quick": PathConfig(test_sets=("set14",), squares=("baboon", "zebra")),
            "book": PathConfig(),
            "article": PathConfig(test_sets=("set14",), squares=("baboon",)),
        },
        run=run_path,
        needs=NEEDS,
    ),
    Experiment(
        name="dni/sweep",
        summary="the same to the strongest adversary of the sweep, past its other trainings",
        profiles={
            profile: PathConfig(
                end="perception_distortion/adv_1e-2",
                test_sets=("set14",),
                squares=("baboon",),
                limit=limit,
                alphas=alphas,
            )
            for profile, limit, alphas in (
                ("smoke", 1, (0.0, 1.0)),
                ("quick", None, TENTHS),
                ("book", None, TENTHS),
                ("article", None, TENTHS),
            )
        },
        run=run_path,
        needs=("set14",),
    ),
    Experiment(
        name="dni/esrgan",
        summary="the same with ESRGAN's published networks, for readers who have the files",
        profiles={
            profile: PathConfig(
                start="RRDB_PSNR_x4.pth",
                end="RRDB_ESRGAN_x4.pth",
                test_sets=("set14",),
                squares=("baboon",),
                limit=limit,
                alphas=alphas,
            )
            for profile, limit, alphas in (
                ("smoke", 1, (0.0, 1.0)),
                ("quick", 1, TENTHS),
                ("book", None, TENTHS),
                ("article", 1, TENTHS),
            )
        },
        run=run_path,
        needs=("set14",),
    ),
    Experiment(
        name="dni/triangle",
        summary="means of three networks: SRResNet, SRGAN with φ2,2 and with φ5,4",
        profiles={
            "smoke": TriangleConfig(parts=1),
            "quick": TriangleConfig(),
            "book": TriangleConfig(),
            "article": TriangleConfig(),
        },
        run=run_triangle,
        needs=("set14/baboon.png",),
    ),
    Experiment(
        name="dni/conditions",
        summary="pairs of SRResNets with one start and with two, and batch normalisation between",
        profiles={
            "smoke": ConditionsConfig(
                steps=2, batch=2, patch=48, limit=8, alphas=(0.5,), batches=1
            ),
            "quick": ConditionsConfig(steps=2_000, batch=16),
            "book": ConditionsConfig(steps=10_000, batch=16, batches=16),
            "article": ConditionsConfig(steps=208_750, batch=16, batches=16),
        },
        run=run_conditions,
        needs=("bsds500", "set5"),
    ),
    Experiment(
        name="dni/filters",
        summary="the first-layer filters of denoisers, and of those between them",
        profiles={
            "smoke": FiltersConfig(
                steps=2, batch=2, limit=4, noises=(20, 40, 60), alphas=(0.0, 1.0), pictures=2
            ),
            "quick": FiltersConfig(steps=4_000, batch=32),
            "book": FiltersConfig(steps=20_000, batch=32),
            "article": FiltersConfig(steps=200_000, batch=32),
        },
        run=run_filters,
        needs=("bsds500", "bsd100"),
    ),
)
