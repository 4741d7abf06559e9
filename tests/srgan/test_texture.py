"""Texture and lattice: measures whose answer is known by construction."""

import math

import pytest
import torch

from tutorial_lib.data import DataUnavailable, locate
from tutorial_lib.metrics import imresize
from tutorial_lib.srgan import texture
from tutorial_lib.srgan.texture import fine_energy, lattice_share


def wave(period, *, side=48, along=(0, 1), height=0.1):
    """A grey wave of a given period in pixels, down and right, around 0.5."""
    down, right = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    phase = 2 * math.pi * (along[0] * down + along[1] * right) / period + 0.4
    return (0.5 + height * torch.sin(phase)).expand(1, 3, side, side)


def noise(*, side=48, seed=0):
    generator = torch.Generator().manual_seed(seed)
    grey = torch.rand(512, 1, side, side, generator=generator)
    return grey.expand(-1, 3, -1, -1)


def test_energy_is_what_parseval_says():
    """A wave of height h has variance h²/2; luma spans 219 levels, the window passes 9/64."""
    found = fine_energy(wave(6)).item()
    assert found == pytest.approx((0.1 * 219) ** 2 / 2 * 48**4 * 9 / 64, rel=0.03)


def test_only_what_is_finer_than_an_eighth_of_a_cycle_counts():
    assert fine_energy(wave(16)) < 1e-3 * fine_energy(wave(6))
    assert fine_energy(wave(12)) < 0.1 * fine_energy(wave(6))


@pytest.mark.parametrize("along", [(0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("period", [2, 4])
def test_a_lattice_is_found_at_its_own_periods(period, along):
    # Under the window a line keeps 4/9 of its energy in its own place, either way.
    kept = (2 / 3) ** 2
    assert lattice_share(wave(period, along=along)).item() == pytest.approx(kept, abs=0.03)


@pytest.mark.parametrize("period", [3, 6, 4.8])
def test_other_waves_are_no_lattice(period):
    assert lattice_share(wave(period)) < 0.01


def test_white_noise_has_no_more_than_its_share_of_a_lattice():
    """Fifteen of the places on the grid are fine; all fine places have the same energy."""
    along = torch.fft.fftfreq(48).abs()
    fine = (torch.hypot(along[:, None], along) > 1 / 8).sum().item()
    assert lattice_share(noise()).mean().item() == pytest.approx(15 / fine, rel=0.06)


def test_a_grid_laid_over_noise_raises_the_share():
    picture = noise() / 10 + 0.45
    grid = torch.zeros(48, 48)
    grid[::2, ::2] = 0.05
    assert lattice_share(picture + grid).mean() > 20 * lattice_share(picture).mean()


def test_bicubic_has_next_to_no_texture_and_the_truth_has_one(monkeypatch):
    try:
        for file, _ in texture.ROUGH.values():
            locate(file, download=False)
    except DataUnavailable as error:
        pytest.skip(str(error))
    found = texture.texture_scores(lambda low: imresize(low, scale=4))
    assert set(found) == set(texture.ROUGH)
    assert max(found.values()) < 0.06
    pairs = texture.squares(lambda low: imresize(low, scale=4), texture.ROUGH, side=64)
    for made, real in pairs.values():
        assert made.shape == real.shape == (1, 3, 64, 64)
        # The same place of the same picture: shrunk by eight, they agree.
        small = [torch.nn.functional.avg_pool2d(x, 8) for x in (made, real)]
        assert (small[0] - small[1]).abs().mean() < 0.02


def test_the_spectrum_shows_a_grid_where_its_frequency_is(monkeypatch):
    picture = (wave(4, along=(0, 1)) + noise()[:1] / 50).float()
    monkeypatch.setattr(texture, "squares", lambda *_, **__: {"one": (picture, picture)})
    shown = texture.smooth_spectrum(lambda low: low)
    assert shown.shape == (1, 3, 48, 48)
    grey = shown[0, 0]  # a quarter cycle a pixel is 12 from the middle
    for column in (12, 36):
        assert grey[24, column] > grey[24, column - 4] + 0.3
    for row in (12, 36):
        assert grey[row, 24] < grey[24, 12] - 0.3
