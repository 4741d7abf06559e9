"""Settings of the trainings of SRResNet and SRGAN."""

from __future__ import annotations

import dataclasses
import re
from typing import ClassVar

from tutorial_lib.data import GROUPS
from tutorial_lib.settings import at_least, not_empty, one_of, positive, share


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Settings that SRResNet's and SRGAN's trainings share.

    Attributes
    ----------
    steps : int
        Updates of the generator.
    batch, patch : int
        Patches a step, and their side in high-resolution pixels.
    learning_rate : float
        Of the generator's Adam.
    average : bool
        Keep the mean of the generator's weights over about the last tenth of the steps; False
        keeps the last weights, as the article.
    statistics : int
        Training patches over which batch normalisation's statistics are re-estimated before the
        network is measured or kept; 0 leaves those that it has, as the article.
    start : str
        An experiment or a published file whose weights the training starts from; empty begins
        with random weights.
    photographs : str
        "bsds500", or "voc2012" through torchvision as in the article.
    limit : int or None
        Use only so many photographs.
    test_sets : tuple of str
        Evaluated at the end.
    measures_sets : bool
        Whether there must be one.
    """

    steps: int
    batch: int = 16
    patch: int = 96
    learning_rate: float = 1e-4
    average: bool = False
    statistics: int = 0
    start: str = ""
    photographs: str = "bsds500"
    limit: int | None = None
    test_sets: tuple[str, ...] = ("set5", "set14", "bsd100")

    measures_sets: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least(self, 1, "batch", "limit")
        at_least(self, 0, "statistics")
        positive(self, "learning_rate")
        if self.patch < 4 or self.patch % 4:
            raise ValueError(f"patch must be a positive multiple of the scale 4: got {self.patch}")
        one_of(self, (*GROUPS, "voc2012"), "photographs")
        if self.measures_sets:
            not_empty(self, "test_sets")
        one_of(self, GROUPS, "test_sets")


@dataclasses.dataclass(frozen=True)
class SrresnetConfig(TrainingConfig):
    """Settings of SRResNet's training.

    Attributes
    ----------
    warm_up : int
        Steps over which the learning rate rises from zero.
    cosine : bool
        Let the learning rate fall along a cosine to zero at the last step, which gives a short run
        the most; False keeps it constant, as the article.
    """

    warm_up: int = 0
    cosine: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "warm_up")


@dataclasses.dataclass(frozen=True)
class SrganConfig(TrainingConfig):
    """Settings of SRGAN's training.

    Attributes
    ----------
    discriminator_rate : float
        Learning rate of the discriminator's Adam.
    beta2 : float
        Of both optimisers: 1 − beta2 is what the newest squared gradient counts.
    judge_first : int
        Steps, the first ones, in which the discriminator alone learns.
    smoothing : float
        As in :func:`tutorial_lib.srgan.discriminator_loss`.
    slope_penalty : float
        Weight of half the discriminator's :func:`tutorial_lib.srgan.slope` at photographs, charged
        for four steps at once in every fourth step; zero leaves it out, as the article.
    window : int
        Side of the square, anywhere in the patch, that the discriminator is shown; 0 shows it the
        whole, as the article.
    frozen : str
        Parts of the generator whose weights stay as they are, such as "tail" or "head body"; empty
        trains all, as the article.
    fixed_statistics : bool
        Normalise the generator's maps by the start's statistics throughout; False by each batch's
        own, as the article.
    falling : float
        Share of the steps, at the end, over which the learning rates fall to zero.
    drop_every : int
        Steps after which the learning rates are multiplied by 0.1.
    adversarial, content, block : float
        Weights of the losses beside the squared error, as in
        :class:`tutorial_lib.srgan.LossWeights`.
    features : str
        The VGG layer: "last2" is the article's φ2,2, "last5" its φ5,4.
    """

    average: bool = True
    start: str = "srgan/srresnet"
    discriminator_rate: float = 1e-4
    beta2: float = 0.999
    judge_first: int = 0
    smoothing: float = 0.0
    slope_penalty: float = 0.0
    window: int = 0
    frozen: str = ""
    fixed_statistics: bool = False
    falling: float = 0.0
    drop_every: int = 100_000
    adversarial: float = 1e-3
    content: float = 2e-6
    block: float = 0.0
    features: str = "last2"

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "discriminator_rate")
        at_least(self, 1, "drop_every")
        at_least(self, 0, "judge_first", "slope_penalty", "adversarial", "content", "block")
        share(self, "beta2", "smoothing", "falling")
        if unknown := set(self.frozen.split()) - {"head", "body", "tail"}:
            raise ValueError(
                f"frozen may name head, body and tail: got {', '.join(sorted(unknown))}"
            )
        if not re.fullmatch(r"last[1-5]|relu[1-5]_[1-4]", self.features):
            raise ValueError(
                f"features is last1 to last5, or such as relu2_2: got {self.features!r}"
            )
        seen = self.window or self.patch
        if not 0 <= self.window <= self.patch or (self.adversarial and seen % 16):
            raise ValueError(
                "the discriminator sees a multiple of 16 pixels, at most the patch of "
                f"{self.patch}: got window {self.window}"
            )
