"""An epoch of the coarse-to-fine training against the same model trained plainly.

What counts is processor time on one thread, which does not depend on what else the machine does;
on a GPU it is the clock's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from tutorial_lib.coarse_to_fine import CoarseToFine, to_grey
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.recipe import Config, Recipe
from tutorial_lib.data import CartoonFaces, write_image
from tutorial_lib.training import make_fabric, native_bf16

TOP, BATCH, COUNT, ROUNDS = 64, 32, 128, 3


class Files(Dataset):
    """Pictures in files, opened, shrunk and turned grey one by one with Pillow."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        with Image.open(self.paths[index]) as file:
            true = file.convert("RGB").resize((TOP, TOP), Image.Resampling.BICUBIC)
        grey = true.convert("L").convert("RGB")
        low, high = (
            torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255)
            for image in (grey, true)
        )
        return low, high


def plain(paths: list[Path], device: torch.device) -> Callable[[], object]:
    """The obvious loop: float32, the default memory layout, the default optimiser."""
    torch.manual_seed(0)
    network = CoarseToFine(top=TOP, width=16).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-4)
    loader = DataLoader(Files(paths), batch_size=BATCH, shuffle=True)

    def epoch() -> None:
        for grey, true in loader:
            loss = F.l1_loss(network(grey.to(device)), true.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def ours(images: Tensor) -> Callable[[], object]:
    """The recipe that the experiments run."""
    config = Config(top=TOP, width=16, count=len(images), batch=BATCH, epochs=100)
    fabric = make_fabric()
    octaves = Octaves(images, sides=[TOP], spoil=to_grey, device=fabric.device)
    recipe = Recipe(config, fabric, octaves, seed=0)

    def steps() -> Iterator[int]:
        yield from range(config.steps)

    counter = steps()

    def epoch() -> None:
        for _ in range(config.epoch_steps):
            recipe.step(next(counter), torch.Generator())

    return epoch


def seconds(epoch: Callable[[], object], device: torch.device) -> float:
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    begin = clock()
    epoch()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - begin


def test_an_epoch_is_twice_as_fast_as_the_plain_one(tmp_path: Path) -> None:
    if not native_bf16():
        pytest.skip("this processor does not multiply bfloat16 in hardware")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    large = CartoonFaces("test", size=128, count=COUNT, workers=1, progress=False).images
    paths = [tmp_path / f"{number}.png" for number in range(COUNT)]
    for path, image in zip(paths, large, strict=True):
        write_image(path, image[None].float() / 255)
    small = F.avg_pool2d(large.float(), 2).round().byte()
    epochs = {"plain": plain(paths, device), "ours": ours(small)}
    # Taking turns, and the fastest round of each: other programs on the machine only add time.
    times = [{n: seconds(e, device) for n, e in epochs.items()} for _ in range(ROUNDS)]
    a, b = (min(round_[name] for round_ in times) for name in ("plain", "ours"))
    print(
        f"\n{device.type}, {torch.get_num_threads()} threads, {COUNT // BATCH} steps of {BATCH} "
        f"pictures: plain {1e3 * a:.0f} ms, ours {1e3 * b:.0f} ms, {a / b:.2f} times as fast"
    )
    assert a / b >= 2
