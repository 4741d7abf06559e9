"""What the records of trainings say: by epoch, by second, by stage, and at the end."""

from __future__ import annotations

from itertools import accumulate
from statistics import fmean

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


def ends(record: Record, name: str = "val_psnr_top") -> list[float]:
    """How well the training of each seed ended: the best of its last epochs.

    Those are the last tenth, at least three. The very last one alone says little: here and there
    the PSNR falls by a decibel or two for an epoch, and comes back.
    """
    count = _last_epochs(record)
    return [
        max(curve(record, name, seed=seed)[1][-count:]) for seed in range(record.config["seeds"])
    ]


def last(record: Record, name: str = "val_psnr_top") -> float:
    """How well a training ended, the mean over the seeds: see :func:`ends`."""
    return fmean(ends(record, name))


def overfitting(record: Record) -> tuple[float, float]:
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


def _last_epochs(record: Record) -> int:
    return max(3, record.config["epochs"] // 10)


def passed(record: Record, level: float) -> int | None:
    """The first epoch after which the validation PSNR at full size is at least `level`, in dB."""
    epochs, values = mean_curve(record, "val_psnr_top")
    reached = (round(e) for e, value in zip(epochs, values, strict=True) if value >= level)
    return next(reached, None)


def at_seconds(record: Record, seconds: float) -> float:
    """Best validation PSNR at full size, in dB, of any epoch that ended within so many seconds."""
    values = mean_curve(record, "val_psnr_top")[1]
    return max(v for v, t in zip(values, clock(record), strict=True) if t <= seconds)


def best_by(record: Record, epoch: int) -> float:
    """Best validation PSNR at full size of the three epochs up to one, in dB, over the seeds."""
    _, found = seed_curves(record, "val_psnr_top")
    return fmean(max(values[epoch - 2 : epoch + 1]) for values in found)


def after_unfreezing(record: Record, name: str) -> tuple[list[float], list[list[float]]]:
    """A curve of the experiment on unfreezing: its steps from 1, and a list of values a seed.

    Parameters
    ----------
    record : Record
        Of ``coarse_to_fine/unfreezing``.
    name : str
        "moments kept" or "new optimiser" for the loss; with ", moved" for how far a step moved the
        lower levels' weights.
    """
    found = [record.curves[f"{name}, seed {seed}"] for seed in range(record.config["seeds"])]
    return found[0]["step"], [one["value"] for one in found]


def loss_of_forgetting(record: Record) -> list[list[float]]:
    """By how many percent the loss is higher with a new optimiser: for every seed, by the step."""
    (_, kept), (_, new) = (after_unfreezing(record, n) for n in ("moments kept", "new optimiser"))
    return [
        [100 * (b - a) / a for a, b in zip(*pair, strict=True)]
        for pair in zip(kept, new, strict=True)
    ]
