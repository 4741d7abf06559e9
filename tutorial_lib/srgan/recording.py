"""Every method of the SRGAN chapter is trained where it must be, measured alike, and recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from statistics import fmean
from typing import Any

import torch
from safetensors.torch import save_file

from tutorial_lib import ledger
from tutorial_lib.data import GROUPS, load, mod_crop, photographs, write_image
from tutorial_lib.experiment import Run
from tutorial_lib.metrics import imresize, niqe
from tutorial_lib.settings import not_empty, one_of
from tutorial_lib.srgan.evaluation import (
    CROPS,
    PROTOCOL,
    SCALE,
    Upscale,
    averages,
    enlarge,
    evaluate,
    score,
    score_as_the_article,
    set_distance,
    square,
    write_scores,
    write_squares,
)
from tutorial_lib.srgan.networks import Generator
from tutorial_lib.srgan.texture import PROTOCOL as TEXTURE_PROTOCOL
from tutorial_lib.srgan.texture import lattice_score, texture_scores
from tutorial_lib.srgan.training import (
    PUBLISHED,
    SrganRecipe,
    SrresnetRecipe,
    published_generator,
    watch_steps,
)
from tutorial_lib.training import (
    History,
    half_state,
    train,
    write_atomically,
)

TEST_SETS = ("set5", "set14", "bsd100")

WATCHED = ("butterfly", "baby")
"""The two squares, side by side, that are kept through training."""


@dataclasses.dataclass(frozen=True)
class MeasureConfig:
    """Settings of an experiment that trains nothing.

    Attributes
    ----------
    steps : int
        None are taken.
    test_sets : tuple of str
        Evaluated.
    """

    steps: int = 0
    test_sets: tuple[str, ...] = TEST_SETS

    def __post_init__(self) -> None:
        not_empty(self, "test_sets")
        one_of(self, GROUPS, "test_sets")


# ------------------------------------------------------------------------------- runs


def run_bicubic(run: Run) -> ledger.Record:
    """Measure bicubic interpolation; of the true pictures NIQE, and keep the squares shown."""
    metrics, files = measure_method(run, lambda low: imresize(low, scale=SCALE))
    for group in run.config.test_sets:
        if group != "set5":
            true = [niqe(mod_crop(image, SCALE)).item() for image in photographs(group).values()]
            metrics[group]["true_niqe"] = round(fmean(true), 5)
    for name, (file, (top, left)) in CROPS.items():
        image = load(file)[..., top : top + 256, left : left + 256]
        write_image(run.folder / f"{name}_true.webp", image, overwrite=True)
        files.append(f"{name}_true.webp")
    return _measured(run, metrics, files)


def run_published(run: Run) -> ledger.Record:
    """Measure the published generator of five blocks, as its weights are."""
    start = ledger.start(PUBLISHED)
    network = published_generator(start.path).to(run.fabric.device)
    return _measured(run, *measure_method(run, network), start=start.stamp())


def _measured(
    run: Run,
    metrics: dict[str, Any],
    files: list[str],
    *,
    start: Mapping[str, str] | None = None,
) -> ledger.Record:
    """The record of a method that nothing was trained for."""
    record = run.record(
        history=History(),
        metrics=metrics,
        protocol=PROTOCOL | TEXTURE_PROTOCOL,
        artefacts=files,
        data=run.config.test_sets,
        start=start,
    )
    return dataclasses.replace(record, precision="32-true")


def run_srresnet(run: Run) -> ledger.Record:
    """Train SRResNet and measure it."""
    return _train_and_measure(run, SrresnetRecipe(run.config, run.fabric, steps=run.steps))


def run_srgan(run: Run) -> ledger.Record:
    """Train SRGAN from the recorded SRResNet and measure it."""
    return _train_and_measure(run, SrganRecipe(run.config, run.fabric, steps=run.steps))


def measure_method(run: Run, upscale: Upscale) -> tuple[dict[str, Any], list[str]]:
    """Everything that is measured of a method, and the squares that are shown.

    Parameters
    ----------
    run : Run
        Its configuration's ``test_sets`` are measured; texture and lattice where all are.
    upscale : callable
        From (1, 3, h, w) to (1, 3, 4h, 4w), range [0, 1], on the run's device.

    Returns
    -------
    tuple
        Metrics by set, and the names of the files written, ``scores.csv`` among them.
    """
    device = run.fabric.device
    metrics: dict[str, Any] = {}
    sets = {}
    for group in run.config.test_sets:
        made = enlarge(upscale, group, device=device)
        sets[group] = score(made, group)
        metrics[group] = averages(sets[group])
        if group == "bsd100":
            metrics[group]["frechet"] = set_distance(made, group)
    metrics["set5, the article's protocol"] = score_as_the_article(upscale, device=device)
    write_scores(run.folder / "scores.csv", sets)
    if set(run.config.test_sets) == set(TEST_SETS):
        metrics["texture"] = texture_scores(upscale, device=device)
        metrics["lattice"] = {"smooth squares": lattice_score(upscale, device=device)}
    return metrics, ["scores.csv", *write_squares(run, upscale)]


def _train_and_measure(run: Run, recipe: SrresnetRecipe | SrganRecipe) -> ledger.Record:
    config, device = run.config, run.fabric.device

    def write_frame(name: str, network: Generator) -> None:
        if run.fabric.is_global_zero:
            frame = torch.cat([square(shown, network, device=device) for shown in WATCHED], dim=-1)
            write_image(run.folder / f"{name}.webp", frame, quality=92, overwrite=True)

    def watch(step: int) -> dict[str, float]:
        network = recipe.result()
        write_frame(f"step_{step:06d}", network)
        scores = averages(evaluate(network, "set5", measures=("psnr_y", "ssim_y"), device=device))
        seen = {f"set5_{measure}": value for measure, value in scores.items()}
        if config.statistics:
            # The same weights with both statistics, all through the training.
            trained = recipe.modules["generator"]
            for name, same in (
                ("last weights", recipe.stored(trained)),
                ("last weights, running statistics", recipe.as_trained(trained)),
            ):
                scores = averages(evaluate(same, "set5", measures=("psnr_y",), device=device))
                seen[f"set5_psnr_y, {name}"] = scores["psnr_y"]
        return seen

    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder,
        # Where the rate falls towards the last step, that step belongs to the settings.
        config=run.settings() | {"steps": run.steps if recipe.falls else 0} | recipe.determined(),
        watch=watch,
        watch_at=watch_steps(run.steps),
        label=run.experiment,
    )
    network = recipe.result()
    state = half_state(network)
    write_atomically(run.folder / "weights.safetensors", lambda path: save_file(state, str(path)))
    metrics, files = measure_method(run, network)
    frames = [f"step_{int(row['step']):06d}.webp" for row in history.watched]
    for name, other in recipe.others().items():
        # What averaging or new statistics are worth: the same picture and measures without them.
        file = name.replace(" ", "_")
        write_frame(file, other)
        files.append(f"{file}.webp")
        for group in dict.fromkeys(["set5", config.test_sets[-1]]):
            metrics[f"{group}, {name}"] = averages(evaluate(other, group, device=device))
    photographs_used = [] if config.photographs == "voc2012" else [config.photographs]
    return run.record(
        history=history,
        metrics=metrics,
        protocol=PROTOCOL | TEXTURE_PROTOCOL | recipe.protocol(),
        artefacts=["weights.safetensors", *files, *frames],
        data=[*config.test_sets, *recipe.files(), *photographs_used],
        start=recipe.start,
    )
