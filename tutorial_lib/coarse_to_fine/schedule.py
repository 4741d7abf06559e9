"""What is trained when: all levels at once, or each stage in turn.

References
----------
T.-C. Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
GANs" (pix2pixHD), CVPR 2018 (arXiv:1711.11585).
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
    """

    stage: int
    frozen: bool = False


def phase(step: int, *, steps: int, stages: int, each: bool) -> Phase:
    """Look up what a schedule trains at a step.

    Training all has one phase. Training each gives every stage an equal share of the steps. From
    the second stage on, the levels below are frozen for the first fifth of it, in the article 10
    of 50 epochs, and then learn with it.

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

    Returns
    -------
    Phase
        Of this step.

    Raises
    ------
    ValueError
        If the step is none of the training's, or there are fewer steps than stages.

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
    if not each:
        return Phase(stages)
    stage = step * stages // steps + 1
    # The first step of the stage, and of the next one.
    first, end = (-(-k * steps // stages) for k in (stage - 1, stage))
    return Phase(stage, frozen=stage > 1 and 5 * (step - first) < end - first)


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
