"""The experiments of the SRGAN chapter: bicubic, SRResNet, SRGAN, and what each part is worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

import torch
from safetensors.torch import save_file

from tutorial_lib import ledger
from tutorial_lib.data import GROUPS, load, mod_crop, photographs, write_image
from tutorial_lib.experiment import Experiment, Run
from tutorial_lib.metrics import imresize, niqe
from tutorial_lib.settings import not_empty, one_of
from tutorial_lib.srgan.ablation import LEARNING, LOSSES, AblationConfig, run_ablation
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
from tutorial_lib.srgan.precision import PrecisionConfig, run_precision
from tutorial_lib.srgan.texture import PROTOCOL as TEXTURE_PROTOCOL
from tutorial_lib.srgan.texture import lattice_score, texture_scores
from tutorial_lib.srgan.training import (
    PUBLISHED,
    SrganConfig,
    SrganRecipe,
    SrresnetConfig,
    SrresnetRecipe,
    published_generator,
    watch_steps,
)
from tutorial_lib.training import (
    PROFILES,
    History,
    half_state,
    train,
    write_atomically,
)
from tutorial_lib.vgg import VGG16_FILE

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
    test_sets: tuple[str, ...] = ("set5", "set14", "bsd100")

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


TEST_SETS = ("set5", "set14", "bsd100")

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


def _ablation(name: str, summary: str, *, steps: int, variants: tuple[str, ...]) -> Experiment:
    settings = BALANCED | {"variants": variants}
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


def _srgan(name: str, summary: str, *, book: int, features: str) -> Experiment:
    balanced = BALANCED | {"features": features}
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
            "quick": SrganConfig(**balanced, steps=3_000),
            "book": SrganConfig(steps=book, batch=4, features=features),
            "gpu": SrganConfig(**balanced | LARGE, steps=10_000),
            "article": SrganConfig(**ARTICLE, average=False, start="", features=features),
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
    Experiment(
        name="srgan/srresnet",
        summary="the generator alone, from random weights, on the squared error",
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
    Experiment(
        name="srgan/grown",
        summary="the same generator, grown from the published one of five blocks",
        profiles={
            "smoke": SrresnetConfig(
                **GROWN | {"batch": 4, "statistics": 32},
                steps=4,
                patch=48,
                limit=8,
                test_sets=("set5",),
            ),
            "quick": SrresnetConfig(**GROWN, steps=3_000),
            "book": SrresnetConfig(**GROWN, steps=7_000),
            "gpu": SrresnetConfig(**GROWN | {"batch": 16}, steps=40_000),
            "article": SrresnetConfig(**ARTICLE),
        },
        run=run_srresnet,
        needs=("bsds500", *TEST_SETS, PUBLISHED),
    ),
    _srgan(
        "srgan/srgan",
        "SRResNet carried on against a discriminator, with VGG's φ2,2",
        book=5_000,
        features="last2",
    ),
    _srgan("srgan/vgg54", "the same with VGG's φ5,4", book=800, features="last5"),
    _ablation("srgan/losses", "SRGAN with one, two and three losses", steps=2_000, variants=LOSSES),
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
