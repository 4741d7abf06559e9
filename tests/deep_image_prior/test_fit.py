"""The fit: its loop, its average, and going back."""

import copy
import itertools
import math

import pytest
import torch
from torch import nn

from tutorial_lib.data import add_noise, embedded
from tutorial_lib.deep_image_prior import (
    KEEP_EVERY,
    Average,
    Denoising,
    Settings,
    SkipNetwork,
    Snapshot,
    draw_input,
    fit,
)
from tutorial_lib.deep_image_prior.scores import decibels
from tutorial_lib.metrics import imresize


def small_network(**options):
    return SkipNetwork(4, channels=(8, 8), skips=(2, 0), **options)


def begin(task, *, settings=None, seed=0, **options):
    """A small network with its optimiser and its fit."""
    torch.manual_seed(seed)
    network = small_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    z = draw_input(task.size, channels=4)
    return network, optimizer, fit(network, optimizer, task, z, settings=settings, **options)


class Bowl(nn.Module):
    """The picture itself, black at first; z is not looked at."""

    def __init__(self, picture):
        super().__init__()
        self.picture = nn.Parameter(torch.zeros_like(picture))

    def forward(self, z):
        return self.picture


def test_fit_is_the_obvious_loop(photograph):
    task = Denoising(photograph)
    settings = Settings(averaging=0.9)
    network, optimizer, steps = begin(task, settings=settings)
    plain = copy.deepcopy(network)
    z = draw_input(task.size, channels=4, generator=torch.Generator().manual_seed(5))
    steps = fit(network, optimizer, task, z, settings=settings)
    adam = torch.optim.Adam(plain.parameters(), lr=0.01)

    torch.manual_seed(1)
    ours = [next(steps) for _ in range(5)]
    torch.manual_seed(1)
    average = None
    for step in range(5):
        output = plain(z + torch.randn_like(z) / 30)
        loss = nn.functional.mse_loss(output, photograph)
        adam.zero_grad()
        loss.backward()
        adam.step()
        picture = output.detach()
        average = picture if average is None else 0.9 * average + 0.1 * picture
        assert ours[step].step == step + 1
        assert ours[step].loss == pytest.approx(loss.item(), rel=1e-5)
        torch.testing.assert_close(ours[step].output, picture)
    torch.testing.assert_close(ours[-1].average, average)


def test_the_articles_jitter_is_uniform(photograph):
    seen = []
    z = torch.zeros(1, 4, 40, 48)
    network = small_network()
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    optimizer = torch.optim.Adam(network.parameters())
    next(fit(network, optimizer, Denoising(photograph), z, settings=Settings(uniform=True)))
    next(fit(network, optimizer, Denoising(photograph), z))
    uniform, normal = seen
    assert uniform.min() >= 0
    assert uniform.max() <= 1 / 30
    assert uniform.mean().item() == pytest.approx(1 / 60, rel=0.05)
    assert normal.min() < -0.05
    assert normal.std().item() == pytest.approx(1 / 30, rel=0.05)


def test_a_jump_restores_weights_and_optimiser_and_makes_no_step(photograph):
    network, optimizer, steps = begin(Denoising(photograph))
    for _ in range(KEEP_EVERY):
        next(steps)
    # The state before step 21 is the next one kept.
    kept = copy.deepcopy(network.state_dict()), copy.deepcopy(optimizer.state_dict())
    for _ in range(5):
        good = next(steps)
    moved = (good.average.clone(), [p.clone() for p in network.parameters()])
    with torch.no_grad():
        network.colours.weight.mul_(-1000)
    bad = next(steps)
    assert bad.went_back
    assert bad.loss > 3 * good.loss
    assert torch.equal(bad.average, moved[0])
    for name, value in network.state_dict().items():
        if "running" not in name and "num_batches" not in name:
            assert torch.equal(value, kept[0][name]), name
    for key, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            assert torch.equal(value, kept[1]["state"][key][name]), (key, name)
    after = next(steps)
    assert not after.went_back
    assert after.loss < bad.loss / 3


def test_the_kept_state_outlives_going_back_twice(photograph):
    network, _, steps = begin(Denoising(photograph))
    for _ in range(3):
        next(steps)
    for _ in range(2):
        with torch.no_grad():
            network.colours.weight.fill_(float("nan"))
        assert next(steps).went_back
        assert all(p.isfinite().all() for p in network.parameters())
        assert not next(steps).went_back
        assert all(p.isfinite().all() for p in network.parameters())


