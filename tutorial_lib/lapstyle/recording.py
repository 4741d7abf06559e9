"""The encoder and the painters of the LapStyle chapter are trained, measured and recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, get_args

import torch
from safetensors.torch import save_file

from tutorial_lib import ledger
from tutorial_lib.experiment import Run
from tutorial_lib.lapstyle.measures import PROTOCOL, held_out_losses
from tutorial_lib.lapstyle.pictures import (
    CONTENTS,
    content,
    middles,
    style_picture,
    write_picture,
)
from tutorial_lib.lapstyle.settings import StyleConfig
from tutorial_lib.lapstyle.stylise import (
    ENCODER_WEIGHTS,
    WEIGHTS,
    prepared_encoder,
    style_state,
)
from tutorial_lib.lapstyle.training import StyleRecipe, starting_weights, train_painter
from tutorial_lib.settings import at_least, one_of
from tutorial_lib.training import History, half_state, write_atomically
from tutorial_lib.vgg import VGG16_FILE, Backbone, Vgg

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Of the paintings that a style's record keeps."""


@dataclasses.dataclass(frozen=True)
class EncoderConfig:
    """Settings of the encoder's preparation.

    Attributes
    ----------
    steps : int
        Nothing is trained.
    backbone : {"vgg16", "vgg19"}
        The network.
    equalised : int
        Photographs over which its channels are made comparable.
    held_out : int
        Photographs over which they are measured.
    """

    steps: int = 0
    backbone: Backbone = "vgg16"
    equalised: int = 40
    held_out: int = 20

    def __post_init__(self) -> None:
        at_least(self, 1, "equalised", "held_out")
        one_of(self, get_args(Backbone), "backbone")


def watch_steps(steps: int, ends: Sequence[int]) -> list[int]:
    """When to look: ever more rarely within the drafting, and twice in every later stage."""
    moments = [0, 20, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, *ends]
    moments += [(a + b) // 2 for a, b in pairwise(ends)]
    return sorted({m for m in moments if m < steps} | {steps})


def run_encoder(run: Run) -> ledger.Record:
    """Prepare the encoder, and keep it as far as relu4_1."""
    config: EncoderConfig = run.config
    encoder = prepared_encoder(config.backbone, photographs=config.equalised)
    photos = middles(128, count=config.held_out)
    with torch.no_grad():
        means = {name: round(m.mean().item(), 4) for name, m in encoder(photos).items()}
        raw = Vgg(list(means), backbone=config.backbone)(photos)
    state = half_state(encoder.first(4))
    write_atomically(run.folder / ENCODER_WEIGHTS, lambda path: save_file(state, str(path)))
    record = run.record(
        history=History(),
        metrics={
            "prepared": means,
            "as published": {name: round(m.mean().item(), 4) for name, m in raw.items()},
        },
        protocol={"means": "of all channels over the middles of held-out photographs, 128 pixels"},
        artefacts=[ENCODER_WEIGHTS],
        data=["bsds500", "bsd100", *([VGG16_FILE] if config.backbone == "vgg16" else [])],
    )
    return dataclasses.replace(record, precision="32-true")


def run_first(run: Run) -> ledger.Record:
    """Train a drafting network from nothing, for others to start from."""
    config = StyleConfig(**vars(run.config), shares=(1.0,))
    recipe = StyleRecipe(config, run.fabric, steps=run.steps)
    history = _train(run, recipe, stamp={})
    return _painter_record(
        run, recipe, history, contents=("tubingen", "astronaut"), files=[], stamp={}
    )


def run_style(run: Run) -> ledger.Record:
    """Train one style's networks, stage after stage, and measure them."""
    config: StyleConfig = run.config
    weights, stamp = starting_weights(config.start)
    recipe = StyleRecipe(config, run.fabric, steps=run.steps, weights=weights)
    history = _train(run, recipe, stamp=stamp)
    model = recipe.result()
    painting = style_picture(config.style, config.shown)
    files = [write_picture(run.folder / "style.webp", painting)]
    photo = content("tubingen", config.shown * 3 // 4).to(run.fabric.device)
    made = {}
    with torch.no_grad():
        for strength in STRENGTHS:
            name = f"strength_{round(100 * strength):03d}.webp"
            made[name] = model(photo, levels=2, strength=strength)
        for i, stage in enumerate(model.stages(photo, levels=2)):
            made[f"stage_{i}.webp"] = stage
        made["nearest.webp"] = model(photo, levels=2, upsampling="nearest")
    files += [write_picture(run.folder / name, picture) for name, picture in made.items()]
    return _painter_record(run, recipe, history, contents=tuple(CONTENTS), files=files, stamp=stamp)


def _train(run: Run, recipe: StyleRecipe, *, stamp: dict[str, str]) -> History:
    """Train, and keep a painting of one photograph at some of the steps."""
    side = recipe.config.shown * 3 // 4
    photo = content("tubingen", side).to(run.fabric.device)

    def watch(step: int) -> dict[str, float]:
        if run.fabric.is_global_zero:
            with torch.no_grad():
                made = recipe.result()(photo, levels=2)
            write_picture(run.folder / f"step_{step:06d}.webp", made, quality=90)
        return {}

    return train_painter(
        run,
        recipe,
        folder=run.folder,
        stamp=stamp,
        watch=watch,
        watch_at=watch_steps(run.steps, recipe.ends),
        label=run.experiment,
    )


def _painter_record(
    run: Run,
    recipe: StyleRecipe,
    history: History,
    *,
    contents: Sequence[str],
    files: Sequence[str],
    stamp: dict[str, str],
) -> ledger.Record:
    """Keep the weights, paint photographs and measure; `files` are those written already."""
    config, model = recipe.config, recipe.result()
    state = style_state(recipe.model)
    write_atomically(run.folder / WEIGHTS, lambda path: save_file(state, str(path)))
    painted = []
    for name in contents:
        with torch.no_grad():
            made = model(content(name, config.shown).to(run.fabric.device))
        painted.append(write_picture(run.folder / f"{name}.webp", made))
    frames = [f"step_{int(row['step']):06d}.webp" for row in history.watched]
    return run.record(
        history=history,
        metrics=_measured(recipe)
        | {"steps of each stage": _stage_steps(recipe.ends, len(history.losses))},
        protocol=PROTOCOL | {"backbone": f"{config.backbone}, channels equalised"},
        artefacts=[WEIGHTS, *files, *painted, *frames],
        data=config.data(),
        start=stamp,
    )


def _stage_steps(ends: Sequence[int], done: int) -> dict[str, int]:
    begins = [0, *ends[:-1]]
    names = ["drafting", "first revision", "second revision"]
    return {
        name: max(0, min(done, end) - begin)
        for name, begin, end in zip(names, begins, ends, strict=False)
    }


def _measured(recipe: StyleRecipe) -> dict[str, Any]:
    """The losses at each stage's size, of the paintings and of the bare photographs."""
    config, model = recipe.config, recipe.result()
    found: dict[str, Any] = {}
    for levels, side in enumerate(config.sizes):
        for name, painter in ((f"{side}", model), (f"photograph {side}", None)):
            found[name] = held_out_losses(
                painter,
                style=config.style,
                side=side,
                count=config.held_out,
                encoder=recipe.judging,
                levels=levels,
            )
    return found
