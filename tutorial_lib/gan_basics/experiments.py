"""The experiments of the chapter on GAN basics: games in the plane, and faces."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.utils import make_grid

from tutorial_lib import ledger
from tutorial_lib.data import to_uint8, write_image
from tutorial_lib.data.faces import DEFAULT_STYLES, CartoonFaces
from tutorial_lib.experiment import Claim, Experiment, Reader, Run
from tutorial_lib.gan_basics.game import LOSSES, DcganDiscriminator, DcganGenerator, gan_step
from tutorial_lib.gan_basics.measures import (
    FixedFeatures,
    View,
    coverage,
    discriminator_gap,
    good_level,
    kernel_distance,
    look,
    nearest,
)
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS, Mlps, RunwiseAdam
from tutorial_lib.training import set_up, train, write_atomically

# -------------------------------------------------------------------------- the plane


@dataclasses.dataclass(frozen=True)
class Game:
    """How one game in the plane is played.

    Attributes
    ----------
    name : str
        As curves and pictures call it.
    loss : str
        One of :data:`tutorial_lib.gan_basics.game.LOSSES`.
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


class PlaneRecipe:
    """All games of an experiment; those of one loss and as many rounds share their products."""

    def __init__(self, config: PlaneConfig, fabric: Fabric) -> None:
        self.config, self.device = config, fabric.device
        self.batch_size = config.batch * config.seeds * len(config.games)
        self.mixture = DISTRIBUTIONS[config.distribution]()
        self.modules: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.groups: dict[str, list[Game]] = {}
        for game in config.games:
            self.groups.setdefault(f"{game.loss} {game.rounds}", []).append(game)
        for name, games in self.groups.items():
            for player, outputs, offset in (("generator", 2, 0), ("discriminator", 1, 1000)):
                # Runs lie game by game, and within a game seed by seed.
                seeds = [offset + seed for _ in games for seed in range(config.seeds)]
                rates = torch.tensor([getattr(game, f"{player}_rate") for game in games])
                network = Mlps(seeds, outputs=outputs).to(fabric.device)
                key = f"{name} {player}"
                self.modules[key] = network
                self.optimizers[key] = RunwiseAdam(
                    list(network.parameters()), rates.repeat_interleave(config.seeds)
                )

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Play one round of every game; returns the first seed's losses."""
        losses: dict[str, Tensor] = {}
        rounds = max(game.rounds for game in self.config.games)
        shape = (self.config.seeds, self.config.batch)
        reals = [self.mixture.sample(*shape, generator=generator) for _ in range(rounds)]
        noises = [torch.randn(*shape, 2, generator=generator) for _ in range(rounds + 1)]
        for name, games in self.groups.items():
            # All games of one seed see the same data and the same noise.
            repeat = (len(games), 1, 1)
            count = games[0].rounds
            found = gan_step(
                self.modules[f"{name} generator"],
                self.modules[f"{name} discriminator"],
                self.optimizers[f"{name} generator"],
                self.optimizers[f"{name} discriminator"],
                [real.repeat(repeat).to(self.device) for real in reals[:count]],
                [noise.repeat(repeat).to(self.device) for noise in noises[: count + 1]],
                losses=LOSSES[games[0].loss],
            )
            for player, loss in found.items():
                first = loss.view(len(games), -1)[:, 0]
                losses |= {
                    f"{player} loss, {game.name}": value
                    for game, value in zip(games, first, strict=True)
                }
        return losses

    def views(self) -> dict[str, list[View]]:
        """What there is to see: game → one view a seed."""
        found = {}
        for name, games in self.groups.items():
            views = look(
                _on_cpu(self.modules[f"{name} generator"]),
                _on_cpu(self.modules[f"{name} discriminator"]),
                self.mixture,
                losses=LOSSES[games[0].loss],
            )
            for number, game in enumerate(games):
                start = number * self.config.seeds
                found[game.name] = views[start : start + self.config.seeds]
        return {game.name: found[game.name] for game in self.config.games}

    def samples(self, count: int) -> dict[str, Tensor]:
        """Samples of every generator: game → (seeds, count, 2)."""
        noise = torch.randn(count, 2, generator=torch.Generator().manual_seed(7))
        found: dict[str, Tensor] = {}
        for name, games in self.groups.items():
            network = _on_cpu(self.modules[f"{name} generator"])
            with torch.no_grad():
                made = network(noise.expand(len(games) * self.config.seeds, -1, -1))
            parts = made.split(self.config.seeds)
            found |= {game.name: part for game, part in zip(games, parts, strict=True)}
        return found


