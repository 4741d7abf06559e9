"""What is wrong with a picture, as a loss."""

import pytest
import torch

from tutorial_lib.data import random_mask, text_mask
from tutorial_lib.deep_image_prior import Denoising, Inpainting, SuperResolution
from tutorial_lib.metrics import imresize


def test_losses_are_the_equations(photograph):
    x = torch.rand(1, 3, 40, 48)
    difference = (x - photograph).numpy()
    assert Denoising(photograph).loss(x).item() == pytest.approx((difference**2).mean(), rel=1e-5)

    mask = random_mask((40, 48), generator=torch.Generator().manual_seed(0))
    masked = (difference * mask.numpy()) ** 2
    assert Inpainting(photograph, mask).loss(x).item() == pytest.approx(masked.mean(), rel=1e-5)

    small = imresize(photograph, scale=1 / 4)
    shrunk = (imresize(x, scale=1 / 4) - small).square().mean()
    assert SuperResolution(small, 4).loss(x).item() == pytest.approx(shrunk.item(), rel=1e-5)
    assert SuperResolution(small, 4).loss(photograph).item() < 1e-12
    assert SuperResolution(small, 4).size == (40, 48)


def test_nothing_pulls_inside_a_hole(photograph):
    mask = text_mask((40, 48))
    x = torch.rand(1, 3, 40, 48, requires_grad=True)
    Inpainting(photograph, mask).loss(x).backward()
    assert (x.grad * (1 - mask)).abs().max() == 0
    assert ((x.grad != 0) | (mask == 0)).all()


def test_inpainting_leaves_what_is_known(photograph):
    mask = text_mask((40, 48))
    made = Inpainting(photograph, mask).restored(torch.zeros(1, 3, 40, 48))
    assert torch.equal(made, photograph * mask)


def test_masks_that_make_no_sense_are_refused(photograph):
    with pytest.raises(ValueError, match="the mask has 8x8 pixels, the picture 48x40"):
        Inpainting(photograph, torch.ones(1, 1, 8, 8))
    with pytest.raises(ValueError, match="nothing is lost; 0 \\(black\\) marks"):
        Inpainting(photograph, torch.ones(1, 1, 40, 48))
    with pytest.raises(ValueError, match="everything is lost"):
        Inpainting(photograph, torch.zeros(1, 1, 40, 48))


def test_shrinking_inside_the_loss_has_the_right_gradient():
    task = SuperResolution(torch.rand(1, 3, 3, 2, dtype=torch.float64), 4)
    x = torch.rand(1, 3, 12, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(task.loss, (x,))


def test_what_there_is_to_see(photograph):
    mask = text_mask((40, 48))
    small = imresize(photograph, scale=1 / 4)
    assert torch.equal(Denoising(photograph).damaged, photograph)
    assert torch.equal(SuperResolution(small, 4).damaged, small)
    seen = Inpainting(photograph, mask).damaged
    assert torch.equal(seen, photograph * mask)
    assert seen[mask.expand_as(seen) == 0].max() == 0
    assert Denoising.complete
    assert not SuperResolution.complete
    assert not Inpainting.complete


# Holes that hold anything


def holed(dtype=torch.float32):
    mask = torch.ones(1, 1, 8, 8)
    mask[..., 2:4, 3:6] = 0
    return mask.to(dtype)


@pytest.mark.parametrize("lost", [float("nan"), float("inf"), 7.0])
def test_what_lies_under_a_hole_is_not_looked_at(lost):
    torch.manual_seed(0)
    picture, x = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8, requires_grad=True)
    spoiled = torch.where(holed() > 0, picture, lost)
    clean, task = Inpainting(picture, holed()), Inpainting(spoiled, holed())
    assert torch.equal(task.loss(x), clean.loss(x))
    (slope,) = torch.autograd.grad(task.loss(x), x)
    assert slope.isfinite().all()
    assert torch.equal(task.restored(x), clean.restored(x))
    assert torch.equal(task.damaged, clean.damaged)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float64])
def test_masks_of_any_type(dtype):
    torch.manual_seed(0)
    picture, x = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    task = Inpainting(picture, holed(dtype))
    assert task.mask.dtype == torch.float32
    assert torch.equal(task.loss(x), Inpainting(picture, holed()).loss(x))


@pytest.mark.parametrize("values", [255 * holed(torch.uint8), holed() * 0.5, holed() / 0 * 0])
def test_a_mask_of_other_numbers_is_refused(values):
    with pytest.raises(ValueError, match=r"other numbers than 1 \(known\) and 0 \(lost\)"):
        Inpainting(torch.rand(1, 3, 8, 8), values)
