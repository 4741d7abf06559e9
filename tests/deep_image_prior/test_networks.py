"""The networks, and what they are fed."""

import pytest
import torch
from torch import nn

from tutorial_lib.deep_image_prior import (
    Denoising,
    PriorNet,
    SkipNetwork,
    draw_input,
    mesh_input,
)


def count(network):
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_are_the_articles_and_the_papers():
    assert count(PriorNet()) == 2_884_819
    assert count(SkipNetwork()) == 2_217_831


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 2), (1, 1), (7, 100)])
@pytest.mark.parametrize("upsampling", ["bilinear", "nearest"])
def test_skip_network_keeps_any_size(size, upsampling):
    network = SkipNetwork(3, channels=(4,) * 5, skips=(2, 0, 2, 0, 2), upsampling=upsampling)
    # A level of one pixel has no statistics of its own to be normalised by.
    made = network.eval()(torch.rand(1, 3, *size))
    assert made.shape == (1, 3, *size)
    assert made.min() > 0
    assert made.max() < 1


@pytest.mark.parametrize("size", [(32, 64), (33, 47), (1, 1)])
def test_prior_net_keeps_any_size(size):
    made = PriorNet(latent=4).eval()(draw_input(size))
    assert made.shape == (1, 3, *size)
    assert made.min() > 0
    assert made.max() < 1


@pytest.mark.parametrize("network", [SkipNetwork(channels=(4,) * 5), PriorNet(latent=4)])
def test_pictures_too_small_to_be_fitted_are_refused(network):
    with pytest.raises(ValueError, match="20x32 pixels is too small for 5 levels: one side must"):
        network(draw_input((32, 20)))
    assert network(draw_input((33, 1))).shape == (1, 3, 33, 1)


def test_levels_and_skips_must_agree():
    with pytest.raises(ValueError, match="got 2 levels and 3 numbers"):
        SkipNetwork(channels=(8, 8), skips=(4, 4, 4))


def test_edges_are_mirrored():
    torch.manual_seed(0)
    network = SkipNetwork(2, channels=(4,), skips=(0,)).double().eval()
    first = network.down[0][0][0]
    x = torch.rand(1, 2, 6, 6, dtype=torch.float64)
    mirrored = nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
    expected = nn.functional.conv2d(mirrored, first.weight, first.bias, stride=2)
    torch.testing.assert_close(first(x), expected)


def test_a_wide_skip_carries_detail_that_no_skip_loses():
    torch.manual_seed(0)
    z = torch.rand(1, 4, 64, 64, requires_grad=True)
    reach = {}
    for skip in (0, 4):
        network = SkipNetwork(4, channels=(8,) * 2, skips=(skip, skip)).eval()
        grid = network(z)[0, :, ::2, ::2].sum() - network(z)[0, :, 1::2, ::2].sum()
        (gradient,) = torch.autograd.grad(grid, z)
        reach[skip] = gradient.abs().mean().item()
    assert reach[4] > reach[0]


def test_every_weight_is_reached_by_the_gradient(photograph):
    for network in (SkipNetwork(channels=(4,) * 3, skips=(2,) * 3), PriorNet(latent=4)):
        Denoising(photograph).loss(network(draw_input((40, 48)))).backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            # Normalisation takes away whatever is added before it.
            if parameter.ndim > 1:
                assert parameter.grad.abs().max() > 0, name


def test_z_is_uniform_up_to_a_tenth():
    z = draw_input((200, 200), generator=torch.Generator().manual_seed(0))
    assert z.shape == (1, 32, 200, 200)
    assert 0 <= z.min() < 1e-4
    assert 0.0999 < z.max() <= 0.1
    assert z.mean().item() == pytest.approx(0.05, abs=1e-4)


def test_mesh_counts_columns_and_rows():
    mesh = mesh_input((3, 5))
    assert mesh.shape == (1, 2, 3, 5)
    assert mesh[0, 0, 1].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert mesh[0, 1, :, 2].tolist() == [0, 0.5, 1]
