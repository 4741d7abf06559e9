"""Whether a recorded generator of faces hands out its training faces: measured and recorded.

Training and test faces were told apart by a hash of each face, as by a coin. So the nearest of them
all to a picture that came about without knowing which is which is a training face as often as a
face of all is one. To a copy it is always a training face, and blur or noise on the copy do not
change that.
"""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.data.faces import CartoonFaces
from tutorial_lib.experiment import Run
from tutorial_lib.gan_basics.faces_training import (
    FacesConfig,
    faces_generator,
    make_faces,
    wall_noise,
)
from tutorial_lib.gan_basics.measures import nearest
from tutorial_lib.settings import at_least, positive
from tutorial_lib.training import History

WEIGHTS = "weights.safetensors"


@dataclasses.dataclass(frozen=True)
class CopiesConfig:
    """Settings of the search for copies.

    Attributes
    ----------
    steps : int
        None: nothing is trained.
    start : str
        The recorded training on faces whose generator is looked at.
    judged : int
        Pictures of each kind.
    noise : float
        Standard deviation of what is added to training faces to make copies, on [0, 1].
    count, others : int or None
        Use only so many training and test faces.
    """

    steps: int = 0
    start: str = "gan_basics/faces32"
    judged: int = 2000
    noise: float = 0.1
    count: int | None = None
    others: int | None = None

    def __post_init__(self) -> None:
        at_least(self, 1, "judged", "count", "others")
        positive(self, "noise")


COPIES_PROTOCOL = {
    "distance": "root mean square difference of pixels, on [0, 1], to the nearest training face; "
    "quantiles over the pictures",
    "nearer to training": "share of pictures whose nearest of all training and test faces is a "
    "training face; a test face is not compared with itself",
    "expected": "the share of training faces among all, and the standard error for so many "
    "pictures",
    "copies": "training faces with normal noise",
}

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def run_copies(run: Run) -> ledger.Record:
    """Compare generated faces, test faces and noisy copies with all faces that there are."""
    config, began = run.config, time.monotonic()
    trained = ledger.read(config.start)
    path = trained.artefact(WEIGHTS)
    how = FacesConfig(**trained.config)
    generator = faces_generator(load_file(path), how)
    train = CartoonFaces("train", size=how.size, count=config.count, progress=False).images
    test = CartoonFaces("test", size=how.size, count=config.others, progress=False).images
    source = torch.Generator().manual_seed(0)
    chosen = train[torch.randperm(len(train), generator=source)[: config.judged]].float() / 255
    noisy = chosen + config.noise * torch.randn(chosen.shape, generator=source)
    judged = {
        "generated": make_faces(generator, wall_noise(config.judged, how.latent, seed=2)),
        "test": test[: config.judged].float() / 255,
        "copies": noisy.clamp(0, 1),
    }
    share = len(train) / (len(train) + len(test))
    metrics: dict[str, Any] = {
        "expected": {
            "share": round(share, 4),
            "standard error": round(math.sqrt(share * (1 - share) / config.judged), 4),
        }
    }
    for kind, images in judged.items():
        itself = torch.arange(len(images)) if kind == "test" else None
        metrics[kind] = _compared(images, train, test, itself)
    record = run.record(
        history=History(seconds=time.monotonic() - began),
        metrics=metrics,
        protocol=COPIES_PROTOCOL,
        start={config.start: trained.artefacts[WEIGHTS]},
    )
    return dataclasses.replace(record, precision="32-true")


def _compared(
    images: Tensor, train: Tensor, test: Tensor, itself: Tensor | None
) -> dict[str, float]:
    _, to_train = nearest(images, train)
    _, to_test = nearest(images, test, besides=itself)
    levels = torch.quantile(to_train, torch.tensor(QUANTILES))
    return {
        "nearer to training": round((to_train < to_test).float().mean().item(), 4),
        **{
            f"distance, {quantile:.0%}": round(level, 4)
            for quantile, level in zip(QUANTILES, levels.tolist(), strict=True)
        },
    }
