"""How a coarse-to-fine network is trained: its settings, its pictures, and one step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tutorial_lib.coarse_to_fine.networks import NORMS, CoarseToFine, PatchDiscriminator, sizes
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.schedule import Phase, enter, phase, rate
from tutorial_lib.coarse_to_fine.steps import adversarial_step, l1_step
from tutorial_lib.coarse_to_fine.tasks import TASKS
from tutorial_lib.data import CartoonFaces, coloured, squares
from tutorial_lib.settings import at_least, one_of, positive
from tutorial_lib.training import set_up


@dataclass(frozen=True)
class Config:
    """Settings of one of the trainings.

    Attributes
    ----------
    task : str
        One of :data:`tutorial_lib.coarse_to_fine.TASKS`.
    every_input, skips : bool
        The network's switches: see :class:`tutorial_lib.coarse_to_fine.CoarseToFine`.
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
        Of Adam, at most.
    adversarial : float
        Weight of the adversarial loss; with zero there is no discriminator.
    seeds : int
        Trainings, from seed 0; the first one's weights and pictures are kept.
    begin : str
        How a stage begins: one of :data:`tutorial_lib.coarse_to_fine.schedule.BEGINNINGS`.
    decay : bool
        Whether the rate falls towards the end of every stage, or is constant: see
        :func:`tutorial_lib.coarse_to_fine.schedule.rate`.
    norm : str
        One of :data:`tutorial_lib.coarse_to_fine.networks.NORMS`.
    statistics : int
        Training pictures over which batch normalisation's statistics are re-estimated before each
        measurement; with zero the running ones are measured.
    every : int
        Epochs from one measurement to the next.
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
    begin: str = "frozen"
    decay: bool = False
    norm: str = "batch"
    statistics: int = 0
    every: int = 1

    def __post_init__(self) -> None:
        one_of(self, TASKS, "task")
        if self.data not in ("faces", "bsds500"):
            raise ValueError(f'data is "faces" or "bsds500": got {self.data!r}')
        at_least(self, 1, "width", "widest", "epochs", "count", "tested", "watched", "every")
        at_least(self, 1, "batch", "seeds")
        at_least(self, 0, "adversarial", "statistics")
        one_of(self, NORMS, "norm")
        positive(self, "learning_rate")
        if self.batch > self.count:
            raise ValueError(f"batch must be at most count, {self.count}: got {self.batch}")
        self.phase(0)

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
        stages = len(sizes(self.top))
        return phase(step, steps=self.steps, stages=stages, each=self.each, begin=self.begin)

    def rate(self, step: int) -> float:
        """Adam's learning rate at a step."""
        stages = len(sizes(self.top))
        share = rate(step, steps=self.steps, stages=stages, each=self.each) if self.decay else 1.0
        return share * self.learning_rate

    def network(self) -> CoarseToFine:
        """A new network, its weights drawn from the global generator."""
        return CoarseToFine(
            top=self.top,
            width=self.width,
            widest=self.widest,
            every_input=self.every_input,
            skips=self.skips,
            norm=self.norm,
        )


WORDS = {"colour": "colourisation", "mosaic": "mosaic removal"}
"""What the chapter calls the tasks."""

TRAININGS: dict[str, tuple[str, dict[str, bool]]] = {
    "ctf_all": ("coarse-to-fine, all", {}),
    "ctf_each": ("coarse-to-fine, each", {"each": True}),
    "ctfae_all": ("auto-encoder, all", {"skips": False}),
    "ctfae_each": ("auto-encoder, each", {"skips": False, "each": True}),
    "unet": ("U-Net", {"every_input": False}),
}
"""The article's five trainings: how the chapter calls each, and the switches that make it."""


@dataclass(frozen=True)
class Sets:
    """Pictures of one task.

    Attributes
    ----------
    train, test : Octaves
        To learn from, and new ones.
    left_out : int
        How many pictures of either kind were grey.
    """

    train: Octaves
    test: Octaves
    left_out: int


def prepare(config: Config, fabric: Fabric) -> Sets:
    """Draw or cut the pictures of a training, leave out grey ones, and spoil the rest.

    Raises
    ------
    ValueError
        If the configuration names other data.
    DataUnavailable
        If a photograph is not to be had.
    """
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
    train, test = (
        Octaves(
            coloured(images),
            sides=sizes(config.top),
            spoil=TASKS[config.task],
            device=fabric.device,
        )
        for images in pair
    )
    return Sets(train, test, left_out=sum(map(len, pair)) - len(train) - len(test))


