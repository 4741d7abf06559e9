"""One point of the plane: a method measured on the sets, on squares and on the page of text."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.data import (
    GROUPS,
    load,
    locate,
    low_resolution,
    mod_crop,
    photographs,
    write_image,
)
from tutorial_lib.experiment import Run
from tutorial_lib.metrics import PIRM, Gaussian, imresize, niqe, rmse
from tutorial_lib.perception_distortion.text_page import readings, share_read, text_page
from tutorial_lib.settings import not_empty, one_of
from tutorial_lib.srgan.evaluation import (
    CROPS,
    SCALE,
    Scores,
    Upscale,
    averages,
    evaluate,
    measure,
    square,
    write_scores,
)
from tutorial_lib.srgan.evaluation import PROTOCOL as SUPER_RESOLUTION
from tutorial_lib.srgan.training import recorded_generator
from tutorial_lib.training import History, write_atomically

MEASURED = ("mse_pirm", "psnr_y", "ssim_y", "niqe", "niqe_pirm")
"""Of every picture that a method makes."""

TRUE = ("mse_pirm", "niqe", "niqe_pirm")
"""Of the photographs themselves, whose PSNR is infinite."""

PROTOCOL = {
    "rmse": SUPER_RESOLUTION["rmse"],
    "niqe_pirm": "NIQE after 4 pixels are cropped from each edge, as in PIRM",
    "psnr_y": SUPER_RESOLUTION["psnr"],
    "ssim_y": SUPER_RESOLUTION["ssim"],
    "niqe": SUPER_RESOLUTION["niqe"],
    "low resolution": SUPER_RESOLUTION["low resolution"],
    "page": "read: share of the page's letters whose own drawing correlates best with their box",
}
"""How each number of this chapter is made."""

SHOWN = ("baboon", "zebra", "statues")
"""The squares that every record keeps."""

PHOTOGRAPH = ("set14/baboon.png", (150, 100))
"""What is shown beside the page of text, in its size: registry name and top left corner."""

PRISTINE = "niqe_pris_params.npz"


@dataclasses.dataclass(frozen=True)
class PointConfig:
    """Settings of a point that is measured without training.

    Attributes
    ----------
    steps : int
        None are done.
    test_sets : tuple of str
        Sets of photographs to measure on.
    """

    steps: int = 0
    test_sets: tuple[str, ...] = ("set14", "bsd100")

    def __post_init__(self) -> None:
        not_empty(self, "test_sets")
        one_of(self, GROUPS, "test_sets")


def summary(scores: Scores) -> dict[str, float]:
    """Averages over the pictures of a set; of the squared errors, the root of their mean."""
    means = averages(scores)
    return {"rmse": round(math.sqrt(means.pop("mse_pirm")), 5)} | means


def provenance(name: str) -> str:
    """Which recorded network was taken: its steps, and the beginning of its weights' hash."""
    record = ledger.read(name)
    digest = record.artefacts["weights.safetensors"][:12]
    return f"{name}, {record.steps:,} steps, weights {digest}…"


def recorded_pristine() -> Gaussian:
    """The model of natural pictures, as the record of the photographs keeps it.

    Raises
    ------
    LedgerError
        If there is no such record.
    """
    record = ledger.read("perception_distortion/photographs")
    with np.load(record.artefact(PRISTINE)) as stored:
        return Gaussian(
            mean=torch.from_numpy(stored["mu_pris_param"][0]),
            covariance=torch.from_numpy(stored["cov_pris_param"]),
        )


def true_scores(group: str) -> Scores:
    """Measure the photographs of a set against themselves."""
    found: Scores = {}
    for name, image in photographs(group).items():
        real = mod_crop(image, SCALE)
        found[Path(name).stem] = measure(real, real, TRUE)
    return found


@torch.no_grad()
def measure_point(
    run: Run, enlarge: Upscale | None
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Measure a method, and write its scores, its squares and its page into the run's folder.

    Parameters
    ----------
    run : Run
        Whose folder, device and test sets.
    enlarge : callable or None
        From (1, 3, h, w) to (1, 3, 4h, 4w); None stands for the true photographs.

    Returns
    -------
    metrics : dict
        Set → measure → value; and ``page``.
    files : list of str
        What was written.
    """
    device = run.fabric.device

    def restore(image: Tensor) -> Tensor:
        if enlarge is None:
            return mod_crop(image, SCALE)
        return enlarge(low_resolution(image, scale=SCALE).to(device)).cpu().clamp(0, 1)

    sets = {
        group: true_scores(group)
        if enlarge is None
        else evaluate(enlarge, group, measures=MEASURED, device=device)
        for group in run.config.test_sets
    }
    write_scores(run.folder / "scores.csv", sets)
    page, letters = text_page()
    printed = restore(page)
    metrics = {group: summary(scores) for group, scores in sets.items()}
    metrics["page"] = {
        "rmse": round(rmse(printed, page, protocol=PIRM).item(), 5),
        "read": share_read(printed, letters),
        "letters": float(len(letters)),
        "niqe": round(niqe(printed).item(), 5),
    }
    text = "".join(letter.text for letter in letters) + "\n" + readings(printed, letters) + "\n"
    write_atomically(
        run.folder / "readings.txt", lambda part: part.write_text(text, encoding="utf-8")
    )

    name, (top, left) = PHOTOGRAPH
    height, width = page.shape[-2:]
    frames = {
        "page": printed,
        "photograph": restore(load(name))[..., top : top + height, left : left + width],
    }
    for shown in SHOWN:
        if enlarge is None:
            file, (top, left) = CROPS[shown]
            frames[shown] = load(file)[..., top : top + 256, left : left + 256]
        else:
            frames[shown] = square(shown, enlarge, device=device)
    for name, frame in frames.items():
        write_image(run.folder / f"{name}.webp", frame, overwrite=True)
    return metrics, ["scores.csv", "readings.txt", *(f"{name}.webp" for name in frames)]


def run_bicubic(run: Run) -> ledger.Record:
    """Measure bicubic interpolation."""
    return _method(run, lambda low: imresize(low, scale=SCALE))


def run_brief(run: Run) -> ledger.Record:
    """Measure the recorded SRResNet of the short training."""
    return _recorded(run, "srgan/brief")


def run_srresnet(run: Run) -> ledger.Record:
    """Measure the recorded SRResNet."""
    return _recorded(run, "srgan/srresnet")


def run_srgan(run: Run) -> ledger.Record:
    """Measure the recorded SRGAN."""
    return _recorded(run, "srgan/srgan")


def run_photographs(run: Run) -> ledger.Record:
    """Measure the photographs themselves, and keep the model of natural images beside them."""
    shutil.copyfile(locate(PRISTINE), run.folder / PRISTINE)
    return _method(run, None, more=[PRISTINE])


def _recorded(run: Run, name: str) -> ledger.Record:
    network = recorded_generator(name).to(run.fabric.device)
    return _method(run, network, protocol={"network": provenance(name)})


def _method(
    run: Run,
    enlarge: Upscale | None,
    *,
    more: Sequence[str] = (),
    protocol: Mapping[str, str] | None = None,
) -> ledger.Record:
    metrics, files = measure_point(run, enlarge)
    record = run.record(
        history=History(),
        metrics=metrics,
        protocol={**PROTOCOL, **(protocol or {})},
        artefacts=[*files, *more],
        data=[*run.config.test_sets, PRISTINE],
    )
    return dataclasses.replace(record, precision="32-true")
