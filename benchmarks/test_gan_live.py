"""The live panel of *GAN basics*: every round drawn, at thirty a second or more."""

import pytest

from tutorial_lib.gan_basics import LOSSES
from tutorial_lib.show.gan_basics import LiveGame

ENOUGH = 30  # rounds a second: what looks smooth


@pytest.mark.parametrize("loss", LOSSES)
def test_rounds_with_drawing(benchmark, loss):
    game = LiveGame("ring", loss=loss)

    def round_with_picture():
        game.play()
        return game.picture()

    benchmark.pedantic(round_with_picture, warmup_rounds=10, rounds=100)
    assert benchmark.stats.stats.median < 1 / ENOUGH
