"""Which pictures a step takes, and how steps are timed."""

import time

import pytest
import torch

from tutorial_lib.coarse_to_fine import to_grey
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.recipe import Config, Recipe, StepClock, clock_of, prepare
from tutorial_lib.training import make_fabric


def octaves(images):
    return Octaves(images, sides=[8], spoil=to_grey)


def test_every_picture_comes_once_before_any_comes_again():
    config = Config(top=8, width=4, count=10, batch=4, epochs=10)
    images = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1).expand(-1, 3, 8, 8)
    fabric = make_fabric(precision="32-true")

    def drawn(recipe, steps):
        return [
            round(value.item() * 255)
            for step in steps
            for value in recipe.batch(step, stage=1)[1][:, 0, 0, 0]
        ]

    recipe = Recipe(config, fabric, octaves(images), seed=0)
    found = drawn(recipe, range(10))
    for first in range(0, 40, 10):
        assert sorted(found[first : first + 10]) == list(range(10))
    assert found[:10] != found[10:20]
    # Another sitting, which begins in the middle, goes on with the same pictures.
    assert drawn(Recipe(config, fabric, octaves(images), seed=0), range(4, 10)) == found[16:]
    assert drawn(Recipe(config, fabric, octaves(images), seed=1), range(10)) != found


def test_a_training_is_timed_by_the_same_steps_in_part_as_in_whole():
    config = Config(top=8, width=4, count=8, batch=2, epochs=2)
    images = torch.zeros(8, 3, 8, 8, dtype=torch.uint8)
    recipe = Recipe(config, make_fabric(precision="32-true"), octaves(images), seed=0)
    now = iter([100.0, 104.0, 200.0, 202.0])
    recipe.clock = StepClock(lambda: next(now))
    for step in range(4):
        recipe.step(step, torch.Generator())
    assert recipe.clock.per_step(4) * config.epoch_steps == 4
    recipe.clock.stop()
    # A sitting that begins with the last two of four steps.
    for step in (6, 7):
        recipe.step(step, torch.Generator())
    assert recipe.clock.per_step(8) * config.epoch_steps == 4


def test_a_clock_that_does_not_run_has_no_time():
    clock = StepClock(time.perf_counter)
    with pytest.raises(RuntimeError, match="not begun"):
        clock.per_step(3)


def test_a_lone_thread_is_timed_by_what_it_computes(monkeypatch):
    for threads, clock in ((1, time.process_time), (2, time.perf_counter)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert clock_of(torch.device("cpu")) is clock


def test_other_data_are_refused():
    with pytest.raises(ValueError, match='"faces" or "bsds500": got \'cats\''):
        prepare(Config(data="cats"), make_fabric(precision="32-true"))
