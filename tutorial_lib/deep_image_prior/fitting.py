"""Fitting a network to one picture: begun on this machine, resumed, watched and measured.

Used in the chapter *Deep Image Prior*.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import write_image
from tutorial_lib.deep_image_prior.early_stopping import EarlyStopping, error_plane
from tutorial_lib.deep_image_prior.networks import (
    LEARNING_RATE,
    Average,
    Denoising,
    Inpainting,
    Settings,
    SkipNetwork,
    Step,
    Task,
    draw_input,
    fit,
)
from tutorial_lib.experiment import Run, curves
from tutorial_lib.metrics import Protocol, Y, psnr, ssim
from tutorial_lib.training import History, make_fabric, set_up, train

WHOLE = Protocol("rgb", crop=0)

PROTOCOL = {
    "psnr": f"in dB, {WHOLE.describe()}; of the network's output, and of the moving average of "
    "its outputs",
    "psnr_y": f"of the average, {Y.describe()}",
    "best": "the highest PSNR of the average at any step that was looked at: it takes the true "
    "picture to know it",
    "stopped": "the average at the step that ES-WMV chose, without the true picture",
    "baselines": "scikit-image's classic denoisers, strength chosen with the true picture, in "
    "their favour",
}


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """Settings of a fit, or of several alike.

    Attributes
    ----------
    steps : int
        Of each fit.
    picture : str
        In the registry, or the name of an embedded photograph.
    shrink : int
        The picture's sides are divided by this first.
    network : str
        "paper"; "slim", the same with an eighth, a quarter and a half of the channels at the three
        largest sizes, and several times as fast; or "article" for PriorNet and its uniform jitter.
    width : int
        Channels of the network; the published number is 128.
    seeds : tuple of int
        One fit for each; of weights, z and jitter. The damage is the same in all.
    sigma : float
        Of the noise, on the scale of 0 to 255.
    learning_rate : float
        Of Adam.
    jitter : float
        Size of what is added to z in each step.
    averaging : float
        What remains of the average in each step.
    window, patience : int
        Of the stopping rule, in steps.
    compile : bool
        Compile each network, on a GPU.
    """

    steps: int
    picture: str = "dip/f16.png"
    shrink: int = 1
    network: str = "paper"
    width: int = 128
    seeds: tuple[int, ...] = (0,)
    sigma: float = 25.0
    learning_rate: float = LEARNING_RATE
    jitter: float = 1 / 30
    averaging: float = 0.99
    window: int = 100
    patience: int = 1000
    compile: bool = False

    def settings(self) -> Settings:
        """What the fit itself reads."""
        return Settings(
            jitter=self.jitter, uniform=self.network == "article", averaging=self.averaging
        )


@dataclasses.dataclass(frozen=True)
class Case:
    """One picture to fit.

    Attributes
    ----------
    name : str
        In the record, and of the files beside it.
    task : Task
        The damaged picture.
    network : callable
        Builds the network.
    truth : Tensor or None
        The true picture, where there is one.
    settings : Settings
        Of the fit.
    seed : int
        Of weights, z and jitter.
    draw : callable
        From the picture's size to what the network is fed.
    """

    name: str
    task: Task
    network: Callable[[], nn.Module]
    truth: Tensor | None
    settings: Settings
    seed: int = 0
    draw: Callable[[tuple[int, int]], Tensor] = draw_input


def to_device(task: Task, device: torch.device) -> Task:
    """Move the pictures inside a task."""
    fields = {f.name: getattr(task, f.name) for f in dataclasses.fields(task)}
    moved: Any = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in fields.items()}
    return dataclasses.replace(task, **moved)


def start(
    task: Task,
    network: nn.Module,
    *,
    fabric: Fabric,
    z: Tensor,
    settings: Settings | None = None,
    average: Average | None = None,
    learning_rate: float = LEARNING_RATE,
    compile: bool = False,
) -> tuple[Iterator[Step], torch.optim.Optimizer]:
    """Begin a fit on this machine's fastest device, channels last and in its precision.

    Parameters
    ----------
    task : Task
        The damaged picture.
    network : nn.Module
        Moved in place.
    fabric : Fabric
        From :func:`tutorial_lib.training.make_fabric`.
    z : Tensor
        What the network is fed.
    settings : Settings, optional
        Of the fit.
    average : Average, optional
        To go on with.
    learning_rate : float
        Of Adam.
    compile : bool
        Compile the network, on a GPU.

    Returns
    -------
    tuple
        The steps, to be asked for one by one, and the optimiser.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    fast, optimizer = set_up(fabric, network, optimizer, compile=compile)
    steps = fit(
        fast,
        optimizer,
        to_device(task, fabric.device),
        z.to(fabric.device).to(memory_format=torch.channels_last),
        settings=settings,
        average=average,
        backward=fabric.backward,
    )
    return steps, optimizer