def order(step: int, *, count: int, batch: int, seed: int) -> Tensor:
    """Which pictures a step takes: each comes once before any comes again.

    Parameters
    ----------
    step : int
        From 0. No other step needs to have been asked for before.
    count, batch : int
        Pictures in all, and in a step.
    seed : int
        Of the shuffling.

    Returns
    -------
    Tensor
        (batch,), int64.

    Examples
    --------
    >>> two_rounds = torch.cat([order(step, count=6, batch=4, seed=0) for step in range(3)])
    >>> sorted(two_rounds[:6].tolist()), sorted(two_rounds[6:].tolist())
    ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])
    """
    places = torch.arange(step * batch, (step + 1) * batch)
    rounds = places // count
    chosen = torch.empty_like(places)
    for number in rounds.unique().tolist():
        here = rounds == number
        chosen[here] = _shuffled(count, 1_000_003 * seed + number)[places[here] % count]
    return chosen


@lru_cache(maxsize=2)
def _shuffled(count: int, seed: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


class StepClock:
    """The time that steps take, without what is done between them.

    Parameters
    ----------
    now : callable
        The time in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began: tuple[int, float] | None = None

    def run(self, step: int) -> None:
        """Begin with a step, unless the clock is running."""
        if self._began is None:
            self._began = (step, self._now())

    def stop(self) -> None:
        """Have the clock begin anew, after something else took time."""
        self._began = None

    def per_step(self, done: int) -> float:
        """Mean seconds of the steps since the clock began, when so many are done in all.

        Raises
        ------
        RuntimeError
            If the clock does not run.
        """
        if self._began is None:
            raise RuntimeError("the clock has not begun with a step")
        first, began = self._began
        return (self._now() - began) / (done - first)


def clock_of(device: torch.device) -> Callable[[], float]:
    """The clock for a device.

    On a processor with one thread it is the process's own time, which other programs do not add
    to; else the wall's, after the device has finished.
    """
    if device.type == "cuda":

        def now() -> float:
            torch.cuda.synchronize(device)
            return time.perf_counter()

        return now
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    return time.process_time if alone else time.perf_counter


def ready(fabric: Fabric, network: nn.Module, *, learning_rate: float) -> tuple[Any, Any]:
    """Put a network where it is trained, with one Adam for all its levels.

    Returns
    -------
    tuple
        The network to call, the optimiser to step.

    Raises
    ------
    ValueError
        If there are several devices.
    """
    if fabric.world_size > 1:
        raise ValueError("levels that come and go are trained on one device: use --devices 1")
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    # Not compiled: each phase would be compiled anew, and seconds could not be compared.
    return set_up(fabric, network, optimizer)


class Recipe:
    """One training: the schedule's phases, one after another.

    Parameters
    ----------
    config : Config
        Its settings.
    fabric : Fabric
        The device and the precision.
    pictures : Octaves
        To learn from.
    seed : int
        Of the weights, and of the order of the pictures.

    Raises
    ------
    ValueError
        If there are several devices, or levels are to be faded in against a discriminator.
    """

    def __init__(self, config: Config, fabric: Fabric, pictures: Octaves, *, seed: int) -> None:
        self.config, self.fabric, self.pictures, self.seed = config, fabric, pictures, seed
        self.batch_size = config.batch
        self.clock = StepClock(clock_of(fabric.device))
        torch.manual_seed(seed)
        self.network = config.network()
        # One optimiser for the whole training; it keeps the moments of levels that are frozen.
        self.fast, optimizer = ready(fabric, self.network, learning_rate=config.learning_rate)
        self.modules: dict[str, nn.Module] = {"network": self.network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"network": optimizer}
        if config.adversarial:
            if config.begin == "faded":
                raise ValueError("an adversarial training does not fade levels in")
            judge = PatchDiscriminator()
            self.judge, self.optimizers["discriminator"] = ready(
                fabric, judge, learning_rate=config.learning_rate
            )
            self.modules["discriminator"] = judge

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update what the schedule trains at this step."""
        self.clock.run(index)
        now = self.config.phase(index)
        enter(self.network, now)
        spoiled, true = self.batch(index, stage=now.stage)
        optimizer, backward = self.optimizers["network"], self.fabric.backward
        for one in self.optimizers.values():
            for group in one.param_groups:
                group["lr"] = self.config.rate(index)
        if not self.config.adversarial:
            return l1_step(
                self.fast,
                optimizer,
                spoiled,
                true,
                stage=now.stage,
                fade=now.fade,
                backward=backward,
            )
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
        """Take a step's pictures, spoiled and true, at the size of a stage."""
        chosen = order(step, count=len(self.pictures), batch=self.config.batch, seed=self.seed)
        return self.pictures.batch(chosen, side=self.network.sizes[stage - 1])
