"""The classic methods that the network is compared with."""

import torch

from tutorial_lib.data import add_noise, embedded
from tutorial_lib.deep_image_prior.classic import classics, smooth_filling
from tutorial_lib.deep_image_prior.scores import decibels
from tutorial_lib.metrics import imresize


def test_classic_denoisers_are_tuned():
    truth = imresize(embedded("coffee"), scale=1 / 8).clamp(0, 1)
    noisy = add_noise(truth, generator=torch.Generator().manual_seed(0))
    numbers, made = classics(noisy, truth, level=25 / 255)
    assert set(made) == {"non_local_means", "total_variation", "wavelet"}
    base = decibels(noisy, truth)
    for name, values in numbers.items():
        assert values["psnr"] > base + 2, name


def test_smooth_filling_joins_the_edges_and_leaves_the_rest():
    slope = torch.linspace(0.2, 0.8, 16).expand(1, 3, 12, 16)
    mask = torch.ones(1, 1, 12, 16)
    mask[..., 4:8, 5:10] = 0
    made = smooth_filling(slope * mask, mask)
    torch.testing.assert_close(made, slope.contiguous(), rtol=0, atol=1e-4)
    assert torch.equal(made * mask, slope * mask)