def _on_cpu(players: nn.Module) -> Mlps:
    weights = players.state_dict()
    copy = Mlps([0] * len(weights["weights.0"]), outputs=weights["weights.2"].shape[-1])
    copy.load_state_dict(weights)
    return copy


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
        found: dict[str, float] = {}
        for game, made in recipe.samples(2500).items():
            for seed in range(config.seeds):
                modes, quality = coverage(made[seed], recipe.mixture, level=level)
                found[f"modes, {game}, seed {seed}"] = float(modes)
                found[f"quality, {game}, seed {seed}"] = quality
                found[f"divergence, {game}, seed {seed}"] = views[game][seed].divergence
        return found

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
    last = history.watched[-1]
    metrics = {
        game.name: {
            measure: _summary(
                [last[f"{measure}, {game.name}, seed {seed}"] for seed in range(config.seeds)]
            )
            for measure in ("modes", "quality", "divergence")
        }
        for game in config.games
    }
    for name, views in recipe.views().items():
        gaps = [discriminator_gap(view, recipe.mixture) for view in views]
        if LOSSES[next(g.loss for g in config.games if g.name == name)].probability:
            metrics[name]["discriminator gap"] = _summary(gaps)
    names = [frame_name(step) for step in frames if (run.folder / frame_name(step)).exists()]
    record = run.record(history=history, metrics=metrics, protocol=PLANE_PROTOCOL, artefacts=names)
    # These networks are too small for half precision to help, and run outside Fabric's autocast.
    return dataclasses.replace(record, precision="32-true", seed=0)


def _summary(values: Sequence[float]) -> dict[str, float]:
    ordered = torch.tensor(values, dtype=torch.float64)
    return {
        "median": round(ordered.median().item(), 5),
        "lowest": round(ordered.min().item(), 5),
        "highest": round(ordered.max().item(), 5),
    }


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
    return [int(name[6:12]) for name in sorted(record.artefacts) if name.startswith("views_")]


def seed_curves(
    record: ledger.Record, measure: str, game: str
) -> tuple[list[float], list[list[float]]]:
    """Curves of one measure for all seeds of one game.

    Parameters
    ----------
    record : Record
        Of an experiment in the plane, or of faces with an empty `game`.
    measure : str
        "modes", "quality", "divergence", or "kernel distance" of faces.
    game : str
        Name of the game.

    Returns
    -------
    steps : list of float
        (P,)
    values : list of lists of float
        (seeds, P)
    """
    start = f"{measure}, {game}, seed" if game else f"{measure}, seed"
    found = [record.curves[f"{start} {seed}"] for seed in range(record.config["seeds"])]
    return found[0]["step"], [curve["value"] for curve in found]


def _save_npz(path: Any, arrays: dict[str, np.ndarray]) -> None:
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


# --------------------------------------------------------------------------- pictures


@dataclasses.dataclass(frozen=True)
class FacesConfig:
    """Settings of a DCGAN on cartoon faces.

    Attributes
    ----------
    size : int
        Side of the pictures.
    steps : int
        Updates of the generator, and as many of the discriminator.
    seeds : int
        Runs, from seed 0; all are measured, and the first one's pictures are kept.
    batch, width, latent : int
        Pictures a batch; channels at full resolution; length of the noise.
    learning_rate, momentum : float
        Adam's, and its β₁; as in Radford 2016.
    averaging : float
        Decay of the moving average of the generator's weights that is looked at; less at first.
    count : int or None
        Use only so many faces.
    judged : int
        Pictures of either kind in a kernel distance.
    """

    size: int
    steps: int
    seeds: int = 3
    batch: int = 64
    width: int = 32
    latent: int = 64
    learning_rate: float = 2e-4
    momentum: float = 0.5
    averaging: float = 0.995
    count: int | None = None
    judged: int = 1000


