"""The experiments of the chapter on coarse-to-fine generators: five trainings of two tasks."""

from __future__ import annotations

import copy
import dataclasses
import time
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.utils import make_grid

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine.networks import (
    TASKS,
    CoarseToFine,
    PatchDiscriminator,
    Phase,
    adversarial_step,
    enter,
    l1_step,
    phase,
    sizes,
)
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.data import CartoonFaces, coloured, squares, write_image
from tutorial_lib.experiment import Claim, Experiment, Reader, Run
from tutorial_lib.experiment import curves as thinned
from tutorial_lib.metrics import Protocol, psnr
from tutorial_lib.training import History, set_up, train, write_atomically


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of one of the trainings.

    Attributes
    ----------
    task : str
        One of :data:`tutorial_lib.coarse_to_fine.networks.TASKS`.
    every_input, skips : bool
        The network's switches: see :class:`tutorial_lib.coarse_to_fine.networks.CoarseToFine`.
    each : bool
        Whether each stage is trained in turn, or all at once.
    top, width, widest : int
        Side of the pictures in pixels, feature maps at the top, and the most of them.
    epochs : int
        In all stages together.
    data : str
        "faces", or "bsds500" for squares of photographs.
    count, tested : int
        Pictures to train on, before grey ones are left out, and to test on.
    watched : int
        Pictures of either kind that are measured after every epoch.
    batch : int
        Pictures a step. An epoch is ``count // batch`` steps.
    learning_rate : float
        Of Adam; constant.
    adversarial : float
        Weight of the adversarial loss; with zero there is no discriminator.
    seeds : int
        Trainings, from seed 0; the first one's weights and pictures are kept.
    """

    task: str = "colour"
    every_input: bool = True
    skips: bool = True
    each: bool = False
    top: int = 128
    width: int = 32
    widest: int = 128
    epochs: int = 100
    data: str = "faces"
    count: int = 12_443
    tested: int = 2_048
    watched: int = 512
    batch: int = 64
    learning_rate: float = 5e-4
    adversarial: float = 0.0
    seeds: int = 1

    @property
    def epoch_steps(self) -> int:
        """Steps of one epoch."""
        return self.count // self.batch

    @property
    def steps(self) -> int:
        """Steps of one training."""
        return self.epochs * self.epoch_steps

    def phase(self, step: int) -> Phase:
        """What the schedule trains at a step."""
        return phase(step, steps=self.steps, stages=len(sizes(self.top)), each=self.each)

    def network(self) -> CoarseToFine:
        """A new network, its weights drawn from the global generator."""
        return CoarseToFine(
            top=self.top,
            width=self.width,
            widest=self.widest,
            every_input=self.every_input,
            skips=self.skips,
        )


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


# ------------------------------------------------------------------------------- data


class Sets:
    """Training and test pictures of one task."""

    def __init__(self, config: Config, fabric: Fabric) -> None:
        options: dict[str, Any] = {"progress": fabric.is_global_zero}
        if config.data == "faces":
            pair = [
                CartoonFaces(split, size=config.top, count=count, **options).images
                for split, count in (("train", config.count), ("test", config.tested))
            ]
        elif config.data == "bsds500":
            pair = [
                squares(group, count=count, side=config.top, **options)
                for group, count in (("bsds500", config.count), ("bsd100", config.tested))
            ]
        else:
            raise ValueError(f'data is "faces" or "bsds500": got {config.data!r}')
        self.asked = sum(map(len, pair))
        self.train, self.test = (
            Octaves(
                coloured(images),
                sides=sizes(config.top) if config.each else [config.top],
                spoil=TASKS[config.task],
                device=fabric.device,
            )
            for images in pair
        )

    @property
    def left_out(self) -> int:
        """How many pictures were grey."""
        return self.asked - len(self.train) - len(self.test)


# ---------------------------------------------------------------------------- training


class Recipe:
    """One training: the schedule's phases, one after another."""

    def __init__(self, config: Config, fabric: Fabric, sets: Sets, *, seed: int) -> None:
        if fabric.world_size > 1:
            raise ValueError("levels that come and go are trained on one device: use --devices 1")
        self.config, self.fabric, self.sets, self.seed = config, fabric, sets, seed
        self.batch_size = config.batch
        torch.manual_seed(seed)
        self.network = config.network()
        # One optimiser for all levels and for the whole training; it keeps the moments of those
        # that are frozen.
        self.fast, optimizer = self._ready(self.network)
        self.modules: dict[str, nn.Module] = {"network": self.network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"network": optimizer}
        if config.adversarial:
            judge = PatchDiscriminator()
            self.judge, self.optimizers["discriminator"] = self._ready(judge)
            self.modules["discriminator"] = judge
        self._order: dict[int, Tensor] = {}
        self._clock = (0, 0.0)

    def _ready(self, network: nn.Module) -> tuple[Any, torch.optim.Optimizer]:
        optimizer = torch.optim.Adam(network.parameters(), lr=self.config.learning_rate, fused=True)
        # Not compiled: each phase would be compiled anew, and seconds could not be compared.
        return set_up(self.fabric, network, optimizer)

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update what the schedule trains at this step."""
        if index % self.config.epoch_steps == 0 or not self._clock[1]:
            self._clock = (index, self._now())
        now = self.config.phase(index)
        enter(self.network, now)
        spoiled, true = self.batch(index, stage=now.stage)
        optimizer, backward = self.optimizers["network"], self.fabric.backward
        if not self.config.adversarial:
            return l1_step(self.fast, optimizer, spoiled, true, stage=now.stage, backward=backward)
        return adversarial_step(
            self.fast,
            self.judge,
            optimizer,
            self.optimizers["discriminator"],
            spoiled,
            true,
            stage=now.stage,
            weight=self.config.adversarial,
            backward=backward,
        )

    def batch(self, step: int, *, stage: int) -> tuple[Tensor, Tensor]:
        """Take a step's pictures: each comes once before any comes again."""
        count = len(self.sets.train)
        first = step * self.config.batch
        places = torch.arange(first, first + self.config.batch)
        rounds = places // count
        chosen = torch.empty_like(places)
        for number in range(int(rounds[0]), int(rounds[-1]) + 1):
            if number not in self._order:
                random = torch.Generator().manual_seed(1_000_003 * self.seed + number)
                self._order = {number: torch.randperm(count, generator=random)}
            here = rounds == number
            chosen[here] = self._order[number][places[here] % count]
        return self.sets.train.batch(chosen, side=self.network.sizes[stage - 1])

    def _now(self) -> float:
        if self.fabric.device.type == "cuda":
            torch.cuda.synchronize()
        alone = self.fabric.device.type == "cpu" and torch.get_num_threads() == 1
        return time.process_time() if alone else time.perf_counter()

    def epoch_seconds(self, done: int) -> float:
        """Time of the epoch that ends after `done` steps, from the steps taken in this sitting."""
        first, began = self._clock
        return (self._now() - began) * self.config.epoch_steps / max(1, done - first)

    def pause(self) -> None:
        """Have the clock start anew with the next step, after something else took time."""
        self._clock = (0, 0.0)


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


