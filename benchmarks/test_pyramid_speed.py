"""The Laplacian pyramid against kornia's, of the same photograph with as many levels.

Kornia is no dependency of the library or of its tests: ``pip install kornia``, then
``pytest benchmarks/test_pyramid_speed.py -s``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import torch

from tutorial_lib.data import embedded
from tutorial_lib.lapstyle import Form, laplacian_pyramid

kornia = pytest.importorskip("kornia.geometry.transform", reason="kornia is not installed")

LEVELS, ROUNDS = 4, 15


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def seconds(function: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


@pytest.mark.parametrize("form", ["classic", "bilinear"])
def test_the_pyramid_is_at_least_as_fast_as_kornias(form: Form, threads: int) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    # 512 x 512: with other sizes kornia pads up to the next power of two, and takes longer.
    image = embedded("astronaut").to(device)
    found = laplacian_pyramid(image, levels=LEVELS, form=form)
    theirs = kornia.build_laplacian_pyramid(image, LEVELS + 1)
    assert [band.shape for band in found] == [band.shape for band in theirs]

    # Taking turns, and the fastest round of each: other programs on the machine only add time.
    times = [
        (
            seconds(lambda: laplacian_pyramid(image, levels=LEVELS, form=form), device),
            seconds(lambda: kornia.build_laplacian_pyramid(image, LEVELS + 1), device),
        )
        for _ in range(ROUNDS)
    ]
    ours, other = (min(column) for column in zip(*times, strict=True))
    print(
        f"\n{form}, {device.type}, {threads} thread(s): ours {1e3 * ours:.2f} ms, "
        f"kornia {1e3 * other:.2f} ms, {other / ours:.1f} times as fast"
    )
    assert other / ours >= 1
