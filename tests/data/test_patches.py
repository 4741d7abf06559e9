"""Batches of aligned patches: right pixels, right pairs, even chances, one generator."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tutorial_lib.data import (
    DataUnavailable,
    Pairs,
    embedded,
    group_names,
    locate,
    low_resolution,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def coordinates(height: int, width: int, number: int) -> Tensor:
    """Make an image that says in every pixel where it is: row, column, image."""
    image = torch.empty(1, 3, height, width)
    image[0, 0] = torch.arange(height).view(-1, 1) / 255
    image[0, 1] = torch.arange(width) / 255
    image[0, 2] = number / 255
    return image


SIZES = [(20, 28), (28, 20), (16, 16)]


@pytest.fixture
def located() -> Pairs:
    return Pairs([coordinates(*size, k) for k, size in enumerate(SIZES)], scale=4)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_shapes(scale: int) -> None:
    pairs = Pairs([torch.rand(1, 3, 33, 40), torch.rand(1, 3, 40, 33)], scale=scale)
    assert len(pairs) == 2
    lr, hr = pairs.sample(5, patch=12, generator=generator())
    assert lr.shape == (5, 3, 12 // scale, 12 // scale)
    assert hr.shape == (5, 3, 12, 12)
    for image in (lr, hr):
        assert image.dtype == torch.float32
        assert image.is_contiguous(memory_format=torch.channels_last)
        assert 0 <= image.min() <= image.max() <= 1


def test_whole_image_fits() -> None:
    image = embedded("coffee")[..., :32, :32]
    lr, hr = Pairs([image]).sample(1, patch=32, generator=generator())
    assert any(torch.equal(hr[0], turned) for turned in symmetries(image[0]))
    assert any(torch.equal(lr[0], turned) for turned in symmetries(low_resolution(image)[0]))


def symmetries(image: Tensor) -> list[Tensor]:
    return [
        flipped.rot90(turns, (1, 2)) for flipped in (image, image.flip(2)) for turns in range(4)
    ]


# Exceptions


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 1, 8, 8), (3, 8, 8)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(1, 3, H, W\)"):
        Pairs([torch.zeros(shape)])


def test_no_images() -> None:
    with pytest.raises(ValueError, match="no images"):
        Pairs([])


@pytest.mark.parametrize("patch", [0, 6, -4])
def test_patch_must_be_a_multiple_of_the_scale(patch: int, located: Pairs) -> None:
    with pytest.raises(ValueError, match="multiple of the scale 4"):
        located.sample(1, patch=patch, generator=generator())


def test_patch_must_fit_the_smallest_image(located: Pairs) -> None:
    located.sample(1, patch=16, generator=generator())
    with pytest.raises(ValueError, match="shorter side is 16"):
        located.sample(1, patch=20, generator=generator())


def test_unknown_group() -> None:
    with pytest.raises(ValueError, match="there are set5"):
        Pairs.from_group("set4")


# Behaviour


def test_pairs_are_the_same_piece_of_an_image_and_of_its_twin(located: Pairs) -> None:
    lr, hr = located.sample(300, patch=8, generator=generator())
    for small, patch in zip(lr, hr, strict=True):
        number, top, left = (int(patch[k].min() * 255 + 0.5) for k in (2, 0, 1))
        assert top % 4 == 0
        assert left % 4 == 0
        source = coordinates(*SIZES[number], number)
        twin = low_resolution(source)[0]
        pieces = symmetries(source[0, :, top : top + 8, left : left + 8])
        small_pieces = symmetries(twin[:, top // 4 : top // 4 + 2, left // 4 : left // 4 + 2])
        (kind,) = (k for k in range(8) if torch.equal(patch, pieces[k]))
        assert torch.equal(small, small_pieces[kind])


def test_every_symmetry_position_and_image_is_equally_likely() -> None:
    count = 6000
    pairs = Pairs([coordinates(12, 16, k) for k in range(2)], scale=4)
    _, hr = pairs.sample(count, patch=8, generator=generator())
    values = (hr * 255).round().long()

    def assert_even(kinds: Tensor, number: int) -> None:
        shares = kinds.unique(return_counts=True, dim=0)[1] / count
        assert len(shares) == number
        # Five standard deviations of a binomial share.
        assert (shares - 1 / number).abs().max() < 5 * (1 / number / count) ** 0.5

    assert_even(values[:, 2, 0, 0], 2)
    assert_even(values[:, :2].flatten(2).min(2).values, 2 * 3)
    # How rows and columns grow along both axes tells the eight symmetries apart.
    growth = torch.stack(
        [
            values[:, 0, 1, 0] - values[:, 0, 0, 0],
            values[:, 0, 0, 1] - values[:, 0, 0, 0],
            values[:, 1, 1, 0] - values[:, 1, 0, 0],
            values[:, 1, 0, 1] - values[:, 1, 0, 0],
        ],
        1,
    )
    assert_even(growth, 8)


def test_sample_depends_on_the_generator_alone(located: Pairs) -> None:
    source = generator(3)
    state = source.get_state()
    first = located.sample(8, patch=8, generator=source)
    second = located.sample(8, patch=8, generator=source)
    assert not torch.equal(first[1], second[1])
    source.set_state(state)
    torch.manual_seed(99)
    for again, before in zip(located.sample(8, patch=8, generator=source), first, strict=True):
        assert torch.equal(again, before)


def test_from_group_takes_the_first() -> None:
    try:
        for name in group_names("set5")[:2]:
            locate(name, download=False)
    except DataUnavailable as error:
        pytest.skip(f"needs Set5: {error}")
    pairs = Pairs.from_group("set5", limit=2, progress=False)
    assert len(pairs) == 2
    lr, hr = pairs.sample(16, patch=96, generator=generator())
    # A twin made from the patch alone differs only at its border.
    inner = (..., slice(3, -3), slice(3, -3))
    torch.testing.assert_close(lr[inner], low_resolution(hr)[inner], rtol=0, atol=1.01 / 255)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_device_makes_no_difference(located: Pairs) -> None:
    here = located.sample(8, patch=8, generator=generator())
    there = located.sample(8, patch=8, generator=generator(), device="cuda")
    for a, b in zip(here, there, strict=True):
        assert b.is_cuda
        torch.testing.assert_close(a, b.cpu(), rtol=0, atol=1e-7)
