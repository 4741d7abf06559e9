"""What the painted pixels are compared with."""

import torch

from tutorial_lib.lapstyle.floor import references


def test_references_are_what_they_are_called():
    torch.manual_seed(0)
    photos, painting = torch.rand(3, 3, 16, 16), torch.rand(1, 3, 16, 20)
    found = references(photos, painting)
    assert all(made.shape == photos.shape for made in found.values())
    assert torch.equal(found["photograph"], photos)
    grain = found["photograph with grain"]
    assert grain.min() >= 0
    assert grain.max() <= 1
    assert 0.05 < (grain - photos).std() < 0.1  # what leaves the range is cut off
    assert torch.equal(found["another photograph"][1], photos[0])
    assert torch.equal(found["the painting, mirrored"][2], painting[0, ..., 2:18].flip(-1))
