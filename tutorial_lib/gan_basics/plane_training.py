"""Games in the plane, played and recorded: settings, recipe, measures, and the views kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.experiment import Run
from tutorial_lib.gan_basics.game import gan_step
from tutorial_lib.gan_basics.losses import LOSSES, Losses
from tutorial_lib.gan_basics.measures import coverage, good_level
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS, Mlps, RunwiseAdam
from tutorial_lib.gan_basics.seeds import curve_name, over_seeds, seed_curves
from tutorial_lib.gan_basics.standing import Standing, standing
from tutorial_lib.gan_basics.stored import frame_name, store_views
from tutorial_lib.gan_basics.views import View, look, side_by_side
from tutorial_lib.settings import at_least, not_empty, one_of, positive
from tutorial_lib.training import History, Recipe, train

Measures = dict[str, dict[str, list[float]]]
"""Game → measure → one number a seed."""


@dataclasses.dataclass(frozen=True)
class Game:
    """How one game in the plane is played.

    Attributes
    ----------
    name : str
        As curves and pictures call it.
    loss : str
        One of :data:`tutorial_lib.gan_basics.losses.LOSSES`.
    generator_rate, discriminator_rate : float
        Adam's learning rates.
    rounds : int
        Updates of the discriminator for each of the generator.
    r1 : float
        γ of the penalty on the discriminator's slope at real data.
    spectral : bool
        Whether the discriminator's weights are divided by their largest singular values.
    """

    name: str
    loss: str = "non-saturating"
    generator_rate: float = 1e-3
    discriminator_rate: float = 1e-3
    rounds: int = 1
    r1: float = 0.0
    spectral: bool = False

    def __post_init__(self) -> None:
        one_of(self, LOSSES, "loss")
        positive(self, "generator_rate", "discriminator_rate")
        at_least(self, 1, "rounds")
        at_least(self, 0, "r1")

    @property
    def kind(self) -> tuple[str, int, float, bool]:
        """What games must share to be played side by side."""
        return self.loss, self.rounds, self.r1, self.spectral


@dataclasses.dataclass(frozen=True)
class PlaneConfig:
    """Settings of an experiment in the plane.

    Attributes
    ----------
    distribution : str
        One of :data:`tutorial_lib.gan_basics.plane.DISTRIBUTIONS`.
    games : tuple of Game
        Each is played once a seed.
    steps : int
        Updates of each generator.
    seeds : int
        Runs of each game, from seed 0; the first one's pictures are kept.
    batch : int
        Samples a batch.
    watched : int
        How often the measures are taken, evenly over training.
    frames : tuple of int
        Steps after which pictures are kept, beside the last.
    detailed : bool
        Whether the losses of all seeds are kept, and every look measures how D stands beside the
        best D; otherwise the first seed's losses, and that only at the end.
    """

    distribution: str
    games: tuple[Game, ...]
    steps: int
    seeds: int = 5
    batch: int = 64
    watched: int = 10
    frames: tuple[int, ...] = (0, 100, 400, 1000, 2000)
    detailed: bool = True

    def __post_init__(self) -> None:
        one_of(self, DISTRIBUTIONS, "distribution")
        not_empty(self, "games")
        at_least(self, 1, "seeds", "batch", "watched")
        at_least(self, 0, "frames")


@dataclasses.dataclass(frozen=True)
class Team:
    """Games of one kind, whose players lie side by side in two networks.

    Attributes
    ----------
    games : tuple of Game
        Runs lie game by game, and within a game seed by seed.
    generator, discriminator : Mlps
        All their players.
    generator_optimizer, discriminator_optimizer : RunwiseAdam
        Each run at its game's rate.
    """

    games: tuple[Game, ...]
    generator: Mlps
    discriminator: Mlps
    generator_optimizer: RunwiseAdam
    discriminator_optimizer: RunwiseAdam

    @property
    def losses(self) -> Losses:
        """What all of them play for."""
        return dataclasses.replace(LOSSES[self.games[0].loss], r1=self.games[0].r1)

    @property
    def rounds(self) -> int:
        """Updates of the discriminator for each of the generator."""
        return self.games[0].rounds


def make_team(games: Sequence[Game], *, seeds: int, device: torch.device) -> Team:
    """Draw all players of some games; equal seeds have equal players in every game."""
    every = [seed for _ in games for seed in range(seeds)]
    generator = Mlps(every, outputs=2).to(device)
    judges = [1000 + seed for seed in every]
    discriminator = Mlps(judges, outputs=1, spectral=games[0].spectral).to(device)

    def moved(player: Mlps, rates: list[float]) -> RunwiseAdam:
        each = torch.tensor(rates).repeat_interleave(seeds)
        return RunwiseAdam(list(player.parameters()), each)

    first = moved(generator, [game.generator_rate for game in games])
    second = moved(discriminator, [game.discriminator_rate for game in games])
    return Team(tuple(games), generator, discriminator, first, second)


class PlaneRecipe:
    """All games of an experiment; those of one kind share their products."""

    def __init__(self, config: PlaneConfig, fabric: Fabric) -> None:
        self.config, self.device = config, fabric.device
        self.batch_size = config.batch * config.seeds * len(config.games)
        self.mixture = DISTRIBUTIONS[config.distribution]()
        groups: dict[tuple[str, int, float, bool], list[Game]] = {}
        for game in config.games:
            groups.setdefault(game.kind, []).append(game)
        self.teams = [
            make_team(games, seeds=config.seeds, device=self.device) for games in groups.values()
        ]
        self.modules: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        for number, team in enumerate(self.teams):
            self.modules |= {
                f"generator {number}": team.generator,
                f"discriminator {number}": team.discriminator,
            }
            self.optimizers |= {
                f"generator {number}": team.generator_optimizer,
                f"discriminator {number}": team.discriminator_optimizer,
            }

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Play one round of every game; returns losses, of all seeds or of the first."""
        losses: dict[str, Tensor] = {}
        rounds = max(game.rounds for game in self.config.games)
        shape = (self.config.seeds, self.config.batch)
        reals = [self.mixture.sample(*shape, generator=generator) for _ in range(rounds)]
        noises = [torch.randn(*shape, 2, generator=generator) for _ in range(rounds + 1)]
        for team in self.teams:
            # All games of one seed see the same data and the same noise.
            repeat = (len(team.games), 1, 1)
            found = gan_step(
                team.generator,
                team.discriminator,
                team.generator_optimizer,
                team.discriminator_optimizer,
                [real.repeat(repeat).to(self.device) for real in reals[: team.rounds]],
                [noise.repeat(repeat).to(self.device) for noise in noises[: team.rounds + 1]],
                losses=team.losses,
            )
            for player, loss in found.items():
                told = self.config.seeds if self.config.detailed else 1
                losses |= {
                    curve_name(f"{player} loss", game=game.name, seed=seed): of_game[seed]
                    for game, of_game in zip(
                        team.games, loss.view(len(team.games), -1), strict=True
                    )
                    for seed in range(told)
                }
        return losses

    def players(self) -> Iterator[tuple[Team, Mlps, Mlps]]:
        """Each team with copies of its players, on the CPU, that may be looked at."""
        for team in self.teams:
            yield team, deepcopy(team.generator).cpu(), deepcopy(team.discriminator).cpu()

    def views(self) -> dict[str, View]:
        """What there is to see of every game's first seed."""
        found: dict[str, View] = {}
        for team, generator, discriminator in self.players():
            views = look(generator, discriminator, self.mixture, losses=team.losses)
            firsts = views[:: self.config.seeds]
            found |= {game.name: view for game, view in zip(team.games, firsts, strict=True)}
        return {game.name: found[game.name] for game in self.config.games}

    def standings(self) -> dict[str, list[Standing]]:
        """How every run stands against the theory: game → one standing a seed."""
        found: dict[str, list[Standing]] = {}
        for team, generator, discriminator in self.players():
            every = standing(generator, discriminator, self.mixture, losses=team.losses)
            for game in team.games:
                found[game.name], every = every[: self.config.seeds], every[self.config.seeds :]
        return found

    def samples(self, count: int) -> dict[str, Tensor]:
        """Samples of every generator: game → (seeds, count, 2)."""
        noise = torch.randn(count, 2, generator=torch.Generator().manual_seed(7))
        found: dict[str, Tensor] = {}
        for team, generator, _ in self.players():
            with torch.no_grad():
                made = side_by_side(generator, noise)
            parts = made.split(self.config.seeds)
            found |= {game.name: part for game, part in zip(team.games, parts, strict=True)}
        return found

    def measures(self, *, level: float, theory: bool) -> Measures:
        """Measure every run: game → measure → one number a seed.

        Parameters
        ----------
        level : float
            From :func:`tutorial_lib.gan_basics.measures.good_level`.
        theory : bool
            Whether it is also measured how every run stands against the theory.
        """
        found: Measures = {}
        for game, made in self.samples(2500).items():
            counted = [coverage(part, self.mixture, level=level) for part in made]
            found[game] = {
                "modes": [float(modes) for modes, _ in counted],
                "quality": [quality for _, quality in counted],
            }
        for game, stands in self.standings().items() if theory else ():
            rows = [dataclasses.asdict(stand) for stand in stands]
            # A critic states no probability, and has no gap.
            kept = [measure for measure, number in rows[0].items() if number is not None]
            found[game] |= {measure: [row[measure] for row in rows] for measure in kept}
        return found


