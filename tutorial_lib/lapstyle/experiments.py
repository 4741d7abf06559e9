"""The experiments of the LapStyle chapter: the encoder, three styles, ablations and speed."""

from __future__ import annotations

import dataclasses
from typing import Any

from tutorial_lib.experiment import Experiment
from tutorial_lib.lapstyle.ablations import AblationConfig, run_ablations
from tutorial_lib.lapstyle.floor import FloorConfig, run_floor
from tutorial_lib.lapstyle.pictures import (
    STYLES,
)
from tutorial_lib.lapstyle.recording import EncoderConfig, run_encoder, run_first, run_style
from tutorial_lib.lapstyle.settings import DraftingConfig, StyleConfig
from tutorial_lib.lapstyle.speed import SpeedConfig, run_speed
from tutorial_lib.lapstyle.stylise import (
    ENCODER,
)
from tutorial_lib.vgg import VGG16_FILE

FIRST = "lapstyle/first"
"""The training with whose networks the others start."""

_OUTSIDE = ("bsds500", "bsd100", "content/tubingen.jpg", VGG16_FILE)

_SMOKE: dict[str, Any] = {
    "sizes": (32, 64),
    "batch": 2,
    "places": 64,
    "limit": 4,
    "held_out": 2,
    "equalised": 2,
    "shown": 128,
}

_ONE_BY_ONE: dict[str, Any] = {"batch": 1, "learning_rate": 1e-3, "cosine": True, "places": 256}
"""What the published trainings share: one photograph a step on one thread of a processor."""


_LONG: dict[str, Any] = {
    "batch": 1,
    "learning_rate": 1e-3,
    "cosine": True,
    "identity": 100.0,
    "identity_every": 8,
    "held_out": 6,
    # At the article's 1, the slope that it gives to the pixels is a fiftieth of the others'.
    "adversarial": 10.0,
    "judge_rate": 0.1,
    "looked": 256,
    "judged": 128,
}
"""Of the three styles: all places of a draft's maps are compared."""


def _style_experiment(style: str) -> Experiment:
    longest = style == STYLES[0]  # Begins with nothing; the others begin with its networks.
    whole = StyleConfig(steps=12_000, style=style, learning_rate=5e-4, cosine=True)
    return Experiment(
        name=f"lapstyle/{style}",
        summary=f"drafting at 128 pixels, revisions at 256 and 512, for {style}",
        profiles={
            "smoke": StyleConfig(
                **_SMOKE | {"sizes": (32, 64, 128)},
                steps=3,
                style=style,
                shares=(1 / 3, 1 / 3, 1 / 3),
            ),
            "quick": dataclasses.replace(whole, steps=2_500, shares=(0.6, 0.3, 0.1)),
            "book": StyleConfig(
                **_LONG,
                steps=13_000 if longest else 6_000,
                style=style,
                shares=(9.0, 3.0, 1.0) if longest else (3.0, 2.0, 1.0),
                start="" if longest else f"lapstyle/{STYLES[0]}",
            ),
            "gpu": whole,
            "article": StyleConfig(
                steps=90_000,
                style=style,
                shares=(1 / 3, 1 / 3, 1 / 3),
                backbone="vgg19",
                identity=0.0,
                photographs="train2017",
            ),
        },
        run=run_style,
        needs=(*_OUTSIDE, f"style/{style}.jpg"),
    )


_FIRST = DraftingConfig(steps=1_200, sizes=(128, 256), learning_rate=1e-3, cosine=True)

_ABLATIONS = AblationConfig(
    steps=2_000,
    sizes=(128, 256),
    learning_rate=5e-4,
    cosine=True,
    shown=256,
    shares=(0.6, 0.4),
)

_TWICE = AblationConfig(
    **_LONG,
    steps=1_600,
    sizes=(256, 512),
    shown=512,
    shares=(3.0, 1.0),
    names=("whole", "c: RGB for the residual"),
)
"""Of the ablations those that differ by the pyramid alone, at twice the size."""

