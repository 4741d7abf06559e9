"""A step of the slider against the mirrored article's loop and ``load_state_dict``."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

import pytest
import torch
from torch import nn

from tutorial_lib.dni import Interpolator, RRDBNet
from tutorial_lib.srgan import Generator

ROUNDS = 15


def article(network: nn.Module, a: dict, b: dict) -> Callable[[float], None]:
    """A new dictionary for each position, in a loop over the names, and its loading."""

    def move(alpha: float) -> None:
        between = OrderedDict()
        for name in a:
            between[name.replace("module.", "")] = alpha * a[name] + (1 - alpha) * b[name]
        network.load_state_dict(between)

    return move


def ours(network: nn.Module, a: dict, b: dict) -> Callable[[float], None]:
    """The library's move, in place."""
    move = Interpolator(network, [a, b])
    return lambda alpha: move(alpha, 1 - alpha)


def seconds(move: Callable[[float], None], alpha: float) -> float:
    begin = time.perf_counter()
    move(alpha)
    return time.perf_counter() - begin


@pytest.mark.parametrize(
    ("build", "limit"), [(Generator, 5e-3), (RRDBNet, None)], ids=["srresnet", "rrdb"]
)
def test_a_move_is_fast_and_three_times_as_fast_as_the_articles(
    build: type[nn.Module], limit: float | None
) -> None:
    a, b = (build().state_dict() for _ in range(2))
    moves = {"article": article(build(), a, b), "ours": ours(build(), a, b)}
    alphas = [k / ROUNDS for k in range(ROUNDS)]
    # Taking turns, and the fastest round of each: other programs on the machine only add time.
    times = [{name: seconds(move, alpha) for name, move in moves.items()} for alpha in alphas]
    theirs, mine = (min(round_[name] for round_ in times) for name in ("article", "ours"))
    print(
        f"\n{build.__name__}, {torch.get_num_threads()} threads: article {1e3 * theirs:.1f} ms, "
        f"ours {1e3 * mine:.2f} ms, {theirs / mine:.1f} times as fast"
    )
    assert theirs / mine >= 3
    if limit is not None:
        assert mine < limit