PLANE_PROTOCOL = {
    "modes": "modes with at least a tenth of their fair share among the high-quality samples "
    "nearest to them; 2,500 samples",
    "quality": "share of 2,500 samples where the true density exceeds the level that 99 % of "
    "true samples exceed",
    "divergence": "Jensen–Shannon divergence in nats of data and generator; the data's density "
    "exact, the generator's from 10,000 samples with a Gaussian window of width 1/60, both on a "
    "grid of 128 × 128; what lies outside of it counts as one more cell",
    "value": "V(D, G) in nats, of the same densities",
    "gap": "mean of |D − D*|, half over the data and half over the fakes, of the same densities",
    "coin": "the same of |½ − D*|",
    "views": "of the first seed; densities in pictures are blurred with a Gaussian window of width "
    "0.05, on a grid of 48 × 48",
}


def run_plane(run: Run) -> ledger.Record:
    """Play all games, measure every run, and keep the first seed's pictures."""
    config: PlaneConfig = run.config
    recipe = PlaneRecipe(config, run.fabric)
    level = good_level(recipe.mixture)

    def watch() -> Measures:
        return recipe.measures(level=level, theory=config.detailed)

    history, names = train_and_look(run, recipe, watch)
    return plane_record(
        run,
        history,
        metrics=recipe.measures(level=level, theory=True),
        protocol=PLANE_PROTOCOL,
        artefacts=names,
    )


