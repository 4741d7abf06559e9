"""A step of training: what it moves, what it leaves, and what it adds up."""

import copy

import pytest
import torch
from torch import nn

from tutorial_lib.coarse_to_fine import (
    CoarseToFine,
    PatchDiscriminator,
    Phase,
    adversarial_step,
    enter,
    l1_step,
    to_grey,
)

TRAININGS = {
    "ctf": {},
    "ctfae": {"skips": False},
    "unet": {"every_input": False},
}


def adam(network):
    return torch.optim.Adam(network.parameters(), lr=1e-2)


def weights(module):
    return [p.detach().clone() for p in module.parameters()]


def same(before, module):
    return all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


@pytest.mark.parametrize("switches", TRAININGS.values(), ids=TRAININGS)
def test_a_network_learns_one_batch(small, switches):
    network = small(**switches)
    optimizer = adam(network)
    truth = torch.rand(4, 3, 4, 4).repeat_interleave(8, -1).repeat_interleave(8, -2)
    enter(network, Phase(3))
    losses = [
        l1_step(network, optimizer, to_grey(truth), truth, stage=3)["l1"].item() for _ in range(40)
    ]
    assert losses[-1] < 0.6 * losses[0]


def test_a_frozen_level_stays_as_it_is_and_costs_no_gradient(small):
    network, batch = small(), torch.rand(4, 3, 16, 16)
    optimizer = adam(network)
    enter(network, Phase(1))
    for _ in range(3):
        l1_step(network, optimizer, batch[..., :8, :8], batch[..., :8, :8], stage=1)
    lower = weights(network.levels[0])
    moments = {id(p): copy.deepcopy(s) for p, s in optimizer.state.items()}

    enter(network, Phase(2, frozen=True))
    for _ in range(3):
        l1_step(network, optimizer, batch, batch, stage=2)
    assert same(lower, network.levels[0])
    assert all(p.grad is None for p in network.levels[0].parameters())
    for p in network.levels[0].parameters():
        if id(p) in moments:
            assert torch.equal(optimizer.state[p]["exp_avg"], moments[id(p)]["exp_avg"])
            assert optimizer.state[p]["step"] == moments[id(p)]["step"]
    assert all(p.grad is not None for p in network.levels[1].parameters())

    enter(network, Phase(2))
    l1_step(network, optimizer, batch, batch, stage=2)
    assert not same(lower, network.levels[0])
    first = next(network.levels[0].parameters())
    assert optimizer.state[first]["step"] == moments[id(first)]["step"] + 1


def test_a_gradient_of_zero_in_place_of_none_would_move_a_frozen_level(small):
    """Why the step sets gradients to None: Adam's momentum goes on without a gradient."""
    network, batch = small(), torch.rand(4, 3, 8, 8)
    optimizer = adam(network)
    enter(network, Phase(1))
    l1_step(network, optimizer, batch, batch.flip(1), stage=1)
    network.requires_grad_(False)
    lower = weights(network.levels[0])
    optimizer.zero_grad(set_to_none=False)
    optimizer.step()
    assert not same(lower, network.levels[0])


def test_adversarial_step_is_the_sum_of_its_parts(small):
    torch.manual_seed(0)
    network, judge = small().eval(), PatchDiscriminator(width=4).eval()
    slow, slow_judge = copy.deepcopy(network), copy.deepcopy(judge)
    spoiled, truth = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    optimizers = [torch.optim.SGD(n.parameters(), lr=0.1) for n in (network, judge)]
    losses = adversarial_step(network, judge, *optimizers, spoiled, truth, stage=3, weight=0.2)
    assert list(losses) == ["l1", "adversarial", "discriminator"]
    assert all(p.requires_grad for p in judge.parameters())

    bce = nn.BCEWithLogitsLoss()
    made = slow(spoiled)
    real, fake = slow_judge(spoiled, truth), slow_judge(spoiled, made.detach())
    loss = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
    loss.backward()
    torch.optim.SGD(slow_judge.parameters(), lr=0.1).step()
    believed = bce(slow_judge(spoiled, made), torch.ones_like(fake))
    ((made - truth).abs().mean() + 0.2 * believed).backward()
    torch.optim.SGD(slow.parameters(), lr=0.1).step()
    for ours, theirs in ((network, slow), (judge, slow_judge)):
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_a_frozen_level_goes_on_measuring_what_it_is_sent(small):
    """Its weights wait, its batch statistics do not: the new level sends it other features."""
    network, batch = small(), torch.rand(4, 3, 16, 16)
    enter(network, Phase(2, frozen=True))
    lower, upper = (level.join[1].running_mean for level in network.levels[:2])
    before = lower.clone(), upper.clone()
    l1_step(network, adam(network), batch, batch, stage=2)
    assert not torch.equal(before[0], lower)
    assert not torch.equal(before[1], upper)


def test_a_step_that_is_stopped_leaves_the_discriminator_learning():
    torch.manual_seed(0)
    network, judge = CoarseToFine(top=8, width=4), PatchDiscriminator()
    optimizers = [torch.optim.SGD(n.parameters(), lr=0.1) for n in (network, judge)]
    calls = []

    def stop(loss):
        calls.append(loss)
        if len(calls) == 2:
            raise KeyboardInterrupt
        loss.backward()

    pictures = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    with pytest.raises(KeyboardInterrupt):
        adversarial_step(network, judge, *optimizers, *pictures, stage=1, weight=0.1, backward=stop)
    assert all(p.requires_grad for p in judge.parameters())
