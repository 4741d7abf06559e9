"""Rows of the chapter's tables, read from records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from tutorial_lib.coarse_to_fine.claims import PAIRS
from tutorial_lib.coarse_to_fine.networks import sizes
from tutorial_lib.coarse_to_fine.reading import (
    after_unfreezing,
    at_seconds,
    best_by,
    clock,
    ends,
    last,
    loss_of_forgetting,
    mean_curve,
    overfitting,
    stage_seconds,
)
from tutorial_lib.coarse_to_fine.recipe import TRAININGS
from tutorial_lib.ledger import Record

Row = dict[str, str | float]
"""Column → what stands there."""


def epoch_seconds(records: Mapping[str, Record]) -> list[Row]:
    """Mean seconds of an epoch by the size that is trained, and of all epochs together.

    Parameters
    ----------
    records : mapping of str to Record
        By the training's key in :data:`~tutorial_lib.coarse_to_fine.recipe.TRAININGS`, here as in
        all the tables of trainings.
    """
    rows: list[Row] = []
    for key, record in records.items():
        side = sizes(record.config["top"])
        found = stage_seconds(record)
        by_size = {
            f"{s} px": f"{found[k]:.1f}" if k in found else "" for k, s in enumerate(side, 1)
        }
        rows.append({"training": TRAININGS[key][0], **by_size, "all": clock(record)[-1]})
    return rows


def quality_by_seconds(records: Mapping[str, Record], moments: Sequence[float]) -> list[Row]:
    """Best validation PSNR, in dB, within so many seconds of training."""
    return [
        {"training": TRAININGS[key][0]}
        | {f"{seconds:.0f} s": at_seconds(record, seconds) for seconds in moments}
        for key, record in records.items()
    ]


def preparation(records: Mapping[str, Record]) -> list[Row]:
    """What the small stages are worth: PSNR after as many epochs at full size, and their price."""
    rows: list[Row] = []
    for words, (every, each) in PAIRS.items():
        scratch, prepared = records[every], records[each]
        epochs = prepared.config["epochs"]
        share = epochs // len(sizes(prepared.config["top"]))
        spent = clock(prepared)[epochs - share]
        rows.append(
            {
                "network": words,
                "from nothing": best_by(scratch, share),
                "prepared": best_by(prepared, epochs),
                "in seconds": spent,
                "or epochs": spent / clock(scratch)[1],
            }
        )
    return rows


def endings(records: Mapping[str, Record]) -> list[Row]:
    """How trainings of one task ended, in dB, and what is had by doing nothing."""
    rows: list[Row] = []
    for key, record in records.items():
        found = ends(record)
        seeds = range(record.config["seeds"])
        rows.append(
            {
                "training": TRAININGS[key][0],
                "new faces": last(record),
                "seeds": f"{min(found):.2f} to {max(found):.2f}",
                "training faces": last(record, "train_psnr"),
                "all new faces, last weights": fmean(
                    record.metric(f"seed {seed}", "test_psnr") for seed in seeds
                ),
            }
        )
    spoiled = records["unet"].metric("data", "psnr of the spoiled")
    rows.append({"training": "what is given", "all new faces, last weights": spoiled})
    return rows


def fits(named: Sequence[tuple[str, Record]]) -> list[Row]:
    """How much better trainings did on their own pictures, and how far they are past their best.

    Parameters
    ----------
    named : sequence of (str, Record)
        The task in words, and a training all at once.
    """
    rows: list[Row] = []
    for task, record in named:
        gap, fall = overfitting(record)
        rows.append(
            {
                "task": task,
                "faces": f"{record.metrics['data']['training pictures']:,}",
                "epochs": f"{record.config['epochs']}",
                "gap, dB": gap,
                "past best, dB": fall,
            }
        )
    return rows


def beyond(named: Sequence[tuple[str, str, Record]]) -> list[Row]:
    """How trainings on other data, or with another loss, ended.

    Parameters
    ----------
    named : sequence of (str, str, Record)
        The data in words, the training's key, and its record.
    """
    return [
        {
            "data": words,
            "training": TRAININGS[key][0].removeprefix("coarse-to-fine, "),
            "epochs": f"{record.config['epochs']}",
            "seconds": clock(record)[-1],
            "last, dB": last(record),
            "best, dB": max(mean_curve(record, "val_psnr_top")[1]),
            "grey, dB": record.metric("data", "psnr of the spoiled"),
        }
        for words, key, record in named
    ]


def forgetting(record: Record) -> list[Row]:
    """What a new optimiser does at the unfreezing, seed by seed.

    Parameters
    ----------
    record : Record
        Of ``coarse_to_fine/unfreezing``.
    """
    rate = record.config["learning_rate"]
    kept, new = (
        after_unfreezing(record, f"{name}, moved")[1] for name in ("moments kept", "new optimiser")
    )
    return [
        {
            "seed": f"{seed}",
            "first step, kept": kept[seed][0] / rate,
            "first step, new": new[seed][0] / rate,
            "steps 2 to 6, loss higher by": fmean(higher[1:6]),
            "steps 51 to 100": fmean(higher[50:]),
        }
        for seed, higher in enumerate(loss_of_forgetting(record))
    ]