class FacesRecipe:
    """One DCGAN a seed, trained in turn on different batches."""

    def __init__(self, config: FacesConfig, fabric: Fabric) -> None:
        self.config, self.fabric = config, fabric
        self.batch_size = config.batch * config.seeds
        progress = fabric.is_global_zero
        self.faces = CartoonFaces("train", size=config.size, count=config.count, progress=progress)
        self.modules: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.players: list[tuple[nn.Module, nn.Module]] = []

        def average(averaged: Any, current: Any, count: Tensor | int) -> None:
            """Average over fewer steps at first, so that the initial weights are soon forgotten."""
            decay = min(config.averaging, (1 + int(count)) / (10 + int(count)))
            get_ema_multi_avg_fn(decay)(averaged, current, count)

        for seed in range(config.seeds):
            torch.manual_seed(seed)
            generator = DcganGenerator(size=config.size, latent=config.latent, width=config.width)
            discriminator = DcganDiscriminator(size=config.size, width=config.width)
            ready = []
            for player, network in (("generator", generator), ("discriminator", discriminator)):
                optimizer = torch.optim.Adam(
                    network.parameters(),
                    lr=config.learning_rate,
                    betas=(config.momentum, 0.999),
                    fused=True,
                )
                fast, self.optimizers[f"{player} {seed}"] = set_up(fabric, network, optimizer)
                self.modules[f"{player} {seed}"] = network
                ready.append(fast)
            self.players.append((ready[0], ready[1]))
            self.modules[f"average {seed}"] = AveragedModel(
                generator, multi_avg_fn=average, use_buffers=True
            )

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Play one round of every seed's game; returns their losses."""
        config, device = self.config, self.fabric.device
        losses: dict[str, Tensor] = {}
        for seed, (maker, judge) in enumerate(self.players):
            real = self.faces.sample(config.batch, generator=generator, device=device)
            noises = torch.randn(2, config.batch, config.latent, generator=generator).to(device)
            found = gan_step(
                maker,
                judge,
                self.optimizers[f"generator {seed}"],
                self.optimizers[f"discriminator {seed}"],
                [real],
                list(noises),
                losses=LOSSES["non-saturating"],
                backward=self.fabric.backward,
            )
            average = self.modules[f"average {seed}"]
            assert isinstance(average, AveragedModel)
            # The count is the step's number: a resumed run then averages as if never stopped.
            average.n_averaged.fill_(index)
            average.update_parameters(self.modules[f"generator {seed}"])
            losses |= {f"{player} loss, seed {seed}": loss for player, loss in found.items()}
        return losses

    def result(self, seed: int = 0) -> DcganGenerator:
        """The generator to look at, as it will be stored: averaged, in half precision."""
        state = self.modules[f"average {seed}"].state_dict()
        weights = {
            key.removeprefix("module."): value.detach().cpu().half()
            for key, value in state.items()
            if value.is_floating_point()
        }
        return faces_generator(weights, self.config).to(self.fabric.device)


def faces_generator(weights: dict[str, Tensor], config: FacesConfig) -> DcganGenerator:
    """Build a generator from stored half-precision weights; strict about every name."""
    network = DcganGenerator(size=config.size, latent=config.latent, width=config.width)
    counters = {k: v for k, v in network.state_dict().items() if not v.is_floating_point()}
    network.load_state_dict({k: v.float() for k, v in weights.items()} | counters)
    return network.eval()


def recorded_generator(experiment: str) -> DcganGenerator:
    """The generator that a record's weights hold, ready to use on the CPU.

    Parameters
    ----------
    experiment : str
        Such as ``"gan_basics/faces32"``.

    Raises
    ------
    LedgerError
        If there is no such record, or its weights are not those recorded.
    """
    record = ledger.read(experiment)
    weights = load_file(record.artefact("weights.safetensors"))
    return faces_generator(weights, FacesConfig(**record.config))


def make_faces(network: nn.Module, noise: Tensor) -> Tensor:
    """Faces from (N, latent) noise, on the CPU: (N, 3, S, S) in [0, 1]."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        parts = [network(part.to(device)).float().cpu() for part in noise.split(250)]
    return torch.cat(parts).contiguous()


def wall_noise(count: int, latent: int, *, seed: int = 0) -> Tensor:
    """The noise vectors behind the chapter's walls: (count, latent)."""
    return torch.randn(count, latent, generator=torch.Generator().manual_seed(seed))


LOOKS = (0, 100, 200, 400, 700, *range(1000, 100_000, 500))
"""Steps after which faces are drawn and measured, beside the last."""

FACES_PROTOCOL = {
    "kernel distance": "squared MMD without bias, kernel (a·b/2048 + 1)³, on 2,048 features of a "
    "random convolutional network (FixedFeatures, seed 0) with the test faces as reference; "
    "generated faces against as many test faces",
    "true kernel distance": "the same for training faces in place of generated ones",
    "neighbour distance": "median over 500 faces of the root mean square pixel difference, on "
    "[0, 1], to the nearest training face",
    "styles": "share of each drawing style among the nearest training faces of 500 generated "
    "ones; each style has an equal share of the training faces",
    "generator": "moving average of the weights, rounded to half precision",
}


