"""Pictures, sliders and panels of the chapter *Deep Network Interpolation*."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from tutorial_lib.data import embedded, low_resolution, read_image
from tutorial_lib.dni.claims import TITLES
from tutorial_lib.dni.denoisers import FILTERS
from tutorial_lib.dni.interpolation import Interpolator, State
from tutorial_lib.dni.walk import output_of
from tutorial_lib.ledger import Record
from tutorial_lib.show.boxes import arrow, box
from tutorial_lib.show.curves import figure
from tutorial_lib.show.grids import grid
from tutorial_lib.show.pictures import Picture
from tutorial_lib.show.sliders import FrameGrid
from tutorial_lib.show.style import style

WHAT = {"interpolated": "weights", "blended": "pictures"}
"""What either way of a walk averages."""

_WEIGHTS, _NETWORK, _PICTURE = "#dbe9f6", "#fde8d0", "#d9f0e3"


# --------------------------------------------------------------------------------- walks


def stop_labels(walk: Record, square: str) -> list[str]:
    """One label for each stop: the indicators that the article writes above its animation."""
    found = walk.metrics["shown"][square]
    stops = zip(
        walk.metrics["alphas"],
        found["interpolated rmse"],
        found["interpolated niqe"],
        strict=True,
    )
    return [f"α = {alpha:.1f}: RMSE {error:.2f}, NIQE {score:.2f}" for alpha, error, score in stops]


def along_sets(walk: Record, measure: str) -> dict[str, tuple[list[float], list[float]]]:
    """Curves over α of every test set and of both ways, for `tutorial_lib.show.curves`."""
    return {
        f"{TITLES[group]}, averaged {what}": (
            walk.metrics["alphas"],
            walk.metrics[group][f"{way} {measure}"],
        )
        for group in walk.config["test_sets"]
        for way, what in WHAT.items()
    }


def mixing() -> Picture:
    """Draw what is averaged: weights before a network runs, or pictures after two have run."""
    with style():
        drawn, axes = plt.subplots(figsize=(6.4, 3.2))
        for centre, title in ((1.0, "averaging weights"), (-1.3, "averaging pictures")):
            axes.text(0, centre + 0.82, title, fontsize=15, fontweight="bold")
            for name, y in (("$\\theta_A$", centre + 0.35), ("$\\theta_B$", centre - 0.35)):
                _box(axes, (0, y), 0.9, name, _WEIGHTS)
        _draw_weights(axes, 1.0)
        _draw_pictures(axes, -1.3)
        axes.set(xlim=(-0.1, 7.7), ylim=(-2.1, 2.1))
        axes.axis("off")
    return figure(
        drawn,
        alt="Two diagrams. Above, the weights of two networks are averaged, and the one network "
        "with the mean makes the picture. Below, both networks make a picture each, and the "
        "pictures are averaged.",
    )


def _draw_weights(axes: Any, centre: float) -> None:
    for y in (centre + 0.35, centre - 0.35):
        arrow(axes, (0.9, y), (1.7, centre))
    _box(axes, (1.7, centre), 1.2, "mean", _WEIGHTS)
    arrow(axes, (2.9, centre), (3.6, centre))
    _box(axes, (3.6, centre), 2.0, "one network", _NETWORK)
    arrow(axes, (5.6, centre), (6.3, centre))
    _box(axes, (6.3, centre), 1.2, "picture", _PICTURE)


def _draw_pictures(axes: Any, centre: float) -> None:
    for y in (centre + 0.35, centre - 0.35):
        arrow(axes, (0.9, y), (1.7, y))
        _box(axes, (1.7, y), 1.5, "network", _NETWORK)
        arrow(axes, (3.2, y), (3.8, y))
        _box(axes, (3.8, y), 1.2, "picture", _PICTURE)
        arrow(axes, (5.0, y), (6.3, centre))
    _box(axes, (6.3, centre), 1.2, "mean", _PICTURE)


def _box(axes: Any, at: tuple[float, float], width: float, text: str, colour: str) -> None:
    x, y = at
    box(axes, x + width / 2, y, text, colour, size=(width, 0.48), fontsize=15)


def plane(walks: Mapping[str, Record], trained: Mapping[str, tuple[float, float]]) -> Picture:
    """Draw walks on the plane of RMSE and NIQE on Set14, and networks trained for a place on it.

    Parameters
    ----------
    walks : mapping of str to Record
        Where a walk leads → its record.
    trained : mapping of str to (float, float)
        Coefficient → RMSE and NIQE. The one with the largest RMSE is only told, in words: it would
        press all others into a corner.
    """
    with style():
        drawn, axes = plt.subplots(figsize=(4.8, 4.6))
        for end, record in walks.items():
            walk = record.metrics["set14"]
            for (way, what), marker in zip(WHAT.items(), "os", strict=True):
                label = f"averaged {what}, to {end}"
                axes.plot(
                    walk[f"{way} rmse"], walk[f"{way} niqe"], marker, ls="-", ms=4, label=label
                )
        axes.plot(*zip(*trained.values(), strict=True), "k^", label="trained, by coefficient")
        *near, far = sorted(trained, key=lambda coefficient: trained[coefficient])
        for k, coefficient in enumerate(near):
            axes.annotate(
                coefficient,
                trained[coefficient],
                xytext=(6, 4) if k % 2 else (6, -12),
                textcoords="offset points",
                fontsize=10,
            )
        axes.set_xlim(right=trained[near[-1]][0] + 0.5)
        error, score = trained[far]
        axes.text(
            1,
            0.97,
            f"{far}: RMSE {error:.1f}, NIQE {score:.1f} →",
            fontsize=10,
            ha="right",
            transform=axes.transAxes,
        )
        axes.set(
            xlabel="RMSE on Set14, grey levels (distortion)", ylabel="NIQE on Set14 (perception)"
        )
        drawn.legend(loc="outside lower center", ncols=1)
    return figure(
        drawn,
        alt="The plane of RMSE and NIQE on Set14: paths of averaged weights and of averaged "
        f"pictures from SRResNet to {' and to '.join(walks)}, and the networks trained with each "
        "coefficient as points.",
    )


# ------------------------------------------------------------------------------- filters


def filter_rows(denoisers: Mapping[str, State], *, alt: str, count: int = 16) -> Picture:
    """Show the same filters of the first layer of several denoisers.

    Parameters
    ----------
    denoisers : mapping of str to State
        Title → weights. The filters are the strongest of the first of them.
    alt : str
        What is seen.
    count : int
        How many, in rows of eight.
    """
    layers = {title: state[FILTERS] for title, state in denoisers.items()}
    strength = next(iter(layers.values())).flatten(1).std(1)
    chosen = strength.argsort(descending=True)[:count]
    return grid(
        [tiles(layer[chosen]) for layer in layers.values()],
        titles=list(layers),
        alt=alt,
        columns=1,
        min_width=280,
    )


def tiles(filters: Tensor, *, across: int = 8) -> Tensor:
    """Filters in rows of squares, each stretched to full contrast and enlarged nine times.

    Parameters
    ----------
    filters : Tensor
        (N, 3, k, k), of any range; N is a multiple of `across`. One that is the same everywhere is
        shown grey.
    across : int
        Squares in a row.

    Returns
    -------
    Tensor
        (1, 3, H, W), range [0, 1], with white between the squares.
    """
    low, high = filters.amin((1, 2, 3), keepdim=True), filters.amax((1, 2, 3), keepdim=True)
    span = high - low
    shown = torch.where(span > 0, (filters - low) / span, 0.5)
    shown = shown.repeat_interleave(9, 2).repeat_interleave(9, 3)
    shown = nn.functional.pad(shown, (3, 3, 3, 3), value=1.0)
    return torch.cat([torch.cat(list(row), dim=2) for row in shown.split(across)], dim=1)[None]


# ------------------------------------------------------------------------------ triangle


def triangle_board(record: Record, *, side: int = 120, gap: int = 6) -> Picture:
    """Lay the pictures of three networks' means out as a triangle, the first network on top."""
    levels = record.config["parts"]
    pitch = side + gap
    board = torch.ones(1, 3, (levels + 1) * pitch, (levels + 1) * pitch)
    for k, (top, _, last) in enumerate(record.metrics["weights"]):
        row, column = round((1 - top) * levels), round(last * levels)
        x, y = (levels - row) * pitch // 2 + column * pitch, row * pitch
        picture = read_image(record.artefact(f"{k:02d}.webp"))
        board[..., y : y + side, x : x + side] = picture[..., 20 : 20 + side, 20 : 20 + side]
    return grid(
        [board],
        alt="A triangle of fifteen small pictures of a baboon's cheek. SRResNet's is on top, "
        "SRGAN's with phi 2,2 at the lower left, with phi 5,4 at the lower right; the others are "
        "means.",
        captions=["SRResNet above; SRGAN φ2,2 at the lower left, φ5,4 at the lower right"],
    )


