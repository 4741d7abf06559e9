"""What a stage consists of, and what it costs."""

import copy
import itertools

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tutorial_lib.coarse_to_fine import (
    CoarseToFine,
    Phase,
    enter,
    l1_step,
    layout,
    spans,
    step_work,
    training_work,
    work,
)


def test_layout_lists_what_a_stage_uses_and_leaves_the_network_alone(small):
    network = small()
    enter(network, Phase(2, frozen=True))
    before = [m.training for m in network.modules()]
    statistics = copy.deepcopy(network.state_dict())
    parts = layout(network, stage=2)
    assert [(p.level, p.name) for p in parts] == [
        (2, "stem"),
        (2, "down"),
        (1, "stem"),
        (1, "join"),
        (2, "up"),
        (2, "join"),
        (2, "head"),
    ]
    assert parts[1].entering == (8, 16)
    assert parts[1].leaving == (8, 8)
    assert {p.level for p in parts if p.learns} == {2}
    assert sum(p.parameters for p in layout(network)) == sum(
        p.numel() for p in network.parameters()
    ) - sum(p.numel() for level in network.levels[:2] for p in level.head.parameters())
    assert before == [m.training for m in network.modules()]
    after = network.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in statistics.items())
    assert not any(m._forward_hooks for m in network.modules())


@pytest.mark.parametrize("switches", [{}, {"skips": False}, {"every_input": False}])
def test_work_is_pytorchs_own_count(switches):
    """PyTorch counts a multiplication and its addition as two; we count biases and norms too."""
    network = CoarseToFine(top=64, width=16, **switches)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(torch.rand(1, 3, 64, 64))
    assert work(network) == pytest.approx(counter.get_total_flops() / 2, rel=0.03)


def test_work_of_a_stage_is_the_smaller_networks(small):
    network = small()
    assert work(network, stage=1) < work(network, stage=2) < work(network)
    alone = CoarseToFine(top=16, width=8, widest=8)
    assert work(network, stage=2) == work(alone)


def test_maps_that_double_downwards_make_every_level_cost_the_same():
    """The chapter's equation, but for the bottom, which has no way down to a level and up again."""
    network = CoarseToFine(top=256, width=16, widest=16 << 5)
    stages = len(network.sizes)
    total = [work(network, stage=k) for k in range(1, stages + 1)]
    levels = [b - a for a, b in itertools.pairwise(total)]
    assert levels == pytest.approx([sum(levels) / len(levels)] * len(levels), rel=0.07)
    assert total[0] == pytest.approx(levels[0] / 3, rel=0.1)
    # So training each in turn is a little cheaper than (K + 1) / 2K of training all.
    assert 0.5 < sum(total) / (stages * total[-1]) < (stages + 1) / (2 * stages)
    assert stages * total[-1] / sum(total) == pytest.approx(1.91, abs=0.01)


def test_maps_that_never_double_make_training_each_four_times_cheaper():
    """The chapter's exercise: the work of six stages is 4/3 of the last one's."""
    network = CoarseToFine(top=256, width=16, widest=16)
    total = [work(network, stage=k) for k in range(1, 7)]
    shares = [stage / total[-1] for stage in total]
    assert shares[2:] == pytest.approx([4.0 ** (k - 6) for k in range(3, 7)], rel=0.05)
    assert 6 / sum(shares) == pytest.approx(4.5, abs=0.05)


@pytest.mark.parametrize(
    "now", [Phase(1), Phase(2, frozen=True), Phase(4, frozen=True), Phase(4)], ids=str
)
@pytest.mark.parametrize("switches", [{}, {"skips": False}])
def test_work_of_a_step_is_pytorchs_own_count(switches, now):
    network = CoarseToFine(top=64, width=16, **switches)
    enter(network, now)
    side = network.sizes[now.stage - 1]
    batch, counter = torch.rand(2, 3, side, side), FlopCounterMode(display=False)
    with counter:
        l1_step(network, torch.optim.SGD(network.parameters()), batch, batch, stage=now.stage)
    # Two pictures, and two of PyTorch's operations for a multiplication.
    assert step_work(network, now) == pytest.approx(counter.get_total_flops() / 4, rel=0.03)


def test_work_of_a_training_is_that_of_its_steps():
    network = CoarseToFine(top=32, width=4)
    assert training_work(network, steps=7, each=False) == 7 * step_work(network, Phase(3))
    slow = 0
    for span, now in spans(steps=30, stages=3, each=True):
        for _ in span:
            slow += step_work(network, now)
    assert training_work(network, steps=30, each=True) == slow
    never_frozen = sum(10 * step_work(network, Phase(stage)) for stage in (1, 2, 3))
    assert slow < never_frozen
