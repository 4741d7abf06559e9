"""Settings of LapStyle's trainings."""

from __future__ import annotations

import dataclasses
from typing import get_args

from tutorial_lib.lapstyle.losses import StyleWeights
from tutorial_lib.lapstyle.pictures import STYLES
from tutorial_lib.settings import at_least, not_empty, one_of, positive
from tutorial_lib.vgg import VGG16_FILE, Backbone


@dataclasses.dataclass(frozen=True)
class DraftingConfig:
    """Settings of a training of the drafting network alone.

    Attributes
    ----------
    steps : int
        Updates.
    style : str
        One of `STYLES`.
    sizes : tuple of int
        Side of the square photographs at each level, the draft's first. Photographs that are
        smaller are enlarged. Networks are trained at some of them, and measured at all.
    batch : int
        Photographs a step.
    learning_rate : float
        Of Adam.
    cosine : bool
        Warm the rate up over 50 steps, or the fifth part of a short stage, and let it fall along a
        cosine to zero at each stage's last step; False keeps it constant, as the article.
    perceptual, self_similarity, style_weight, moment, remd : float
        Weights of the losses.
    identity : float
        Weight of the squared error between a photograph and what the decoder makes of its maps
        without AdaIN. Not in the article; in the published code. It gives the strength slider its
        photographic end.
    identity_every : int
        Steps from one such photograph to the next.
    places : int
        Places of a map that the pairwise losses compare, drawn anew at each step.
    backbone : {"vgg16", "vgg19"}
        The encoder.
    photographs : str
        "bsds500", or a folder of photographs, such as MS-COCO's train2017 in the article.
    limit, held_out : int
        Use only the first so many photographs for training, for measuring.
    equalised : int
        Photographs over which the encoder's channels are made comparable.
    shown : int
        Shorter side of the paintings to be shown; those of `CONTENTS` are at most so large.
    """

    steps: int
    style: str = "starry_night"
    sizes: tuple[int, ...] = (128, 256, 512)
    batch: int = 5
    learning_rate: float = 1e-4
    cosine: bool = False
    perceptual: float = 1.0
    self_similarity: float = 16.0
    style_weight: float = 3.0
    moment: float = 1.0
    remd: float = 3.0
    identity: float = 20.0
    identity_every: int = 4
    places: int = 1024
    backbone: Backbone = "vgg16"
    photographs: str = "bsds500"
    limit: int = 1_000_000
    held_out: int = 20
    equalised: int = 40
    shown: int = 512

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"no style {self.style!r}; there are: {', '.join(STYLES)}")
        not_empty(self, "sizes")
        at_least(self, 16, "sizes", "shown")
        at_least(self, 1, "batch", "identity_every", "places", "limit", "held_out", "equalised")
        at_least(
            self, 0, "perceptual", "self_similarity", "style_weight", "moment", "remd", "identity"
        )
        positive(self, "learning_rate")
        one_of(self, get_args(Backbone), "backbone")

    def data(self) -> list[str]:
        """Outside data of a training, for its record."""
        photographs = ["bsds500"] if self.photographs == "bsds500" else []
        backbone = [VGG16_FILE] if self.backbone == "vgg16" else []
        return [
            *photographs,
            f"style/{self.style}.jpg",
            "content/tubingen.jpg",
            "bsd100",
            *backbone,
        ]


@dataclasses.dataclass(frozen=True)
class StyleConfig(DraftingConfig):
    """Settings of a training for one style; `steps` counts all stages together.

    Attributes
    ----------
    shares : tuple of float
        Of the steps, for each stage: drafting, first revision, second revision.
    adversarial : float
        Weight of the revision networks' adversarial loss.
    judge_rate : float
        The discriminators' share of the learning rate. They have an easier task, the same painting
        at every step, and soon win at the painters' rate.
    looked : int
        Side of the part of each revised picture that the losses look at, cut anew at each step; 0
        looks at whole pictures. What a revision paints depends on 9 pixels around, and a part of a
        large picture costs as much as a small picture.
    judged : int
        Side of the part of it, and of the painting, that the discriminator is shown; 0 shows all
        that the losses look at.
    start : str
        Experiment whose networks to start from; empty starts afresh.
    """

    shares: tuple[float, ...] = (0.5, 0.25, 0.25)
    adversarial: float = 1.0
    judge_rate: float = 1.0
    looked: int = 0
    judged: int = 0
    start: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "shares", "adversarial", "judge_rate", "looked", "judged")
        if 0 < self.looked < 16:
            raise ValueError(f"looked must be 0 or at least 16 pixels: got {self.looked}")
        if not sum(self.shares) > 0:
            raise ValueError(f"shares must sum to more than 0: got {self.shares!r}")

    def weights(self) -> StyleWeights:
        """The losses' weights."""
        return StyleWeights(
            perceptual=self.perceptual,
            self_similarity=self.self_similarity,
            style=self.style_weight,
            moment=self.moment,
            remd=self.remd,
            adversarial=self.adversarial,
        )

    def ends(self, steps: int) -> list[int]:
        """Step after which each stage is over."""
        total = sum(self.shares)
        return [round(steps * sum(self.shares[: i + 1]) / total) for i in range(len(self.shares))]