def shown(count: int) -> Tensor:
    """Which test pictures the chapter shows: the first eight."""
    return torch.arange(min(8, count))


def frame_epochs(config: Config) -> list[int]:
    """Epochs after which the eight pictures are kept: three a stage, the first ones, the last."""
    parts = 3 * len(sizes(config.top))
    return sorted({0, 1, 2, *(round(k * config.epochs / parts) for k in range(parts + 1))})


def frame_name(epoch: int) -> str:
    """File with the eight pictures side by side after so many epochs."""
    return f"epoch_{epoch:03d}.webp"


def write_strip(path: Path, images: Tensor) -> None:
    """Write pictures side by side, without loss where they are small."""
    strip = make_grid(images.cpu(), nrow=len(images), padding=0)[None]
    write_image(path, strip, overwrite=True)


def run_training(run: Run) -> ledger.Record:
    """Train once a seed, measure after every epoch, and keep the first seed's pictures."""
    config: Config = run.config
    sets = Sets(config, run.fabric)
    metrics: dict[str, Any] = {}
    curves: dict[str, dict[str, list[float]]] = {}
    losses: dict[str, dict[str, list[float]]] = {}
    seconds, files, history = 0.0, list[str](), History()
    for seed in range(config.seeds):
        recipe = Recipe(config, run.fabric, sets, seed=seed)
        history = _train(run, recipe)
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
        network = network_from(state, config).to(run.fabric.device)
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


