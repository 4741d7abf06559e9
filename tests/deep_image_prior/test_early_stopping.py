"""When to stop, and where a fit is on its way."""

import math

import pytest
import torch

from tutorial_lib.data import add_noise
from tutorial_lib.deep_image_prior import EarlyStopping, error_plane
from tutorial_lib.metrics import Protocol, psnr


def pictures(steps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(steps, 1, 3, 4, 5, generator=generator)


def test_windowed_variance_is_numpys():
    outputs = pictures(30)
    stopping = EarlyStopping((4, 5), window=7)
    for step, output in enumerate(outputs, start=1):
        stopping.update(output, output)
        if step < 7:
            assert stopping.variance == math.inf
        else:
            window = outputs[step - 7 : step].numpy()
            assert stopping.variance == pytest.approx(window.var(axis=0).mean(), rel=2e-3)


def test_the_rule_stops_after_the_quietest_window_and_keeps_its_picture():
    outputs = pictures(60)
    unrest = (torch.arange(60) - 30).abs().float() / 30
    outputs = 0.5 + (outputs - 0.5) * unrest.view(-1, 1, 1, 1, 1)
    stopping = EarlyStopping((4, 5), window=5, patience=10)
    told = [stopping.update(o, torch.full_like(o, i / 100)) for i, o in enumerate(outputs, start=1)]
    windows = [outputs[i - 5 : i].var(dim=0, correction=0).mean() for i in range(5, 61)]
    best = 5 + int(torch.stack(windows).argmin())
    assert stopping.best_step == best
    assert told.index(True) + 1 == best + 10
    assert all(told[best + 9 :])
    assert stopping.best.mean().item() == pytest.approx(best / 100)
    assert stopping.stopped


def test_what_comes_after_the_stop_changes_nothing():
    stopping = EarlyStopping((4, 5), window=2, patience=2)
    for output in pictures(6):
        stopping.update(output, output)
    assert stopping.stopped
    chosen = stopping.best_step, stopping.best.clone()
    still = torch.zeros(1, 3, 4, 5)
    for _ in range(3):
        stopping.update(still, still)
    assert stopping.variance == pytest.approx(0, abs=1e-9)
    assert stopping.best_step == chosen[0]
    assert torch.equal(stopping.best, chosen[1])


def test_the_rule_offers_the_mean_of_its_calmest_window():
    outputs = pictures(40)
    unrest = (torch.arange(40) - 20).abs().float() / 20
    outputs = 0.5 + (outputs - 0.5) * unrest.view(-1, 1, 1, 1, 1)
    # What came before the window is in no mean of it, be it ever so far off.
    outputs[:8] += 10
    stopping = EarlyStopping((4, 5), window=7, patience=10)
    for output in outputs:
        stopping.update(output, torch.zeros_like(output))
    assert stopping.stopped
    best = stopping.best_step
    assert 20 < best < 28
    expected = outputs[best - 7 : best].mean(dim=0)
    torch.testing.assert_close(stopping.best_mean, expected, rtol=0, atol=3e-4)
    assert stopping.best.abs().max() == 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_the_rule_refuses_what_is_no_picture(value):
    stopping = EarlyStopping((4, 5), window=2)
    outputs = pictures(4)
    stopping.update(outputs[0], outputs[0])
    broken = outputs[1].clone()
    broken[0, 0, 1, 1] = value
    with pytest.raises(ValueError, match="the output of step 2 is not finite"):
        stopping.update(broken, broken)
    for output in outputs[2:]:
        stopping.update(output, output)
    expected = outputs[2:].var(dim=0, correction=0).mean().item()
    assert stopping.variance == pytest.approx(expected, rel=2e-3)


def test_the_rule_goes_on_from_its_state():
    outputs = pictures(20)
    whole, first, second = (EarlyStopping((4, 5), window=6) for _ in range(3))
    for output in outputs:
        whole.update(output, output)
    for output in outputs[:11]:
        first.update(output, output)
    second.load_state_dict(first.state_dict())
    for output in outputs[11:]:
        second.update(output, output)
    assert second.best_step == whole.best_step
    assert second.variance == whole.variance
    assert torch.equal(second.best_mean, whole.best_mean)


def test_error_plane_measures_psnr(photograph):
    noisy = add_noise(photograph, generator=torch.Generator().manual_seed(0))
    x = torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(1))
    along, across = error_plane(x, truth=photograph, observed=noisy)
    size = (noisy - photograph).square().mean()
    rms = ((along**2 + across**2) * size).item()
    exact = Protocol("rgb", crop=0, rounding=False)
    expected = psnr(x, photograph, protocol=exact).item()
    assert -10 * math.log10(rms) == pytest.approx(expected, abs=1e-3)
    assert error_plane(noisy, truth=photograph, observed=noisy) == pytest.approx((1, 0), abs=1e-6)