def restore(
    task: Task,
    *,
    network: nn.Module | None = None,
    settings: Settings | None = None,
    seed: int = 0,
) -> Iterator[Step]:
    """Restore a picture on this machine, with the paper's network unless another is given.

    Parameters
    ----------
    task : Task
        The damaged picture.
    network : nn.Module, optional
        Takes as many channels as :func:`tutorial_lib.deep_image_prior.networks.draw_input` makes.
    settings : Settings, optional
        Of the fit.
    seed : int
        Of weights, z and jitter.

    Yields
    ------
    Step
        As long as they are asked for.
    """
    torch.manual_seed(seed)
    z = draw_input(task.size)
    steps, _ = start(task, network or SkipNetwork(), fabric=make_fabric(), z=z, settings=settings)
    yield from steps


class FitRecipe:
    """One fit as the training engine wants it: with everything that changes in modules."""

    batch_size = 1

    def __init__(self, case: Case, config: FitConfig, fabric: Fabric) -> None:
        torch.manual_seed(case.seed)
        network, device = case.network(), fabric.device
        size = case.task.size
        self.z = case.draw(size)
        self.average = Average(size, share=case.settings.averaging).to(device)
        self.stopping = EarlyStopping(size, window=config.window, patience=config.patience)
        self.stopping.to(device)
        self.steps, optimizer = start(
            case.task,
            network,
            fabric=fabric,
            z=self.z,
            settings=case.settings,
            average=self.average,
            learning_rate=config.learning_rate,
            compile=config.compile,
        )
        self.modules: dict[str, nn.Module] = {
            "network": network,
            "average": self.average,
            "stopping": self.stopping,
        }
        self.optimizers = {"network": optimizer}
        with torch.no_grad(), fabric.autocast():
            untrained = network(self.z.to(device))
        self.now = Step(0, float("nan"), untrained.float(), untrained.float(), False)

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Take one step."""
        before = self.now.loss
        self.now = now = next(self.steps)
        self.stopping.update(now.output, now.average)
        # What was thrown away is no loss of this fit, and may not even be a number.
        loss = before if now.went_back else now.loss
        return {"loss": torch.tensor(loss), "went_back": torch.tensor(float(now.went_back))}


def watch_steps(steps: int) -> list[int]:
    """When to measure: at first each step, then ever more rarely, in the end every 20."""
    moments, now = [0], 1
    while now < steps:
        moments.append(now)
        now += min(20, max(1, now // 10))
    return [*moments, steps]


def frame_steps(steps: int) -> list[int]:
    """When to keep a picture."""
    moments = [0, 10, 25, 50, 100, 200, 400, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000]
    return [m for m in moments if m < steps] + [steps]


@dataclasses.dataclass(frozen=True)
class Fitted:
    """What came of one case.

    Attributes
    ----------
    metrics, curves : dict
        For the record.
    files : list of str
        What was written into the run's folder.
    history : History
        Of all steps.
    average : Tensor
        The restored picture, (1, 3, H, W).
    """

    metrics: dict[str, Any]
    curves: dict[str, Any]
    files: list[str]
    history: History
    average: Tensor


def fit_case(run: Run, case: Case) -> Fitted:
    """Fit one picture, from its checkpoint if there is one, and measure it."""
    recipe = FitRecipe(case, run.config, run.fabric)
    task, truth = case.task, case.truth
    frames = frame_steps(run.steps)

    def score(made: Tensor) -> float:
        assert truth is not None
        return psnr(task.restored(made.cpu()).clamp(0, 1), truth, protocol=WHOLE).item()

    def watch(step: int) -> dict[str, float]:
        now = recipe.now
        if step in frames:
            made = task.restored(now.output.cpu())
            write_image(run.folder / f"{case.name}_{step:06d}.webp", made, overwrite=True)
        row = {} if step == 0 else {"mse": now.loss}
        if truth is not None:
            row |= {"psnr": score(now.output), "psnr_average": score(now.average)}
            if isinstance(task, Denoising) and not torch.equal(task.observed, truth):
                along, across = error_plane(now.output.cpu(), truth=truth, observed=task.observed)
                row |= {"along": along, "across": across}
        if np.isfinite(recipe.stopping.variance):
            row["variance"] = recipe.stopping.variance
        return row

    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder / case.name,
        config=run.settings() | {"steps": 0, "case": case.name},
        seed=case.seed,
        checkpoint_every=500,
        watch=watch,
        watch_at=sorted({*watch_steps(run.steps), *frames}),
        label=f"{run.experiment} {case.name}",
    )
    average = task.restored(recipe.average.value.cpu()).clamp(0, 1)
    stopped = task.restored(recipe.stopping.best.cpu()).clamp(0, 1)
    shown = {"average": average, "damaged": task.restored(torch.zeros(1, 3, *task.size))}
    if not isinstance(task, Inpainting):
        shown["damaged"] = task.observed
    if recipe.stopping.best_step:
        shown["stopped"] = stopped
    if truth is not None:
        shown["truth"] = truth
    for name, made in shown.items():
        write_image(run.folder / f"{case.name}_{name}.webp", made, overwrite=True)

    metrics: dict[str, Any] = {
        "parameters": sum(p.numel() for p in recipe.modules["network"].parameters()),
        "loss": float(f"{history.losses[-1, 0].item():.6g}"),
        "went_back": int(history.losses[:, 1].sum()),
        "steps_per_second": round(len(history.losses) / history.seconds, 2),
    }
    if recipe.stopping.best_step:
        metrics["stopped_step"] = recipe.stopping.best_step
        metrics["stopped"] = int(recipe.stopping.stopped)
    if truth is not None:
        metrics |= _quality(history.watched, average, truth)
        if recipe.stopping.best_step:
            metrics["stopped_psnr"] = round(psnr(stopped, truth, protocol=WHOLE).item(), 3)
        if task.observed.shape == truth.shape and not torch.equal(task.observed, truth):
            metrics["damaged_psnr"] = round(psnr(shown["damaged"], truth, protocol=WHOLE).item(), 3)
    found = {
        f"{case.name}: {name}": curve
        for name, curve in curves(history).items()
        if name not in history.names
    }
    files = [f"{case.name}_{name}.webp" for name in [*shown, *(f"{s:06d}" for s in frames)]]
    return Fitted(metrics, found, files, history, average)


def _quality(
    watched: Sequence[Mapping[str, float]], average: Tensor, truth: Tensor
) -> dict[str, float]:
    rows = [row for row in watched if row["step"] > 0]
    best = max(rows, key=lambda row: row["psnr_average"])
    best_output = max(rows, key=lambda row: row["psnr"])
    return {
        "psnr": round(rows[-1]["psnr"], 3),
        "psnr_average": round(rows[-1]["psnr_average"], 3),
        "ssim_average": round(ssim(average, truth, protocol=WHOLE).item(), 4),
        "psnr_y": round(psnr(average, truth, protocol=Y).item(), 3),
        "best_psnr": round(best["psnr_average"], 3),
        "best_step": int(best["step"]),
        "best_output_psnr": round(best_output["psnr"], 3),
        "best_output_step": int(best_output["step"]),
    }


def run_cases(
    run: Run,
    cases: Sequence[Case],
    *,
    data: Sequence[str],
    more: Mapping[str, dict[str, Any]] | None = None,
    baselines: Mapping[str, Tensor] | None = None,
) -> ledger.Record:
    """Fit one picture after the other and record them all.

    Parameters
    ----------
    run : Run
        What is being run.
    cases : sequence of Case
        What to fit.
    data : sequence of str
        Registered files that were read.
    more : mapping, optional
        Further groups of numbers.
    baselines : mapping, optional
        Pictures made by other methods, to be kept.

    Returns
    -------
    Record
        With numbers and curves by case.
    """
    metrics: dict[str, Any] = {}
    found: dict[str, Any] = {}
    files: list[str] = []
    seconds = 0.0
    for case in cases:
        fitted = fit_case(run, case)
        metrics[case.name] = fitted.metrics
        found |= fitted.curves
        files += fitted.files
        seconds += fitted.history.seconds
    for name, made in (baselines or {}).items():
        write_image(run.folder / f"{name}.webp", made, overwrite=True)
        files.append(f"{name}.webp")
    record = run.record(
        history=dataclasses.replace(fitted.history, seconds=seconds),
        metrics=metrics | dict(more or {}),
        protocol=PROTOCOL,
        artefacts=files,
        data=data,
        seed=run.config.seeds[0],
    )
    return dataclasses.replace(record, curves=found)
