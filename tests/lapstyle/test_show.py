"""What only this chapter draws."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tutorial_lib.lapstyle import equalise, gaussian_pyramid
from tutorial_lib.lapstyle.show import (
    EqualiserPanel,
    diagram,
    drafting_diagram,
    larger,
    middle,
    seam,
    tower,
    visible,
)


def picture(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_tower_holds_every_picture_on_white():
    pictures = gaussian_pyramid(picture(1, 3, 16, 24), levels=2, form="classic")
    canvas = tower(pictures, gap=2)
    assert canvas.shape == (1, 3, 16, 24 + 2 + 12)
    assert torch.equal(canvas[..., :24], pictures[0])
    assert torch.equal(canvas[..., :8, 26:], pictures[1])
    assert torch.equal(canvas[..., 10:14, 26:32], pictures[2])
    assert (canvas[..., 24:26] == 1).all()


def test_a_visible_band_is_grey_where_it_is_zero():
    assert visible(torch.tensor([-1.0, 0.0, 0.1]), 2).tolist() == pytest.approx([0, 0.5, 0.7])


def test_seams_grow_softer_with_the_level():
    mask = (torch.arange(64) < 32).float().expand(1, 1, 8, 64)
    masks = gaussian_pyramid(mask, levels=3, form="classic")
    assert torch.equal(seam(masks, 0), mask)
    soft = [((s > 0.01) & (s < 0.99)).sum().item() for s in (seam(masks, k) for k in range(4))]
    assert soft == sorted(set(soft))


@pytest.mark.parametrize("size", [(20, 20), (10, 40), (40, 10)])
def test_the_middle_fills_its_size(size):
    image = torch.zeros(1, 3, 60, 80)
    image[..., 25:35, 35:45] = 1
    found = middle(image, size)
    assert found.shape == (1, 3, *size)
    assert found[0, 0, size[0] // 2, size[1] // 2] == pytest.approx(1, abs=0.05)


def test_the_diagram_says_what_it_shows():
    html = str(diagram()._repr_mimebundle_())
    assert "drafting network" in html
    assert "doubled" in html


def test_the_panel_starts_with_the_picture_and_follows_its_sliders():
    panel = EqualiserPanel(picture(1, 3, 40, 60), levels=3, form="classic")
    assert len(panel.gains) == 4
    torch.testing.assert_close(panel.picture(), panel.image, atol=1e-6, rtol=0)
    before = panel.shown.value
    panel.gains[0].value = 3
    assert panel.shown.value != before
    expected = equalise(panel.image - 0.5, gains=(3, 1, 1, 1), form="classic") + 0.5
    torch.testing.assert_close(panel.picture(), expected)
    panel.reset.click()
    assert panel.shown.value == before


def test_the_panel_takes_one_picture():
    with pytest.raises(ValueError, match="one picture"):
        EqualiserPanel(picture(2, 3, 8, 8), levels=3, form="classic")


def test_an_enlarged_picture_has_no_blocks():
    """Repeated pixels would leave no step inside a block, and all of it between two."""
    made = larger(picture(1, 3, 8, 10), 4)
    assert made.shape == (1, 3, 32, 40)
    assert made.min() >= 0
    assert made.max() <= 1
    steps = (made[..., 1:] - made[..., :-1]).abs().mean((0, 1, 2))
    assert steps[3::4].mean() < 3 * steps[4:-1].mean()
    assert (steps[4:-4] > 0).all()


def test_the_drafting_network_is_drawn_with_its_layers():
    html = str(drafting_diagram()._repr_mimebundle_())
    assert all(name in html for name in ("relu2_1", "relu3_1", "relu4_1", "AdaIN"))
