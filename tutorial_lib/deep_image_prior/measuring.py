"""What is measured of a fit, and how several become one record.

Used in the chapter *Deep Image Prior*.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.data import write_image
from tutorial_lib.deep_image_prior.cases import Case
from tutorial_lib.deep_image_prior.early_stopping import error_plane
from tutorial_lib.deep_image_prior.fitting import FitRecipe
from tutorial_lib.deep_image_prior.scores import WHOLE, decibels
from tutorial_lib.experiment import Run, curves
from tutorial_lib.metrics import Y, psnr, ssim
from tutorial_lib.training import History, train

PROTOCOL = {
    "loss": "what the fit makes small, of the last output before its update",
    "psnr": f"in dB, {WHOLE.describe()}; of the network's output, and of the moving average of "
    "its outputs",
    "psnr_y": f"of the average, {Y.describe()}",
    "best": "the highest PSNR of the average at any step that was looked at: it takes the true "
    "picture to know it",
    "stopped": "the average at the step that ES-WMV chose, without the true picture",
    "window": "the mean of the outputs in the window that ES-WMV chose",
}


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
    name : str
        The case's, in the record.
    metrics, curves : dict
        For the record.
    protocol : dict
        How they were measured.
    files : list of str
        What was written into the run's folder.
    history : History
        Of all steps.
    average : Tensor
        The restored picture, (1, 3, H, W).
    """

    name: str
    metrics: dict[str, Any]
    curves: dict[str, Any]
    protocol: dict[str, str]
    files: list[str]
    history: History
    average: Tensor


def fit_case(run: Run, case: Case) -> Fitted:
    """Fit one picture, from its checkpoint if there is one, and measure it."""
    recipe = FitRecipe(case, run.config, run.fabric)
    task, truth = case.task, case.truth
    frames = frame_steps(run.steps)
    damage_known = truth is not None and not torch.equal(task.observed, truth)

    def watch(step: int) -> dict[str, float]:
        now = recipe.now
        if step in frames:
            made = task.restored(now.output.cpu())
            path = run.folder / f"{case.name}_{step:06d}.webp"
            write_image(path, made, quality=95, overwrite=True)
        row = {} if step == 0 else {"mse": now.loss}
        if truth is not None:
            row |= {
                "psnr": decibels(task.restored(now.output.cpu()), truth),
                "psnr_average": decibels(task.restored(now.average.cpu()), truth),
            }
            if task.complete and damage_known:
                along, across = error_plane(now.output.cpu(), truth=truth, observed=task.observed)
                row |= {"along": along, "across": across}
        if math.isfinite(recipe.stopping.variance):
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
    spoken = recipe.stopping.best_step > 0
    average = task.restored(recipe.average.value.cpu()).clamp(0, 1)
    shown = {"average": average, "damaged": task.damaged}
    if spoken:
        shown["stopped"] = task.restored(recipe.stopping.best.cpu()).clamp(0, 1)
        shown["window"] = task.restored(recipe.stopping.best_mean.cpu()).clamp(0, 1)
    if truth is not None:
        shown["truth"] = truth
    for name, made in shown.items():
        write_still(run, f"{case.name}_{name}", made)

    metrics: dict[str, Any] = {
        "parameters": sum(p.numel() for p in recipe.modules["network"].parameters()),
        "loss": float(f"{history.losses[-1, 0].item():.6g}"),
        "went_back": int(history.losses[:, 1].sum()),
        "steps_per_second": round(len(history.losses) / history.seconds, 2),
    }
    measures = ["loss"]
    if spoken:
        metrics["stopped_step"] = recipe.stopping.best_step
        metrics["stopped"] = int(recipe.stopping.stopped)
    if truth is not None:
        measures += ["psnr", "psnr_y", "best"]
        metrics |= quality(history.watched, average, truth)
        if spoken:
            measures += ["stopped", "window"]
            metrics["stopped_psnr"] = round(decibels(shown["stopped"], truth), 3)
            metrics["window_psnr"] = round(decibels(shown["window"], truth), 3)
        if damage_known and task.observed.shape == truth.shape:
            metrics["damaged_psnr"] = round(decibels(shown["damaged"], truth), 3)
    return Fitted(
        name=case.name,
        metrics=metrics,
        curves={k: v for k, v in curves(history).items() if k not in history.names},
        protocol={name: PROTOCOL[name] for name in measures},
        files=[f"{case.name}_{name}.webp" for name in [*shown, *(f"{s:06d}" for s in frames)]],
        history=history,
        average=average,
    )


def write_still(run: Run, name: str, made: Tensor) -> str:
    """Write a picture that a reader compares with others, without loss; return its file's name."""
    return write_image(run.folder / f"{name}.webp", made, overwrite=True).name


def quality(
    watched: Sequence[Mapping[str, float]], average: Tensor, truth: Tensor
) -> dict[str, float]:
    """Numbers of a fit whose true picture is known.

    Parameters
    ----------
    watched : sequence of mapping
        At each moment "step", "psnr" and "psnr_average".
    average, truth : Tensor
        The last average, and the true picture, (1, 3, H, W).

    Returns
    -------
    dict
        PSNR and SSIM at the end, and the highest PSNR with its step.
    """
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


@dataclasses.dataclass
class Baselines:
    """What other methods make of the same pictures.

    Attributes
    ----------
    numbers : dict
        By the method's name in the record.
    pictures : dict
        By the name of the file beside it.
    protocol : dict
        How they were made and measured.
    """

    numbers: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    pictures: dict[str, Tensor] = dataclasses.field(default_factory=dict)
    protocol: dict[str, str] = dataclasses.field(default_factory=dict)


def record_of(
    run: Run,
    fits: Sequence[Fitted],
    *,
    data: Sequence[str],
    baselines: Baselines | None = None,
    seed: int = 0,
) -> ledger.Record:
    """Record fits, and what other methods make of the same pictures.

    Parameters
    ----------
    run : Run
        What is being run.
    fits : sequence of Fitted
        At least one.
    data : sequence of str
        Registered files that were read.
    baselines : Baselines, optional
        The other methods'.
    seed : int
        Of the first fit.

    Returns
    -------
    Record
        With numbers and curves by case.
    """
    beside = baselines or Baselines()
    files = [file for fitted in fits for file in fitted.files]
    files += [write_still(run, name, made) for name, made in beside.pictures.items()]
    protocol: dict[str, str] = {}
    for fitted in fits:
        protocol |= fitted.protocol
    seconds = sum(fitted.history.seconds for fitted in fits)
    record = run.record(
        history=dataclasses.replace(fits[-1].history, seconds=seconds),
        metrics={fitted.name: fitted.metrics for fitted in fits} | beside.numbers,
        protocol=protocol | beside.protocol,
        artefacts=files,
        data=data,
        seed=seed,
    )
    named = {
        f"{fitted.name}: {measure}": curve
        for fitted in fits
        for measure, curve in fitted.curves.items()
    }
    return dataclasses.replace(record, curves=named)
