"""pix2pixHD's generators: their sizes, and where the two meet."""

import pytest
import torch
from torch.nn import functional as F

from tutorial_lib.coarse_to_fine import show
from tutorial_lib.coarse_to_fine.pix2pixhd import GlobalGenerator, LocalEnhancer, new_parameters


@pytest.fixture
def network():
    torch.manual_seed(0)
    return LocalEnhancer(GlobalGenerator(width=8, halvings=2, blocks=1), width=4, blocks=1)


def test_both_answer_at_the_size_of_their_picture(network):
    for part in (network, network.inner):
        made = part(torch.rand(1, 3, 32, 48))
        assert made.shape == (1, 3, 32, 48)
        assert -1 <= made.min() <= made.max() <= 1


def test_features_are_added_at_half_size(network):
    picture = torch.rand(1, 3, 32, 32)
    half = F.avg_pool2d(picture, 3, stride=2, padding=1, count_include_pad=False)
    added = network.front(picture) + network.inner.features(half)
    assert added.shape == (1, 8, 16, 16)
    torch.testing.assert_close(network(picture), network.answer(network.back(added)))


def test_what_learns_while_the_inner_one_is_fixed(network):
    mine = {id(p) for p in new_parameters(network)}
    inner = {id(p) for p in network.inner.parameters()}
    assert not mine & inner
    assert len(mine) + len(inner) == len(list(network.parameters()))


def test_the_papers_network_is_drawn_from_its_parts():
    with torch.device("meta"):
        network = LocalEnhancer(GlobalGenerator())
    # 7x7 in and out, four ways down and up, nine blocks of 1,024 maps.
    blocks = 9 * 2 * (1024 * 1024 * 9 + 1024)
    ways = sum(9 * a * 2 * a + b for a in (64, 128, 256, 512) for b in (2 * a, 2 * a - a))
    ends = 49 * 3 * 64 + 64 + 49 * 64 * 3 + 3
    assert sum(p.numel() for p in network.inner.parameters()) == blocks + ways + ends
    alt = show.nested(network).alt
    assert "9 residual blocks" in alt
    assert "3 residual blocks" in alt
