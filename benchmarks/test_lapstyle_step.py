"""One step of each stage of a LapStyle training, in float32 and in the machine's own precision.

On one thread of an AMD EPYC beside other work, in seconds of processor time: before the style's
maps, the moments and the encoder's half precision were computed once, a step of drafting took
0.83 (float32) and 0.54 (bfloat16), one of the first revision 2.87 and 1.73. They compared 256
places, and every fourth step of drafting had an identity term. For the same places without the
term, the two then took 0.44 and 1.66 in bfloat16; today's profile, with 1024 places, the term at
every eighth step and parts for the discriminator and the second revision, 0.49, 1.53 and 1.70 for
its three stages.
"""

from __future__ import annotations

import dataclasses
import time

import pytest
import torch

from tutorial_lib.data import DataUnavailable
from tutorial_lib.lapstyle.experiments import EXPERIMENTS
from tutorial_lib.lapstyle.training import StyleRecipe
from tutorial_lib.training import make_fabric, native_bf16

BOOK = {e.name: e for e in EXPERIMENTS}["lapstyle/starry_night"].profiles["book"]
STAGES, ROUNDS = ("drafting", "first revision", "second revision"), 4


def seconds_a_step(stage: int, *, precision: str) -> float:
    """Median over some steps; of processor time, so that other programs do not count."""
    shares = tuple(float(index == stage) for index in range(len(STAGES)))
    config = dataclasses.replace(BOOK, shares=shares, limit=10, equalised=10)
    try:
        recipe = StyleRecipe(config, make_fabric(precision=precision), steps=100)
    except DataUnavailable as error:
        pytest.skip(str(error))
    times = []
    for index in range(ROUNDS + 2):
        begin = time.process_time()
        recipe.step(index, torch.Generator().manual_seed(index))
        times.append(time.process_time() - begin)
    return sorted(times[2:])[ROUNDS // 2]


@pytest.mark.parametrize("stage", range(len(STAGES)), ids=STAGES)
def test_a_step_in_half_precision_is_cheaper(stage: int) -> None:
    if torch.cuda.is_available() or not native_bf16():
        pytest.skip("for a processor that multiplies bfloat16")
    full, half = (seconds_a_step(stage, precision=p) for p in ("32-true", "bf16-mixed"))
    print(f"\n{STAGES[stage]}: {full:.2f} s in float32, {half:.2f} s in bfloat16")
    assert half < 0.9 * full
