"""The experiments of the chapter on GAN basics, and what their records say of the article's claims.

Games in the plane are played in :mod:`tutorial_lib.gan_basics.plane_training` and, for the players
alone, in :mod:`tutorial_lib.gan_basics.players_training`; those on faces in
:mod:`tutorial_lib.gan_basics.faces_training`.
"""

from __future__ import annotations

import dataclasses
import math
from itertools import combinations
from typing import Any

from safetensors.torch import load_file

from tutorial_lib import ledger
from tutorial_lib.experiment import Claim, Experiment, Reader
from tutorial_lib.gan_basics.copying import WEIGHTS, CopiesConfig, run_copies
from tutorial_lib.gan_basics.faces_training import FacesConfig, faces_generator, run_faces
from tutorial_lib.gan_basics.optimum_training import (
    IN_THE_GAME,
    Judge,
    OptimumConfig,
    run_optimum,
)
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS
from tutorial_lib.gan_basics.plane_training import Game, PlaneConfig, run_plane
from tutorial_lib.gan_basics.players import DcganGenerator
from tutorial_lib.gan_basics.players_training import EXPERIMENT, PlayersConfig, run_players
from tutorial_lib.gan_basics.seeds import in_words

PAIR = (Game("non-saturating"), Game("saturating", loss="saturating"))

# Every remedy is one change of the game that goes wrong; together they are made two at a time.
REMEDIES: dict[str, dict[str, Any]] = {
    "equal rates": {"generator_rate": 1e-3},
    "D moves five times": {"rounds": 5},
    "critic": {"loss": "wasserstein"},
    "R1": {"r1": 0.1},
    "spectral norm": {"spectral": True},
}

# Three ways to hold the slope of D, of which a game needs one.
_SLOPES = {"critic", "R1", "spectral norm"}


def _remedied() -> tuple[Game, ...]:
    wrong = Game("G ten times faster", generator_rate=1e-2)
    alone = [dataclasses.replace(wrong, name=name, **REMEDIES[name]) for name in REMEDIES]
    pairs = [
        dataclasses.replace(wrong, name=f"{one} + {other}", **REMEDIES[one], **REMEDIES[other])
        for one, other in combinations(REMEDIES, 2)
        if not {one, other} <= _SLOPES
    ]
    return (wrong, *alone, *pairs)


def _sure() -> tuple[Game, ...]:
    sure = Game("D sure", discriminator_rate=1e-2, rounds=5)
    return tuple(
        dataclasses.replace(sure, name=name, **change)
        for name, change in (
            ("D sure", {}),
            ("D sure + equal rates", {"discriminator_rate": 1e-3}),
            ("D sure + R1", REMEDIES["R1"]),
            ("D sure + spectral norm", REMEDIES["spectral norm"]),
        )
    )


WANDERING, SURE = _remedied(), _sure()

JUDGES = (Judge("new, of D's own size", 2, 64), Judge("new, larger", 3, 96))

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
            # These players are too small for a GPU to help.
            "gpu": config(steps, 5),
            # The article ran nothing in the plane; this only measures the same more often.
            "article": config(steps, 10),
        },
        run=run_plane,
    )


