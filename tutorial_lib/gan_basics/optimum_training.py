"""Discriminators trained to convergence against a generator that no longer moves, and recorded."""

from __future__ import annotations

import dataclasses

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.experiment import Run
from tutorial_lib.gan_basics.game import discriminator_step
from tutorial_lib.gan_basics.losses import LOSSES
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS, Mlps, RunwiseAdam
from tutorial_lib.gan_basics.plane_training import (
    PLANE_PROTOCOL,
    Game,
    Measures,
    PlaneConfig,
    PlaneRecipe,
    plane_record,
    train_and_look,
)
from tutorial_lib.gan_basics.seeds import curve_name
from tutorial_lib.gan_basics.standing import standing
from tutorial_lib.gan_basics.views import View, look
from tutorial_lib.settings import at_least, not_empty, one_of, positive

IN_THE_GAME = "as the game left it"
"""The discriminator against which the generator was trained."""


@dataclasses.dataclass(frozen=True)
class Judge:
    """A discriminator that is trained from new against the generators at rest.

    Attributes
    ----------
    name : str
        As curves and pictures call it.
    layers, hidden : int
        Hidden layers, and units of each.
    """

    name: str
    layers: int
    hidden: int

    def __post_init__(self) -> None:
        at_least(self, 1, "layers", "hidden")


@dataclasses.dataclass(frozen=True)
class OptimumConfig:
    """Settings of a training to convergence.

    Attributes
    ----------
    distribution : str
        One of :data:`tutorial_lib.gan_basics.plane.DISTRIBUTIONS`.
    judges : tuple of Judge
        Each is trained once a seed.
    steps : int
        Updates of each judge.
    played : int
        Rounds of the non-saturating game before the generator is held still.
    seeds : int
        Games, from seed 0; the first one's pictures are kept.
    batch : int
        Samples of either kind in a batch of a judge.
    rate : float
        Adam's learning rate at first; it falls to zero in equal steps.
    watched : int
        How often the judges are measured, evenly over training.
    frames : tuple of int
        Steps after which pictures are kept, beside the last.
    """

    distribution: str
    judges: tuple[Judge, ...]
    steps: int
    played: int = 1000
    seeds: int = 5
    batch: int = 256
    rate: float = 3e-3
    watched: int = 8
    frames: tuple[int, ...] = (0, 30, 100, 300, 1000)

    def __post_init__(self) -> None:
        one_of(self, DISTRIBUTIONS, "distribution")
        not_empty(self, "judges")
        at_least(self, 0, "played", "frames")
        at_least(self, 1, "seeds", "batch", "watched")
        positive(self, "rate")


class OptimumRecipe:
    """Generators that have played for a while, and judges that learn while these are at rest."""

    def __init__(self, config: OptimumConfig, fabric: Fabric) -> None:
        self.config, self.device = config, fabric.device
        self.batch_size = config.batch * config.seeds * len(config.judges)
        game = PlaneConfig(
            config.distribution, (Game(IN_THE_GAME),), steps=config.played, seeds=config.seeds
        )
        played = PlaneRecipe(game, fabric)
        source = torch.Generator().manual_seed(0)
        for index in range(config.played):
            played.step(index, source)
        self.mixture, self.losses = played.mixture, LOSSES["non-saturating"]
        self.generator = played.teams[0].generator.requires_grad_(False)
        self.opponent = played.teams[0].discriminator
        self.judges: dict[str, Mlps] = {}
        self.modules: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        for judge in config.judges:
            seeds = [2000 + seed for seed in range(config.seeds)]
            network = Mlps(seeds, outputs=1, hidden=judge.hidden, layers=judge.layers)
            self.judges[judge.name] = network.to(self.device)
            self.modules[judge.name] = network
            self.optimizers[judge.name] = RunwiseAdam(
                list(network.parameters()), torch.zeros(config.seeds), betas=(0.9, 0.999)
            )

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Train every judge on one batch; returns the first seed's losses."""
        config = self.config
        real = self.mixture.sample(config.seeds, config.batch, generator=generator)
        noise = torch.randn(config.seeds, config.batch, 2, generator=generator)
        rate = config.rate * max(0.0, 1 - index / config.steps)
        losses = {}
        for name, judge in self.judges.items():
            optimizer = self.optimizers[name]
            optimizer.rates = torch.full((config.seeds,), rate)  # type: ignore[attr-defined]
            loss = discriminator_step(
                self.generator,
                judge,
                optimizer,
                real.to(self.device),
                noise.to(self.device),
                losses=self.losses,
            )
            losses[curve_name("discriminator loss", game=name, seed=0)] = loss[0]
        return losses

    def views(self) -> dict[str, View]:
        """What there is to see of the first seed, with each discriminator."""
        judges = {IN_THE_GAME: self.opponent, **self.judges}
        return {
            name: look(self.generator, judge, self.mixture, losses=self.losses)[0]
            for name, judge in judges.items()
        }

    def measures(self) -> Measures:
        """Measure every discriminator: judge → measure → one number a seed."""
        found = {}
        for name, judge in {IN_THE_GAME: self.opponent, **self.judges}.items():
            stands = standing(self.generator, judge, self.mixture, losses=self.losses)
            rows = [dataclasses.asdict(stand) for stand in stands]
            found[name] = {measure: [row[measure] for row in rows] for measure in rows[0]}
        return found


def run_optimum(run: Run) -> ledger.Record:
    """Hold generators still, train discriminators against them, and see how near D* they come."""
    recipe = OptimumRecipe(run.config, run.fabric)

    def watch() -> Measures:
        found = recipe.measures()
        return {
            judge: {measure: found[judge][measure] for measure in ("gap", "value")}
            for judge in recipe.judges
        }

    history, names = train_and_look(run, recipe, watch)
    return plane_record(
        run,
        history,
        metrics=recipe.measures(),
        protocol={
            name: PLANE_PROTOCOL[name] for name in ("divergence", "value", "gap", "coin", "views")
        },
        artefacts=names,
    )
