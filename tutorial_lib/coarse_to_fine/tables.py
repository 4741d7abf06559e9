"""Rows of the chapter's tables, read from records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tutorial_lib.coarse_to_fine.claims import PAIRS
from tutorial_lib.coarse_to_fine.networks import sizes
from tutorial_lib.coarse_to_fine.reading import (
    around,
    at_seconds,
    clock,
    ends,
    last,
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
    """Validation PSNR, in dB, after so many seconds of training."""
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
                "from nothing": around(scratch, share),
                "prepared": around(prepared, epochs),
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
        rows.append(
            {
                "training": TRAININGS[key][0],
                "new faces": last(record),
                "seeds": f"{min(found):.2f} to {max(found):.2f}",
                "training faces": last(record, "train_psnr"),
            }
        )
    spoiled = records["unet"].metric("data", "psnr of the spoiled")
    rows.append({"training": "doing nothing", "new faces": spoiled})
    return rows


def fits(named: Sequence[tuple[str, Record]]) -> list[Row]:
    """How much better trainings did on their own pictures than on new ones.

    Parameters
    ----------
    named : sequence of (str, Record)
        The task in words, and a training all at once.
    """
    rows: list[Row] = []
    for task, record in named:
        rows.append(
            {
                "task": task,
                "faces": f"{record.metrics['data']['training pictures']:,}",
                "epochs": f"{record.config['epochs']}",
                "gap, dB": overfitting(record),
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
            "at the end, dB": last(record),
            "grey, dB": record.metric("data", "psnr of the spoiled"),
        }
        for words, key, record in named
    ]
