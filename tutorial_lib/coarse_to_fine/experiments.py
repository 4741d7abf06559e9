"""The experiments of the chapter on coarse-to-fine generators: five trainings of two tasks."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine.frames import frame_epochs, frame_name, shown, write_strip
from tutorial_lib.coarse_to_fine.measuring import PROTOCOL, at_the_end, settled, watched
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.recipe import TRAININGS, WORDS, Config, Recipe, Sets, prepare
from tutorial_lib.coarse_to_fine.stages import (
    StagesConfig,
    all_baselines,
    baselines,
    run_stages,
)
from tutorial_lib.coarse_to_fine.tasks import TASKS
from tutorial_lib.experiment import Experiment, Run
from tutorial_lib.experiment import curves as thinned
from tutorial_lib.training import (
    PROFILES,
    History,
    half_state,
    load_half_state,
    train,
    write_atomically,
)

PROTOCOLS = {
    "psnr": f"in dB; {PROTOCOL.describe()}, of answers within [0, 1]; mean over pictures",
    "train_psnr, val_psnr": "the same after each epoch at the size of the stage then trained, on "
    "the first pictures of either set, with the network as it stands, or, where the settings say "
    "so, with its statistics re-estimated over training pictures",
    "val_psnr_top": "the same with the stage's answer enlarged to full size (bilinear)",
    "seconds": "of the steps from one measurement to the next, without measuring: on a processor "
    "with one thread its own time, which other programs do not add to; else by the clock",
    "running_psnr_top": "the same with the running statistics",
    "strange_psnr": "val_psnr when what the level below has made is that of another picture",
    "below_psnr": "of the answers of the stage below, by its own head and at its own size",
    "test": "after the training, weights rounded to half precision as stored, in float32",
    "stages": "doing nothing: the spoiled test pictures at the stage's size; enlarged: the spoiled "
    "and the true ones of the stage's size at full size (bilinear)",
}


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
        now = config.phase(min(len(history.losses), config.steps) - 1)
        trained = recipe.network
        if config.statistics:
            with run.fabric.autocast():
                trained = settled(trained, sets.train, now, count=config.statistics).network
        state = half_state(trained)
        network = config.network()
        load_half_state(network, state).to(run.fabric.device)
        metrics[f"seed {seed}"] = at_the_end(network, sets, now.stage) | {
            "seconds": round(sum(row.get("seconds", 0.0) for row in history.watched), 2)
        }
        if seed == 0:
            path = run.folder / "weights.safetensors"
            write_atomically(path, partial(save_file, state))
            kept = [frame_name(int(row["step"]) // config.epoch_steps) for row in history.watched]
            files = ["weights.safetensors", *(n for n in kept if (run.folder / n).exists())]
    files += _write_examples(run.folder, sets.test, config)
    whole = baselines(sets.test, side=config.top, top=config.top, count=len(sets.test))
    metrics["data"] = {
        "training pictures": len(sets.train),
        "test pictures": len(sets.test),
        "left out as grey": sets.left_out,
        "psnr of the spoiled": whole["nothing"],
    }
    metrics["stages"] = all_baselines(sets.test, top=config.top, count=config.watched)
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
    span = config.every * config.epoch_steps

    def watch(done: int) -> dict[str, float]:
        found = {"seconds": recipe.clock.per_step(done) * span} if done else {}
        now = config.phase(max(0, done - 1))
        with run.fabric.autocast():
            numbers, made = watched(recipe.network, sets, config, now=now)
        found |= numbers
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
        watch_at=range(0, run.steps + 1, span),
        label=f"{run.experiment}, seed {recipe.seed}",
    )


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
"""What the short trainings share: a thousand faces, a constant rate, running statistics."""

LONG: dict[str, Any] = {
    "top": 64,
    "width": 16,
    "epochs": 40,
    "count": 12_443,
    "tested": 2_048,
    "watched": 512,
    "batch": 32,
    "seeds": 2,
}
"""What the long trainings share beside :data:`SETTLED`: all faces, and time."""

SETTLED: dict[str, Any] = {"decay": True, "statistics": 512}
"""In every profile of the long trainings: a rate that falls, statistics re-estimated."""

EQUAL_TIME = 19
"""Epochs all at once that cost as much as :data:`LONG`'s epochs stage by stage."""


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


def _long(name: str, summary: str, book: dict[str, Any], /, **settings: Any) -> Experiment:
    return _experiment(f"long_{name}", summary, LONG | book, **SETTLED, **settings)


def _long_experiments() -> tuple[Experiment, ...]:
    """The long trainings, those of most worth first."""
    pair = {name: TRAININGS[name] for name in ("ctf_all", "ctf_each")}
    five, beginnings, equal, instance, few = [], [], [], [], []
    for task, word in WORDS.items():
        for name, (words, switches) in TRAININGS.items():
            five.append(
                _long(f"{task}_{name}", f"{word}, all faces: {words}", {}, task=task, **switches)
            )
        for begin, words in (("free", "never frozen"), ("faded", "faded in")):
            beginnings.append(
                _long(
                    f"{task}_ctf_each_{begin}",
                    f"{word}, all faces: coarse-to-fine, each, {words}",
                    {},
                    task=task,
                    each=True,
                    begin=begin,
                )
            )
        short = {"epochs": EQUAL_TIME}
        summary = f"{word}, all faces: coarse-to-fine, all, in the time of each"
        equal.append(_long(f"{task}_ctf_all_short", summary, short, task=task))
        overfitting = {"epochs": 1_250, "count": 128, "watched": 128, "every": 25}
        few.append(
            _long(
                f"{task}_few",
                f"{word} learned from few faces: U-Net, 5,000 steps",
                overfitting | {"seeds": 1},
                task=task,
                **TRAININGS["unet"][1],
            )
        )
    for name, (words, switches) in pair.items():
        summary = f"colourisation, all faces: {words}, instance normalisation"
        instance.append(_long(f"colour_{name}_instance", summary, {}, norm="instance", **switches))
    photos = {"count": 1_024, "tested": 512, "watched": 256, "epochs": 120, "every": 4, "seeds": 3}
    gan = {"epochs": 10, "seeds": 3}
    large = {"top": 128, "epochs": 20, "seeds": 1}
    others = [
        _long(f"{group}_{name}", f"{what}: {words}", book, **switches, **more)
        for group, what, book, more in (
            ("photos", "colourisation of photographs", photos, {"data": "bsds500"}),
            ("gan", "colourisation against a discriminator", gan, {"adversarial": 0.01}),
            ("large", "colourisation at 128 pixels", large, {}),
        )
        for name, (words, switches) in pair.items()
    ]
    return (*five, *beginnings, *equal, *instance, *few, *others)


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
    *_long_experiments(),
    Experiment(
        name="coarse_to_fine/stages",
        summary="nothing is trained: what each stage has to beat, and what it cannot exceed",
        profiles={profile: StagesConfig() for profile in PROFILES}
        | {"smoke": StagesConfig(top=32, watched=4)},
        run=run_stages,
    ),
)
