"""What a kernel makes of the reader's own picture."""

import re

import pytest
import torch

from tutorial_lib.data import low_resolution
from tutorial_lib.dni import Interpolator, combine
from tutorial_lib.dni.live import shrunk_and_enlarged
from tutorial_lib.metrics import PIRM, rmse
from tutorial_lib.srgan import Generator


@torch.no_grad()
def test_a_picture_is_shrunk_and_measured_by_the_network_between():
    networks = [Generator(channels=4, blocks=1).eval() for _ in range(2)]
    states = [network.state_dict() for network in networks]
    states = [{key: value.clone() for key, value in state.items()} for state in states]
    move = Interpolator(networks[0], states)
    image = torch.rand(1, 3, 33, 42, generator=torch.Generator().manual_seed(0))
    shown = shrunk_and_enlarged(image, networks[0], move, 0.25).html

    real = image[..., :32, :40]
    between = Generator(channels=4, blocks=1).eval()
    between.load_state_dict(combine(states, [0.25, 0.75]))
    made = between(low_resolution(real)).clamp(0, 1)
    found = re.search(r"α = 0.25: RMSE ([\d.]+)", shown)
    assert found is not None
    assert float(found[1]) == pytest.approx(rmse(made, real, protocol=PIRM).item(), abs=0.006)


def test_too_small_a_picture_is_refused():
    network = Generator(channels=4, blocks=1)
    move = Interpolator(network, [network.state_dict()] * 2)
    with pytest.raises(ValueError, match="too small"):
        shrunk_and_enlarged(torch.rand(1, 3, 15, 40), network, move, 0.5)
