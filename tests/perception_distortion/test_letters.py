"""Small letters on a sheet, and the reader that knows their font."""

from __future__ import annotations

import pytest
import torch

from tutorial_lib.data import low_resolution
from tutorial_lib.metrics import imresize
from tutorial_lib.perception_distortion.letters import (
    COLUMNS,
    bicubic_of_small,
    cell_side,
    read,
    sheet,
)

TEXT = "thequickbrownfoxjumpsoverthelazydog"


def offsets(seed: int = 0) -> torch.Tensor:
    return torch.randint(-2, 3, (len(TEXT), 2), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [16, 20, 28, 32])
def test_large_letters_are_read_without_a_fault(size):
    large = sheet(TEXT, size=size, offsets=offsets())
    side = cell_side(size)
    assert large.shape == (1, 3, -(-len(TEXT) // COLUMNS) * side, COLUMNS * side)
    assert side % 4 == 0
    assert read(large, size=size, count=len(TEXT)) == TEXT
    # Darker, flatter, and with noise: what counts is the shape.
    noise = 0.05 * torch.randn(large.shape, generator=torch.Generator().manual_seed(0))
    assert read(0.2 + 0.3 * large + noise, size=size, count=len(TEXT)) == TEXT


def test_no_letter_touches_its_neighbour_or_the_border():
    """Or a cell would hold part of another letter, or lose part of its own."""
    for offset in (-2, 2):
        widest = sheet("mwgjpqfdlbk", size=32, offsets=torch.full((11, 2), offset))[0, 0]
        side = cell_side(32)
        edges = [widest[:: side - 1][:2], *(widest[:, at::side] for at in (0, side - 1))]
        assert all((edge == 1).all() for edge in edges)


def test_an_offset_moves_the_letter():
    still = sheet("a", size=24, offsets=torch.tensor([[0, 0]]))
    moved = sheet("a", size=24, offsets=torch.tensor([[2, 1]]))
    assert torch.equal(moved, still.roll((1, 2), dims=(-2, -1)))


def test_blur_costs_letters_and_nothing_readable_is_left_of_grey():
    large = sheet(TEXT * 8, size=20, offsets=offsets().repeat(8, 1))
    blurred = imresize(low_resolution(large), scale=4).clamp(0, 1)
    text, count = TEXT * 8, len(TEXT) * 8
    right = sum(map(str.__eq__, read(blurred, size=20, count=count), text)) / count
    assert 0.6 < right < 0.95
    # One that knows of the blur expects blurred letters, and errs less.
    knows = read(blurred, size=20, count=count, seen=bicubic_of_small)
    assert right < sum(map(str.__eq__, knows, text)) / count
    grey = torch.full_like(large, 0.5)
    assert len(set(read(grey, size=20, count=count))) == 1
