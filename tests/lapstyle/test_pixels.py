"""Painting of pixels: it lowers what it is asked to, and leaves pictures pictures."""

import pytest
import torch

from tutorial_lib.lapstyle.encoder import Encoder
from tutorial_lib.lapstyle.losses import Style, base_losses
from tutorial_lib.lapstyle.pixels import four_losses, gram, gram_loss, paint_pixels


@pytest.fixture(scope="module")
def deep():
    torch.manual_seed(0)
    network = Encoder(blocks=5)
    for p in network.parameters():
        if p.ndim == 4:
            torch.nn.init.kaiming_normal_(p, nonlinearity="relu")
    return network


@pytest.fixture(scope="module")
def scene():
    torch.manual_seed(1)
    return torch.rand(2, 3, 32, 32), 0.2 * torch.rand(1, 3, 32, 48)


def objectives(deep, scene):
    photo, painting = scene
    with torch.no_grad():
        content, style = deep(photo), deep(painting)
    return {
        "four": four_losses(content, Style.of(style)),
        "Gram": gram_loss(content, style),
    }


@pytest.mark.parametrize("name", ["four", "Gram"])
def test_the_objective_falls_from_the_photograph_on(name, deep, scene):
    photo, _ = scene
    objective = objectives(deep, scene)[name]
    found = list(paint_pixels(photo, objective, encoder=deep, steps=20, rate=0.003))
    assert len(found) == 21
    assert torch.equal(found[0][0], photo)
    assert found[-1][1] < 0.98 * found[0][1]
    for made, value in found:
        assert made.min() >= 0
        assert made.max() <= 1
        with torch.no_grad():
            assert objective(deep(made)).item() == pytest.approx(value, rel=1e-4)


def test_pictures_of_a_batch_do_not_disturb_each_other(deep, scene):
    photo, painting = scene
    with torch.no_grad():
        content, style = deep(photo), deep(painting)
    second = {name: maps[1:] for name, maps in content.items()}
    pictures = [
        list(paint_pixels(start, gram_loss(maps, style), encoder=deep, steps=3))[-1][0]
        for start, maps in ((photo, content), (photo[1:], second))
    ]
    # Adam takes a first step of one size however small the slope, so rounding moves some pixels.
    away = (pictures[0][1:] - pictures[1]).abs()
    assert away.mean() < 0.05 * (pictures[1] - photo[1:]).abs().mean()


def test_the_four_losses_weigh_as_the_article(deep, scene):
    photo, painting = scene
    with torch.no_grad():
        content, style = deep(photo), Style.of(deep(painting))
        made = deep(photo.flip(-1))
        parts = base_losses(made, content, style)
        total = four_losses(content, style)(made)
    factors = {"perceptual": 1, "self_similarity": 16, "moment": 3, "remd": 9}
    assert total.item() == pytest.approx(
        sum(factor * parts[name].item() for name, factor in factors.items()), rel=1e-5
    )


def test_gram_matrices_are_means_of_products_and_do_not_see_places():
    torch.manual_seed(0)
    maps = torch.rand(1, 4, 3, 5)
    by_hand = [[(maps[0, i] * maps[0, j]).mean().item() for j in range(4)] for i in range(4)]
    torch.testing.assert_close(gram(maps), torch.tensor([by_hand]))
    moved = maps.flatten(2)[..., torch.randperm(15)].view_as(maps)
    torch.testing.assert_close(gram(moved), gram(maps))
