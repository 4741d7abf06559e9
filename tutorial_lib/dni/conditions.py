"""When networks can be interpolated: pairs with one start and with two, and what lies between.

Of the chapter on interpolation between networks.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import write_image
from tutorial_lib.dni.interpolation import Interpolator, State
from tutorial_lib.dni.walk import TENTHS, endpoints
from tutorial_lib.experiment import Run, curves
from tutorial_lib.settings import at_least, not_empty, share
from tutorial_lib.srgan import Generator
from tutorial_lib.srgan.evaluation import PROTOCOL, SCALE, averages, evaluate, square
from tutorial_lib.srgan.training import SrresnetConfig, SrresnetRecipe, generator_from
from tutorial_lib.training import half_state, reestimate_statistics, train

TEST_SET = "set5"

PAIRS = {"two starts": ("first", "second"), "one start": ("first", "carried on")}
"""The pairs of networks: trained twice from scratch, and once from scratch and then on."""

RECORDED = ("srgan/brief_gan", "srgan/brief")
"""A third pair, of recorded networks: the end first."""


@dataclasses.dataclass(frozen=True)
class ConditionsConfig:
    """Settings of the pairs of networks that share a start or do not.

    Attributes
    ----------
    steps : int
        Updates in each of the three trainings.
    batch, patch : int
        Patches a step, and their side in high-resolution pixels.
    learning_rate : float
        Of Adam.
    warm_up : int
        Steps over which the learning rate rises from zero.
    cosine : bool
        Let the learning rate fall along a cosine to zero at the last step.
    photographs : str
        What is trained on.
    limit : int or None
        Use only so many photographs.
    alphas : tuple of float
        Where to measure between the networks of a pair.
    batches : int
        Batches of training patches from which batch normalisation's statistics are made anew.
    """

    steps: int
    batch: int = 4
    patch: int = 96
    learning_rate: float = 4e-4
    warm_up: int = 100
    cosine: bool = True
    photographs: str = "bsds500"
    limit: int | None = None
    alphas: tuple[float, ...] = TENTHS
    batches: int = 4

    def __post_init__(self) -> None:
        self.training()
        not_empty(self, "alphas")
        share(self, "alphas")
        at_least(self, 1, "batches")

    def training(self) -> SrresnetConfig:
        """Each training's settings: from random weights, of which the last are kept."""
        return SrresnetConfig(
            steps=self.steps,
            batch=self.batch,
            patch=self.patch,
            learning_rate=self.learning_rate,
            warm_up=self.warm_up,
            cosine=self.cosine,
            photographs=self.photographs,
            limit=self.limit,
        )


def run_conditions(run: Run) -> ledger.Record:
    """Train SRResNet twice from scratch and once onwards; measure between the two kinds of pairs.

    All three trainings have the same number of steps and schedule; they differ in where they start
    and in the order of the photographs.
    """
    config, device = run.config, run.fabric.device
    recipe = SrresnetRecipe(config.training(), run.fabric, steps=run.steps)
    fresh = copy.deepcopy(recipe.optimizer.state_dict())
    states: dict[str, dict[str, Tensor]] = {}
    found, seconds = {}, 0.0
    for seed, name in enumerate(("first", "second", "carried on")):
        torch.manual_seed(seed)
        start: State = Generator(scale=SCALE).state_dict()
        if name == "carried on":
            start = states["first"]
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
        # As a record stores them.
        states[name] = generator_from(half_state(recipe.modules["generator"])).state_dict()
        found[f"mse, {name}"] = curves(history)["mse"]
        seconds += history.seconds

    pairs: dict[str, list[State]] = {
        title: [states[name] for name in reversed(names)] for title, names in PAIRS.items()
    }
    _, pairs["SRResNet and SRGAN"], used = endpoints(RECORDED)
    random = torch.Generator().manual_seed(0)
    lows = [
        recipe.pairs.sample(16, patch=config.patch, generator=random, device=device)[0]
        for _ in range(config.batches)
    ]
    metrics: dict[str, Any] = {"alphas": list(config.alphas)}
    files = []
    for title, ends in pairs.items():
        network = Generator(scale=SCALE).eval().to(device)
        move = Interpolator(network, ends)
        metrics[title] = psnr_between(move, network, alphas=config.alphas, batches=lows)
        metrics[title] |= apart(*ends)
        if title not in PAIRS:
            continue
        for k, alpha in enumerate(config.alphas):
            move(alpha, 1 - alpha)
            made = square("butterfly", network, device=device)[..., :192, :192]
            files.append(f"{title.replace(' ', '_')}_{k:02d}.webp")
            write_image(run.folder / files[-1], made, quality=95, overwrite=True)
    record = run.record(
        history=dataclasses.replace(history, seconds=seconds),
        metrics=metrics,
        protocol={
            "psnr": PROTOCOL["psnr"] + f"; Y, {TEST_SET}",
            "network": "weights rounded to half precision; averaged and evaluated in float32",
            "interpolated": "batch normalisation's statistics averaged like all weights",
            "re-estimated": f"statistics made anew, as the mean over {config.batches} batches of "
            "16 training patches in the averaged network",
            "distance": "length of the difference of all convolutions' weights over the mean of "
            "their lengths",
            "low resolution": PROTOCOL["low resolution"],
        },
        artefacts=files,
        data=[TEST_SET, config.photographs],
        start=used,
    )
    return dataclasses.replace(record, curves=found)


def psnr_between(
    move: Interpolator, network: nn.Module, *, alphas: Sequence[float], batches: Sequence[Tensor]
) -> dict[str, list[float]]:
    """PSNR between two networks, with their statistics averaged and made anew.

    Parameters
    ----------
    move : Interpolator
        Of `network`, among two.
    network : nn.Module
        Enlarges by four.
    alphas : sequence of float
        Shares of the first of the two.
    batches : sequence of Tensor
        Small training patches, (N, 3, h, w), on the network's device.

    Returns
    -------
    dict
        ``interpolated`` and ``re-estimated``: dB in Y on Set5, one value for each share.
    """
    device = next(network.parameters()).device
    decibels: dict[str, list[float]] = {"interpolated": [], "re-estimated": []}
    for alpha in alphas:
        for statistics, values in decibels.items():
            move(alpha, 1 - alpha)
            if statistics == "re-estimated":
                reestimate_statistics(network, batches)
            scores = evaluate(network, TEST_SET, measures=("psnr_y",), device=device)
            values.append(round(averages(scores)["psnr_y"], 4))
    return decibels


def apart(a: State, b: State) -> dict[str, float]:
    """How far two networks are from each other, in the weights of their convolutions.

    Parameters
    ----------
    a, b : mapping of str to Tensor
        ``state_dict()`` of each.

    Returns
    -------
    dict
        ``distance``: the length of the difference over the mean of the two lengths; ``cosine`` of
        the angle between the two.

    Examples
    --------
    >>> one, other = torch.tensor([3.0, 4.0]), torch.tensor([4.0, 3.0])
    >>> apart({"w": one.view(1, 1, 1, 2)}, {"w": other.view(1, 1, 1, 2)})
    {'distance': 0.2828, 'cosine': 0.96}
    """
    one, other = (
        torch.cat([value.flatten() for value in state.values() if value.ndim == 4])
        for state in (a, b)
    )
    mean = (one.norm() + other.norm()) / 2
    return {
        "distance": round(((one - other).norm() / mean).item(), 4),
        "cosine": round(nn.functional.cosine_similarity(one, other, dim=0).item(), 4),
    }
