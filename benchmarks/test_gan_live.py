"""The live panel of *GAN basics*: every round drawn, at thirty a second or more.

What counts is processor time on one core, which does not depend on what else the machine does; the
wall time is printed beside it.
"""

import time

import pytest

from tutorial_lib.gan_basics import LOSSES
from tutorial_lib.gan_basics.live import GanPanel

ENOUGH = 30  # rounds a second: what looks smooth
ROUNDS = 100


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("loss", LOSSES)
def test_rounds_with_drawing(benchmark, loss):
    panel = GanPanel()
    panel.loss.value = loss
    benchmark.pedantic(panel.round.click, warmup_rounds=10, rounds=ROUNDS)
    began = time.perf_counter()
    for _ in range(ROUNDS):
        panel.round.click()
    wall = (time.perf_counter() - began) / ROUNDS
    median = benchmark.stats.stats.median
    print(f"{loss}: {1 / median:.0f} drawn rounds a second of processor, {1 / wall:.0f} of wall")
    assert median < 1 / ENOUGH
