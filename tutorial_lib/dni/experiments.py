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
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from tutorial_lib import ledger
from tutorial_lib.data import (
    group_names,
    load,
    low_resolution,
    mod_crop,
    write_atomically,
    write_image,
)
from tutorial_lib.dni.denoisers import (
    DenoiserRecipe,
    FiltersConfig,
    denoising,
    filters_alike,
)
from tutorial_lib.dni.interpolation import Denoiser, Interpolator, State
from tutorial_lib.dni.walk import (
    PATH_PROTOCOL,
    TENTHS,
    PathConfig,
    animate,
    average_along,
    chosen,
    endpoints,
    group_of,
    measure_along,
    upscale,
)
from tutorial_lib.experiment import Claim, Experiment, Reader, Run, curves
from tutorial_lib.metrics import PIRM, Y, mse, niqe, psnr
from tutorial_lib.perception_distortion.experiments import COEFFICIENTS
from tutorial_lib.srgan import Generator
from tutorial_lib.srgan.evaluation import CROPS, PROTOCOL, SCALE
from tutorial_lib.srgan.training import (
    SrresnetConfig,
    SrresnetRecipe,
    generator_from,
    recorded_generator,
)
from tutorial_lib.training import History, half_state, train

# ----------------------------------------------------------------------------- the path


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
        for file in chosen(group, config):
            part = run.folder / "parts" / f"{key}_{group}_{Path(file).stem}.csv"
            if not part.exists():
                measure_along(run, move, network, file, part)
            lines[group, Path(file).stem] = part.read_text(encoding="utf-8")
    table = "set,picture,method,alpha,mse,psnr_y,niqe\n"
    for (group, picture), text in lines.items():
        table += "".join(f"{group},{picture},{line}\n" for line in text.splitlines())
    write_atomically(run.folder / "pictures.csv", lambda path: path.write_text(table, "utf-8"))

    metrics: dict[str, Any] = {"alphas": list(config.alphas)}
    for group in config.test_sets:
        parts = [text for (there, _), text in lines.items() if there == group]
        metrics[group] = {"pictures": len(parts)} | average_along(parts, config.alphas)
    shown = {
        name: lines[group_of(name, config), Path(CROPS[name][0]).stem] for name in config.squares
    }
    metrics["shown"] = {name: average_along([text], config.alphas) for name, text in shown.items()}
    kept = [f"{name}_{k:02d}.webp" for name in config.squares for k in range(len(config.alphas))]
    first = config.squares[0]
    blends = [f"{first}_blended_{k:02d}.webp" for k in range(len(config.alphas))]
    animate(run.folder, first, config.alphas, metrics["shown"][first])
    record = run.record(
        history=History(seconds=time.monotonic() - began),
        metrics=metrics,
        protocol=PATH_PROTOCOL | {f"weights at {name}": sha for name, sha in used.items()},
        artefacts=["pictures.csv", *kept, *blends, f"{first}_path.webp"],
        data=config.test_sets,
    )
    return dataclasses.replace(record, precision="32-true")


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
    warm_up: int = 100
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
    one, other = (
        torch.cat([value.flatten() for value in state.values() if value.ndim == 4])
        for state in (a, b)
    )
    mean = (one.norm() + other.norm()) / 2
    return {
        "distance": round(((one - other).norm() / mean).item(), 4),
        "cosine": round(nn.functional.cosine_similarity(one, other, dim=0).item(), 4),
    }


# -------------------------------------------------------------------------- the filters


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
        metrics=filters_alike(states, config) | denoising(states, config),
        protocol={
            "correlation": "Pearson, over the 3 × 7 × 7 weights of a filter of the first layer; "
            "mean over the 64 filters",
            "best match": "filters paired one to one so that the sum of correlations is largest; "
            "shuffled: with the numbers inside of run 2's filters in a random order",
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


# -------------------------------------------------------------------------------- claims


TITLES = {"set5": "Set5", "set14": "Set14", "bsd100": "BSD100"}
"""Test sets as papers write them."""


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
            f"{TITLES.get(group, group)} ({found['pictures']} pictures): "
            f"RMSE {errors[0]:.2f} → {errors[-1]:.2f}, rising at {rising} of "
            f"{len(errors) - 1} stops; NIQE {scores[0]:.2f} → {scores[-1]:.2f}, "
            f"least at α = {alphas[best]:g} ({scores[best]:.2f})"
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
        f"same place, {found['best match']['run 2']:.2f} when each filter is paired with its like "
        f"({found['best match']['run 2, shuffled']:.2f} if the numbers in each are shuffled first)"
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

ONE_SET = PathConfig(test_sets=("set14",), squares=("baboon",))
SWEEP = dataclasses.replace(ONE_SET, end="perception_distortion/adv_1e-3")
ESRGAN = dataclasses.replace(ONE_SET, start="RRDB_PSNR_x4.pth", end="RRDB_ESRGAN_x4.pth")

EXPERIMENTS = (
    Experiment(
        name="dni/path",
        summary="from SRResNet to SRGAN: averaged weights beside blended pictures",
        profiles={
            "smoke": dataclasses.replace(ONE_SET, alphas=(0.0, 0.5, 1.0), limit=1),
            "quick": PathConfig(test_sets=("set14",), squares=("baboon", "zebra")),
            "book": PathConfig(),
            "article": ONE_SET,
        },
        run=run_path,
        needs=("set14", "bsd100"),
    ),
    Experiment(
        name="dni/sweep",
        summary="the same to the sweep's training with coefficient 1e-3, past its other trainings",
        profiles={
            "smoke": dataclasses.replace(SWEEP, limit=1, alphas=(0.0, 1.0)),
            "quick": SWEEP,
            "book": SWEEP,
            "article": SWEEP,
        },
        run=run_path,
        needs=("set14",),
    ),
    Experiment(
        name="dni/esrgan",
        summary="the same with ESRGAN's published networks, for readers who have the files",
        profiles={
            "smoke": dataclasses.replace(ESRGAN, limit=1, alphas=(0.0, 1.0)),
            "quick": dataclasses.replace(ESRGAN, limit=1),
            "book": ESRGAN,
            "article": dataclasses.replace(ESRGAN, limit=1),
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