def _train(run: Run, recipe: Recipe) -> History:
    config, sets = recipe.config, recipe.sets
    frames = frame_epochs(config)

    def watch(done: int) -> dict[str, float]:
        found = {"seconds": recipe.epoch_seconds(done)} if done else {}
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
            write_strip(run.folder / frame_name(epoch), made[shown(len(sets.test))])
        recipe.pause()
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
    write_strip(folder / "spoiled.webp", spoiled)
    write_strip(folder / "true.webp", true)
    return ["spoiled.webp", "true.webp"]


# ----------------------------------------------------------------------------- weights


def half_state(network: nn.Module) -> dict[str, Tensor]:
    """The weights of a network as they are stored: in half precision, without counters."""
    return {
        key: value.detach().cpu().half().contiguous()
        for key, value in network.state_dict().items()
        if value.is_floating_point()
    }


def network_from(state: dict[str, Tensor], config: Config) -> CoarseToFine:
    """Build a network from stored half-precision weights; strict about every name."""
    network = config.network()
    counters = {k: v for k, v in network.state_dict().items() if not v.is_floating_point()}
    network.load_state_dict({k: v.float() for k, v in state.items()} | counters)
    return network.eval()


def recorded_network(experiment: str) -> CoarseToFine:
    """The network that a record's weights hold, ready to use on the CPU.

    Parameters
    ----------
    experiment : str
        Such as ``"coarse_to_fine/colour_unet"``.

    Raises
    ------
    LedgerError
        If there is no such record, or its weights are not those recorded.
    """
    record = ledger.read(experiment)
    state = load_file(record.artefact("weights.safetensors"))
    return network_from(state, Config(**record.config))


# -------------------------------------------------------------------------- unfreezing


@dataclasses.dataclass(frozen=True)
class UnfreezingConfig(Config):
    """Settings of the experiment on unfreezing, beyond those of a training.

    Attributes
    ----------
    after : int
        Steps after the last stage's unfreezing.
    """

    after: int = 100

    @property
    def unfreezing(self) -> int:
        """The first step at which the last stage's lower levels learn again."""
        found = [s for s in range(self.steps) if self.phase(s).frozen]
        return found[-1] + 1


class UnfreezingRecipe(Recipe):
    """Train each stage, and part at the last unfreezing: one goes on, one gets a new optimiser."""

    config: UnfreezingConfig

    def __init__(self, config: UnfreezingConfig, fabric: Fabric, sets: Sets, *, seed: int) -> None:
        super().__init__(config, fabric, sets, seed=seed)
        self.twin = copy.deepcopy(self.network)
        self.fast_twin, self.optimizers["twin"] = self._ready(self.twin)
        self.modules["twin"] = self.twin

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the one network, and after the unfreezing both, on the same pictures."""
        if index == self.config.unfreezing:
            self.twin.load_state_dict(self.network.state_dict())
        before = _lower_weights(self.network)
        kept = super().step(index, generator)["l1"]
        moved = _lower_weights(self.network) - before
        found = {"moments kept": kept, "moments kept, moved": moved.square().mean().sqrt()}
        if index < self.config.unfreezing:
            return found | {n.replace("moments kept", "new optimiser"): v for n, v in found.items()}
        now = self.config.phase(index)
        enter(self.twin, now)
        spoiled, true = self.batch(index, stage=now.stage)
        before = _lower_weights(self.twin)
        new = l1_step(
            self.fast_twin,
            self.optimizers["twin"],
            spoiled,
            true,
            stage=now.stage,
            backward=self.fabric.backward,
        )["l1"]
        moved = _lower_weights(self.twin) - before
        return found | {"new optimiser": new, "new optimiser, moved": moved.square().mean().sqrt()}


def _lower_weights(network: CoarseToFine) -> Tensor:
    """All weights below the top level, as one vector."""
    lower = [p for level in network.levels[:-1] for p in level.parameters()]
    return torch.cat([p.detach().flatten() for p in lower])


def run_unfreezing(run: Run) -> ledger.Record:
    """Measure what Adam's moments are worth when the lower levels are unfrozen."""
    config: UnfreezingConfig = run.config
    sets = Sets(config, run.fabric)
    steps = config.unfreezing + config.after
    curves, metrics, seconds, history = {}, {}, 0.0, History()
    for seed in range(config.seeds):
        recipe = UnfreezingRecipe(config, run.fabric, sets, seed=seed)
        history = train(
            recipe,
            fabric=run.fabric,
            steps=steps,
            folder=run.folder / f"seed{seed}",
            config={k: v for k, v in run.settings().items() if k != "seeds"},
            seed=seed,
            checkpoint_every=config.epoch_steps,
            label=f"{run.experiment}, seed {seed}",
        )
        seconds += history.seconds
        found: dict[str, float] = {}
        for column, name in enumerate(history.names):
            values = history.losses[config.unfreezing :, column].tolist()
            curves[f"{name}, seed {seed}"] = {
                "step": [float(step) for step in range(1, len(values) + 1)],
                "value": [float(f"{value:.5g}") for value in values],
            }
            found[f"{name}, first"] = float(f"{values[0]:.5g}")
            found[f"{name}, mean"] = float(f"{fmean(values):.5g}")
        metrics[f"seed {seed}"] = found
    record = run.record(
        history=dataclasses.replace(history, seconds=seconds),
        metrics=metrics,
        protocol={
            "moments kept, new optimiser": "mean absolute error on [0, 1] of each step's own "
            "batch, before its update, the same batches for both; step 1 is the first after the "
            "unfreezing of the last stage's lower levels",
            "moved": "how far the step moves a weight of the lower levels, root mean square",
        },
    )
    return dataclasses.replace(record, curves=curves)


