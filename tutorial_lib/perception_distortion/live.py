"""The chapter's networks on any square of a photograph: needs a kernel.

Used in the chapter *Perception and distortion*.
"""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets
import torch
from torch import Tensor

from tutorial_lib.data import embedded, low_resolution
from tutorial_lib.metrics import PIRM, rmse
from tutorial_lib.show import grid
from tutorial_lib.srgan import Generator
from tutorial_lib.srgan.training import recorded_generator


class CoefficientPanel:
    """A square of a photograph through the network of a coefficient: needs a kernel.

    Parameters
    ----------
    networks : mapping of str to str
        What the slider says → the experiment whose record holds the weights.
    side : int
        Of the square in pixels, a multiple of four.

    Attributes
    ----------
    widget : ipywidgets.VBox
        The controls and the picture.
    """

    PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")

    def __init__(self, networks: Mapping[str, str], *, side: int = 192) -> None:
        self._names, self._side = dict(networks), side
        self._loaded: dict[str, Generator] = {}
        style = {"description_width": "7em"}
        wide = widgets.Layout(width="90%")
        self.coefficient = widgets.SelectionSlider(
            options=list(networks), description="coefficient", style=style, layout=wide
        )
        self.photograph = widgets.Dropdown(
            options=self.PHOTOGRAPHS, description="photograph", style=style, layout=wide
        )
        self.down, self.right = (
            widgets.IntSlider(
                at, 0, 100, description=name, continuous_update=False, style=style, layout=wide
            )
            for name, at in (("down", 20), ("right", 40))
        )
        self.output = widgets.HTML()
        controls = [self.coefficient, self.photograph, self.down, self.right]
        for control in controls:
            control.observe(lambda _: self._draw(), "value")
        self._draw()
        self.widget = widgets.VBox([*controls, self.output]).add_class("tutorial-live")

    def _square(self) -> Tensor:
        image = embedded(self.photograph.value)
        height, width = image.shape[-2:]
        top = (height - self._side) * self.down.value // 100
        left = (width - self._side) * self.right.value // 100
        return image[..., top : top + self._side, left : left + self._side]

    @torch.no_grad()
    def _draw(self) -> None:
        chosen = self.coefficient.value
        if chosen not in self._loaded:
            self._loaded[chosen] = recorded_generator(self._names[chosen])
        real = self._square()
        made = self._loaded[chosen](low_resolution(real)).clamp(0, 1)
        error = rmse(made, real, protocol=PIRM).item()
        self.output.value = grid(
            {f"{chosen}: RMSE {error:.1f}": made, "photograph": real},
            alt="A square of a photograph, restored and as it is.",
        ).html

    def _repr_mimebundle_(self, **options: object) -> dict[str, object]:
        return self.widget._repr_mimebundle_(**options)
