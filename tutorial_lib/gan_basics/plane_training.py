"""Games in the plane, played and recorded: settings, recipe, measures, and the views kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import to_uint8
from tutorial_lib.experiment import Run
from tutorial_lib.gan_basics.game import gan_step
from tutorial_lib.gan_basics.losses import LOSSES, Losses
from tutorial_lib.gan_basics.measures import coverage, good_level
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS, Mlps, RunwiseAdam
from tutorial_lib.gan_basics.seeds import curve_name, over_seeds, seed_curves
from tutorial_lib.gan_basics.views import View, discriminator_gap, look, side_by_side
from tutorial_lib.settings import at_least, not_empty, one_of, positive
from tutorial_lib.training import train, write_atomically


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
    """

    name: str
    loss: str = "non-saturating"
    generator_rate: float = 1e-3
    discriminator_rate: float = 1e-3
    rounds: int = 1

    def __post_init__(self) -> None:
        one_of(self, LOSSES, "loss")
        positive(self, "generator_rate", "discriminator_rate")
        at_least(self, 1, "rounds")


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
    """

    distribution: str
    games: tuple[Game, ...]
    steps: int
    seeds: int = 5
    batch: int = 128
    watched: int = 30
    frames: tuple[int, ...] = (0, 50, 100, 200, 400, 700, 1000, 1500, 2000, 3000)

    def __post_init__(self) -> None:
        one_of(self, DISTRIBUTIONS, "distribution")
        not_empty(self, "games")
        at_least(self, 1, "seeds", "batch", "watched")
        at_least(self, 0, "frames")


@dataclasses.dataclass(frozen=True)
class Team:
    """Games of one loss and as many rounds, whose players lie side by side in two networks.

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
        return LOSSES[self.games[0].loss]

    @property
    def rounds(self) -> int:
        """Updates of the discriminator for each of the generator."""
        return self.games[0].rounds


def make_team(games: Sequence[Game], *, seeds: int, device: torch.device) -> Team:
    """Draw all players of some games; equal seeds have equal players in every game."""

    def player(outputs: int, offset: int, rates: list[float]) -> tuple[Mlps, RunwiseAdam]:
        network = Mlps([offset + seed for _ in games for seed in range(seeds)], outputs=outputs)
        network.to(device)
        each = torch.tensor(rates).repeat_interleave(seeds)
        return network, RunwiseAdam(list(network.parameters()), each)

    generator, first = player(2, 0, [game.generator_rate for game in games])
    discriminator, second = player(1, 1000, [game.discriminator_rate for game in games])
    return Team(tuple(games), generator, discriminator, first, second)


class PlaneRecipe:
    """All games of an experiment; those of one loss and as many rounds share their products."""

    def __init__(self, config: PlaneConfig, fabric: Fabric) -> None:
        self.config, self.device = config, fabric.device
        self.batch_size = config.batch * config.seeds * len(config.games)
        self.mixture = DISTRIBUTIONS[config.distribution]()
        groups: dict[tuple[str, int], list[Game]] = {}
        for game in config.games:
            groups.setdefault((game.loss, game.rounds), []).append(game)
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
        """Play one round of every game; returns the first seed's losses."""
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
                first = loss.view(len(team.games), -1)[:, 0]
                losses |= {
                    curve_name(f"{player} loss", game=game.name): value
                    for game, value in zip(team.games, first, strict=True)
                }
        return losses

    def views(self) -> dict[str, list[View]]:
        """What there is to see: game → one view a seed."""
        found = {}
        for team in self.teams:
            generator, discriminator = (
                deepcopy(player).cpu() for player in (team.generator, team.discriminator)
            )
            views = look(generator, discriminator, self.mixture, losses=team.losses)
            for game in team.games:
                found[game.name], views = views[: self.config.seeds], views[self.config.seeds :]
        return {game.name: found[game.name] for game in self.config.games}

    def samples(self, count: int) -> dict[str, Tensor]:
        """Samples of every generator: game → (seeds, count, 2)."""
        noise = torch.randn(count, 2, generator=torch.Generator().manual_seed(7))
        found: dict[str, Tensor] = {}
        for team in self.teams:
            with torch.no_grad():
                made = side_by_side(deepcopy(team.generator).cpu(), noise)
            parts = made.split(self.config.seeds)
            found |= {game.name: part for game, part in zip(team.games, parts, strict=True)}
        return found

    def measures(
        self, views: dict[str, list[View]], *, level: float
    ) -> dict[str, dict[str, list[float]]]:
        """Measure every run: game → measure → one number a seed.

        Parameters
        ----------
        views : dict
            From `views`.
        level : float
            From :func:`tutorial_lib.gan_basics.measures.good_level`.
        """
        found = {}
        for game, made in self.samples(2500).items():
            counted = [coverage(part, self.mixture, level=level) for part in made]
            found[game] = {
                "modes": [float(modes) for modes, _ in counted],
                "quality": [quality for _, quality in counted],
                "divergence": [view.divergence for view in views[game]],
            }
        return found


