"""What is trained when: all levels at once, or each stage in turn.

References
----------
T.-C. Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
GANs" (pix2pixHD), CVPR 2018 (arXiv:1711.11585).
T. Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation", ICLR
2018 (arXiv:1710.10196).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from tutorial_lib.coarse_to_fine.networks import CoarseToFine


@dataclass(frozen=True)
class Phase:
    """What is trained at a step.

    Attributes
    ----------
    stage : int
        The stage whose answer is compared with the truth, from 1.
    frozen : bool
        Whether the levels below it are left alone for now.
    fade : float
        How much the stage's own level has to say, from 0 to 1.
    """

    stage: int
    frozen: bool = False
    fade: float = 1.0


BEGINNINGS = ("frozen", "free", "faded")
"""How a stage may begin: the levels below it frozen, all learning, or the new level faded in."""


def phase(step: int, *, steps: int, stages: int, each: bool, begin: str = "frozen") -> Phase:
    """Look up what a schedule trains at a step.

    Training all has one phase. Training each gives every stage an equal share of the steps. From
    the second stage on, the levels below are frozen for the first fifth of it, in the article 10
    of 50 epochs, and then learn with it. In place of that all may learn from a stage's first step,
    or the new level may be faded in during the first fifth, while all learn.

    Parameters
    ----------
    step : int
        From 0.
    steps : int
        Of the whole training.
    stages : int
        Of the network.
    each : bool
        Whether to train each stage, or all at once.
    begin : str
        One of :data:`BEGINNINGS`.

    Returns
    -------
    Phase
        Of this step.

    Raises
    ------
    ValueError
        If the step is none of the training's, there are fewer steps than stages, or a stage cannot
        begin so.

    References
    ----------
    Wang et al. 2018, Section 3.1, for freezing; Karras et al. 2018, Section 2, for fading in.

    Examples
    --------
    >>> epochs = [0, 49, 50, 59, 60, 100, 110, 299]
    >>> [phase(e, steps=300, stages=6, each=True).stage for e in epochs]
    [1, 1, 2, 2, 2, 3, 3, 6]
    >>> [phase(e, steps=300, stages=6, each=True).frozen for e in epochs]
    [False, False, True, True, False, True, False, False]
    """
    if steps < stages:
        raise ValueError(f"{steps} steps do not suffice for {stages} stages")
    if not 0 <= step < steps:
        raise ValueError(f"there are steps 0 to {steps - 1}: got {step}")
    if begin not in BEGINNINGS:
        raise ValueError(f"a stage begins {', '.join(BEGINNINGS)}: got {begin!r}")
    if not each:
        return Phase(stages)
    stage, done, share = _within(step, steps=steps, stages=stages)
    if stage == 1 or 5 * done >= share or begin == "free":
        return Phase(stage)
    return Phase(stage, frozen=True) if begin == "frozen" else Phase(stage, fade=5 * done / share)


def _within(step: int, *, steps: int, stages: int) -> tuple[int, int, int]:
    """The stage of a step, the steps of this stage before it, and all the stage's steps."""
    stage = step * stages // steps + 1
    # The first step of the stage, and of the next one.
    first, end = (-(-k * steps // stages) for k in (stage - 1, stage))
    return stage, step - first, end - first


def rate(step: int, *, steps: int, stages: int, each: bool) -> float:
    """The share of the learning rate at a step, which falls towards the end of every stage.

    It is 1 in the first half of a stage and then falls in a straight line, to reach zero with the
    stage's end. Every stage begins anew, so that each can settle, and all at once is one stage.

    Parameters
    ----------
    step, steps, stages, each
        As in :func:`phase`.

    Returns
    -------
    float
        In (0, 1].

    References
    ----------
    Wang et al. 2018, Section 4: constant for 100 epochs, then in a line to zero over 100.

    Examples
    --------
    >>> [rate(step, steps=8, stages=2, each=True) for step in range(8)]
    [1.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 0.5]
    >>> [rate(step, steps=8, stages=2, each=False) for step in range(8)]
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    _, done, share = _within(step, steps=steps, stages=stages if each else 1)
    return min(1.0, 2 * (share - done) / share)


def spans(*, steps: int, stages: int, each: bool) -> list[tuple[range, Phase]]:
    """List the phases of a schedule, each with the steps that it has.

    Parameters
    ----------
    steps, stages, each
        As in :func:`phase`.

    Returns
    -------
    list of (range, Phase)
        In order; the ranges make up all the steps.

    Raises
    ------
    ValueError
        If there are fewer steps than stages.

    Examples
    --------
    >>> [(list(span), now.frozen) for span, now in spans(steps=6, stages=2, each=True)]
    [([0, 1, 2], False), ([3], True), ([4, 5], False)]
    """
    found = []
    for now, group in groupby(
        range(steps), lambda step: phase(step, steps=steps, stages=stages, each=each)
    ):
        members = list(group)
        found.append((range(members[0], members[-1] + 1), now))
    return found


def enter(network: CoarseToFine, now: Phase) -> None:
    """Let exactly those levels learn that a phase trains.

    A frozen level's weights get no gradient, which spares computing it, and an optimiser passes
    over them: Adam's moments wait for them as they were. Its batch normalisation goes on measuring,
    because the new level sends it features that it has not seen. Do not make a new optimiser when a
    level is unfrozen: it would begin with no moments.

    Parameters
    ----------
    network : CoarseToFine
        Changed in place.
    now : Phase
        The phase to enter.

    References
    ----------
    Wang et al. 2018, Section 3.1: the coarse generator is trained first, then the fine one with
    the coarse one fixed, then both.
    """
    network.train()
    for number, level in enumerate(network.levels, 1):
        level.requires_grad_(number == now.stage or (number < now.stage and not now.frozen))
