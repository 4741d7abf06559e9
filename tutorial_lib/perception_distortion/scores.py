"""The plane of perception and distortion: what is measured of a picture, and of a set of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from statistics import fmean, stdev

from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.metrics import PIRM, Y, mse, niqe, psnr, ssim
from tutorial_lib.srgan.evaluation import PROTOCOL as SUPER_RESOLUTION
from tutorial_lib.srgan.evaluation import Scores, averages

PROTOCOL = {
    "rmse": f"in grey levels, root of the mean MSE over the pictures; {PIRM.describe()} (PIRM)",
    "niqe_pirm": "NIQE after 4 pixels are cropped from each edge, as in PIRM",
    "psnr_y": SUPER_RESOLUTION["psnr"],
    "ssim_y": SUPER_RESOLUTION["ssim"],
    "niqe": SUPER_RESOLUTION["niqe"],
    "low resolution": SUPER_RESOLUTION["low resolution"],
    "page": "read: share of the page's letters whose own drawing correlates best with their box",
}
"""How each number of this chapter is made."""


def scores_of(made: Tensor, real: Tensor) -> dict[str, float]:
    """Measure one picture: distortion against the photograph, and perception without it.

    Parameters
    ----------
    made, real : Tensor
        (1, 3, H, W), range [0, 1].

    Returns
    -------
    dict
        ``mse_pirm`` in squared grey levels, ``psnr_y`` in dB and ``ssim_y`` (both left out where
        the two are the same), ``niqe`` and ``niqe_pirm``.
    """
    found = {"mse_pirm": mse(made, real, protocol=PIRM).item()}
    if found["mse_pirm"] > 0:
        found["psnr_y"] = psnr(made, real, protocol=Y).item()
        found["ssim_y"] = ssim(made, real, protocol=Y).item()
    found["niqe"] = niqe(made).item()
    found["niqe_pirm"] = niqe(made, crop=PIRM.crop).item()
    return found


def summary(scores: Scores) -> dict[str, float]:
    """Averages over the pictures of a set; of the squared errors, the root of their mean."""
    means = averages(scores)
    return {"rmse": round(math.sqrt(means.pop("mse_pirm")), 5)} | means


def provenance(name: str) -> str:
    """Which recorded network was taken: its steps, and the beginning of its weights' hash."""
    record = ledger.read(name)
    digest = record.artefacts["weights.safetensors"][:12]
    return f"{name}, {record.steps:,} steps, weights {digest}…"


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
