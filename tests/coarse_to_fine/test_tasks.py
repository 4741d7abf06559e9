"""Grey and mosaic pictures against Pillow and SciPy."""

import numpy as np
import pytest
import torch
from PIL import Image

from tutorial_lib.coarse_to_fine import to_grey, to_mosaic
from tutorial_lib.data import embedded


def test_grey_is_pillows():
    image = embedded("chelsea")
    pixels = (image[0].permute(1, 2, 0) * 255).byte().numpy()
    expected = np.asarray(Image.fromarray(pixels).convert("L"), dtype=float)
    found = to_grey(image)
    assert torch.equal(found[:, 0], found[:, 1])
    assert np.abs(found[0, 0].numpy() * 255 - expected).max() <= 1


def test_mosaic_is_the_articles_at_256_pixels():
    """Nearest neighbour to a sixteenth and back by Pillow; a Gaussian of 4 pixels by SciPy."""
    ndimage = pytest.importorskip("scipy.ndimage")
    image = embedded("astronaut")[..., :256, 100:356]
    pixels = (image[0].permute(1, 2, 0) * 255).byte().numpy()
    tiny = Image.fromarray(pixels).resize((16, 16), Image.Resampling.NEAREST)
    tiles = np.asarray(tiny.resize((256, 256), Image.Resampling.NEAREST), dtype=float)
    expected = ndimage.gaussian_filter(tiles, (4, 4, 0), mode="nearest", truncate=4)
    found = to_mosaic(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255)
    np.testing.assert_allclose(found[0].permute(1, 2, 0).numpy() * 255, expected, atol=0.01)


def test_mosaic_scales_with_the_picture():
    large = torch.rand(1, 3, 16, 16).repeat_interleave(16, -1).repeat_interleave(16, -2)
    small_ = large[..., ::4, ::4]
    expected = torch.nn.functional.avg_pool2d(to_mosaic(large), 4)
    assert (to_mosaic(small_) - expected).abs().mean() < 0.01


@pytest.mark.parametrize("shape", [(16, 16), (24, 24), (40, 40), (32, 64)])
def test_mosaic_refuses_other_sizes(shape):
    with pytest.raises(ValueError, match=f"got {shape[0]} × {shape[1]}"):
        to_mosaic(torch.rand(1, 3, *shape))
