"""A page of text, drawn here, that can be marked: how many letters can still be read off it.

Every letter has a box of its own in a known place, and is "read" as the letter whose drawing
correlates best with what the box holds. That is no text recognition as offices use it, which
would also guess from the word; it says whether the pixels still tell the letters apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from tutorial_lib.metrics import to_y

WIDTH, HEIGHT = 384, 224
PAPER, INK = 245, 25

LINES: tuple[tuple[str, int], ...] = (
    ("Mori Akane", 36),
    ("Optics Laboratory", 28),
    ("659 Hill Road, Denby", 22),
    ("Tel 56-981-7423-05", 20),
    ("akane.mori@example.org", 18),
    ("6B8 9C3 G0Q 51I HKX 7Z2 8S5 D0O", 16),
    ("serial aeocs il1tf 8B3S5 mnrvwu", 14),
)
"""What the page says, and the size of the letters in pixels to an em."""


UNREAD = "?"
"""What a box is read as that looks no more like one letter than like another."""

_ROUND_OFF = 1e-9


@dataclass(frozen=True)
class Letter:
    """One letter of the page.

    Attributes
    ----------
    text : str
        The letter.
    size : int
        Pixels to an em.
    left, top, width, height : int
        Its box in pixels.
    """

    text: str
    size: int
    left: int
    top: int
    width: int
    height: int


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / "DejaVuSansMono.ttf"), size)


@lru_cache(maxsize=1024)
def _glyph(text: str, size: int) -> np.ndarray:
    """One letter in its box, grey levels of shape (height, width)."""
    font = _font(size)
    width, height = round(font.getlength("M")), sum(font.getmetrics())
    box = Image.new("L", (width, height), PAPER)
    ImageDraw.Draw(box).text((0, 0), text, fill=INK, font=font)
    return np.asarray(box)


def text_page() -> tuple[Tensor, tuple[Letter, ...]]:
    """Draw the page.

    Returns
    -------
    page : Tensor
        (1, 3, 224, 384), range [0, 1]: dark letters of one width on light paper.
    letters : tuple of Letter
        Every letter on it but the spaces.

    Examples
    --------
    >>> page, letters = text_page()
    >>> "".join(letter.text for letter in letters[:9])
    'MoriAkane'
    """
    page = np.full((HEIGHT, WIDTH), PAPER, dtype=np.uint8)
    letters = []
    top = 6
    for line, size in LINES:
        height, width = _glyph("M", size).shape
        for place, text in enumerate(line):
            left = 14 + place * width
            page[top : top + height, left : left + width] = _glyph(text, size)
            if text != " ":
                letters.append(Letter(text, size, left, top, width, height))
        top += height + 2
    grey = torch.from_numpy(page).float().div(255)
    return grey.expand(1, 3, -1, -1).contiguous(), tuple(letters)


@lru_cache(maxsize=16)
def _templates(alphabet: str, size: int) -> Tensor:
    """Drawings of all letters, (letters, pixels), of mean zero and length one."""
    drawn = np.stack([_glyph(text, size).ravel() for text in alphabet])
    centred = torch.from_numpy(drawn).double()
    centred = centred - centred.mean(dim=1, keepdim=True)
    return centred / centred.norm(dim=1, keepdim=True)


def readings(page: Tensor, letters: Sequence[Letter]) -> str:
    """Read each letter as the one whose drawing correlates best with its box.

    The correlation leaves brightness and contrast out, so that a pale letter is not mistaken for
    a smaller one.

    Parameters
    ----------
    page : Tensor
        (1, 3, H, W), range [0, 1]: a restored page.
    letters : sequence of Letter
        Where to look; the alphabet is the set of their texts.

    Returns
    -------
    str
        What each box looks most like, in the order of `letters`; `UNREAD` where two letters fit
        equally well, as in a blank box.
    """
    luminance = to_y(page)[0, 0].double()
    alphabet = "".join(sorted({letter.text for letter in letters}))
    found = []
    for letter in letters:
        rows = slice(letter.top, letter.top + letter.height)
        box = luminance[rows, letter.left : letter.left + letter.width].flatten()
        fits = (_templates(alphabet, letter.size) @ box).topk(2)
        first, second = fits.values.tolist()
        tie = first - second < _ROUND_OFF
        found.append(UNREAD if tie else alphabet[int(fits.indices[0])])
    return "".join(found)


def share_read(page: Tensor, letters: Sequence[Letter]) -> float:
    """Share of the letters that are read rightly, from 0 to 1.

    Parameters
    ----------
    page : Tensor
        (1, 3, H, W), range [0, 1].
    letters : sequence of Letter
        As `text_page` gives them.

    Examples
    --------
    >>> share_read(*text_page())
    1.0
    """
    found = readings(page, letters)
    return sum(a == b.text for a, b in zip(found, letters, strict=True)) / len(letters)
