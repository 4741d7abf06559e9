"""Denoisers for several strengths of noise: their training, their filters, and those between them.

Of the chapter on interpolation between networks.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import GROUPS, Pairs, group_names, load, write_atomically
from tutorial_lib.dni.alignment import align
from tutorial_lib.dni.denoiser import Denoiser, correlations
from tutorial_lib.dni.interpolation import State, interpolate
from tutorial_lib.dni.walk import TENTHS, output_of
from tutorial_lib.experiment import Run, curves
from tutorial_lib.metrics import RGB, psnr
from tutorial_lib.settings import at_least, not_empty, one_of, positive, share
from tutorial_lib.training import half_state, load_half_state, set_up, shard, train

FILTERS = "net.0.weight"
"""The layer whose filters are compared."""

WEIGHTS = "weights.safetensors"


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

    def __post_init__(self) -> None:
        at_least(self, 1, "batch", "limit", "pictures")
        positive(self, "learning_rate", "noises")
        if self.patch < 4 or self.patch % 4:
            raise ValueError(f"patch must be a positive multiple of 4: got {self.patch}")
        not_empty(self, "noises", "alphas")
        if len(self.noises) < 2:
            raise ValueError(f"noises must name at least two: got {self.noises!r}")
        share(self, "alphas")
        one_of(self, GROUPS, "photographs", "test_set")


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


def training_plan(noises: Sequence[int]) -> dict[str, int]:
    """The denoisers in the order of their training: name → noise.

    Examples
    --------
    >>> training_plan([20, 30])
    {'run 1': 20, 'run 2': 20, 'noise 30': 30}
    """
    first, *others = noises
    return {"run 1": first, "run 2": first} | {f"noise {noise}": noise for noise in others}


def in_place(filters_a: Tensor, filters_b: Tensor) -> float:
    """Mean correlation of filters in the same place; shapes as of `correlations`."""
    return round(correlations(filters_a, filters_b).diagonal().mean().item(), 4)


def paired(filters_a: Tensor, filters_b: Tensor) -> float:
    """Mean correlation when each filter is paired with one of the other layer, as well as can be.

    Parameters
    ----------
    filters_a, filters_b : Tensor
        (N, C, k, k) each.

    Returns
    -------
    float
        In [−1, 1]; no other pairing one to one has a greater mean.
    """
    table = correlations(filters_a, filters_b)
    return round(table[linear_sum_assignment(table, maximize=True)].mean().item(), 4)


def filters_alike(
    states: Mapping[str, State], *, noises: Sequence[int], alphas: Sequence[float]
) -> dict[str, Any]:
    """Correlations of first-layer filters with those of run 1: in place, paired, interpolated.

    Parameters
    ----------
    states : mapping of str to State
        The denoisers of :func:`training_plan`.
    noises : sequence of int
        What they were trained for, ascending.
    alphas : sequence of float
        Where to look between run 1 and the last noise.
    """
    filters = {name: state[FILTERS] for name, state in states.items()}
    reference = filters["run 1"]
    # What pairing finds where there is nothing to find: the same numbers in random places.
    order = torch.randperm(reference[0].numel(), generator=torch.Generator().manual_seed(0))
    shuffled = filters["run 2"].flatten(1)[:, order].view_as(reference)

    def between(alpha: float) -> Tensor:
        return interpolate(states[f"noise {noises[-1]}"], states["run 1"], alpha)[FILTERS]

    learned = {"run 1": 0.0} | {f"noise {n}": a for n, a in shares(noises).items() if a > 0}
    return {
        "alphas": list(alphas),
        "in the same place": {name: in_place(f, reference) for name, f in filters.items()},
        "best match": {name: paired(f, reference) for name, f in filters.items()}
        | {"run 2, shuffled": paired(shuffled, reference)},
        "interpolated, with run 1": [in_place(between(alpha), reference) for alpha in alphas],
        "interpolated, with the learned": {
            name: in_place(between(alpha), filters[name]) for name, alpha in learned.items()
        },
    }


def shares(noises: Sequence[int]) -> dict[int, float]:
    """Where each noise lies between the least and the most, as a share in [0, 1].

    Examples
    --------
    >>> shares([20, 30, 60])
    {20: 0.0, 30: 0.25, 60: 1.0}
    """
    low, *_, high = noises
    return {noise: (noise - low) / (high - low) for noise in noises}


def denoising(
    states: Mapping[str, State],
    clean: Sequence[Tensor],
    *,
    noises: Sequence[int],
    alphas: Sequence[float],
) -> dict[str, Any]:
    """PSNR of the denoisers and of those between them.

    Parameters
    ----------
    states : mapping of str to State
        The denoisers of :func:`training_plan`.
    clean : sequence of Tensor
        Pictures, (1, 3, H, W), to which noise is added.
    noises : sequence of int
        What they were trained for, ascending.
    alphas : sequence of float
        Where to measure between two denoisers.

    Returns
    -------
    dict
        dB, by noise or along `alphas`.
    """
    network = Denoiser().eval()

    def score(state: State, noise: int) -> float:
        network.load_state_dict(state)
        values = []
        for k, picture in enumerate(clean):
            random = torch.Generator().manual_seed(k)
            noisy = picture + noise / 255 * torch.randn(picture.shape, generator=random)
            values.append(psnr(output_of(network, noisy), picture, protocol=RGB).item())
        return round(fmean(values), 4)

    first, second, *others = (states[name] for name in training_plan(noises))
    learned = dict(zip(noises, (first, *others), strict=True))
    low, last = noises[0], others[-1]

    def along(state: State) -> list[float]:
        return [score(interpolate(state, first, alpha), low) for alpha in alphas]

    return {
        "trained for the noise": {n: score(learned[n], n) for n in noises},
        "interpolated for the noise": {
            n: score(interpolate(last, first, alpha), n) for n, alpha in shares(noises).items()
        },
        "trained for the least": {n: score(first, n) for n in noises},
        "trained for the most": {n: score(last, n) for n in noises},
        "two runs": along(second),
        "two runs, aligned": along(align(second, first)),
        "carried on": along(others[0]),
    }


def middles(group: str, *, count: int, side: int) -> list[Tensor]:
    """The middle squares of some pictures of a set, evenly spread, each (1, 3, side, side)."""
    files = group_names(group)
    squares = []
    for file in files[:: len(files) // count][:count]:
        image = load(file)
        top, left = ((length - side) // 2 for length in image.shape[-2:])
        squares.append(image[..., top : top + side, left : left + side])
    return squares


def run_filters(run: Run) -> ledger.Record:
    """Train denoisers from two starts and onwards, and compare their filters."""
    config = run.config
    recipe = DenoiserRecipe(config, run.fabric, steps=run.steps)
    states: dict[str, State] = {}
    stored: dict[str, Tensor] = {}
    found, seconds = {}, 0.0
    for seed, (name, noise) in enumerate(training_plan(config.noises).items()):
        torch.manual_seed(seed)
        start = states["run 1"] if seed > 1 else Denoiser().state_dict()
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
        half = half_state(recipe.modules["denoiser"])
        stored |= {stored_name(name, key): value for key, value in half.items()}
        # As stored, so that the record's weights are those that are measured.
        states[name] = load_half_state(Denoiser(), half).state_dict()
        found[f"mse, {name}"] = curves(history)["mse"]
        seconds += history.seconds

    write_atomically(run.folder / WEIGHTS, lambda path: save_file(stored, str(path)))
    clean = middles(config.test_set, count=config.pictures, side=128)
    places: dict[str, Any] = {"noises": config.noises, "alphas": config.alphas}
    record = run.record(
        history=dataclasses.replace(history, seconds=seconds),
        metrics=filters_alike(states, **places) | denoising(states, clean, **places),
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
        artefacts=[WEIGHTS],
        data=[config.test_set, config.photographs],
    )
    return dataclasses.replace(record, curves=found)


def stored_name(name: str, key: str) -> str:
    """What a weight of one of the denoisers is called in the file that holds them all."""
    return f"{name.replace(' ', '_')}.{key}"


def recorded_denoisers(record: ledger.Record) -> dict[str, State]:
    """The denoisers of a record, by the names of :func:`training_plan`."""
    weights = load_file(record.artefact(WEIGHTS))
    return {
        name: load_half_state(
            denoiser := Denoiser(),
            {key: weights[stored_name(name, key)] for key in denoiser.state_dict()},
        ).state_dict()
        for name in training_plan(record.config["noises"])
    }
