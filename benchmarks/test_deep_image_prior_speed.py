"""Iterations of Deep Image Prior against a plain loop of the same network, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch

from tutorial_lib.deep_image_prior.fitting import start
from tutorial_lib.deep_image_prior.networks import SkipNetwork, draw_input
from tutorial_lib.deep_image_prior.tasks import Denoising
from tutorial_lib.training import make_fabric, native_bf16

ROUNDS = 3


def plain(observed: torch.Tensor) -> Callable[[], object]:
    """The published loop, written plainly: float32, contiguous, Adam with its default settings."""
    torch.manual_seed(0)
    network = SkipNetwork().to(observed.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    z = draw_input((observed.shape[-2], observed.shape[-1])).to(observed.device)
    average = observed

    def step() -> float:
        nonlocal average
        optimizer.zero_grad()
        output = network(z + torch.randn_like(z) / 30)
        loss = torch.nn.functional.mse_loss(output, observed)
        loss.backward()
        optimizer.step()
        average = 0.99 * average + 0.01 * output.detach()
        return loss.item()

    return step


def ours(observed: torch.Tensor) -> Callable[[], object]:
    """The library's fit as the experiments run it on this machine."""
    torch.manual_seed(0)
    z = draw_input((observed.shape[-2], observed.shape[-1]))
    steps, _ = start(
        Denoising(observed), SkipNetwork(), fabric=make_fabric(), z=z, compile=observed.is_cuda
    )
    return lambda: next(steps)


def seconds(step: Callable[[], object], *, repeat: int) -> float:
    # Both ask for the loss as a number, so that a GPU has finished, too.
    begin = time.perf_counter()
    for _ in range(repeat):
        step()
    return (time.perf_counter() - begin) / repeat


def test_a_step_is_twice_as_fast_as_the_plain_loops() -> None:
    if not native_bf16():
        pytest.skip("this processor does not multiply bfloat16 in hardware")
    gpu = torch.cuda.is_available()
    side, repeat = (512, 30) if gpu else (256, 1)
    observed = torch.rand(1, 3, side, side, device="cuda" if gpu else "cpu")
    steps = {"plain": plain(observed), "ours": ours(observed)}
    for step in steps.values():
        seconds(step, repeat=2)
    # Taking turns, and the fastest round of each: other programs on the machine only add time.
    times = [{n: seconds(s, repeat=repeat) for n, s in steps.items()} for _ in range(ROUNDS)]
    a, b = (min(round_[name] for round_ in times) for name in ("plain", "ours"))
    print(
        f"\n{observed.device.type}, {torch.get_num_threads()} threads, {side} px: plain "
        f"{1 / a:.2f} iterations/s, ours {1 / b:.2f}, {a / b:.2f} times as fast"
    )
    assert a / b >= (2.5 if gpu else 2)
