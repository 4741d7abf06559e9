"""What the records of trainings say: by epoch, by second, by stage, and at the end."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from statistics import fmean

from tutorial_lib.coarse_to_fine.networks import sizes
from tutorial_lib.ledger import Record


def curve(record: Record, name: str, *, seed: int = 0) -> tuple[list[float], list[float]]:
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


def seed_curves(record: Record, name: str) -> tuple[list[float], list[list[float]]]:
    """A curve over the epochs from every seed: the epochs, and a list of values a seed."""
    found = [curve(record, name, seed=seed) for seed in range(record.config["seeds"])]
    return found[0][0], [values for _, values in found]


def mean_curve(record: Record, name: str) -> tuple[list[float], list[float]]:
    """The mean of a curve over the seeds."""
    epochs, found = seed_curves(record, name)
    return epochs, [fmean(values) for values in zip(*found, strict=True)]


def clock(record: Record) -> list[float]:
    """Seconds of training up to the end of every epoch, from epoch 0; the mean over the seeds."""
    return [0.0, *accumulate(mean_curve(record, "seconds")[1])]


def stage_seconds(record: Record) -> dict[int, float]:
    """Mean seconds of an epoch, by the stage that was trained."""
    stages = [int(stage) for stage in curve(record, "stage")[1][1:]]
    pairs = list(zip(stages, mean_curve(record, "seconds")[1], strict=True))
    return {k: fmean(value for stage, value in pairs if stage == k) for k in sorted({*stages})}


def ends(record: Record, name: str = "test_psnr") -> list[float]:
    """How well the training of each seed ended, in dB: its last weights, as they are stored.

    No epoch is chosen by its result. In the short trainings the running statistics of batch
    normalisation are measured, and can be a decibel or two beside those that fit the weights.

    Parameters
    ----------
    record : Record
        Of a training.
    name : str
        "test_psnr" over all new pictures, "train_psnr" over as many known ones.
    """
    return [record.metric(f"seed {seed}", name) for seed in range(record.config["seeds"])]


def last(record: Record, name: str = "test_psnr") -> float:
    """How well a training ended, the mean over the seeds: see :func:`ends`."""
    return fmean(ends(record, name))


def overfitting(record: Record) -> float:
    """How much better a training does on its own pictures than on new ones, at its end, in dB.

    Over its last epochs, a tenth and at least three, and over the seeds.

    Parameters
    ----------
    record : Record
        Of a training all at once.
    """
    known, new = (mean_curve(record, name)[1] for name in ("train_psnr", "val_psnr_top"))
    count = max(3, len(new) // 10)
    return fmean(known[-count:]) - fmean(new[-count:])


def passed(record: Record, level: float) -> int | None:
    """The first epoch after which the validation PSNR at full size is at least `level`, in dB."""
    epochs, values = mean_curve(record, "val_psnr_top")
    reached = (round(e) for e, value in zip(epochs, values, strict=True) if value >= level)
    return next(reached, None)


def at_seconds(record: Record, seconds: float) -> float:
    """Validation PSNR at full size, in dB, after the last epoch that ended within so long."""
    values = mean_curve(record, "val_psnr_top")[1]
    return [v for v, t in zip(values, clock(record), strict=True) if t <= seconds][-1]


def around(record: Record, epoch: int) -> float:
    """Validation PSNR at full size, the mean of the three epochs up to one, in dB."""
    values = mean_curve(record, "val_psnr_top")[1]
    return fmean(values[epoch - 2 : epoch + 1])


def by_stage(
    record: Record, levels: Mapping[str, Mapping[str, float]], name: str
) -> tuple[list[float], list[float]]:
    """A level that every stage of *train each* has, as a line over the epochs, in steps.

    Parameters
    ----------
    record : Record
        Of a training stage by stage.
    levels : mapping
        "8 px" and so on → name → dB: see :func:`tutorial_lib.coarse_to_fine.stages.baselines`.
    name : str
        "nothing", "nothing, enlarged" or "perfect, enlarged".

    Returns
    -------
    epochs, values : list of float
        Two points a stage; a stage without such a level has none.
    """
    side, epochs = sizes(record.config["top"]), record.config["epochs"]
    points = [
        (epochs * end / len(side), levels[f"{s} px"][name])
        for stage, s in enumerate(side)
        if name in levels[f"{s} px"]
        for end in (stage, stage + 1)
    ]
    return [x for x, _ in points], [y for _, y in points]
