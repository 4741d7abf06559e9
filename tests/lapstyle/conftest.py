"""Networks of LapStyle that the chapter's tests share."""

import pytest
import torch
from torch import nn

from tutorial_lib.lapstyle import Encoder, LapStyle


@pytest.fixture(scope="session")
def encoder():
    """With weights that keep the signal's size from layer to layer, as trained ones do."""
    torch.manual_seed(0)
    network = Encoder()
    for p in network.parameters():
        if p.ndim == 4:
            nn.init.kaiming_normal_(p, nonlinearity="relu")
    return network


@pytest.fixture(scope="session")
def painter(encoder):
    """Untrained, but neither a decoder nor a revision that does nothing."""
    torch.manual_seed(0)
    model = LapStyle(encoder, revisions=2)
    for network in (model.decoder, model.revisions):
        for p in network.parameters():
            if p.ndim == 4:
                nn.init.normal_(p, std=0.02)
    model.learn_style(torch.rand(1, 3, 48, 64))
    return model.eval()
