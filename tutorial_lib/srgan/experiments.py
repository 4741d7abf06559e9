"""The experiments of the SRGAN chapter: bicubic, SRResNet, SRGAN, and what each part is worth."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from safetensors.torch import save_file

from tutorial_lib import ledger
from tutorial_lib.data import load, mod_crop, photographs, write_image
from tutorial_lib.experiment import Claim, Experiment, Reader, Run, curves
from tutorial_lib.metrics import imresize, niqe
from tutorial_lib.srgan.evaluation import (
    CROPS,
    PROTOCOL,
    SCALE,
    averages,
    evaluate,
    square,
    write_scores,
    write_squares,
)
from tutorial_lib.srgan.networks import Generator
from tutorial_lib.srgan.training import (
    PUBLISHED,
    VGG_UNIT,
    SrganConfig,
    SrganRecipe,
    SrresnetConfig,
    SrresnetRecipe,
)
from tutorial_lib.training import History, half_state, make_fabric, train, write_atomically
from tutorial_lib.vgg import VGG16_FILE

WATCHED = ("butterfly", "baby")
"""The two squares, side by side, that are kept through training."""


@dataclasses.dataclass(frozen=True)
class PrecisionConfig(SrresnetConfig):
    """Settings of the comparison of float32 with bfloat16, beyond those of SRResNet's training.

    Attributes
    ----------
    seeds : tuple of int
        One training in each precision for each.
    """

    seeds: tuple[int, ...] = (0, 1)


# ------------------------------------------------------------------------------- runs


def watch_steps(steps: int) -> list[int]:
    """When to look: 0, then ever more rarely, and at the end."""
    moments = [0, 25, 50, 100, 200, 400, 700, 1000, 1500, 2000, 3000, 4000]
    moments += list(range(6000, 1_000_000, 2000))
    return [m for m in moments if m < steps] + [steps]


def run_bicubic(run: Run) -> ledger.Record:
    """Measure bicubic interpolation, and the NIQE of the true pictures."""
    sets = {}
    for group in run.config.test_sets:
        sets[group] = evaluate(lambda low: imresize(low, scale=SCALE), group)
        if group != "set5":
            for name, image in photographs(group).items():
                true = niqe(mod_crop(image, SCALE)).item()
                sets[group][Path(name).stem]["true_niqe"] = true
    write_scores(run.folder / "scores.csv", sets)
    files = write_squares(run, lambda low: imresize(low, scale=SCALE))
    for name, (file, (top, left)) in CROPS.items():
        image = load(file)[..., top : top + 256, left : left + 256]
        write_image(run.folder / f"{name}_true.webp", image, overwrite=True)
        files.append(f"{name}_true.webp")
    record = run.record(
        history=History(),
        metrics={group: averages(scores) for group, scores in sets.items()},
        protocol=PROTOCOL,
        artefacts=["scores.csv", *files],
        data=run.config.test_sets,
    )
    return dataclasses.replace(record, precision="32-true")


def run_srresnet(run: Run) -> ledger.Record:
    """Train SRResNet and measure it."""
    return _train_and_measure(run, SrresnetRecipe(run.config, run.fabric, steps=run.steps), data=[])


def run_srgan(run: Run) -> ledger.Record:
    """Train SRGAN from the recorded SRResNet and measure it."""
    recipe = SrganRecipe(run.config, run.fabric, steps=run.steps)
    data = [VGG16_FILE] if recipe.vgg.backbone == "vgg16" else []
    return _train_and_measure(run, recipe, data=data)


def run_precision(run: Run) -> ledger.Record:
    """Train SRResNet for a short while in float32 and in bfloat16, from the same seeds."""
    metrics, found, seconds = {}, {}, 0.0
    for precision in ("32-true", "bf16-mixed"):
        for seed in run.config.seeds:
            fabric = make_fabric(precision=precision)
            recipe = SrresnetRecipe(run.config, fabric, steps=run.steps)
            history = train(
                recipe,
                fabric=fabric,
                steps=run.steps,
                folder=run.folder / f"{precision}-{seed}",
                config=run.settings() | {"precision": precision},
                seed=seed,
                label=f"{precision}, seed {seed}",
            )
            scores = evaluate(recipe.result(), "set5", device=fabric.device)
            metrics[f"{precision}, seed {seed}"] = averages(scores)
            found[f"mse, {precision}, seed {seed}"] = curves(history)["mse"]
            seconds += history.seconds
    record = run.record(
        history=dataclasses.replace(history, seconds=seconds),
        metrics=metrics,
        protocol=PROTOCOL,
        data=["set5", run.config.photographs],
    )
    return dataclasses.replace(record, precision="32-true and bf16-mixed", curves=found)


def _train_and_measure(run: Run, recipe: SrresnetRecipe, *, data: list[str]) -> ledger.Record:
    config, device = run.config, run.fabric.device

    def write_frame(name: str, network: Generator) -> None:
        if run.fabric.is_global_zero:
            frame = torch.cat([square(shown, network, device=device) for shown in WATCHED], dim=-1)
            write_image(run.folder / f"{name}.webp", frame, overwrite=True)

    def watch(step: int) -> dict[str, float]:
        network = recipe.result()
        write_frame(f"step_{step:06d}", network)
        scores = averages(evaluate(network, "set5", device=device))
        return {"set5_psnr_y": scores["psnr_y"], "set5_ssim_y": scores["ssim_y"]}

    moments = watch_steps(run.steps)
    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder,
        # Where the rate falls to zero at the last step, that step belongs to the settings.
        config=run.settings() | {"steps": run.steps if config.cosine else 0} | recipe.start,
        watch=watch,
        watch_at=moments,
        label=run.experiment,
    )
    network = recipe.result()
    sets = {group: evaluate(network, group, device=device) for group in config.test_sets}
    write_scores(run.folder / "scores.csv", sets)
    state = half_state(network)
    write_atomically(run.folder / "weights.safetensors", lambda path: save_file(state, str(path)))
    files = write_squares(run, network.to(device))
    frames = [f"step_{int(row['step']):06d}.webp" for row in history.watched]
    protocol = dict(PROTOCOL)
    if config.statistics:
        protocol["batch normalisation"] = (
            f"statistics re-estimated over {config.statistics} training patches of side "
            f"{config.patch}"
        )
    if "average" in recipe.modules:
        # What averaging is worth: the same picture and measures without it.
        last = recipe.stored(recipe.modules["generator"])
        write_frame("last_weights", last)
        files.append("last_weights.webp")
        group = config.test_sets[-1]
        sets[f"{group}, last weights"] = evaluate(last, group, device=device)
    if isinstance(recipe, SrganRecipe):
        backbone = recipe.vgg.backbone
        protocol["content loss"] = (
            f"{backbone}, {recipe.vgg.layers[0]}, maps divided by {VGG_UNIT[backbone]:.1f}"
        )
    return run.record(
        history=history,
        metrics={group: averages(scores) for group, scores in sets.items()},
        protocol=protocol,
        artefacts=["weights.safetensors", "scores.csv", *files, *frames],
        data=[*config.test_sets, *data]
        + ([config.photographs] if config.photographs != "voc2012" else []),
        start=recipe.start,
    )


def _dB(record: ledger.Record, channel: str = "y") -> str:
    psnr_, ssim_ = (record.metric("set5", f"{kind}_{channel}") for kind in ("psnr", "ssim"))
    return f"{psnr_:.2f} dB, {ssim_:.4f}"


def _scores_fall(read: Reader) -> str:
    parts = []
    for name in ("srresnet", "srgan"):
        record = read(f"srgan/{name}")
        steps = f"{record.steps:,} of {record.steps_planned:,} steps"
        parts.append(f"{name}: {_dB(record)} in Y, {_dB(record, 'rgb')} in RGB ({steps})")
    return "Set5, " + "; ".join(parts)


def _looks_natural(read: Reader) -> str:
    bicubic, plain, gan = (read(f"srgan/{n}") for n in ("bicubic", "srresnet", "srgan"))
    values = ", ".join(
        f"{name} {value:.2f}"
        for name, value in (
            ("bicubic", bicubic.metric("bsd100", "niqe")),
            ("SRResNet", plain.metric("bsd100", "niqe")),
            ("SRGAN", gan.metric("bsd100", "niqe")),
            ("true photographs", bicubic.metric("bsd100", "true_niqe")),
        )
    )
    return f"NIQE on BSD100 (lower is more natural): {values}"


def _content_share(read: Reader) -> str:
    parts = []
    for name in ("srgan", "vgg54"):
        record = read(f"srgan/{name}")
        weights = {"mse": 1.0, **{k: record.config[k] for k in ("content", "adversarial")}}
        terms = {k: w * fmean(record.curves[k]["value"]) for k, w in weights.items()}
        share = 100 * terms["content"] / sum(terms.values())
        parts.append(f"{share:.2g} % with {record.protocol['content loss']}")
    return "the VGG term's share of the generator's loss: " + ", ".join(parts)


CLAIMS = (
    Claim(
        "PSNR and SSIM on Set5 put SRResNet (29.74 dB, 0.8610) far ahead of SRGAN (25.41 dB, "
        "0.7352); the channel is not stated",
        _scores_fall,
    ),
    Claim(
        "SRResNet's picture is flat where SRGAN's has the fine grain of a photograph, and most "
        "people take the latter for natural",
        _looks_natural,
    ),
    Claim(
        "the VGG loss, weighted by 2e-6, mends the blur of the squared error; both are added "
        "because one alone did not train stably",
        _content_share,
    ),
)
"""What the article found, and how the records answer."""


TEST_SETS = ("set5", "set14", "bsd100")

GROWN: dict[str, Any] = {
    "batch": 8,
    "learning_rate": 2e-4,
    "warm_up": 200,
    "cosine": True,
    "average": True,
    "statistics": 512,
    "start": PUBLISHED,
}
"""A short training that gets the most from a published start."""

BRIEF: dict[str, Any] = {"learning_rate": 4e-4, "warm_up": 100, "cosine": True}
"""From random weights, what gets the most in a short time."""

EXPERIMENTS = (
    Experiment(
        name="srgan/bicubic",
        summary="bicubic interpolation, the baseline; and the true pictures' NIQE",
        profiles={
            "smoke": SrresnetConfig(steps=0, test_sets=("set5",)),
            "quick": SrresnetConfig(steps=0),
            "book": SrresnetConfig(steps=0),
            "article": SrresnetConfig(steps=0),
        },
        run=run_bicubic,
        needs=TEST_SETS,
    ),
    Experiment(
        name="srgan/srresnet",
        summary="the generator alone, on the squared error",
        profiles={
            "smoke": SrresnetConfig(steps=4, batch=4, patch=48, limit=8, test_sets=("set5",)),
            "quick": SrresnetConfig(**BRIEF, steps=10_000),
            "book": SrresnetConfig(**GROWN, steps=5_000),
            "gpu": SrresnetConfig(**GROWN | {"batch": 16}, steps=40_000),
            # 200 epochs of 16,700 photographs in batches of 16.
            "article": SrresnetConfig(steps=208_750, photographs="voc2012"),
        },
        run=run_srresnet,
        needs=("bsds500", *TEST_SETS, PUBLISHED),
    ),
    Experiment(
        name="srgan/scratch",
        summary="the same training as SRResNet's from random weights: what the start is worth",
        profiles={
            "smoke": SrresnetConfig(steps=4, batch=4, patch=48, limit=8, test_sets=("set5",)),
            "quick": SrresnetConfig(**BRIEF, steps=10_000),
            "book": SrresnetConfig(**GROWN | {"start": ""}, steps=5_000),
            "gpu": SrresnetConfig(**GROWN | {"start": "", "batch": 16}, steps=40_000),
            "article": SrresnetConfig(steps=208_750, photographs="voc2012"),
        },
        run=run_srresnet,
        needs=("bsds500", *TEST_SETS),
    ),
    Experiment(
        name="srgan/srgan",
        summary="carried on from SRResNet against a discriminator, with VGG's φ2,2",
        profiles={
            "smoke": SrganConfig(steps=2, batch=2, limit=8, test_sets=("set5",)),
            "quick": SrganConfig(steps=3_000),
            "book": SrganConfig(steps=10_000),
            "article": SrganConfig(steps=208_750, photographs="voc2012", average=False),
        },
        run=run_srgan,
        needs=("bsds500", *TEST_SETS, VGG16_FILE),
    ),
    Experiment(
        name="srgan/vgg54",
        summary="the same with VGG's φ5,4",
        profiles={
            "smoke": SrganConfig(steps=2, batch=2, limit=8, test_sets=("set5",), features="last5"),
            "quick": SrganConfig(steps=3_000, features="last5"),
            "book": SrganConfig(steps=10_000, features="last5"),
            "article": SrganConfig(
                steps=208_750, photographs="voc2012", features="last5", average=False
            ),
        },
        run=run_srgan,
        needs=("bsds500", *TEST_SETS, VGG16_FILE),
    ),
    Experiment(
        name="srgan/precision",
        summary="what training in bfloat16 costs and saves, against float32",
        profiles={
            "smoke": PrecisionConfig(steps=2, batch=2, patch=48, limit=8, seeds=(0,)),
            "quick": PrecisionConfig(
                steps=300, batch=4, learning_rate=4e-4, warm_up=100, cosine=True
            ),
            "book": PrecisionConfig(
                steps=300, batch=4, learning_rate=4e-4, warm_up=100, cosine=True
            ),
            "article": PrecisionConfig(steps=5_000),
        },
        run=run_precision,
        needs=("bsds500", "set5"),
    ),
)