def test_a_step_that_always_jumps_is_taken_shorter(photograph):
    bowl = Bowl(photograph)
    # A full step leads to the far side and twice as far from the bottom; half a one, downward.
    rate = 1.5 * photograph.numel()
    optimizer = torch.optim.SGD(bowl.parameters(), lr=rate)
    rates = []
    optimizer.register_step_pre_hook(lambda o, *_: rates.append(o.param_groups[0]["lr"] / rate))
    seen = list(itertools.islice(fit(bowl, optimizer, Denoising(photograph), photograph), 25))
    assert [now.step for now in seen if now.went_back] == [2, 4, 22, 24]
    # Of steps 1, 3, 5 to 20, 21, 23 and 25: the others made none.
    assert rates == [1] * 2 + [0.5] * 16 + [1] * 2 + [0.5]
    assert optimizer.param_groups[0]["lr"] == rate
    assert seen[20].loss == pytest.approx(seen[0].loss / 4**16)


@pytest.mark.parametrize("chained", [True, False])
def test_a_schedulers_rate_outlives_going_back(photograph, chained):
    bowl = Bowl(photograph)
    # A full step leads twice as far off, which is a jump; half a one, downward.
    rate = 1.5 * photograph.numel()
    optimizer = torch.optim.SGD(bowl.parameters(), lr=rate)
    schedulers = torch.optim.lr_scheduler
    # After the third step a little shorter, and still a jump.
    scheduler = (
        schedulers.MultiStepLR(optimizer, milestones=[3], gamma=0.95)
        if chained
        else schedulers.LambdaLR(optimizer, lambda done: 1.0 if done < 3 else 0.95)
    )
    rates, went_back = [], []
    optimizer.register_step_pre_hook(lambda o, *_: rates.append(o.param_groups[0]["lr"] / rate))
    for now in itertools.islice(fit(bowl, optimizer, Denoising(photograph), photograph), 21):
        if now.went_back:
            went_back.append(now.step)
        scheduler.step()
    assert went_back == [2, 4]
    # Of steps 1 and 3, of 5 to 20 at half the scheduler's rate, and of 21 at all of it.
    assert rates == pytest.approx([1] * 2 + [0.475] * 16 + [0.95])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_fit_that_begins_with_no_number_stops(photograph, value):
    network, _, steps = begin(Denoising(photograph))
    with torch.no_grad():
        network.colours.bias.fill_(math.nan)
    with pytest.raises(ArithmeticError, match="begins with a loss of nan"):
        next(steps)
    broken = photograph.clone()
    broken[0, 0, 0, 0] = value
    *_, steps = begin(Denoising(broken), settings=Settings(jump=math.inf))
    with pytest.raises(ArithmeticError, match=f"begins with a loss of {value}"):
        next(steps)


def test_a_fit_without_going_back_goes_on(photograph):
    network, _, steps = begin(Denoising(photograph), settings=Settings(jump=math.inf))
    next(steps)
    with torch.no_grad():
        network.colours.weight.mul_(-1000)
    assert not next(steps).went_back


def test_snapshot_is_a_copy():
    network = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    snapshot = Snapshot(network, optimizer, 1.0)
    before = network.weight.detach().clone()
    for _ in range(3):
        optimizer.step()
        assert not torch.equal(network.weight, before)
        snapshot.restore(network, optimizer)
        assert torch.equal(network.weight, before)
        assert optimizer.state[network.weight]["step"] == 1


def test_average_starts_with_the_first_picture():
    average = Average((1, 1), share=0.75)
    values = [average.update(torch.full((1, 3, 1, 1), v))[0, 0].item() for v in (1.0, 0.0, 1.0)]
    assert values == pytest.approx([1, 0.75, 0.8125])


def test_noise_is_taken_off_a_picture():
    truth = imresize(embedded("astronaut")[..., :256, 100:356], scale=1 / 4).clamp(0, 1)
    noisy = add_noise(truth, sigma=50, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    network = SkipNetwork(8, channels=(16, 16, 16), skips=(4, 4, 4))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    steps = fit(network, optimizer, Denoising(noisy), draw_input((64, 64), channels=8))
    last = next(itertools.islice(steps, 200, None))
    gain = decibels(last.average, truth) - decibels(noisy, truth)
    assert gain > 3
