"""Denoisers for several strengths of noise: their training, their filters, and those between them.

Of the chapter on interpolation between networks.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from statistics import fmean
from typing import Any

import torch
from lightning_fabric import Fabric
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from tutorial_lib.data import Pairs, group_names, load
from tutorial_lib.dni.interpolation import Denoiser, State, align, correlations, interpolate
from tutorial_lib.dni.walk import TENTHS, upscale
from tutorial_lib.metrics import RGB, psnr
from tutorial_lib.training import set_up, shard


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


def filters_alike(states: dict[str, dict[str, Tensor]], config: FiltersConfig) -> dict[str, Any]:
    """Correlations of first-layer filters with those of run 1: in place, matched, interpolated."""
    key = "net.0.weight"
    reference = states["run 1"][key]
    same, best = {}, {}
    for name, state in states.items():
        table = correlations(state[key], reference)
        same[name] = round(table.diagonal().mean().item(), 4)
        best[name] = round(table[linear_sum_assignment(table, maximize=True)].mean().item(), 4)
    # What pairing finds where there is nothing to find: the same numbers in random places.
    order = torch.randperm(reference[0].numel(), generator=torch.Generator().manual_seed(0))
    shuffled = states["run 2"][key].flatten(1)[:, order].view_as(reference)
    table = correlations(shuffled, reference)
    best["run 2, shuffled"] = round(
        table[linear_sum_assignment(table, maximize=True)].mean().item(), 4
    )
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


def denoising(states: dict[str, dict[str, Tensor]], config: FiltersConfig) -> dict[str, Any]:
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
