"""The players for pictures."""

import pytest
import torch
from torch.nn import functional as F

from tutorial_lib.gan_basics import DcganDiscriminator, DcganGenerator, latent_path


@pytest.mark.parametrize("size", [32, 64])
def test_dcgan_makes_pictures_and_judges_them(size):
    pictures = DcganGenerator(size=size, latent=5, width=4)(torch.randn(2, 5))
    assert pictures.shape == (2, 3, size, size)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert DcganDiscriminator(size=size, width=4)(pictures).shape == (2,)


def test_dcgan_has_the_parameters_counted_by_hand():
    # 64 pixels: 4 × 4 × (100·1024 + 1024·512 + 512·256 + 256·128 + 128·3), colour biases, norms.
    weights = 16 * (100 * 1024 + 1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    expected = weights + 3 + 2 * (1024 + 512 + 256 + 128)
    network = DcganGenerator(size=64, latent=100, width=128)
    assert sum(p.numel() for p in network.parameters()) == expected
    weights = 16 * (3 * 8 + 8 * 16 + 16 * 32 + 32 * 1)
    expected = weights + 8 + 1 + 2 * (16 + 32)
    network = DcganDiscriminator(size=32, width=8)
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize("size", [4, 31, 48])
def test_a_size_that_is_no_power_of_two_is_refused(size):
    with pytest.raises(ValueError, match="size must be 8, 16, 32"):
        DcganGenerator(size=size)


def test_a_path_keeps_the_length_of_its_ends(source):
    start, end = torch.randn(2, 3, 64, generator=source)
    path = latent_path(start, end, steps=5)
    assert path.shape == (5, 3, 64)
    torch.testing.assert_close(path[0], start, atol=1e-4, rtol=0)
    torch.testing.assert_close(path[-1], end, atol=1e-4, rtol=0)
    unit = latent_path(F.normalize(start, dim=-1), F.normalize(end, dim=-1), steps=3)[1]
    torch.testing.assert_close(unit.norm(dim=-1), torch.ones(3))
