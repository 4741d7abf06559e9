"""Means of three networks, for weights all over a triangle.

Of the chapter on interpolation between networks.
"""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

from tutorial_lib import ledger
from tutorial_lib.data import load, low_resolution, mod_crop, write_image
from tutorial_lib.dni.interpolation import Interpolator
from tutorial_lib.dni.walk import PATH_PROTOCOL, endpoints, output_of
from tutorial_lib.experiment import Run
from tutorial_lib.settings import at_least, one_of
from tutorial_lib.srgan.evaluation import CROPS, PROTOCOL, SCALE, measure
from tutorial_lib.training import History


@dataclasses.dataclass(frozen=True)
class TriangleConfig:
    """Settings of the triangle of three networks.

    Attributes
    ----------
    steps : int
        None: nothing is trained.
    corners : tuple of str
        Three recorded experiments.
    parts : int
        Stops along a side, less one.
    square : str
        The picture that is enlarged, one of the book's squares.
    """

    steps: int = 0
    corners: tuple[str, ...] = ("srgan/brief", "srgan/brief_gan", "srgan/brief_vgg54")
    parts: int = 4
    square: str = "baboon"

    def __post_init__(self) -> None:
        if len(self.corners) != 3:
            raise ValueError(f"corners must name three experiments: got {self.corners!r}")
        at_least(self, 1, "parts")
        one_of(self, CROPS, "square")


def triangle(parts: int) -> list[tuple[float, float, float]]:
    """Weights of three networks, in rows: the first one's falls from row to row.

    Examples
    --------
    >>> triangle(2)[:3]
    [(1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5)]
    """
    return [
        ((parts - row) / parts, (row - k) / parts, k / parts)
        for row in range(parts + 1)
        for k in range(row + 1)
    ]


def run_triangle(run: Run) -> ledger.Record:
    """Enlarge one picture by the mean of three networks, for weights all over a triangle."""
    config, began = run.config, time.monotonic()
    network, states, used = endpoints(config.corners)
    move = Interpolator(network.to(run.fabric.device), states)
    file, (top, left) = CROPS[config.square]
    image = load(file)
    low, real = low_resolution(image, scale=SCALE), mod_crop(image, SCALE)
    metrics: dict[str, Any] = {"weights": [], "rmse": [], "niqe": []}
    files = []
    for k, weights in enumerate(triangle(config.parts)):
        move(*weights)
        made = output_of(network, low)
        files.append(f"{k:02d}.webp")
        square = made[..., top + 16 : top + 176, left + 48 : left + 208]
        write_image(run.folder / files[-1], square, quality=95, overwrite=True)
        metrics["weights"].append(list(weights))
        found = measure(made, real, ("mse_pirm", "niqe"))
        metrics["rmse"].append(round(math.sqrt(found["mse_pirm"]), 4))
        metrics["niqe"].append(round(found["niqe"], 4))
    record = run.record(
        history=History(seconds=time.monotonic() - began),
        metrics=metrics,
        protocol={
            "network": PATH_PROTOCOL["network"],
            "interpolated": "the network with the mean of the corners' weights",
            "picture": f"{file}, whole; squares of 160 pixels are kept",
            **{name: PROTOCOL[name] for name in ("rmse", "niqe", "low resolution")},
        },
        artefacts=files,
        data=[file],
        start=used,
    )
    return dataclasses.replace(record, precision="32-true")