EXPERIMENTS = (
    Experiment(
        name=ENCODER,
        summary="VGG as far as relu4_1, its channels made comparable",
        profiles={
            "smoke": EncoderConfig(equalised=2, held_out=2),
            "quick": EncoderConfig(),
            "book": EncoderConfig(),
            "gpu": EncoderConfig(),
            "article": EncoderConfig(backbone="vgg19"),
        },
        run=run_encoder,
        needs=("bsds500", "bsd100", VGG16_FILE),
    ),
    Experiment(
        name=FIRST,
        summary="a drafting network for Starry Night, from nothing; others may start from it",
        profiles={
            "smoke": DraftingConfig(**_SMOKE, steps=1),
            "quick": _FIRST,
            "book": DraftingConfig(
                **_ONE_BY_ONE, steps=1_200, sizes=(128, 256), identity=100.0, held_out=10
            ),
            "gpu": _FIRST,
            "article": dataclasses.replace(_FIRST, steps=60_000, learning_rate=1e-4),
        },
        run=run_first,
        needs=(*_OUTSIDE, "style/starry_night.jpg"),
    ),
    *(_style_experiment(style) for style in STYLES),
    Experiment(
        name="lapstyle/floor",
        summary="the four losses paint the pixels themselves: how far they can fall",
        profiles={
            "smoke": FloorConfig(steps=2, side=32, held_out=2, equalised=2),
            "quick": FloorConfig(held_out=2),
            "book": FloorConfig(),
            "gpu": FloorConfig(held_out=20),
            "article": FloorConfig(backbone="vgg19", held_out=20),
        },
        run=run_floor,
        needs=("bsds500", "bsd100", "style/starry_night.jpg", VGG16_FILE),
    ),
    Experiment(
        name="lapstyle/ablations",
        summary="without each loss, and the article's variants (a) to (d), at 256 pixels",
        profiles={
            "smoke": AblationConfig(
                **_SMOKE | {"shown": 64},
                steps=2,
                shares=(0.5, 0.5),
                names=("whole", "c: RGB for the residual", "d: no drafting"),
            ),
            "quick": dataclasses.replace(_ABLATIONS, steps=600),
            # Nothing to start from: a decoder that has met a loss would not be without it.
            "book": AblationConfig(
                **_LONG | {"looked": 0},
                steps=1_600,
                sizes=(128, 256),
                shown=256,
                shares=(3.0, 1.0),
            ),
            "gpu": _ABLATIONS,
            "article": AblationConfig(
                steps=60_000,
                sizes=(128, 256),
                identity=0.0,
                backbone="vgg19",
                shown=256,
                shares=(0.5, 0.5),
            ),
        },
        run=run_ablations,
        needs=(*_OUTSIDE, "style/starry_night.jpg", "style/the_scream.jpg"),
    ),
    Experiment(
        name="lapstyle/ablations_512",
        summary="whole pictures instead of bands (c) at 512 pixels: does the pyramid pay more?",
        profiles={
            "smoke": dataclasses.replace(
                _TWICE, **_SMOKE | {"shown": 64}, steps=2, shares=(0.5, 0.5)
            ),
            "quick": dataclasses.replace(_TWICE, steps=600),
            "book": _TWICE,
            "gpu": dataclasses.replace(_TWICE, batch=5, learning_rate=5e-4, looked=0),
            "article": dataclasses.replace(
                _TWICE, steps=60_000, backbone="vgg19", batch=5, learning_rate=1e-4, cosine=False
            ),
        },
        run=run_ablations,
        needs=(*_OUTSIDE, "style/starry_night.jpg"),
    ),
    Experiment(
        name="lapstyle/speed",
        summary="milliseconds a picture, plainly and fast, from 256 pixels to full HD",
        profiles={
            "smoke": SpeedConfig(sizes=((64, 64),), rounds=1),
            "quick": SpeedConfig(),
            "book": SpeedConfig(rounds=9),
            "gpu": SpeedConfig(rounds=30),
            "article": SpeedConfig(sizes=((256, 256), (512, 512))),
        },
        run=run_speed,
    ),
)