PLANE_PROTOCOL = {
    "modes": "modes with at least a tenth of their fair share among the high-quality samples "
    "nearest to them; 2,500 samples",
    "quality": "share of 2,500 samples where the true density exceeds the level that 99 % of "
    "true samples exceed",
    "divergence": "Jensen–Shannon divergence in nats of data and generator, both blurred with a "
    "Gaussian window of width 0.05, on a grid of 48 × 48; the generator's density from 4,000 "
    "samples",
    "discriminator gap": "mean over the blurred data of |D − D*|, on the grid",
    "curves": "losses are of the first seed",
}


def run_plane(run: Run) -> ledger.Record:
    """Play all games, measure every run, and keep the first seed's pictures."""
    config: PlaneConfig = run.config
    recipe = PlaneRecipe(config, run.fabric)
    level = good_level(recipe.mixture)
    frames = sorted({step for step in config.frames if step < run.steps} | {run.steps})
    stride = max(1, run.steps // config.watched)

    def watch(step: int) -> dict[str, float]:
        views = recipe.views()
        if step in frames and run.fabric.is_global_zero:
            stored = pack([game[0] for game in views.values()])
            path = run.folder / frame_name(step)
            write_atomically(path, lambda temporary: _save_npz(temporary, stored))
        return {
            curve_name(measure, game=game, seed=seed): value
            for game, measured in recipe.measures(views, level=level).items()
            for measure, values in measured.items()
            for seed, value in enumerate(values)
        }

    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder,
        config=run.settings(),
        watch=watch,
        watch_at={*frames, *range(0, run.steps, stride)},
        label=run.experiment,
    )
    views = recipe.views()
    final = recipe.measures(views, level=level)
    for game in config.games:
        if LOSSES[game.loss].probability:
            final[game.name]["discriminator gap"] = [
                discriminator_gap(view, recipe.mixture) for view in views[game.name]
            ]
    metrics = {
        game.name: {measure: over_seeds(values) for measure, values in final[game.name].items()}
        for game in config.games
    }
    names = [frame_name(step) for step in frames if (run.folder / frame_name(step)).exists()]
    record = run.record(history=history, metrics=metrics, protocol=PLANE_PROTOCOL, artefacts=names)
    # These networks are too small for half precision to help, and run outside Fabric's autocast.
    return dataclasses.replace(record, precision="32-true", seed=0)


def frame_name(step: int) -> str:
    """File that holds the views after so many steps."""
    return f"views_{step:06d}.npz"


def pack(views: Sequence[View]) -> dict[str, np.ndarray]:
    """Views as small arrays: heat maps in 8 bits, points in half precision."""

    def stack(name: str) -> Tensor:
        return torch.stack([getattr(view, name) for view in views])

    heat = {name: to_uint8(stack(name)).numpy() for name in ("learned", "optimal")}
    points = {name: stack(name).half().numpy() for name in ("samples", "arrows", "mesh")}
    return heat | points | {"divergence": np.array([v.divergence for v in views], np.float32)}


def recorded_views(record: ledger.Record, step: int) -> dict[str, View]:
    """Views that an experiment in the plane has kept: game → view of its first seed.

    Raises
    ------
    LedgerError
        If there are none of this step, or they are not those recorded.
    """
    with np.load(record.artefact(frame_name(step))) as file:
        arrays = {name: torch.from_numpy(file[name]).float() for name in file.files}
    games = [game["name"] for game in record.config["games"]]
    return {
        game: View(
            learned=arrays["learned"][k] / 255,
            optimal=arrays["optimal"][k] / 255,
            samples=arrays["samples"][k],
            arrows=arrays["arrows"][k],
            mesh=arrays["mesh"][k],
            divergence=arrays["divergence"][k].item(),
        )
        for k, game in enumerate(games)
    }


def recorded_steps(record: ledger.Record) -> list[int]:
    """Steps whose views were kept."""
    wanted = sorted({*record.config["frames"], record.steps})
    return [step for step in wanted if frame_name(step) in record.artefacts]


def time_spread(record: ledger.Record, game: str) -> list[float]:
    """For each seed, the share of looks at which three quarters of the modes were covered."""
    _, values = seed_curves(record, "modes", game)
    enough = 0.75 * len(DISTRIBUTIONS[record.config["distribution"]]().modes)
    return [sum(v >= enough for v in seed) / len(seed) for seed in values]


def _save_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
