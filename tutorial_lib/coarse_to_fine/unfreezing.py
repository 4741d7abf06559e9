"""What Adam's moments are worth when a stage's lower levels are unfrozen."""

from __future__ import annotations

import copy
import dataclasses
from statistics import fmean

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine.networks import CoarseToFine, sizes
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.recipe import order, ready
from tutorial_lib.coarse_to_fine.schedule import Phase, enter, phase, spans
from tutorial_lib.coarse_to_fine.steps import l1_step
from tutorial_lib.coarse_to_fine.tasks import to_grey
from tutorial_lib.data import CartoonFaces, coloured
from tutorial_lib.experiment import Run
from tutorial_lib.settings import at_least, positive
from tutorial_lib.training import History, train


@dataclasses.dataclass(frozen=True)
class UnfreezingConfig:
    """Settings of the experiment on unfreezing: each stage of colourisation in turn, with skips.

    Attributes
    ----------
    top, width, widest : int
        Side of the pictures in pixels, feature maps at the top, and the most of them.
    epochs : int
        Of the whole schedule, which is left some steps after the last unfreezing.
    count : int
        Faces to train on, before grey ones are left out.
    batch : int
        Pictures a step. An epoch is ``count // batch`` steps.
    learning_rate : float
        Of Adam; constant.
    seeds : int
        Trainings, from seed 0.
    after : int
        Steps after the last stage's unfreezing.
    """

    top: int = 16
    width: int = 16
    widest: int = 128
    epochs: int = 40
    count: int = 2_048
    batch: int = 32
    learning_rate: float = 5e-4
    seeds: int = 3
    after: int = 100

    def __post_init__(self) -> None:
        at_least(self, 1, "width", "widest", "epochs", "count", "batch", "seeds", "after")
        positive(self, "learning_rate")
        if self.batch > self.count:
            raise ValueError(f"batch must be at most count, {self.count}: got {self.batch}")
        self.phase(0)

    @property
    def epoch_steps(self) -> int:
        """Steps of one epoch."""
        return self.count // self.batch

    @property
    def schedule_steps(self) -> int:
        """Steps that the schedule would have if it went on to its end."""
        return self.epochs * self.epoch_steps

    @property
    def unfreezing(self) -> int:
        """The first step at which the last stage's lower levels learn again."""
        last, _ = spans(steps=self.schedule_steps, stages=len(sizes(self.top)), each=True)[-1]
        return last.start

    @property
    def steps(self) -> int:
        """Steps of one training."""
        return self.unfreezing + self.after

    def phase(self, step: int) -> Phase:
        """What the schedule trains at a step."""
        return phase(step, steps=self.schedule_steps, stages=len(sizes(self.top)), each=True)


class Twins:
    """Train each stage, and part at the last unfreezing: one goes on, one gets a new optimiser.

    Parameters
    ----------
    config : UnfreezingConfig
        Its settings.
    fabric : Fabric
        The device and the precision.
    pictures : Octaves
        To learn from.
    seed : int
        Of the weights, and of the order of the pictures.
    """

    def __init__(
        self, config: UnfreezingConfig, fabric: Fabric, pictures: Octaves, *, seed: int
    ) -> None:
        self.config, self.fabric, self.pictures, self.seed = config, fabric, pictures, seed
        self.batch_size = config.batch
        torch.manual_seed(seed)
        self.network = CoarseToFine(top=config.top, width=config.width, widest=config.widest)
        self.twin = copy.deepcopy(self.network)
        self.modules: dict[str, nn.Module] = {"network": self.network, "twin": self.twin}
        rate = config.learning_rate
        self.fast, kept = ready(fabric, self.network, learning_rate=rate)
        self.fast_twin, new = ready(fabric, self.twin, learning_rate=rate)
        self.optimizers: dict[str, torch.optim.Optimizer] = {"network": kept, "twin": new}

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the one network, and after the unfreezing both, on the same pictures."""
        now = self.config.phase(index)
        chosen = order(index, count=len(self.pictures), batch=self.config.batch, seed=self.seed)
        pair = self.pictures.batch(chosen, side=self.network.sizes[now.stage - 1])
        if index == self.config.unfreezing:
            self.twin.load_state_dict(self.network.state_dict())
        kept, moved = self._update(self.network, self.fast, "network", now, pair)
        new, new_moved = kept, moved
        if index >= self.config.unfreezing:
            new, new_moved = self._update(self.twin, self.fast_twin, "twin", now, pair)
        return {
            "moments kept": kept,
            "moments kept, moved": moved,
            "new optimiser": new,
            "new optimiser, moved": new_moved,
        }

    def _update(
        self,
        network: CoarseToFine,
        fast: nn.Module,
        name: str,
        now: Phase,
        pair: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Do one step; return its loss, and how far it moved the lower levels' weights."""
        enter(network, now)
        before = lower_weights(network)
        optimizer, backward = self.optimizers[name], self.fabric.backward
        loss = l1_step(fast, optimizer, *pair, stage=now.stage, backward=backward)["l1"]
        return loss, (lower_weights(network) - before).square().mean().sqrt()


def lower_weights(network: CoarseToFine) -> Tensor:
    """All weights below the top level, as one detached vector."""
    lower = [p for level in network.levels[:-1] for p in level.parameters()]
    return torch.cat([p.detach().flatten() for p in lower])


def run_unfreezing(run: Run) -> ledger.Record:
    """Measure what Adam's moments are worth when the lower levels are unfrozen."""
    config: UnfreezingConfig = run.config
    if run.steps <= config.unfreezing:
        raise ValueError(
            f"the last unfreezing is at step {config.unfreezing}: more steps are needed than "
            f"{run.steps}"
        )
    faces = CartoonFaces(
        "train", size=config.top, count=config.count, progress=run.fabric.is_global_zero
    )
    pictures = Octaves(
        coloured(faces.images), sides=sizes(config.top), spoil=to_grey, device=run.fabric.device
    )
    curves, metrics, seconds, history = {}, {}, 0.0, History()
    for seed in range(config.seeds):
        history = train(
            Twins(config, run.fabric, pictures, seed=seed),
            fabric=run.fabric,
            steps=run.steps,
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
