"""Pictures at every size of a training, and their spoiled twins."""

import torch
from torch import nn

from tutorial_lib.coarse_to_fine import to_mosaic
from tutorial_lib.coarse_to_fine.octaves import Octaves


def test_octaves_give_pictures_and_their_spoiled_twins():
    images = (torch.rand(5, 3, 32, 32) * 255).byte()
    pictures = Octaves(images, sides=[8, 32], spoil=to_mosaic)
    spoiled, true = pictures.batch(torch.tensor([4, 1]), side=32)
    torch.testing.assert_close(true, images[[4, 1]].float() / 255)
    torch.testing.assert_close(spoiled, to_mosaic(true), atol=0.51 / 255, rtol=0)
    spoiled_8, true_8 = pictures.batch(torch.tensor([4, 1]), side=8)
    pool = nn.AvgPool2d(4)
    torch.testing.assert_close(true_8, pool(true), atol=0.51 / 255, rtol=0)
    torch.testing.assert_close(spoiled_8, pool(to_mosaic(true)), atol=0.51 / 255, rtol=0)
