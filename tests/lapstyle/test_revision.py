import pytest
import torch
from torch import nn

from tutorial_lib.lapstyle import PatchDiscriminator, Revision, expand, revise
from tutorial_lib.lapstyle.revision import in_strips


def test_patch_discriminator_judges_every_place_by_11_pixels():
    judge = PatchDiscriminator(channels=4).eval()
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    logits = judge(image)
    assert logits.shape == (1, 1, 32, 32)
    logits[0, 0, 16, 16].backward()
    seen = image.grad.abs().sum((0, 1)).nonzero()
    assert seen.min(0).values.tolist() == [11, 11]
    assert seen.max(0).values.tolist() == [21, 21]


def test_a_new_revision_only_doubles():
    picture, band = torch.rand(1, 3, 8, 6), torch.rand(1, 3, 16, 12)
    doubled = expand(picture, size=(16, 12), form="bilinear")
    torch.testing.assert_close(revise(Revision(), band, picture), doubled)


def test_nearest_upsampling_changes_only_what_the_network_sees():
    revision = Revision()
    nn.init.normal_(revision.up[-1].weight, std=0.1)
    band = torch.zeros(1, 3, 16, 16)
    flat, varied = torch.full((1, 3, 8, 8), 0.5), torch.rand(1, 3, 8, 8)
    for picture, equal in ((flat, True), (varied, False)):
        made = [revise(revision, band, picture, upsampling=u) for u in ("bilinear", "nearest")]
        assert torch.allclose(*made, atol=1e-6) == equal


@pytest.mark.parametrize("size", [(64, 48), (90, 8), (34, 8)])
def test_strips_leave_no_seam(size):
    torch.manual_seed(0)
    revision = Revision()
    for p in revision.parameters():
        if p.ndim == 4:
            nn.init.kaiming_normal_(p)
    residual, seen = torch.randn(2, 1, 3, *size)
    with torch.no_grad():
        whole = revision(residual, seen)
        strips = in_strips(revision, residual, seen, pixels=20 * size[1])
    torch.testing.assert_close(strips, whole, atol=1e-4, rtol=1e-4)
