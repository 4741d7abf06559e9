"""Painting one picture: the fast form against a plain one, in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tutorial_lib.lapstyle import Encoder, LapStyle
from tutorial_lib.lapstyle.stylise import fast_form
from tutorial_lib.training import native_bf16

SIDE, ROUNDS = 512, 3


def seconds(form: Callable[[Tensor], object], image: Tensor) -> float:
    begin = time.perf_counter()
    form(image)
    if image.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begin


@torch.no_grad()
def test_fast_form_is_a_multiple_as_fast_as_the_plain_one() -> None:
    """Plain: float32, contiguous, eager, and the style's maps computed anew for each picture.

    Weights do not matter for the time, so they are random.
    """
    if not native_bf16():
        pytest.skip("this processor does not multiply bfloat16 in hardware")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    model = LapStyle(Encoder()).to(device)
    image = torch.rand(1, 3, SIDE, SIDE, device=device)
    style = torch.rand(1, 3, 128, 160, device=device)
    fast = fast_form(model, device, compile=True)

    def plain(photo: Tensor) -> Tensor:
        model.learn_style(style)
        return model(photo)

    forms: dict[str, Callable[[Tensor], object]] = {"plain": plain, "fast": fast}
    for form in forms.values():
        for _ in range(2):
            seconds(form, image)
    # Taking turns, and the fastest round of each: other programs on the machine only add time.
    times = [{name: seconds(form, image) for name, form in forms.items()} for _ in range(ROUNDS)]
    a, b = (min(round_[name] for round_ in times) for name in ("plain", "fast"))
    print(
        f"\n{device.type}, {torch.get_num_threads()} threads, {SIDE} pixels: plain {1e3 * a:.1f} "
        f"ms, fast {1e3 * b:.1f} ms, {a / b:.2f} times as fast"
    )
    assert a / b >= 2.5
