"""What training in bfloat16 costs: short trainings of SRResNet in both precisions."""

from __future__ import annotations

import dataclasses

from tutorial_lib import ledger
from tutorial_lib.experiment import Run, curves
from tutorial_lib.settings import at_least, not_empty
from tutorial_lib.srgan.evaluation import PROTOCOL, averages, evaluate
from tutorial_lib.srgan.settings import SrresnetConfig
from tutorial_lib.srgan.training import SrresnetRecipe
from tutorial_lib.training import make_fabric, train


@dataclasses.dataclass(frozen=True)
class PrecisionConfig:
    """Settings of the comparison of float32 with bfloat16.

    Attributes
    ----------
    steps, batch, patch, learning_rate, warm_up, cosine, photographs, limit
        As for SRResNet's training.
    seeds : tuple of int
        One training in each precision for each.
    """

    steps: int
    batch: int = 16
    patch: int = 96
    learning_rate: float = 1e-4
    warm_up: int = 0
    cosine: bool = False
    photographs: str = "bsds500"
    limit: int | None = None
    seeds: tuple[int, ...] = (0, 1)

    def __post_init__(self) -> None:
        not_empty(self, "seeds")
        at_least(self, 0, "seeds")
        self.training()

    def training(self) -> SrresnetConfig:
        """The settings of each training."""
        shared = dataclasses.asdict(self)
        del shared["seeds"]
        return SrresnetConfig(**shared)


def run_precision(run: Run) -> ledger.Record:
    """Train SRResNet for a short while in float32 and in bfloat16, from the same seeds."""
    metrics, found, seconds = {}, {}, 0.0
    for precision in ("32-true", "bf16-mixed"):
        for seed in run.config.seeds:
            fabric = make_fabric(precision=precision)
            recipe = SrresnetRecipe(run.config.training(), fabric, steps=run.steps)
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
