"""A network that runs in the published page, on the reader's own picture."""

from __future__ import annotations

import re
from html import escape

from tutorial_lib.show.compare import STYLE
from tutorial_lib.show.pictures import Picture

WORDS = "Try it on a photograph of yours"

ELSEWHERE = (
    "In the published book a button stands here, and the network runs in the page, on a picture "
    "of yours, which goes nowhere."
)


class InPage(Picture):
    """The place of a network that runs in the published page, without a kernel or a server.

    The site's build puts a button there, which says how many megabytes it loads, and loads
    nothing before it is pressed. In a notebook a sentence stands there.

    Parameters
    ----------
    demo : str
        What to run: the name of a script in ``book/_static/inpage`` and of the packs that
        ``scripts/packs.py`` makes for it.
    words : str
        What the button says, before the megabytes.

    Raises
    ------
    ValueError
        If `demo` cannot be a file's name, or `words` is empty.

    Examples
    --------
    >>> InPage("srgan").alt.startswith("In the published book")
    True
    """

    def __init__(self, demo: str, *, words: str = WORDS) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", demo):
            raise ValueError(f"no demo can be called {demo!r}: use small letters, as in 'srgan'")
        if not words.strip():
            raise ValueError("words is empty: say what the button does")
        super().__init__(
            f'{STYLE}<div class="tutorial-inpage" data-demo="{demo}" data-words="{escape(words)}">'
            f"<p>{escape(ELSEWHERE)}</p></div>",
            ELSEWHERE,
        )
