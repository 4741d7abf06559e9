"""The experiments of the chapter on coarse-to-fine generators: five trainings of two tasks."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine.frames import frame_epochs, frame_name, shown, write_strip
from tutorial_lib.coarse_to_fine.networks import CoarseToFine
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.recipe import TRAININGS, WORDS, Config, Recipe, Sets, prepare
from tutorial_lib.coarse_to_fine.tasks import TASKS
from tutorial_lib.coarse_to_fine.unfreezing import UnfreezingConfig, run_unfreezing
from tutorial_lib.experiment import Experiment, Run
from tutorial_lib.experiment import curves as thinned
from tutorial_lib.metrics import Protocol, psnr
from tutorial_lib.training import History, half_state, load_half_state, train, write_atomically

PROTOCOL = Protocol("rgb", crop=0, rounding=False)

PROTOCOLS = {
    "psnr": f"in dB; {PROTOCOL.describe()}, of answers within [0, 1]; mean over pictures",
    "train_psnr, val_psnr": "the same after each epoch at the size of the stage then trained, on "
    "the first pictures of either set, with the network as it stands",
    "val_psnr_top": "the same with the stage's answer enlarged to full size (bilinear)",
    "seconds": "of one epoch's steps, without measuring: on a processor with one thread its own "
    "time, which other programs do not add to; else by the clock",
    "test": "after the training, weights rounded to half precision as stored, in float32",
}


@torch.no_grad()
def answers(network: Any, pictures: Octaves, index: Tensor, *, stage: int, side: int) -> Tensor:
    """What a network in evaluation mode makes of pictures, (B, 3, side, side), on its device."""
    parts = index.split(64)
    made = [network(pictures.batch(part, side=side)[0], stage=stage) for part in parts]
    return torch.cat([part.float() for part in made])


def quality(made: Tensor, pictures: Octaves, index: Tensor) -> float:
    """Mean PSNR of answers of any size against the true pictures of that size."""
    side = made.shape[-1]
    pairs = zip(made.split(64), index.split(64), strict=True)
    found = [psnr(a, pictures.batch(b, side=side)[1], protocol=PROTOCOL) for a, b in pairs]
    return torch.cat(found).mean().item()


def run_training(run: Run) -> ledger.Record:
    """Train once a seed, measure after every epoch, and keep the first seed's pictures."""
    config: Config = run.config
    sets = prepare(config, run.fabric)
    metrics: dict[str, Any] = {}
    curves: dict[str, dict[str, list[float]]] = {}
    losses: dict[str, dict[str, list[float]]] = {}
    seconds, files, history = 0.0, list[str](), History()
    for seed in range(config.seeds):
        recipe = Recipe(config, run.fabric, sets.train, seed=seed)
        history = _train(run, recipe, sets)
        seconds += history.seconds
        losses = losses or thinned(dataclasses.replace(history, watched=[]))
        names = sorted({key for row in history.watched for key in row} - {"step"})
        for name in names:
            rows = [row for row in history.watched if name in row]
            curves[f"{name}, seed {seed}"] = {
                "step": [row["step"] for row in rows],
                "value": [float(f"{row[name]:.5g}") for row in rows],
            }
        state = half_state(recipe.network)
        network = config.network()
        load_half_state(network, state).to(run.fabric.device)
        stage = config.phase(min(len(history.losses), config.steps) - 1).stage
        metrics[f"seed {seed}"] = _measure(network, sets, stage) | {
            "seconds": round(sum(row.get("seconds", 0.0) for row in history.watched), 2)
        }
        if seed == 0:
            path = run.folder / "weights.safetensors"
            write_atomically(path, partial(save_file, state))
            kept = [frame_name(int(row["step"]) // config.epoch_steps) for row in history.watched]
            files = ["weights.safetensors", *(n for n in kept if (run.folder / n).exists())]
    files += _write_examples(run.folder, sets.test, config)
    every = torch.arange(len(sets.test))
    spoiled = torch.cat([sets.test.batch(p, side=config.top)[0] for p in every.split(64)])
    metrics["data"] = {
        "training pictures": len(sets.train),
        "test pictures": len(sets.test),
        "left out as grey": sets.left_out,
        "psnr of the spoiled": round(quality(spoiled, sets.test, every), 4),
    }
    record = run.record(
        history=dataclasses.replace(history, seconds=seconds),
        metrics=metrics,
        protocol=PROTOCOLS,
        artefacts=files,
        data=["bsds500", "bsd100"] if config.data == "bsds500" else [],
    )
    return dataclasses.replace(record, curves=losses | curves)


def _train(run: Run, recipe: Recipe, sets: Sets) -> History:
    config = recipe.config
    frames = frame_epochs(config)

    def watch(done: int) -> dict[str, float]:
        found = {"seconds": recipe.clock.per_step(done) * config.epoch_steps} if done else {}
        stage = config.phase(max(0, done - 1)).stage
        recipe.network.eval()
        side = recipe.network.sizes[stage - 1]
        for name, pictures in (("train", sets.train), ("val", sets.test)):
            index = torch.arange(min(config.watched, len(pictures)))
            made = answers(recipe.fast, pictures, index, stage=stage, side=side)
            found[f"{name}_psnr"] = quality(made, pictures, index)
        enlarged = F.interpolate(made, size=config.top, mode="bilinear")
        found["val_psnr_top"] = quality(enlarged, sets.test, index)
        found["stage"] = float(stage)
        epoch = done // config.epoch_steps
        if recipe.seed == 0 and epoch in frames:
            # The last one is for comparing, the others are for watching.
            write_strip(
                run.folder / frame_name(epoch),
                made[shown(len(sets.test))],
                lossless=epoch == config.epochs,
            )
        recipe.clock.stop()
        return found

    return train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder / f"seed{recipe.seed}",
        # More seeds may be added to a run, and each goes its own way.
        config={k: v for k, v in run.settings().items() if k != "seeds"},
        seed=recipe.seed,
        checkpoint_every=config.epoch_steps,
        watch=watch,
        watch_at=range(0, run.steps + 1, config.epoch_steps),
        label=f"{run.experiment}, seed {recipe.seed}",
    )


def _measure(network: CoarseToFine, sets: Sets, stage: int) -> dict[str, float]:
    """PSNR of the network as it is stored, on all test pictures and as many to train on."""
    found = {}
    side = network.sizes[stage - 1]
    for name, pictures in (("train", sets.train), ("test", sets.test)):
        index = torch.arange(min(len(sets.test), len(pictures)))
        made = answers(network, pictures, index, stage=stage, side=side)
        found[f"{name}_psnr"] = round(quality(made, pictures, index), 4)
    return found


def _write_examples(folder: Path, pictures: Octaves, config: Config) -> list[str]:
    index = shown(len(pictures))
    spoiled, true = pictures.batch(index, side=config.top)
    write_strip(folder / "spoiled.webp", spoiled, lossless=True)
    write_strip(folder / "true.webp", true, lossless=True)
    return ["spoiled.webp", "true.webp"]


RECORDED: dict[str, Any] = {
    "top": 64,
    "width": 16,
    "epochs": 24,
    "count": 1_024,
    "tested": 512,
    "watched": 256,
    "batch": 32,
}
"""What all published trainings share, but for those from few faces."""


def _experiment(name: str, summary: str, book: dict[str, Any], /, **settings: Any) -> Experiment:
    small = {"width": 8, "widest": 16, "count": 9, "tested": 8, "watched": 8, "batch": 4}
    return Experiment(
        name=f"coarse_to_fine/{name}",
        summary=summary,
        profiles={
            "smoke": Config(**{"top": 32, "epochs": 3} | settings | small),
            "quick": Config(**{"top": 64, "epochs": 48} | settings),
            "book": Config(**RECORDED | settings | book),
            "gpu": Config(**{"top": 128, "epochs": 100} | settings),
            "article": Config(**{"top": 256, "width": 64, "widest": 512, "epochs": 300} | settings),
        },
        run=run_training,
        needs=("bsds500", "bsd100") if settings.get("data") == "bsds500" else (),
    )


EXPERIMENTS = (
    *(
        _experiment(
            f"{task}_{name}", f"{WORDS[task]}: {words}", {"seeds": 3}, task=task, **switches
        )
        for task in TASKS
        for name, (words, switches) in TRAININGS.items()
    ),
    *(
        _experiment(
            f"{group}_{name}", f"{words}: {TRAININGS[name][0]}", {}, **TRAININGS[name][1], **more
        )
        for group, words, more in (
            ("photos", "colourisation of photographs", {"data": "bsds500"}),
            ("gan", "colourisation against a discriminator", {"adversarial": 0.01}),
        )
        for name in ("ctf_all", "ctf_each")
    ),
    *(
        _experiment(
            f"{task}_few",
            f"{WORDS[task]} learned from few faces: U-Net",
            {"epochs": 120},
            task=task,
            count=128,
            watched=128,
            **TRAININGS["unet"][1],
        )
        for task in TASKS
    ),
    Experiment(
        name="coarse_to_fine/unfreezing",
        summary="unfreezing with Adam's moments and without",
        profiles={
            "smoke": UnfreezingConfig(width=4, epochs=4, count=16, batch=4, seeds=1, after=2),
            "quick": UnfreezingConfig(),
            "book": UnfreezingConfig(),
            "gpu": UnfreezingConfig(),
            "article": UnfreezingConfig(
                top=64, width=32, epochs=48, count=12_443, batch=64, seeds=5
            ),
        },
        run=run_unfreezing,
    ),
)