def triangle_places(weights: Sequence[Sequence[float]], parts: int) -> list[list[int]]:
    """For each position of two sliders, which of the recorded means is nearest.

    Parameters
    ----------
    weights : sequence of (float, float, float)
        Of the recorded means.
    parts : int
        Stops along a side of the triangle, less one.

    Returns
    -------
    list of list of int
        Rows: the first network's weight, from 1 to 0; within a row, the third's share of the
        rest, from 0 to 1. Every mean is somewhere.
    """

    def nearest(wanted: Sequence[float]) -> int:
        def away(k: int) -> float:
            return sum((a - b) ** 2 for a, b in zip(wanted, weights[k], strict=True))

        return min(range(len(weights)), key=away)

    steps = [k / parts for k in range(parts + 1)]
    return [[nearest(weights_at(1 - down, 1 - right)) for right in steps] for down in steps]


def triangle_slider(record: Record) -> FrameGrid:
    """Two sliders over the recorded means of three networks."""
    points, parts = record.metrics["weights"], record.config["parts"]
    labels = [
        f"{a:g} SRResNet + {b:g} φ2,2 + {c:g} φ5,4: RMSE {error:.2f}, NIQE {score:.2f}"
        for (a, b, c), error, score in zip(
            points, record.metrics["rmse"], record.metrics["niqe"], strict=True
        )
    ]
    places = triangle_places(points, parts)
    return FrameGrid(
        [[record.artefact(f"{k:02d}.webp") for k in row] for row in places],
        labels=[[labels[k] for k in row] for row in places],
        descriptions=("down", "φ2,2 to φ5,4"),
        alt="A baboon's cheek and nose, enlarged by a mean of three networks.",
        start=(parts - 1, parts // 2),
    )


# ---------------------------------------------------------------------------------- live


def weights_at(*positions: float) -> list[float]:
    """Weights of networks, from the positions of one slider fewer.

    Parameters
    ----------
    *positions : float
        In [0, 1]: each is a network's share of what those before it have left.

    Returns
    -------
    list of float
        Their sum is one.

    Examples
    --------
    >>> weights_at(0.5, 0.25)
    [0.5, 0.125, 0.375]
    """
    left, weights = 1.0, []
    for position in positions:
        weights.append(left * position)
        left -= weights[-1]
    return [*weights, left]


class MixPanel:
    """A network between others, moved by sliders and run at their pace: needs a kernel.

    Parameters
    ----------
    network : nn.Module
        Enlarges by four; becomes the one between.
    states : sequence of mappings of str to Tensor
        ``state_dict()`` of two networks or more.
    descriptions : sequence of str
        Names of the sliders, one fewer than networks, as in :func:`weights_at`.
    photographs : sequence of str
        Names of embedded photographs to choose from.
    side : int
        Of the square that is shown, in pixels.

    Attributes
    ----------
    sliders : list of ipywidgets.FloatSlider
        Where the network stands.
    photograph, place : ipywidgets.Dropdown, ipywidgets.IntSlider
        What is shown: a photograph, and where on its diagonal, in percent.
    picture : ipywidgets.HTML
        What the network makes of it.
    widget : ipywidgets.VBox
        All of them.
    """

    def __init__(
        self,
        network: nn.Module,
        states: Sequence[State],
        *,
        descriptions: Sequence[str],
        photographs: Sequence[str] = ("chelsea", "astronaut", "coffee", "rocket"),
        side: int = 128,
    ) -> None:
        if len(descriptions) != len(states) - 1:
            raise ValueError(f"{len(states)} networks, but {len(descriptions)} sliders")
        self.network, self.side = network.eval(), side
        self.move = Interpolator(network, states)
        self.sliders = [
            widgets.FloatSlider(description=name, min=0, max=1, step=0.02, value=0.5)
            for name in descriptions
        ]
        self.photograph = widgets.Dropdown(options=list(photographs), description="photo")
        self.place = widgets.IntSlider(
            description="place", min=0, max=100, value=40, continuous_update=False
        )
        self.picture = widgets.HTML()
        controls = [*self.sliders, self.photograph, self.place]
        for control in controls:
            control.observe(self._redraw, "value")
        self._redraw()
        self.widget = widgets.VBox([widgets.HBox(controls), self.picture])
        self.widget.add_class("tutorial-live")

    @property
    def low(self) -> Tensor:
        """The chosen square of the photograph, (1, 3, side/4, side/4)."""
        image = embedded(self.photograph.value)
        top, left = ((length - self.side) * self.place.value // 100 for length in image.shape[-2:])
        return low_resolution(image[..., top : top + self.side, left : left + self.side])

    def _redraw(self, change: object = None) -> None:
        low = self.low
        began = time.perf_counter()
        self.move(*weights_at(*(slider.value for slider in self.sliders)))
        moved = time.perf_counter()
        made = output_of(self.network, low)
        done = time.perf_counter()
        label = ", ".join(f"{slider.description} = {slider.value:.2f}" for slider in self.sliders)
        # Once a hand is on a slider, it is told how fast it is followed.
        if change is not None:
            label += f": moved in {1e3 * (moved - began):.1f} ms, "
            label += f"enlarged in {1e3 * (done - moved):.0f} ms"
        self.picture.value = grid([made], alt="The interpolated picture.", captions=[label]).html

    def _repr_mimebundle_(self, **options: object) -> dict[str, object]:
        return self.widget._repr_mimebundle_(**options)