# -------------------------------------------------------------------- reading records


def curve(record: ledger.Record, name: str, *, seed: int = 0) -> tuple[list[float], list[float]]:
    """One of a training's curves over its epochs.

    Parameters
    ----------
    record : Record
        Of a training.
    name : str
        "train_psnr", "val_psnr", "val_psnr_top", "stage" or "seconds".
    seed : int
        Which of the trainings.

    Returns
    -------
    epochs, values : list of float
        From epoch 0, before the training; seconds begin with epoch 1.
    """
    found = record.curves[f"{name}, seed {seed}"]
    per_epoch = record.config["count"] // record.config["batch"]
    return [step / per_epoch for step in found["step"]], found["value"]


def mean_curve(record: ledger.Record, name: str) -> tuple[list[float], list[float]]:
    """The mean of a curve over the seeds."""
    found = [curve(record, name, seed=seed) for seed in range(record.config["seeds"])]
    return found[0][0], [fmean(values) for values in zip(*(y for _, y in found), strict=True)]


def clock(record: ledger.Record) -> list[float]:
    """Seconds of training up to the end of every epoch, from epoch 0; the mean over the seeds."""
    return [0.0, *accumulate(mean_curve(record, "seconds")[1])]


def stage_seconds(record: ledger.Record) -> dict[int, float]:
    """Mean seconds of an epoch, by the stage that was trained."""
    stages = [int(stage) for stage in curve(record, "stage")[1][1:]]
    pairs = list(zip(stages, mean_curve(record, "seconds")[1], strict=True))
    return {k: fmean(value for stage, value in pairs if stage == k) for k in sorted({*stages})}


def ends(record: ledger.Record, name: str = "val_psnr_top") -> list[float]:
    """How well the training of each seed ended: the best of its last epochs.

    Those are the last tenth, at least three. The very last one alone says little: here and there
    the PSNR falls by a decibel or two for an epoch, and comes back.
    """
    count = _last_epochs(record)
    return [
        max(curve(record, name, seed=seed)[1][-count:]) for seed in range(record.config["seeds"])
    ]


def last(record: ledger.Record, name: str = "val_psnr_top") -> float:
    """How well a training ended, the mean over the seeds: see :func:`ends`."""
    return fmean(ends(record, name))


def overfitting(record: ledger.Record) -> tuple[float, float]:
    """How much better a training did on its own pictures, and how far it is past its best.

    Parameters
    ----------
    record : Record
        Of a training all at once.

    Returns
    -------
    gap, fall : float
        In dB, over the last epochs and the seeds: PSNR of training pictures less that of new ones;
        and the best epoch for new ones less these.
    """
    count = _last_epochs(record)
    known, new = (mean_curve(record, name)[1] for name in ("train_psnr", "val_psnr_top"))
    late = fmean(new[-count:])
    return fmean(known[-count:]) - late, max(new) - late