EXPERIMENTS = (
    *(
        _plane(
            name,
            f"{name} in the plane: both losses, five seeds",
            name,
            PAIR,
            # Gaps between modes take longest.
            steps=3000 if name == "ring" else 1000,
        )
        for name in DISTRIBUTIONS
    ),
    Experiment(
        name="gan_basics/optimum",
        summary="ring: discriminators trained to convergence against generators at rest",
        profiles={
            "smoke": OptimumConfig("ring", JUDGES, steps=4, played=2, seeds=2, watched=2),
            "quick": OptimumConfig("ring", JUDGES, steps=1000),
            "book": OptimumConfig("ring", JUDGES, steps=2000),
            "gpu": OptimumConfig("ring", JUDGES, steps=2000),
            "article": OptimumConfig("ring", JUDGES, steps=2000, seeds=10),
        },
        run=run_optimum,
    ),
    _plane(
        "collapse",
        "ring: G too fast, and each remedy alone and in pairs",
        "ring",
        WANDERING,
        steps=800,
        watched=20,
        frames=(0, 100, 400),
        detailed=False,
    ),
    _plane(
        "sure",
        "ring: a discriminator too sure, and what holds it",
        "ring",
        SURE,
        steps=600,
        watched=20,
        frames=(0, 100, 400),
        detailed=False,
    ),
    _plane(
        "sliders_ring",
        "ring: learning rates × rounds × loss, one seed each",
        "ring",
        SLIDERS,
        steps=300,
        seeds=1,
        watched=4,
        frames=(),
        detailed=False,
    ),
    Experiment(
        name=EXPERIMENT,
        summary="the plane: trained players, kept for games that begin with them",
        profiles={
            "smoke": PlayersConfig(tuple(DISTRIBUTIONS), steps=4, batch=8, watched=2),
            "quick": PlayersConfig(tuple(DISTRIBUTIONS), steps=6000),
            "book": PlayersConfig(tuple(DISTRIBUTIONS), steps=12_000),
            "gpu": PlayersConfig(tuple(DISTRIBUTIONS), steps=12_000),
            "article": PlayersConfig(tuple(DISTRIBUTIONS), steps=12_000),
        },
        run=run_players,
    ),
    Experiment(
        name="gan_basics/faces32",
        summary="DCGAN on cartoon faces of 32 pixels, three seeds",
        profiles={
            "smoke": FacesConfig(size=32, steps=2, seeds=2, batch=4, width=8, count=60, judged=60),
            "quick": FacesConfig(size=32, steps=3_000, seeds=1),
            "book": FacesConfig(size=32, steps=3_000),
            "gpu": FacesConfig(size=32, steps=10_000),
            "article": FacesConfig(size=32, steps=30_000, batch=128, latent=100, width=128),
        },
        run=run_faces,
    ),
    Experiment(
        name="gan_basics/copies",
        summary="whether the faces of gan_basics/faces32 are copies",
        profiles={
            "smoke": CopiesConfig(judged=60, count=240, others=60),
            "quick": CopiesConfig(judged=500),
            "book": CopiesConfig(),
            "gpu": CopiesConfig(),
            "article": CopiesConfig(),
        },
        run=run_copies,
    ),
)


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
    weights = load_file(record.artefact(WEIGHTS))
    return faces_generator(weights, FacesConfig(**record.config))


# ------------------------------------------------------------------------------ claims


def _probability(read: Reader) -> str:
    game, rest = read("gan_basics/ring"), read("gan_basics/optimum")
    gap, coin = (in_words(game, "non-saturating", measure) for measure in ("gap", "coin"))
    larger = JUDGES[-1].name
    converged, still = (
        in_words(rest, name, measure) for name, measure in ((larger, "gap"), (IN_THE_GAME, "coin"))
    )
    return (
        f"In the game on the ring, after {game.steps} steps, D is {gap} away from the true "
        f"probability p / (p + q), and a coin {coin}. Trained for {rest.steps} steps against a "
        f"generator at rest, a larger D is {converged} away, and a coin {still}."
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
    found, reached = (
        in_words(record, "saturating", measure) for measure in ("divergence", "value")
    )
    return (
        f"Played so on the ring, the divergence from the data ends at {found} nats, of at most "
        f"{math.log(2):.2f}, and V at {reached}. The game's solution has 0 and "
        f"{-math.log(4):.2f}. V is near its solution from the first step on, since D knows little "
        "more than a coin: it does not say how good G is."
    )


def _variants(read: Reader) -> str:
    record = read("gan_basics/collapse")
    return (
        "SRGAN's generator, in the next chapter, also pays for its error against the true picture. "
        "Of terms for D, on the ring with G ten times too fast: "
        + "; ".join(
            f"{name}: {in_words(record, name, 'modes')} modes, "
            f"{in_words(record, name, 'quality', percent=True)} of high quality"
            for name in ("G ten times faster", "critic", "R1")
        )
        + "."
    )


CLAIMS = (
    Claim(
        "D's output is the probability that its input is real; C_D trains it.",
        _probability,
        verdict="in part",
    ),
    Claim("G is trained by minimising C_G = log(1 − D(G(z))).", _saturating, verdict="agrees"),
    Claim("The two criteria together are the min-max of V(D, G).", _min_max, verdict="agrees"),
    Claim(
        "Later GANs, SRGAN among them, add terms such as the squared error, so that the sum no "
        "longer has this form; that D and G pull in opposite ways stays.",
        _variants,
        verdict="agrees",
    ),
)
