"""One look for every figure of the book."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
from cycler import cycler

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's palette, which colour-blind readers can tell apart; the yellow is left out, as
it cannot be seen on white."""

LINES = ("-", "--", "-.", ":")
"""Line styles, which go round with the colours, so that a print in grey can be read."""

DPI = 200
"""Pixels per inch: about two for each CSS pixel, as on a phone."""

CSS_PIXELS_PER_INCH = 96

# A figure is shown at 96 CSS pixels an inch, 4.8 inches wide, and shrinks to three quarters on
# a phone: 12 points then become 9.
_SETTINGS: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 12,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 13,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.dpi": DPI,
    "figure.facecolor": "white",
    "figure.figsize": (4.8, 3.4),
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "grid.alpha": 0.3,
    "image.interpolation": "nearest",
    "legend.fontsize": 12,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "savefig.facecolor": "white",
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
}


def style() -> AbstractContextManager[None]:
    """Draw in the book's look: `with style(): ...`.

    Figures have a white ground, which stays readable on a dark page, and letters of at least
    9 points on a phone. They are 4.8 inches wide; a wider figure needs larger letters.

    Returns
    -------
    context manager
        Restores the former settings at its end.

    Examples
    --------
    >>> with style():
    ...     mpl.rcParams["font.size"]
    12.0
    """
    return mpl.rc_context(_SETTINGS)
