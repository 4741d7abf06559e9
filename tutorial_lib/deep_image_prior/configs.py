"""What each experiment of the chapter may be told, and the profiles of all."""

from __future__ import annotations

import dataclasses
from typing import Any

from tutorial_lib.data import EMBEDDED, GROUPS, REGISTRY
from tutorial_lib.deep_image_prior.fit import LEARNING_RATE, Settings
from tutorial_lib.settings import at_least, nearest, not_empty, one_of, positive, share
from tutorial_lib.training import Profile

F16, ZEBRA = "dip/f16.png", "dip/zebra.png"


HOLE_NAMES = ("text", "region", "random", "sample")
"""The holes that :mod:`tutorial_lib.deep_image_prior.holes` makes."""


def known_picture(name: str) -> None:
    """Raise ValueError if there is no picture of that name, embedded or in the registry."""
    if name not in EMBEDDED and name not in REGISTRY:
        raise ValueError(
            f"no picture {name!r}; {nearest(name, [*EMBEDDED, *REGISTRY])} Embedded are "
            f"{', '.join(EMBEDDED)}; others are in the registry, such as {F16}"
        )


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """Settings that every experiment reads.

    Attributes
    ----------
    steps : int
        Of each fit.
    shrink : int
        The picture's sides are divided by this first.
    width : int
        Channels of the network; the published number is 128.
    learning_rate : float
        Of Adam.
    jitter : float
        Size of what is added to z in each step.
    averaging : float
        What remains of the average in each step.
    window, patience : int
        Of the stopping rule, in steps.
    compile : bool
        Compile each network, on a GPU.
    """

    steps: int
    shrink: int = 1
    width: int = 128
    learning_rate: float = LEARNING_RATE
    jitter: float = 1 / 30
    averaging: float = 0.99
    window: int = 100
    patience: int = 1000
    compile: bool = False

    def __post_init__(self) -> None:
        at_least(self, 1, "steps", "shrink", "width", "window", "patience")
        at_least(self, 0, "jitter")
        positive(self, "learning_rate")
        share(self, "averaging")

    def settings(self) -> Settings:
        """What the fit itself reads."""
        return Settings(jitter=self.jitter, averaging=self.averaging)


@dataclasses.dataclass(frozen=True)
class ArchitectureConfig(FitConfig):
    """Settings for several networks on one noisy picture.

    Attributes
    ----------
    picture : str
        In the registry, or the name of an embedded photograph.
    sigma : float
        Of the noise, on the scale of 0 to 255.
    """

    picture: str = F16
    sigma: float = 25.0

    def __post_init__(self) -> None:
        super().__post_init__()
        known_picture(self.picture)
        at_least(self, 0, "sigma")


@dataclasses.dataclass(frozen=True)
class NetworkConfig(FitConfig):
    """Settings where the network may be chosen, too.

    Attributes
    ----------
    network : str
        "paper"; "slim", the same with an eighth, a quarter and a half of the channels at the three
        largest sizes, and several times as fast; or "article" for PriorNet and its uniform jitter.
    """

    network: str = "paper"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self, ("paper", "slim", "article"), "network")
        if self.network == "slim":
            at_least(self, 8, "width")

    def settings(self) -> Settings:
        """What the fit itself reads; the article's network has the article's jitter."""
        return dataclasses.replace(super().settings(), uniform=self.network == "article")


@dataclasses.dataclass(frozen=True)
class NoisyConfig(NetworkConfig):
    """Settings for one picture and its noisy twin.

    Attributes
    ----------
    picture : str
        In the registry, or the name of an embedded photograph.
    sigma : float
        Of the noise, on the scale of 0 to 255.
    """

    picture: str = F16
    sigma: float = 25.0

    def __post_init__(self) -> None:
        super().__post_init__()
        known_picture(self.picture)
        at_least(self, 0, "sigma")


@dataclasses.dataclass(frozen=True)
class DenoiseConfig(NoisyConfig):
    """Settings for denoising.

    Attributes
    ----------
    seeds : tuple of int
        One fit for each; of weights, z and jitter. The noise is the same in all.
    """

    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        not_empty(self, "seeds")
        at_least(self, 0, "seeds")


