"""Boxes and arrows, of which the chapters draw their networks."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

EDGE = "#24292f"
BLUE = "#dbe9f6"


def box(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    colour: str = BLUE,
    *,
    size: tuple[float, float],
    fontsize: float,
) -> None:
    """Draw a box of this width and height, with words, around a point."""
    width, height = size
    corner = (x - width / 2, y - height / 2)
    axes.add_patch(Rectangle(corner, width, height, facecolor=colour, edgecolor=EDGE))
    axes.text(x, y, text, ha="center", va="center", fontsize=fontsize)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow from one point to another."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": EDGE, "lw": 1.2})