def run_faces(run: Run) -> ledger.Record:
    """Train DCGANs on cartoon faces, measure them, and look whether they copy."""
    config: FacesConfig = run.config
    recipe = FacesRecipe(config, run.fabric)
    test = CartoonFaces("test", size=config.size, count=config.judged, progress=False)
    true = test.images.float() / 255
    features = FixedFeatures(true)
    wanted = features(true)
    noise = wall_noise(config.judged, config.latent, seed=1)

    def distance(images: Tensor) -> float:
        return kernel_distance(features(images), wanted).item()

    def watch(step: int) -> dict[str, float]:
        found = {}
        for seed in range(config.seeds):
            network = recipe.result(seed)
            found[f"kernel distance, seed {seed}"] = distance(make_faces(network, noise))
            if seed == 0 and run.fabric.is_global_zero:
                wall = make_grid(make_faces(network, wall_noise(32, config.latent)), 8, padding=0)
                write_image(run.folder / wall_name(step), wall[None], overwrite=True)
        return found

    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder,
        config=run.settings(),
        watch=watch,
        watch_at={*(step for step in LOOKS if step < run.steps), run.steps},
        checkpoint_every=200,
        label=run.experiment,
    )
    # A run that ended earlier once and was carried on has looked there too.
    regular = {*LOOKS, run.steps}
    history.watched = [row for row in history.watched if row["step"] in regular]
    network = recipe.result().cpu()
    made = make_faces(network, wall_noise(500, config.latent, seed=2))
    training = recipe.faces.images.cpu()
    index, apart = nearest(made, training)
    _, control = nearest(true[:500], training)
    styles = torch.bincount(index % len(DEFAULT_STYLES), minlength=len(DEFAULT_STYLES))
    metrics: dict[str, Any] = {
        "kernel distance": _summary(
            [history.watched[-1][f"kernel distance, seed {s}"] for s in range(config.seeds)]
        ),
        "true kernel distance": round(distance(training[: config.judged].float() / 255), 5),
        "neighbour distance": {
            "generated": round(apart.median().item(), 5),
            "test": round(control.median().item(), 5),
            "generated, nearest of all": round(apart.min().item(), 5),
            "test, nearest of all": round(control.min().item(), 5),
        },
        "styles": {
            style: round(count / len(index), 4)
            for style, count in zip(DEFAULT_STYLES, styles.tolist(), strict=True)
        },
    }
    pairs = torch.cat([made[:8], training[index[:8]].float() / 255])
    write_image(
        run.folder / "neighbours.webp", make_grid(pairs, 8, padding=0)[None], overwrite=True
    )
    state = {
        key: value.half().contiguous()
        for key, value in network.state_dict().items()
        if value.is_floating_point()
    }
    write_atomically(run.folder / "weights.safetensors", lambda path: save_file(state, str(path)))
    walls = [wall_name(int(row["step"])) for row in history.watched]
    return run.record(
        history=history,
        metrics=metrics,
        protocol=FACES_PROTOCOL,
        artefacts=["weights.safetensors", "neighbours.webp", *walls],
    )


def wall_name(step: int) -> str:
    """File with 32 faces after so many steps, 8 in a row."""
    return f"wall_{step:06d}.webp"


# ------------------------------------------------------------------------ experiments

PAIR = (Game("non-saturating"), Game("saturating", loss="saturating"))

COLLAPSE = (
    Game("G ten times faster", generator_rate=1e-2),
    Game("the same, D moves five times", generator_rate=1e-2, rounds=5),
    Game("equal rates"),
    Game("equal rates, D moves five times", rounds=5),
    Game("Wasserstein critic, moves five times", loss="wasserstein", rounds=5),
)

SLIDER_LOSSES = ("non-saturating", "saturating", "wasserstein")
RATES = (1e-4, 1e-3, 1e-2)
ROUNDS = (1, 5)


def slider_game(loss: str, rounds: int, discriminator_rate: float, generator_rate: float) -> str:
    """Name of the game at one position of the chapter's four sliders."""
    return f"{loss}, {rounds} : 1, D {discriminator_rate:g}, G {generator_rate:g}"


SLIDERS = tuple(
    Game(slider_game(loss, rounds, d, g), loss, g, d, rounds)
    for loss in SLIDER_LOSSES
    for rounds in ROUNDS
    for d in RATES
    for g in RATES
)