@dataclasses.dataclass(frozen=True)
class LevelsConfig(NetworkConfig):
    """Settings for several strengths of noise.

    Attributes
    ----------
    picture : str
        In the registry, or the name of an embedded photograph.
    sigmas : tuple of float
        One fit for each.
    """

    picture: str = F16
    sigmas: tuple[float, ...] = (10.0, 25.0, 50.0, 100.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        known_picture(self.picture)
        not_empty(self, "sigmas")
        at_least(self, 0, "sigmas")


@dataclasses.dataclass(frozen=True)
class InpaintConfig(NetworkConfig):
    """Settings for filling holes.

    Attributes
    ----------
    holes : tuple of str
        Names of those in :data:`tutorial_lib.deep_image_prior.holes.HOLES`.
    missing : float
        Share of lost pixels in "random".
    """

    jitter: float = 0.03
    holes: tuple[str, ...] = ("text", "region", "random", "sample")
    missing: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        not_empty(self, "holes")
        one_of(self, HOLE_NAMES, "holes")
        if not 0 < self.missing < 1:
            raise ValueError(f"missing must lie between 0 and 1: got {self.missing!r}")


@dataclasses.dataclass(frozen=True)
class UpscaleConfig(NetworkConfig):
    """Settings for super-resolution.

    Attributes
    ----------
    jitter : float
        For factors up to 4.
    large_jitter : float
        For larger factors.
    denoising_jitter : float
        Of the second fit.
    picture : str
        In the registry, or the name of an embedded photograph.
    scales : tuple of int
        For `picture`, one fit each.
    test_set : str
        A set, or one picture of it, to be enlarged four times as well, at its own size; empty for
        none.
    denoise : bool
        Denoise the first result by a second fit, as the article does.
    """

    jitter: float = 0.03
    large_jitter: float = 0.05
    denoising_jitter: float = 1 / 30
    picture: str = ZEBRA
    scales: tuple[int, ...] = (4, 8)
    test_set: str = "set5"
    denoise: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        known_picture(self.picture)
        not_empty(self, "scales")
        at_least(self, 2, "scales")
        at_least(self, 0, "large_jitter", "denoising_jitter")
        if self.test_set and self.test_set not in REGISTRY:
            one_of(self, GROUPS, "test_set")


@dataclasses.dataclass(frozen=True)
class JpegConfig(NetworkConfig):
    """Settings for JPEG's artefacts.

    Attributes
    ----------
    picture : str
        In the registry, or the name of an embedded photograph.
    quality : int
        Of the compression.
    """

    picture: str = "astronaut"
    quality: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        known_picture(self.picture)
        if not 1 <= self.quality <= 100:
            raise ValueError(f"quality must lie from 1 to 100: got {self.quality}")


Change = dict[str, Any]
"""Setting → another value."""


def profiles(
    gpu: FitConfig, *, quick: Change, book: Change, article: Change, smoke: Change | None = None
) -> dict[Profile, FitConfig]:
    """The configurations of one experiment, as what each has otherwise than `gpu`."""
    # So small a picture and so thin a network that a test can wait for them.
    least: Change = {"steps": 3, "shrink": 8, "width": 8, "window": 2}
    return {
        "smoke": dataclasses.replace(gpu, **least | (smoke or {})),
        "quick": dataclasses.replace(gpu, **quick),
        "book": dataclasses.replace(gpu, **book),
        "gpu": gpu,
        "article": dataclasses.replace(gpu, **article),
    }


SMALL: Change = {"shrink": 4, "width": 64, "patience": 300}
"""What most published fits have been run with."""

ARTICLE: Change = {"steps": 1_000, "network": "article"}

PROFILES: dict[str, dict[Profile, FitConfig]] = {
    # The question is how fast the network follows, so nothing may hold it back.
    "fitting_speed": profiles(
        NoisyConfig(10_000, shrink=2, jitter=0.0),
        quick={"steps": 2_000},
        book={"steps": 1_000, "shrink": 4, "width": 64},
        article={"steps": 10_000, "network": "article"},
    ),
    "denoise": profiles(
        DenoiseConfig(3_000),
        quick={"steps": 1_500, "shrink": 2},
        book={"network": "slim"},
        article=ARTICLE,
    ),
    "seeds": profiles(
        DenoiseConfig(5_000, seeds=(0, 1, 2, 3, 4)),
        quick={"steps": 2_500, "shrink": 2},
        book={"steps": 1_200, **SMALL},
        article=ARTICLE,
        smoke={"seeds": (0,)},
    ),
    "noise_levels": profiles(
        LevelsConfig(3_000),
        quick={"steps": 1_500, "shrink": 2},
        book={"steps": 1_500, **SMALL},
        article=ARTICLE,
    ),
    "architecture": profiles(
        ArchitectureConfig(3_000),
        quick={"steps": 1_500, "shrink": 2},
        book={"steps": 600, **SMALL},
        article={"steps": 1_000},
    ),
    "inpaint": profiles(
        InpaintConfig(5_000),
        quick={"steps": 1_500, "shrink": 2},
        book={**SMALL, "shrink": 2, "holes": ("text", "region", "random")},
        article={**ARTICLE, "jitter": 1 / 30, "holes": ("sample",)},
    ),
    "super_resolution": profiles(
        UpscaleConfig(2_000),
        quick={"steps": 1_000, "shrink": 2},
        book={**SMALL, "shrink": 2},
        article={**ARTICLE, "jitter": 1 / 30, "scales": (4,), "test_set": ""},
        # Set5 at its own size is too much for a test.
        smoke={"scales": (4,), "test_set": ""},
    ),
    "jpeg": profiles(
        JpegConfig(2_400),
        quick={"steps": 1_500, "shrink": 2},
        book={"steps": 1_800, **SMALL, "shrink": 3},
        article=ARTICLE,
    ),
    "guided": profiles(
        NoisyConfig(1_500, picture="coffee"),
        quick={"steps": 600, "shrink": 2},
        book={"steps": 600, "shrink": 2, "width": 64, "patience": 200},
        article=ARTICLE,
    ),
    "precision": profiles(
        DenoiseConfig(3_000, seeds=(0, 1)),
        quick={"steps": 1_000, "shrink": 2},
        book={"steps": 600, **SMALL, "seeds": (0,)},
        article=ARTICLE,
        smoke={"seeds": (0,)},
    ),
}
"""By the experiment's name."""
