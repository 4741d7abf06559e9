"""What the chapter's tests share: a source of random numbers, and a view of one game."""

import pytest
import torch

from tutorial_lib.gan_basics import LOSSES, Mlps, look, ring


@pytest.fixture
def source():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def view():
    players = Mlps([0]), Mlps([1], outputs=1)
    return look(*players, ring(), losses=LOSSES["saturating"])[0]