def _plane(
    name: str,
    summary: str,
    distribution: str,
    games: tuple[Game, ...],
    *,
    steps: int = 3000,
    **more: Any,
) -> Experiment:
    def config(steps: int, seeds: int) -> PlaneConfig:
        chosen: dict[str, Any] = {"seeds": seeds} | more
        return PlaneConfig(distribution=distribution, games=games, steps=steps, **chosen)

    smoke = dataclasses.replace(config(4, 2), watched=2, seeds=2)
    return Experiment(
        name=f"gan_basics/{name}",
        summary=summary,
        profiles={
            "smoke": smoke,
            "quick": config(steps // 2, 5),
            "book": config(steps, 5),
            # The article ran nothing in the plane; this only measures the same more often.
            "article": config(steps, 10),
        },
        run=run_plane,
    )


EXPERIMENTS = (
    *(
        _plane(name, f"{name} in the plane: both losses, five seeds", name, PAIR)
        for name in DISTRIBUTIONS
    ),
    _plane(
        "collapse", "mode collapse on the ring, provoked and mended", "ring", COLLAPSE, steps=2000
    ),
    _plane(
        "sliders_ring",
        "ring: learning rates × rounds × loss, one seed each",
        "ring",
        SLIDERS,
        steps=1000,
        seeds=1,
        batch=64,
        watched=4,
        frames=(),
    ),
    Experiment(
        name="gan_basics/faces32",
        summary="DCGAN on cartoon faces of 32 pixels, three seeds",
        profiles={
            "smoke": FacesConfig(size=32, steps=2, seeds=2, batch=4, width=8, count=60, judged=60),
            "quick": FacesConfig(size=32, steps=3_000, seeds=1),
            "book": FacesConfig(size=32, steps=10_000),
            "article": FacesConfig(size=32, steps=30_000, batch=128, latent=100, width=128),
        },
        run=run_faces,
    ),
    Experiment(
        name="gan_basics/faces64",
        summary="DCGAN on cartoon faces of 64 pixels",
        profiles={
            "smoke": FacesConfig(size=64, steps=2, seeds=1, batch=4, width=8, count=60, judged=60),
            "quick": FacesConfig(size=64, steps=3_000, seeds=1),
            "book": FacesConfig(size=64, steps=10_000, seeds=1),
            "article": FacesConfig(size=64, steps=30_000, batch=128, latent=100, width=128),
        },
        run=run_faces,
    ),
)

# ------------------------------------------------------------------------------ claims


def in_words(record: ledger.Record, game: str, measure: str, *, percent: bool = False) -> str:
    """A measure's median and range over the seeds, such as "0.81 (0.74 to 0.85)"."""
    digits = "{:.0%}" if percent else "{:.0f}" if measure == "modes" else "{:.2f}"
    low, middle, high = (
        digits.format(record.metric(game, measure, key)) for key in ("lowest", "median", "highest")
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def _probability(read: Reader) -> str:
    record = read("gan_basics/ring")
    gap = in_words(record, "non-saturating", "discriminator gap")
    return (
        f"On the ring after {record.steps} steps, D differs from the true probability "
        f"p / (p + q) by {gap}, averaged over the data."
    )


def _saturating(read: Reader) -> str:
    parts = []
    for name in DISTRIBUTIONS:
        record = read(f"gan_basics/{name}")
        ours, other = (
            in_words(record, game, "quality", percent=True)
            for game in ("saturating", "non-saturating")
        )
        parts.append(f"{name}: {ours} with it, {other} with −log D")
    return "Share of high-quality samples: " + "; ".join(parts) + "."


def _min_max(read: Reader) -> str:
    record = read("gan_basics/ring")
    found = in_words(record, "saturating", "divergence")
    return (
        f"Played so on the ring, the divergence from the data ends at {found} nats, of at most "
        f"{np.log(2):.2f}. The game's solution has 0: training comes near it and does not reach it."
    )


def _variants(read: Reader) -> str:
    record = read("gan_basics/collapse")
    game = "Wasserstein critic, moves five times"
    return (
        f"With a critic's scores in place of a probability: {in_words(record, game, 'modes')} "
        f"modes and {in_words(record, game, 'quality', percent=True)} high-quality samples on the "
        f"ring after {record.steps} steps."
    )


CLAIMS = (
    Claim("D's output is the probability that its input is real; C_D trains it.", _probability),
    Claim("G is trained by minimising C_G = log(1 − D(G(z))).", _saturating),
    Claim("The two criteria together are the min-max of V(D, G).", _min_max),
    Claim("Later GANs change the losses; that D and G pull in opposite ways stays.", _variants),
)