class Looked(Recipe, Protocol):
    """A recipe whose networks in the plane can be looked at."""

    def views(self) -> dict[str, View]:
        """What there is to see of the first seed, by name."""


def train_and_look(
    run: Run, recipe: Looked, measured: Callable[[], Measures]
) -> tuple[History, list[str]]:
    """Train, keep views at the configuration's frames, and watch measures through the steps.

    Parameters
    ----------
    run : Run
        Its configuration has ``frames`` and ``watched``.
    recipe : Looked
        What is trained.
    measured : callable
        Game → measure → one number a seed, as they stand.

    Returns
    -------
    tuple
        The history, and the names of the files of views.
    """
    frames = sorted({step for step in run.config.frames if step < run.steps} | {run.steps})

    def watch(step: int) -> dict[str, float]:
        if step in frames and run.fabric.is_global_zero:
            store_views(recipe.views(), run.folder / frame_name(step))
        return {
            curve_name(measure, game=game, seed=seed): number
            for game, found in measured().items()
            for measure, numbers in found.items()
            for seed, number in enumerate(numbers)
        }

    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder,
        config=run.settings(),
        watch=watch,
        watch_at={*frames, *range(0, run.steps, max(1, run.steps // run.config.watched))},
        label=run.experiment,
    )
    names = [frame_name(step) for step in frames if (run.folder / frame_name(step)).exists()]
    return history, names


def plane_record(
    run: Run,
    history: History,
    *,
    metrics: Measures,
    protocol: Mapping[str, str],
    artefacts: Sequence[str],
) -> ledger.Record:
    """The record of networks in the plane: measures over seeds, by game."""
    over = {
        game: {measure: over_seeds(numbers) for measure, numbers in found.items()}
        for game, found in metrics.items()
    }
    record = run.record(history=history, metrics=over, protocol=dict(protocol), artefacts=artefacts)
    # These networks are too small for half precision to help, and run outside Fabric's autocast.
    return dataclasses.replace(record, precision="32-true", seed=0)


def time_spread(record: ledger.Record, game: str) -> list[float]:
    """For each seed, the share of looks at which three quarters of the modes were covered."""
    _, values = seed_curves(record, "modes", game)
    enough = 0.75 * len(DISTRIBUTIONS[record.config["distribution"]]().modes)
    return [sum(v >= enough for v in seed) / len(seed) for seed in values]
