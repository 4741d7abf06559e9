"""Diagrams of coarse-to-fine networks, drawn from what the networks do."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt

from tutorial_lib.coarse_to_fine.networks import CoarseToFine, Part, layout
from tutorial_lib.show.curves import figure
from tutorial_lib.show.pictures import Picture
from tutorial_lib.show.style import style

_LEARNS, _RESTS, _PICTURE = "#9cc4e8", "#e3e3e3", "#fff4d6"
_EDGE = "#24292f"
# Where things stand from left to right: picture read, way down, way up, picture answered.
_READ, _DOWN, _UP, _ANSWER = 0.0, 1.75, 4.25, 6.0
_WIDE, _HIGH = 1.25, 0.62


def diagram(network: CoarseToFine, *, stage: int | None = None) -> Picture:
    """Draw the parts that a stage uses, each where it works.

    Rows are sizes, the largest on top. On the left the pictures that are read and the way down, on
    the right the way up and the answer. Blue parts learn, grey parts are frozen. Nothing is drawn
    from a plan: a picture is sent through the network, and what happens is watched.

    Parameters
    ----------
    network : CoarseToFine
        In the phase that is to be shown.
    stage : int, optional
        From 1; the last one if left out.

    Returns
    -------
    Picture
        To be the last expression of a cell, or a frame of a slider.
    """
    parts = layout(network, stage=stage)
    stages = max(part.level for part in parts)
    rows = len(network.sizes)
    with style():
        drawn, axes = plt.subplots(figsize=(5.4, 0.85 * rows + 0.35))
    for level in range(1, stages + 1):
        mine = {part.name: part for part in parts if part.level == level}
        above = next((p for p in parts if p.level == level + 1 and p.name == "down"), None)
        _row(axes, level, network.sizes[level - 1], mine, above)
    axes.set(xlim=(_READ - 0.75, _ANSWER + 0.75), ylim=(0.45, rows + 0.55))
    axes.axis("off")
    learning = sorted({part.level for part in parts if part.learns})
    names = ", ".join(f"{network.sizes[k - 1]}" for k in learning) or "none"
    skips = any(_skips(parts, level) for level in range(2, stages + 1))
    alt = (
        f"The network of stage {stages} as a U of {stages} rows, from {network.sizes[0]} to "
        f"{network.sizes[stages - 1]} pixels, {'with' if skips else 'without'} skip connections; "
        f"{sum(part.name == 'stem' for part in parts)} of them read the picture. The rows that "
        f"learn: {names} pixels."
    )
    return figure(drawn, alt=alt)


def _skips(parts: list[Part], level: int) -> bool:
    mine = {part.name: part for part in parts if part.level == level}
    return mine["join"].entering[0] > mine["up"].leaving[0]


def _row(axes: Any, y: int, side: int, parts: dict[str, Part], above: Part | None) -> None:
    """Draw a level; its number is its height."""
    join = parts["join"]
    colour = _LEARNS if join.learns else _RESTS
    source = parts.get("stem") or above
    assert source is not None
    if "stem" in parts:
        _box(axes, _READ, y, f"{side} × {side}", _PICTURE)
        _arrow(axes, (_READ + _WIDE / 2, y), (_DOWN - _WIDE / 2, y))
    _box(axes, _DOWN, y, f"{source.leaving[0]} maps", colour)
    _box(axes, _UP, y, f"{join.leaving[0]} maps", colour)
    if "up" not in parts or join.entering[0] > parts["up"].leaving[0]:
        _arrow(axes, (_DOWN + _WIDE / 2, y), (_UP - _WIDE / 2, y))
    if "down" in parts:
        _arrow(axes, (_DOWN, y - _HIGH / 2), (_DOWN, y - 1 + _HIGH / 2))
        _arrow(axes, (_UP, y - 1 + _HIGH / 2), (_UP, y - _HIGH / 2))
    if "head" in parts:
        _box(axes, _ANSWER, y, f"{side} × {side}", _PICTURE)
        _arrow(axes, (_UP + _WIDE / 2, y), (_ANSWER - _WIDE / 2, y))


def _box(axes: Any, x: float, y: float, text: str, colour: str) -> None:
    corner = (x - _WIDE / 2, y - _HIGH / 2)
    axes.add_patch(plt.Rectangle(corner, _WIDE, _HIGH, facecolor=colour, edgecolor=_EDGE))
    axes.text(x, y, text, ha="center", va="center", fontsize=11)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": _EDGE, "lw": 1.3})
