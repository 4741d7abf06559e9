"""What each part of SRGAN's training is worth: short trainings that differ in one thing.

Two questions are asked of the same SRResNet: which of the three losses does what, and which of the
generator's weights draw the lattice.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch

from tutorial_lib import ledger
from tutorial_lib.data import write_image
from tutorial_lib.experiment import Run, curves
from tutorial_lib.settings import not_empty, one_of
from tutorial_lib.srgan.evaluation import (
    PROTOCOL,
    averages,
    enlarge,
    evaluate,
    score,
    set_distance,
    square,
)
from tutorial_lib.srgan.networks import Generator
from tutorial_lib.srgan.settings import SrganConfig
from tutorial_lib.srgan.texture import (
    LATTICE_SIDE,
    SMOOTH,
    lattice_score,
    smooth_spectrum,
    squares,
    texture_scores,
)
from tutorial_lib.srgan.texture import PROTOCOL as TEXTURE_PROTOCOL
from tutorial_lib.srgan.training import SrganRecipe, watch_steps
from tutorial_lib.training import train

VARIANTS: dict[str, dict[str, Any]] = {
    "squared error": {"content": 0.0, "adversarial": 0.0},
    "squared error, VGG": {"adversarial": 0.0},
    "squared error, adversary": {"content": 0.0},
    "all three": {},
    "all weights learn": {"frozen": "", "block": 0.0},
    "all but the tail": {"block": 0.0},
    "the tail alone": {"frozen": "head body", "block": 0.0},
    "all but the tail, the mean block priced": {},
}
"""Name → the settings in which it differs from the experiment's own."""

LOSSES = tuple(VARIANTS)[:4]
LEARNING = tuple(VARIANTS)[4:]

SHOWN = ("baby", "baboon", "zebra")
"""Of the chapter's squares, those that are kept of every variant."""

WATCHED = ("baby, brow", "baboon, nose")
"""Of the smooth squares, those that are kept through training, beside the spectrum of all."""


@dataclasses.dataclass(frozen=True)
class AblationConfig(SrganConfig):
    """Settings of trainings that differ in one thing.

    Attributes
    ----------
    variants : tuple of str
        Of :data:`VARIANTS`.
    """

    variants: tuple[str, ...] = LOSSES

    def __post_init__(self) -> None:
        super().__post_init__()
        not_empty(self, "variants")
        one_of(self, VARIANTS, "variants")

    def variant(self, name: str) -> SrganConfig:
        """The settings of one training."""
        shared = dataclasses.asdict(self)
        del shared["variants"]
        return SrganConfig(**shared | VARIANTS[name])


def file_name(variant: str, rest: str) -> str:
    """The file that holds something of a variant, such as ``all_three_baby.webp``."""
    return f"{variant.replace(',', '').replace(' ', '_')}_{rest}"


def run_ablation(run: Run) -> ledger.Record:
    """Train every variant from the same weights and seed, and measure all of them alike."""
    device = run.fabric.device
    whole = "bsd100" in run.config.test_sets  # whose pictures hold most of the squares
    metrics: dict[str, Any] = {}
    found: dict[str, dict[str, list[float]]] = {}
    files: list[str] = []
    seconds = 0.0
    for variant in run.config.variants:
        config = run.config.variant(variant)
        recipe = SrganRecipe(config, run.fabric, steps=run.steps)

        def watch(step: int, recipe: SrganRecipe = recipe, variant: str = variant) -> dict:
            network = recipe.result()
            seen = averages(evaluate(network, "set5", measures=("psnr_y",), device=device))
            if whole:
                _write_frame(run.folder / file_name(variant, f"{step:06d}.webp"), network, device)
                seen["lattice"] = lattice_score(network, device=device)
            return seen

        history = train(
            recipe,
            fabric=run.fabric,
            steps=run.steps,
            folder=run.folder / file_name(variant, "run"),
            config=dataclasses.asdict(config) | {"steps": run.steps} | recipe.determined(),
            watch=watch,
            watch_at=watch_steps(run.steps),
            label=f"{run.experiment}, {variant}",
        )
        network = recipe.result()
        metrics[variant] = {}
        for group in config.test_sets:
            made = enlarge(network, group, device=device)
            metrics[variant][group] = averages(score(made, group))
            if group == "bsd100":
                metrics[variant][group]["frechet"] = set_distance(made, group)
        if whole:
            metrics[variant]["texture"] = texture_scores(network, device=device)
            metrics[variant]["lattice"] = lattice_score(network, device=device)
            files += [file_name(variant, f"{int(row['step']):06d}.webp") for row in history.watched]
        for name in SHOWN:
            file = file_name(variant, f"{name}.webp")
            shown = square(name, network, device=device)
            write_image(run.folder / file, shown, overwrite=True)
            files.append(file)
        found |= {f"{name}, {variant}": curve for name, curve in curves(history).items()}
        seconds += history.seconds
    return dataclasses.replace(
        run.record(
            history=dataclasses.replace(history, seconds=seconds),
            metrics=metrics,
            protocol=PROTOCOL | TEXTURE_PROTOCOL | recipe.protocol(),
            artefacts=files,
            data=[*run.config.test_sets, *recipe.files(), run.config.photographs],
            start=recipe.start,
        ),
        curves=found,
    )


def _write_frame(path: Path, network: Generator, device: torch.device) -> None:
    watched = {name: SMOOTH[name] for name in WATCHED}
    cut = squares(network, watched, side=LATTICE_SIDE, device=device).values()
    frame = [*(made for made, _ in cut), smooth_spectrum(network, device=device)]
    write_image(path, torch.cat(frame, dim=-1), overwrite=True)
