"""What the book shows: pictures, curves, sliders and source.

Each has a text for those who cannot see it, and works in a page that has no kernel. Nothing below
this package imports it.
"""

from tutorial_lib.show.compare import CompareSlider
from tutorial_lib.show.curves import curves, figure
from tutorial_lib.show.grids import grid
from tutorial_lib.show.in_page import InPage
from tutorial_lib.show.pictures import Picture, encode
from tutorial_lib.show.sliders import FrameGrid, FrameSlider
from tutorial_lib.show.source import source
from tutorial_lib.show.style import style
from tutorial_lib.show.tables import claims, table

__all__ = [
    "CompareSlider",
    "FrameGrid",
    "FrameSlider",
    "InPage",
    "Picture",
    "claims",
    "curves",
    "encode",
    "figure",
    "grid",
    "source",
    "style",
    "table",
]
