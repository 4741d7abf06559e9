"""The experiments of the SRGAN chapter: bicubic, SRResNet, SRGAN, and what each part is worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tutorial_lib import ledger
from tutorial_lib.experiment import Experiment, Run
from tutorial_lib.srgan.ablation import LEARNING, LOSSES, AblationConfig, run_ablation
from tutorial_lib.srgan.precision import PrecisionConfig, run_precision
from tutorial_lib.srgan.recording import (
    TEST_SETS,
    MeasureConfig,
    run_bicubic,
    run_published,
    run_srgan,
    run_srresnet,
)
from tutorial_lib.srgan.training import PUBLISHED, SrganConfig, SrresnetConfig
from tutorial_lib.training import PROFILES
from tutorial_lib.vgg import VGG16_FILE

GROWN: dict[str, Any] = {
    "batch": 8,
    "learning_rate": 4e-4,
    "warm_up": 200,
    "cosine": True,
    "average": True,
    "statistics": 512,
    "start": PUBLISHED,
}
"""A short training that gets the most from a published start."""

BRIEF: dict[str, Any] = {"learning_rate": 4e-4, "warm_up": 100, "cosine": True}
"""From random weights, what gets the most in a short time."""

ARTICLE: dict[str, Any] = {"steps": 208_750, "photographs": "voc2012"}
"""200 epochs of 16,700 photographs in batches of 16."""

BALANCED: dict[str, Any] = {
    "batch": 8,
    "patch": 64,
    "window": 48,
    "learning_rate": 5e-5,
    "beta2": 0.99,
    "judge_first": 100,
    "slope_penalty": 0.03,
    "block": 100.0,
    "frozen": "tail",
    "fixed_statistics": True,
    "falling": 0.4,
}
"""SRGAN held in balance: a window at random, a flat discriminator, a tail that keeps SRResNet's
weights, and a price on every lattice."""

SLOW: dict[str, Any] = {"learning_rate": 2e-5, "discriminator_rate": 4e-5}
"""Small steps keep the game in balance for longer."""

LARGE: dict[str, Any] = {"batch": 16, "patch": 96, "window": 80}
"""What a GPU can do at once."""


def _measured_alone(run: Callable[[Run], ledger.Record], name: str, summary: str) -> Experiment:
    """An experiment in which nothing is trained: all profiles but the smallest are the same."""
    needs = (*TEST_SETS, PUBLISHED) if run is run_published else TEST_SETS
    return Experiment(
        name=name,
        summary=summary,
        profiles={profile: MeasureConfig() for profile in PROFILES}
        | {"smoke": MeasureConfig(test_sets=("set5",))},
        run=run,
        needs=needs,
    )


def _srresnet(name: str, summary: str, *, start: str = PUBLISHED) -> Experiment:
    settings = GROWN | {"start": start}
    return Experiment(
        name=name,
        summary=summary,
        profiles={
            "smoke": SrresnetConfig(
                **settings | {"batch": 4, "statistics": 32},
                steps=4,
                patch=48,
                limit=8,
                test_sets=("set5",),
            ),
            "quick": SrresnetConfig(**settings, steps=3_000),
            "book": SrresnetConfig(**settings, steps=7_000),
            "gpu": SrresnetConfig(**settings | {"batch": 16}, steps=40_000),
            "article": SrresnetConfig(**ARTICLE),
        },
        run=run_srresnet,
        needs=("bsds500", *TEST_SETS, *([start] if start else [])),
    )


def _ablation(
    name: str, summary: str, *, steps: int, variants: tuple[str, ...], **rates: float
) -> Experiment:
    settings = BALANCED | rates | {"variants": variants}
    return Experiment(
        name=name,
        summary=summary,
        profiles={
            "smoke": AblationConfig(
                **settings | {"batch": 2, "judge_first": 1, "variants": variants[::3]},
                steps=2,
                limit=8,
                test_sets=("set5",),
            ),
            "quick": AblationConfig(**settings, steps=500),
            "book": AblationConfig(**settings, steps=steps, test_sets=("set5", "bsd100")),
            "gpu": AblationConfig(
                **settings | {"batch": 16, "patch": 96, "window": 80}, steps=4 * steps
            ),
            "article": AblationConfig(**ARTICLE, average=False, variants=variants),
        },
        run=run_ablation,
        needs=("bsds500", *TEST_SETS, VGG16_FILE),
    )


def _srgan(
    name: str, summary: str, *, features: str, book: int = 1_500, falling: float = 0.4
) -> Experiment:
    balanced = BALANCED | SLOW | {"features": features, "falling": falling}
    return Experiment(
        name=name,
        summary=summary,
        profiles={
            "smoke": SrganConfig(
                **balanced | {"batch": 2, "judge_first": 1},
                steps=3,
                limit=8,
                test_sets=("set5",),
            ),
            "quick": SrganConfig(**balanced, steps=1_500),
            "book": SrganConfig(**balanced, steps=book),
            "gpu": SrganConfig(**balanced | LARGE, steps=3_000),
            "article": SrganConfig(**ARTICLE, average=False, start="", features=features),
        },
        run=run_srgan,
        needs=("bsds500", *TEST_SETS, VGG16_FILE),
    )


def _brief_gan(name: str, summary: str, *, book: int, features: str) -> Experiment:
    settings: dict[str, Any] = {"start": "srgan/brief", "features": features}
    return Experiment(
        name=name,
        summary=summary,
        profiles={
            "smoke": SrganConfig(
                **settings, steps=3, batch=2, patch=48, limit=8, test_sets=("set5",)
            ),
            "quick": SrganConfig(**settings, steps=1_000),
            "book": SrganConfig(**settings, steps=book, batch=4),
            "gpu": SrganConfig(**settings, steps=10_000),
            "article": SrganConfig(**ARTICLE | settings, average=False),
        },
        run=run_srgan,
        needs=("bsds500", *TEST_SETS, VGG16_FILE),
    )


EXPERIMENTS = (
    _measured_alone(
        run_bicubic, "srgan/bicubic", "bicubic interpolation, the baseline; the photographs' NIQE"
    ),
    _measured_alone(
        run_published, "srgan/published", "the published generator of five blocks, as it is"
    ),
    _srresnet(
        "srgan/srresnet", "the generator alone, on the squared error, grown from the published one"
    ),
    Experiment(
        name="srgan/brief",
        summary="SRResNet from random weights, fewer steps of fewer patches",
        profiles={
            "smoke": SrresnetConfig(steps=4, batch=4, patch=48, limit=8, test_sets=("set5",)),
            "quick": SrresnetConfig(**BRIEF, steps=10_000),
            "book": SrresnetConfig(**BRIEF, steps=6_000, batch=4),
            "gpu": SrresnetConfig(**BRIEF, steps=40_000),
            "article": SrresnetConfig(**ARTICLE),
        },
        run=run_srresnet,
        needs=("bsds500", *TEST_SETS),
    ),
    _brief_gan(
        "srgan/brief_gan",
        "the brief SRResNet carried on against a discriminator, as the article does it",
        book=5_000,
        features="last2",
    ),
    _brief_gan(
        "srgan/brief_vgg54", "the same with VGG's φ5,4, more briefly", book=800, features="last5"
    ),
    _srresnet("srgan/scratch", "the same for as many steps, from random weights", start=""),
    _srgan(
        "srgan/srgan",
        "SRResNet carried on against a discriminator, with VGG's φ2,2",
        features="last2",
    ),
    _srgan("srgan/vgg54", "the same with VGG's φ5,4", features="last5"),
    _srgan(
        "srgan/long",
        "the same with φ2,2, twice as long: longer than is good",
        features="last2",
        book=3_000,
        falling=0.9,
    ),
    _ablation(
        "srgan/losses",
        "SRGAN with one, two and three losses",
        steps=2_000,
        variants=LOSSES,
        **SLOW,
    ),
    _ablation(
        "srgan/lattice",
        "SRGAN with all weights learning, all but the tail, the tail alone",
        steps=1_000,
        variants=LEARNING,
    ),
    Experiment(
        name="srgan/precision",
        summary="what training in bfloat16 costs and saves, against float32",
        profiles={
            "smoke": PrecisionConfig(steps=2, batch=2, patch=48, limit=8, seeds=(0,)),
            "quick": PrecisionConfig(**BRIEF, steps=300, batch=4),
            "book": PrecisionConfig(**BRIEF, steps=300, batch=4),
            "gpu": PrecisionConfig(**BRIEF, steps=2_000),
            "article": PrecisionConfig(steps=5_000),
        },
        run=run_precision,
        needs=("bsds500", "set5"),
    ),
)
