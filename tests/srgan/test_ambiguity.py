"""Patches that share a small picture: against a slow, obvious search."""

import pytest
import torch

from tutorial_lib.data import embedded
from tutorial_lib.metrics import imresize, to_y
from tutorial_lib.srgan import twins


@pytest.fixture(scope="module")
def photograph():
    return embedded("grass")[..., 40:88, 100:140]


def standard(patch):
    patch = patch - patch.mean()
    return patch / patch.norm()


def test_twins_are_those_that_a_slow_search_finds(photograph):
    found = twins([photograph], corner=(16, 8), side=3, count=5)
    luma = to_y(photograph)
    own = imresize(luma, scale=1 / 4)[..., 4:7, 2:5]
    torch.testing.assert_close(found.small[:1], own)
    torch.testing.assert_close(found.large[:1], luma[..., 16:28, 8:20])

    distances = []
    for turns in range(4):
        for mirrored in (False, True):
            version = luma.rot90(turns, (2, 3))
            version = version.flip(3) if mirrored else version
            low = imresize(version, scale=1 / 4)
            for top in range(low.shape[-2] - 2):
                for left in range(low.shape[-1] - 2):
                    patch = low[..., top : top + 3, left : left + 3]
                    if (patch - patch.mean()).norm() >= (own - own.mean()).norm() / 4:
                        distances.append((standard(patch) - standard(own)).norm().item())
    assert found.candidates >= len(distances)
    shown = [(standard(p) - standard(own)).norm().item() for p in found.small[1:].split(1)]
    assert shown == pytest.approx(sorted(distances)[1:6], abs=1e-4)


def test_twins_have_the_patchs_own_light(photograph):
    found = twins([photograph], corner=(16, 8), side=3, count=5)
    means = found.small.mean((1, 2, 3))
    torch.testing.assert_close(means, means[:1].expand(6), atol=1e-5, rtol=0)
    spread = found.small.std((1, 2, 3))
    torch.testing.assert_close(spread, spread[:1].expand(6), atol=1e-5, rtol=0)
    # The large ones were lit with the same factors, so they still shrink to the small ones.
    inner = imresize(found.large, scale=1 / 4)[..., 1, 1]
    assert (inner - found.small[..., 1, 1]).abs().max() < found.small[0].std() / 2


def test_differences_are_shares_of_the_contrast(photograph):
    found = twins([photograph], corner=(16, 8), side=3, count=2)
    patches = torch.zeros(3, 1, 2, 2)
    patches[0] = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    patches[1] = patches[0] + 0.5
    patches[2] = patches[0]
    assert found.differ(patches) == pytest.approx((0.125 / 0.25) ** 0.5)


@pytest.mark.parametrize("corner", [(2, 8), (16, 9), (40, 8), (-4, 0)])
def test_a_corner_off_the_grid_or_outside_is_refused(photograph, corner):
    with pytest.raises(ValueError, match="corner must be at multiples of 4"):
        twins([photograph], corner=corner)
