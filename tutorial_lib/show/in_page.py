"""A network that runs in the published page, or in a kernel, on the reader's own picture."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape

import ipywidgets as widgets
import torch
from IPython.display import display

from tutorial_lib.data import embedded, read_image
from tutorial_lib.metrics import imresize
from tutorial_lib.show.compare import STYLE
from tutorial_lib.show.pictures import Picture

WORDS = "Try it on a photograph of yours"

ELSEWHERE = (
    "In the published book a button stands here, and the network runs in the page, on a picture "
    "of yours, which goes nowhere."
)

Control = float | Sequence[str]
"""A slider from 0 to 1 that begins there, or names to choose from."""


class InPage(Picture):
    """The place of a network that runs in the published page, without a kernel or a server.

    The site's build puts a button there, which says how many megabytes it loads, and loads
    nothing before it is pressed. In a notebook a sentence stands there, and above it, given
    `live`, the same network on the kernel's torch.

    Parameters
    ----------
    demo : str
        What to run: the name of a script in ``book/_static/inpage``.
    words : str
        What the button says, before the megabytes.
    live : callable, optional
        What a kernel shows of a picture: from (1, 3, H, W) in [0, 1], and a value of each of
        `controls`, to a :class:`Picture`.
    controls : mapping
        Names of controls, and what each begins as.
    photograph : str
        The embedded photograph that is shown until the reader brings one.
    longest : int
        Side in pixels; larger pictures are shrunk to it.

    Attributes
    ----------
    panel : LivePanel or None
        What a kernel shows, given `live`.

    Raises
    ------
    ValueError
        If `demo` cannot be a file's name, or `words` is empty.

    Examples
    --------
    >>> InPage("srgan").alt.startswith("In the published book")
    True
    """

    def __init__(
        self,
        demo: str,
        *,
        words: str = WORDS,
        live: Callable[..., Picture] | None = None,
        controls: Mapping[str, Control] | None = None,
        photograph: str = "chelsea",
        longest: int = 256,
    ) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", demo):
            raise ValueError(f"no demo can be called {demo!r}: use small letters, as in 'srgan'")
        if not words.strip():
            raise ValueError("words is empty: say what the button does")
        super().__init__(
            f'{STYLE}<div class="tutorial-inpage" data-demo="{demo}" data-words="{escape(words)}">'
            f"<p>{escape(ELSEWHERE)}</p></div>",
            ELSEWHERE,
        )
        self.panel = live and LivePanel(
            live, controls=controls or {}, photograph=photograph, longest=longest
        )

    def _ipython_display_(self) -> None:
        if self.panel:
            display(self.panel.widget)
        display(self._repr_mimebundle_(), raw=True)


class LivePanel:
    """A network on the reader's picture: needs a kernel.

    Parameters
    ----------
    live, controls, photograph, longest
        As of :class:`InPage`.

    Attributes
    ----------
    upload : ipywidgets.FileUpload
        Takes the reader's picture.
    controls : list of ipywidgets.Widget
        Sliders and lists, in the order of the parameter.
    answer : ipywidgets.HTML
        What `live` shows, or what is wrong with the picture.
    widget : ipywidgets.VBox
        All of them.
    """

    def __init__(
        self,
        live: Callable[..., Picture],
        *,
        controls: Mapping[str, Control],
        photograph: str,
        longest: int,
    ) -> None:
        self.live, self.photograph, self.longest = live, photograph, longest
        self.upload = widgets.FileUpload(accept="image/*", description="your picture")
        self.controls = [
            widgets.FloatSlider(value, min=0, max=1, step=0.05, description=name)
            if isinstance(value, float)
            else widgets.Dropdown(options=list(value), description=name)
            for name, value in controls.items()
        ]
        self.answer = widgets.HTML()
        for control in (self.upload, *self.controls):
            control.observe(lambda _: self.draw(), "value")
        self.draw()
        row = widgets.HBox([self.upload, *self.controls])
        self.widget = widgets.VBox([row, self.answer]).add_class("tutorial-live")

    @torch.no_grad()
    def draw(self) -> None:
        """Show what the network makes of the picture."""
        try:
            # ipywidgets 7, which Colab has, keeps the files in a dict.
            value = self.upload.value
            files = list(value.values() if isinstance(value, dict) else value)
            image = embedded(self.photograph)
            if files:
                image = read_image(io.BytesIO(bytes(files[-1]["content"])))
            height, width = image.shape[-2:]
            if (longer := max(height, width)) > self.longest:
                size = [max(1, round(side * self.longest / longer)) for side in (height, width)]
                image = imresize(image, size=(size[0], size[1])).clamp(0, 1)
            shown = self.live(image, *(control.value for control in self.controls))
            self.answer.value = shown.html
        except ValueError as error:
            self.answer.value = escape(str(error))
