"""Players of the game in the plane, trained and kept, for games that begin with trained players.

The page's game (``book/_static/inpage/gan_basics``) loads them when a reader asks for them. They
have its players' shape, and learn as its game does unless it is changed, but for a rate that falls.
"""

from __future__ import annotations

import dataclasses

import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.experiment import Run
from tutorial_lib.gan_basics.copying import WEIGHTS
from tutorial_lib.gan_basics.game import gan_step
from tutorial_lib.gan_basics.losses import LOSSES
from tutorial_lib.gan_basics.measures import coverage, good_level
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS, Mlps
from tutorial_lib.gan_basics.plane_training import PLANE_PROTOCOL, Game, make_team
from tutorial_lib.gan_basics.seeds import curve_name
from tutorial_lib.gan_basics.standing import standing
from tutorial_lib.settings import at_least, not_empty, one_of, positive, share
from tutorial_lib.training import half_state, load_half_state, train, write_atomically

EXPERIMENT = "gan_basics/players"

Pair = tuple[Mlps, Mlps]
"""A generator and its discriminator."""


@dataclasses.dataclass(frozen=True)
class PlayersConfig:
    """Settings of the training of players to be kept.

    Attributes
    ----------
    distributions : tuple of str
        Of :data:`tutorial_lib.gan_basics.plane.DISTRIBUTIONS`: each has a pair of players.
    steps : int
        Rounds of each game.
    batch : int
        Samples a batch.
    rate : float
        Adam's learning rate, of both players.
    falling : float
        Share of the rounds, the last ones, over which the rate falls to zero in equal steps.
    seed : int
        Of the data and the noise.
    watched : int
        How often the players are measured, evenly over training.
    """

    distributions: tuple[str, ...]
    steps: int
    batch: int = 128
    rate: float = 1e-3
    falling: float = 0.5
    seed: int = 1  # with 0, the ring's generator gave one mode a twelfth of its share
    watched: int = 12

    def __post_init__(self) -> None:
        not_empty(self, "distributions")
        one_of(self, DISTRIBUTIONS, "distributions")
        at_least(self, 1, "batch", "watched")
        at_least(self, 0, "seed")
        positive(self, "rate")
        share(self, "falling")


class PlayersRecipe:
    """One non-saturating game on each distribution, all side by side."""

    def __init__(self, config: PlayersConfig, fabric: Fabric) -> None:
        self.config, self.device = config, fabric.device
        self.batch_size = config.batch * len(config.distributions)
        self.mixtures = {name: DISTRIBUTIONS[name]() for name in config.distributions}
        self.levels = {name: good_level(mixture) for name, mixture in self.mixtures.items()}
        self.team = make_team([Game(name) for name in self.mixtures], seeds=1, device=self.device)
        self.modules: dict[str, nn.Module] = {
            "generator": self.team.generator,
            "discriminator": self.team.discriminator,
        }
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "generator": self.team.generator_optimizer,
            "discriminator": self.team.discriminator_optimizer,
        }

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Play one round of every game; returns its losses."""
        config, team = self.config, self.team
        left = (1 - index / config.steps) / config.falling if config.falling else 1.0
        rates = torch.full((len(self.mixtures),), config.rate * max(0.0, min(1.0, left)))
        team.generator_optimizer.rates = team.discriminator_optimizer.rates = rates
        batches = [
            mixture.sample(config.batch, generator=generator) for mixture in self.mixtures.values()
        ]
        noises = torch.randn(2, len(batches), config.batch, 2, generator=generator)
        found = gan_step(
            team.generator,
            team.discriminator,
            team.generator_optimizer,
            team.discriminator_optimizer,
            [torch.stack(batches).to(self.device)],
            list(noises.to(self.device)),
            losses=team.losses,
        )
        return {
            curve_name(f"{player} loss", game=name): loss
            for player, losses in found.items()
            for name, loss in zip(self.mixtures, losses, strict=True)
        }

    def state(self) -> dict[str, Tensor]:
        """All players as they are kept: ``"DISTRIBUTION.PLAYER.weights.LAYER"`` → float16."""
        return {
            f"{name}.{player}.{key}": one.contiguous()
            for player, module in self.modules.items()
            for key, tensor in half_state(module).items()
            for name, one in zip(self.mixtures, tensor.split(1), strict=True)
        }

    def measures(self) -> dict[str, dict[str, float]]:
        """Measure all players as they are kept: distribution → measure → number."""
        noise = torch.randn(2500, 2, generator=torch.Generator().manual_seed(7))
        state, found = self.state(), {}
        for name, mixture in self.mixtures.items():
            generator, discriminator = players_from(state, name)
            with torch.no_grad():
                made = generator(noise[None])[0]
            modes, quality = coverage(made, mixture, level=self.levels[name])
            (stands,) = standing(generator, discriminator, mixture, losses=LOSSES["non-saturating"])
            found[name] = {"modes": float(modes), "quality": quality}
            found[name] |= dataclasses.asdict(stands)
        return found


def players_from(state: dict[str, Tensor], distribution: str) -> Pair:
    """The players of one distribution, from weights that are kept of all.

    Parameters
    ----------
    state : dict of Tensor
        As :meth:`PlayersRecipe.state` names them.
    distribution : str
        Whose players.

    Returns
    -------
    tuple of Mlps
        Generator and discriminator, one network each, float32 on the CPU.

    Raises
    ------
    RuntimeError
        If weights are missing, or too many.
    """

    def player(name: str, outputs: int) -> Mlps:
        prefix = f"{distribution}.{name}."
        own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        network = Mlps([0], outputs=outputs)
        load_half_state(network, own)
        return network

    return player("generator", 2), player("discriminator", 1)


def recorded_players(distribution: str) -> Pair:
    """The recorded players of one of the chapter's distributions.

    Raises
    ------
    LedgerError
        If there is no such record, or its weights are not those recorded.
    """
    return players_from(load_file(ledger.read(EXPERIMENT).artefact(WEIGHTS)), distribution)


PLAYERS_PROTOCOL = {
    name: PLANE_PROTOCOL[name]
    for name in ("modes", "quality", "divergence", "value", "gap", "coin")
} | {
    "players": "measured with the half-precision weights that are kept; a run of seed 0 came "
    "first, whose generator on the ring gave one mode a twelfth of its share, and was not kept"
}


def run_players(run: Run) -> ledger.Record:
    """Play all games, measure the players through them, and keep the last."""
    config: PlayersConfig = run.config
    recipe = PlayersRecipe(config, run.fabric)

    def watch(step: int) -> dict[str, float]:
        return {
            curve_name(measure, game=name): number
            for name, found in recipe.measures().items()
            for measure, number in found.items()
        }

    every = max(1, run.steps // config.watched)
    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder,
        config=run.settings(),
        seed=config.seed,
        watch=watch,
        watch_at={*range(0, run.steps, every), run.steps},
        checkpoint_every=1000,
        label=run.experiment,
    )
    state = recipe.state()
    write_atomically(run.folder / WEIGHTS, lambda path: save_file(state, str(path)))
    record = run.record(
        history=history,
        metrics=recipe.measures(),
        protocol=PLAYERS_PROTOCOL,
        artefacts=[WEIGHTS],
        seed=config.seed,
    )
    # These networks are too small for half precision to help, and run outside Fabric's autocast.
    return dataclasses.replace(record, precision="32-true")
