"""What the chapter's records say: places on the plane, differences of methods, letters read."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from statistics import fmean, stdev

from tutorial_lib import ledger
from tutorial_lib.perception_distortion.text_page import LINES

COEFFICIENTS = ("0", "1e-4", "3e-4", "1e-3", "3e-3", "1e-2")
"""Weights of the adversarial loss in the sweep, as the experiments are named: ``adv_1e-3``."""

CONTENT = {
    "adv_1e-3_no_vgg": "λ = 1e-3, no VGG loss",
    "adv_1e-3_vgg22": "λ = 1e-3, φ2,2 × 100",
    "adv_1e-3_vgg54": "λ = 1e-3, φ5,4 at 0.3",
    "adv_0_vgg22": "λ = 0, φ2,2 × 100",
}
"""Variants of the content loss: experiment → title."""

METHODS = {
    "bicubic": "bicubic",
    "brief": "brief SRResNet",
    "srresnet": "SRResNet",
    "srgan": "SRGAN",
    "photographs": "photographs",
}
"""Points that need no training here: experiment → title."""

TITLES = {
    **{name: title for name, title in METHODS.items() if name != "photographs"},
    **{f"adv_{coefficient}": f"λ = {coefficient}" for coefficient in COEFFICIENTS},
    **CONTENT,
    "photographs": "photographs",
}
"""All points, in the order of tables: experiment → title."""

AGAINST = {
    **{f"adv_{coefficient}": "adv_0" for coefficient in COEFFICIENTS[1:]},
    "adv_1e-3_no_vgg": "adv_1e-3",
    "adv_1e-3_vgg22": "adv_1e-3",
    "adv_1e-3_vgg54": "adv_1e-3",
    "adv_0_vgg22": "adv_0",
}
"""Experiment → the one that differs from it in one loss alone."""

Records = Mapping[str, ledger.Record]
"""Short name → record."""


def available(names: Iterable[str]) -> dict[str, ledger.Record]:
    """The records of this chapter that there are, by their short names and in that order."""
    there = {record.experiment for record in ledger.records()}
    full = {name: f"perception_distortion/{name}" for name in names}
    return {name: ledger.read(long) for name, long in full.items() if long in there}


# ---------------------------------------------------------------------------- photographs


def recorded_scores(record: ledger.Record, group: str, measure: str) -> dict[str, float]:
    """One measure of every picture of a set, as a record holds it.

    Parameters
    ----------
    record : Record
        Of this chapter.
    group, measure : str
        Such as ``"bsd100"`` and ``"niqe"``.

    Returns
    -------
    dict
        Picture → value.
    """
    with record.artefact("scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["picture"]: float(row["value"])
        for row in rows
        if row["set"] == group and row["measure"] == measure
    }


def picture_rmse(record: ledger.Record, group: str) -> dict[str, float]:
    """Root mean squared error of every picture of a set, in grey levels."""
    squares = recorded_scores(record, group, "mse_pirm")
    return {picture: math.sqrt(square) for picture, square in squares.items()}


def with_error(values: Iterable[float]) -> tuple[float, float]:
    """Mean of some pictures' values, and the standard error of that mean."""
    listed = list(values)
    return fmean(listed), stdev(listed) / math.sqrt(len(listed))


def place(record: ledger.Record, group: str) -> dict[str, tuple[float, float]]:
    """A record's place on the plane, with its standard errors over the pictures of a set.

    Parameters
    ----------
    record : Record
        Of this chapter.
    group : str
        "set14" or "bsd100".

    Returns
    -------
    dict
        ``rmse``, ``mse`` and ``niqe``, each with its error; that of the root follows from the
        error of the mean squared error, to first order.
    """
    error, spread = with_error(recorded_scores(record, group, "mse_pirm").values())
    root = math.sqrt(error)
    return {
        "mse": (error, spread),
        "rmse": (root, spread / (2 * root) if root else 0.0),
        "niqe": with_error(recorded_scores(record, group, "niqe").values()),
    }


def paired(
    record: ledger.Record, base: ledger.Record, group: str
) -> dict[str, tuple[float, float]]:
    """How far a method moves each picture of a set from where another one puts it.

    All methods see the same pictures, and most of the spread over them is common to all; in the
    differences it is gone.

    Parameters
    ----------
    record, base : Record
        Of this chapter.
    group : str
        "set14" or "bsd100".

    Returns
    -------
    dict
        ``rmse`` and ``niqe``: the mean of `record`'s less `base`'s, and its standard error.
    """
    sides = {
        "rmse": [picture_rmse(side, group) for side in (record, base)],
        "niqe": [recorded_scores(side, group, "niqe") for side in (record, base)],
    }
    return {
        measure: with_error(here[picture] - there[picture] for picture in there)
        for measure, (here, there) in sides.items()
    }


def beaten_by(records: Records, name: str, group: str) -> list[str]:
    """Which methods have both less distortion and better perception on a set.

    Parameters
    ----------
    records : mapping
        Of this chapter; the photographs themselves are no method.
    name : str
        One of them.
    group : str
        "set14" or "bsd100".

    Returns
    -------
    list of str
        Short names, in the order of `records`.
    """
    here = records[name]
    return [
        other
        for other, record in records.items()
        if other != "photographs"
        and all(
            record.metric(group, measure) < here.metric(group, measure)
            for measure in ("rmse", "niqe")
        )
    ]


def lost_decibels(record: ledger.Record, base: ledger.Record, group: str) -> float:
    """By how many decibels a method's mean squared error on a set is above another's."""
    return 20 * math.log10(record.metric(group, "rmse") / base.metric(group, "rmse"))


# ------------------------------------------------------------------------ the page of text


def recorded_readings(record: ledger.Record) -> tuple[str, str]:
    """The letters of the page, and what each was read as."""
    lines = record.artefact("readings.txt").read_text(encoding="utf-8").split("\n")
    return lines[0], lines[1]


def read_by_size(record: ledger.Record) -> dict[int, float]:
    """Share of the letters that are read rightly, from 0 to 1, by their size in pixels to an em."""
    sizes = [size for line, size in LINES for letter in line if letter != " "]
    right: dict[int, list[bool]] = {}
    for size, letter, found in zip(sizes, *recorded_readings(record), strict=True):
        right.setdefault(size, []).append(letter == found)
    return {size: fmean(marks) for size, marks in right.items()}


def line_as_read(record: ledger.Record, start: str) -> tuple[str, int]:
    """What one line of the page was read as, and how many of its letters are wrong.

    Parameters
    ----------
    record : Record
        Of this chapter.
    start : str
        How the line begins, such as ``"Tel"``.

    Raises
    ------
    ValueError
        If no line begins so.
    """
    lines = [line.replace(" ", "") for line, _ in LINES]
    number = next((k for k, line in enumerate(lines) if line.startswith(start)), None)
    if number is None:
        raise ValueError(f"no line of the page begins with {start!r}")
    begin = sum(map(len, lines[:number]))
    part = slice(begin, begin + len(lines[number]))
    wanted, found = (letters[part] for letters in recorded_readings(record))
    return found, sum(a != b for a, b in zip(wanted, found, strict=True))


def best(values: Mapping[str, float]) -> list[str]:
    """The names whose value is the largest: several where there is an exact tie."""
    return [name for name, value in values.items() if value == max(values.values())]
