"""Curves with names, units and seed bands, in the book's look."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from tutorial_lib.data.writing import webp_options
from tutorial_lib.show.pictures import (
    MAX_OUTPUT_BYTES,
    QUALITIES,
    Encoded,
    Picture,
    img,
    required_alt,
    within,
)
from tutorial_lib.show.style import COLOURS, CSS_PIXELS_PER_INCH, DPI, LINES, style

_LEGEND_ROW = 0.23
"""Height of a line of the legend, in inches."""


def curves(
    series: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    xlabel: str,
    ylabel: str,
    alt: str,
    bands: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    references: Mapping[str, float] | None = None,
    logx: bool = False,
    logy: bool = False,
    title: str | None = None,
    max_bytes: int = MAX_OUTPUT_BYTES,
) -> Picture:
    """Draw curves, each with its seeds' spread where there are several.

    Parameters
    ----------
    series : mapping of str to (x, y)
        By name: `x` of shape (P,), and `y` of shape (P,) or (S, P). Of S seeds the mean is drawn
        as a line and the range as a band, and the legend says so.
    xlabel, ylabel : str
        What the axes measure, with the unit.
    alt : str
        What the curves show, in a sentence.
    bands : mapping of str to (low, high), optional
        Another band for a named series, each bound of shape (P,): error bars, quantiles.
    references : mapping of str to float, optional
        Named horizontal lines, such as a published result, in the unit of `y`.
    logx, logy : bool
        Whether an axis is logarithmic.
    title : str, optional
        Text above the axes.
    max_bytes : int
        Limit for the output.

    Returns
    -------
    Picture
        To be the last expression of a cell, or a frame of a slider.

    Raises
    ------
    ValueError
        If `alt` or an axis name is empty, there is no series, lengths differ, a band belongs to
        no series, or a logarithmic axis would have to hide values.

    Examples
    --------
    >>> loss = {"MSE": ([0, 100, 200], [[0.30, 0.12, 0.10], [0.28, 0.14, 0.09]])}
    >>> curves(loss, xlabel="step", ylabel="loss", alt="The loss falls.").alt
    'The loss falls.'
    """
    alt = required_alt(alt)
    if not (xlabel.strip() and ylabel.strip()):
        raise ValueError("xlabel or ylabel is empty: say what the axis measures, and its unit")
    if not series:
        raise ValueError("there is no series to draw")
    bands = bands or {}
    if unknown := bands.keys() - series.keys():
        raise ValueError(f"bands without a series: {', '.join(sorted(unknown))}")
    with style():
        figure_ = Figure()
        axes = figure_.add_subplot()
        looks = _looks()
        for name, (x_values, y_values) in series.items():
            x, y = _points(name, x_values, y_values)
            for log, values, axis in ((logx, x, "x"), (logy, y, "y")):
                if log and not (values[~np.isnan(values)] > 0).all():
                    raise ValueError(
                        f"{name}: {axis} has values of 0 or less, which a logarithmic axis hides"
                    )
            colour, line = next(looks)
            label = name
            band = bands.get(name)
            if y.ndim == 2:
                label = f"{name} (mean and range of {len(y)})" if band is None else name
                band = (y.min(axis=0), y.max(axis=0)) if band is None else band
                y = y.mean(axis=0)
            if band is not None:
                low, high = (_points(f"{name} (band)", x, bound)[1] for bound in band)
                axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
            marker = "o" if len(x) == 1 else None
            axes.plot(x, y, color=colour, linestyle=line, marker=marker, label=label)
        for (name, value), line in zip((references or {}).items(), cycle((":", "-.", "--"))):
            axes.axhline(value, color="#555555", linestyle=line, linewidth=1.5, label=name)
        axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
        if logx:
            axes.set_xscale("log")
        if logy:
            axes.set_yscale("log")
        labels = axes.get_legend_handles_labels()[1]
        columns = 2 if max(map(len, labels)) <= 16 else 1
        figure_.legend(loc="outside lower center", ncols=columns)
        # The legend must not take its room from the axes.
        rows = -(-len(labels) // columns)
        figure_.set_figheight(figure_.get_figheight() + _LEGEND_ROW * (rows - 1))
        return figure(figure_, alt=alt, max_bytes=max_bytes)


def figure(figure: Figure, *, alt: str, max_bytes: int = MAX_OUTPUT_BYTES) -> Picture:
    """Turn a Matplotlib figure into a picture with a text, and close it.

    Draw it inside `with style():`.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What was drawn.
    alt : str
        What it shows, in a sentence.
    max_bytes : int
        Limit for the output; a figure full of photographs is encoded with loss to meet it.

    Returns
    -------
    Picture
        To be the last expression of a cell, or a frame of a slider.

    Raises
    ------
    ValueError
        If `alt` is empty or the figure does not fit into `max_bytes`.
    """
    alt = required_alt(alt)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    width = round(figure.get_figwidth() * CSS_PIXELS_PER_INCH)
    # An open figure would be shown a second time at the end of the cell, without its text.
    plt.close(figure)
    with Image.open(file) as drawn:
        picture = drawn.convert("RGB")

    def build(quality: int) -> str:
        file = io.BytesIO()
        picture.save(file, format="webp", **webp_options(quality))
        return img(Encoded(file.getvalue(), "image/webp", *picture.size), alt=alt, width=width)

    return Picture(within(build, max_bytes, qualities=(100, *QUALITIES)), alt)


def _looks() -> Iterator[tuple[str, str]]:
    # Seven colours and four styles have no common divisor: 28 lines until a pair comes again.
    return zip(cycle(COLOURS), cycle(LINES))


def _points(name: str, x_values: ArrayLike, y_values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x_values, dtype=float), np.asarray(y_values, dtype=float)
    if x.ndim != 1 or y.ndim not in (1, 2) or y.shape[-1] != len(x) or not len(x):
        raise ValueError(
            f"{name}: x of shape {x.shape} and y of shape {y.shape}; expected (P,) and (P,) or "
            "(seeds, P)"
        )
    return x, y
