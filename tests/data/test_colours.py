"""Grey or coloured."""

import numpy as np
import pytest
import torch

from tutorial_lib.data import COLOURED, channel_correlation, coloured


def test_channel_correlation_is_numpys() -> None:
    images = torch.rand(5, 3, 6, 7)
    images[1] = images[1, :1]
    images[2] = images[2, :1] + 0.05 * images[2]
    images[3] = 0.5
    images[4, 1] = 0.25
    found = channel_correlation(images)
    for k in range(3):
        expected = np.corrcoef(images[k].flatten(1).numpy()).mean()
        assert found[k].item() == pytest.approx(expected, abs=1e-6)
    assert found[3:].tolist() == [1.0, 1.0]
    assert (found < COLOURED).tolist() == [True, False, False, False, False]


def test_the_colour_filter_keeps_coloured_pictures() -> None:
    images = (torch.rand(4, 3, 8, 8) * 255).byte()
    grey = images[:, :1].expand(-1, 3, -1, -1)
    mixed = torch.stack([grey[0], images[1], grey[2], images[3]])
    assert torch.equal(coloured(mixed), images[[1, 3]])