def _last_epochs(record: ledger.Record) -> int:
    return max(3, record.config["epochs"] // 10)


def passed(record: ledger.Record, level: float) -> int | None:
    """The first epoch after which the validation PSNR at full size is at least `level`, in dB."""
    epochs, values = mean_curve(record, "val_psnr_top")
    reached = (round(e) for e, value in zip(epochs, values, strict=True) if value >= level)
    return next(reached, None)


def at_seconds(record: ledger.Record, seconds: float) -> float:
    """Best validation PSNR at full size, in dB, of any epoch that ended within so many seconds."""
    values = mean_curve(record, "val_psnr_top")[1]
    return max(v for v, t in zip(values, clock(record), strict=True) if t <= seconds)


# ------------------------------------------------------------------------- experiments

TRAININGS: dict[str, tuple[str, dict[str, bool]]] = {
    "ctf_all": ("coarse-to-fine, all", {}),
    "ctf_each": ("coarse-to-fine, each", {"each": True}),
    "ctfae_all": ("auto-encoder, all", {"skips": False}),
    "ctfae_each": ("auto-encoder, each", {"skips": False, "each": True}),
    "unet": ("U-Net", {"every_input": False}),
}
"""The article's five trainings: how the chapter calls each, and the switches that make it."""


def _experiment(name: str, summary: str, **settings: Any) -> Experiment:
    small = {"width": 8, "widest": 16, "count": 9, "tested": 8, "watched": 8, "batch": 4}
    return Experiment(
        name=f"coarse_to_fine/{name}",
        summary=summary,
        profiles={
            "smoke": Config(**{"top": 32, "epochs": 3} | settings | small),
            "quick": Config(**{"top": 64, "epochs": 48} | settings),
            "book": Config(**{"top": 128, "epochs": 100} | settings),
            "article": Config(**{"top": 256, "width": 64, "widest": 512, "epochs": 300} | settings),
        },
        run=run_training,
        needs=("bsds500", "bsd100") if settings.get("data") == "bsds500" else (),
    )


_WORDS = {"colour": "colourisation", "mosaic": "mosaic removal"}
_UNFREEZING: dict[str, Any] = {"each": True, "tested": 8, "watched": 8}

EXPERIMENTS = (
    *(
        _experiment(f"{task}_{name}", f"{_WORDS[task]}: {words}", task=task, **switches)
        for task in TASKS
        for name, (words, switches) in TRAININGS.items()
    ),
    *(
        _experiment(
            f"{group}_{name}", f"{words}: {TRAININGS[name][0]}", **TRAININGS[name][1], **more
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
            f"{_WORDS[task]} learned from few faces: U-Net",
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
            "smoke": UnfreezingConfig(
                top=16, width=4, epochs=4, count=16, batch=4, after=2, **_UNFREEZING
            ),
            **{
                profile: UnfreezingConfig(
                    top=16, width=16, epochs=40, count=2_048, batch=32, seeds=3, **_UNFREEZING
                )
                for profile in ("quick", "book")
            },
            "article": UnfreezingConfig(
                top=64, width=32, epochs=48, batch=64, seeds=5, **_UNFREEZING
            ),
        },
        run=run_unfreezing,
    ),
)

# ------------------------------------------------------------------------------ claims

PAIRS = {"with skips": ("ctf_all", "ctf_each"), "auto-encoder": ("ctfae_all", "ctfae_each")}


def _pair(read: Reader, task: str, names: tuple[str, str]) -> tuple[ledger.Record, ledger.Record]:
    every, each = (read(f"coarse_to_fine/{task}_{name}") for name in names)
    return every, each


def _decibels(record: ledger.Record) -> str:
    """How a training ended, with the range of the seeds if there are several."""
    found = ends(record)
    spread = f" ({min(found):.2f} to {max(found):.2f})" if len(found) > 1 else ""
    return f"{fmean(found):.2f} dB{spread}"


def _quality(read: Reader) -> str:
    parts = []
    for task, word in _WORDS.items():
        for name, names in PAIRS.items():
            every, each = (_decibels(record) for record in _pair(read, task, names))
            parts.append(f"{word}, {name}: {each} stage by stage, {every} all at once")
    return "Mean and range of the seeds. " + "; ".join(parts)


def _same_curve(read: Reader) -> str:
    parts = []
    for task, word in _WORDS.items():
        ctf, unet = (
            mean_curve(read(f"coarse_to_fine/{task}_{name}"), "val_psnr_top")[1]
            for name in ("ctf_all", "unet")
        )
        half = len(ctf) // 2
        gaps = [a - b for a, b in zip(ctf[half:], unet[half:], strict=True)]
        apart = fmean(abs(gap) for gap in gaps)
        parts.append(f"{word}: {fmean(gaps):+.2f} dB, {apart:.2f} dB apart at an epoch")
    return "Coarse-to-fine less U-Net, mean over the second half, " + "; ".join(parts)


def _slower(read: Reader) -> str:
    parts = []
    for name, names in PAIRS.items():
        every, each = _pair(read, "colour", names)
        epoch = passed(every, last(each))
        when = "never" if epoch is None else f"after {epoch} of {every.config['epochs']} epochs"
        parts.append(f"{name}: {when}")
    return "All at once reaches what stage by stage ends with, " + "; ".join(parts)


def _seconds(read: Reader) -> str:
    parts = []
    for name, names in PAIRS.items():
        every, each = (clock(record)[-1] for record in _pair(read, "colour", names))
        parts.append(f"{name}: {every:.0f} s and {each:.0f} s, {every / each:.2f} times")
    return "All at once and stage by stage, " + "; ".join(parts)


def _stages(read: Reader) -> str:
    every, each = _pair(read, "colour", PAIRS["with skips"])
    side = sizes(every.config["top"])
    found = stage_seconds(each)
    parts = [f"{side[k - 1]} px {seconds:.2f} s" for k, seconds in found.items()]
    (whole,) = stage_seconds(every).values()
    return f"Stage by stage: {', '.join(parts)} an epoch; all at once: {whole:.2f} s"


def _equal_time(read: Reader) -> str:
    parts = []
    for name, names in PAIRS.items():
        every, each = _pair(read, "colour", names)
        given = clock(each)[-1]
        best = at_seconds(each, given)
        parts.append(
            f"{name}: {at_seconds(every, given):.2f} dB all at once, {best:.2f} dB stage by stage"
        )
    return "Best after as many seconds as stage by stage takes, " + "; ".join(parts)


def _skips(read: Reader) -> str:
    parts = []
    for task, word in _WORDS.items():
        unet, ctfae = (
            _decibels(read(f"coarse_to_fine/{task}_{name}")) for name in ("unet", "ctfae_all")
        )
        parts.append(f"{word}: U-Net {unet}, auto-encoder {ctfae}")
    return "; ".join(parts)


def _overfits(read: Reader) -> str:
    parts = []
    for task, word in _WORDS.items():
        gap, fall = overfitting(read(f"coarse_to_fine/{task}_unet"))
        parts.append(
            f"{word}: training pictures {gap:+.2f} dB against new ones, which end {fall:.2f} dB "
            "below their best"
        )
    few = read("coarse_to_fine/mosaic_few")
    gap, fall = overfitting(few)
    return (
        f"U-Net, last epochs, {'; '.join(parts)}. Mosaic removal learned from "
        f"{few.config['count']} faces in {few.config['epochs']} epochs: "
        f"{gap:+.2f} dB, {fall:.2f} dB below"
    )


def _adversarial(read: Reader) -> str:
    every, each = _pair(read, "gan", PAIRS["with skips"])
    done = every.steps * every.config["epochs"] // every.steps_planned
    short = every.steps < every.steps_planned
    stopped = f", stopped after {done} of {every.config['epochs']} epochs" if short else ""
    return (
        f"With a patch discriminator (weight {every.config['adversarial']}): {_decibels(each)} "
        f"stage by stage, {_decibels(every)} all at once{stopped}"
    )


def _photographs(read: Reader) -> str:
    every, each = _pair(read, "photos", PAIRS["with skips"])
    spoiled = every.metric("data", "psnr of the spoiled")
    return (
        f"Colourisation of photographs: {_decibels(each)} stage by stage, {_decibels(every)} "
        f"all at once; left grey, {spoiled:.2f} dB"
    )


CLAIMS = (
    Claim("Training each stage in turn does not give better pictures, but worse.", _quality),
    Claim(
        "Trained all at once, the coarse-to-fine model learns just as a U-Net does.", _same_curve
    ),
    Claim(
        "Stage by stage converges more slowly: all at once is past its end after about 150 of 300 "
        "epochs, the auto-encoder after 100.",
        _slower,
    ),
    Claim(
        "All at once takes about twice as long: 40,644 s against 22,319 s (auto-encoder).",
        _seconds,
    ),
    Claim("An epoch of the last stage takes as long as one of all at once.", _stages),
    Claim("At equal time, too, all at once should be ahead (argued, not measured).", _equal_time),
    Claim("With skip connections PSNR is the same to slightly better.", _skips),
    Claim("Mosaic removal overfits strongly.", _overfits),
    Claim("Whether it is otherwise with an adversarial loss was left open.", _adversarial),
    Claim("Only drawn faces were tried.", _photographs),
)
"""What the article found, and how the records answer."""
