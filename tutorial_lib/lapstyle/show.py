"""An equaliser for pictures, live. Used in the chapter *LapStyle*."""

from __future__ import annotations

import base64
import io

import ipywidgets as widgets
from PIL import Image
from torch import Tensor

from tutorial_lib.data import to_uint8
from tutorial_lib.lapstyle.pyramid import Form, laplacian_pyramid, reconstruct

_ALT = "The picture with its bands as loud as the sliders say."


class EqualiserPanel:
    """A picture with a slider for each band of its pyramid: needs a kernel.

    The picture is taken apart once; a move of a slider only puts it together again.

    Parameters
    ----------
    image : Tensor
        Shape (1, 3, H, W), range [0, 1].
    levels : int
        Bands of detail.
    form : {"classic", "bilinear"}
        As in :func:`tutorial_lib.lapstyle.pyramid.reduce`.

    Attributes
    ----------
    gains : list of ipywidgets.FloatSlider
        The finest band first, and last that of what is left.
    widget : ipywidgets.VBox
        The picture and the sliders.

    Raises
    ------
    ValueError
        If `image` is not one colour picture.
    """

    def __init__(self, image: Tensor, *, levels: int, form: Form) -> None:
        if image.ndim != 4 or image.shape[:2] != (1, 3):
            raise ValueError(f"one picture of shape (1, 3, H, W) is needed, got {image.shape}")
        self.image, self.form = image, form
        # About mid-grey, so that a picture without its last layer is grey and not black.
        self._bands = laplacian_pyramid(image - 0.5, levels=levels, form=form)
        wide = widgets.Layout(width="100%", max_width="520px")
        self.gains = [
            widgets.FloatSlider(
                1, min=0, max=4, step=0.1, description=name, layout=wide,
                style={"description_width": "9em"},
            )
            for name in layer_names(levels)
        ]  # fmt: skip
        self.reset = widgets.Button(description="all to 1")
        self.shown = widgets.HTML(layout=wide)
        for slider in self.gains:
            slider.observe(lambda _: self._draw(), "value")
        self.reset.on_click(lambda _: self._reset())
        self._draw()
        self.widget = widgets.VBox([self.shown, *self.gains, self.reset]).add_class("tutorial-live")

    def picture(self) -> Tensor:
        """Put the picture together as the sliders say; may leave the range [0, 1]."""
        bands = [slider.value * band for slider, band in zip(self.gains, self._bands, strict=True)]
        return reconstruct(bands, form=self.form) + 0.5

    def _reset(self) -> None:
        for slider in self.gains:
            slider.value = 1

    def _draw(self) -> None:
        file = io.BytesIO()
        pixels = to_uint8(self.picture())[0].permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(file, "jpeg", quality=88)
        height, width = self.image.shape[-2:]
        self.shown.value = (
            f'<img alt="{_ALT}" width="{width}" height="{height}" decoding="sync" '
            'style="max-width:100%;height:auto" '
            f'src="data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}">'
        )

    def _repr_mimebundle_(self, **options: object) -> dict[str, object]:
        return self.widget._repr_mimebundle_(**options)


def layer_names(levels: int) -> list[str]:
    """Name the layers of a Laplacian pyramid.

    Parameters
    ----------
    levels : int
        Bands of detail, 0 or more.

    Returns
    -------
    list of str
        ``levels + 1`` names, the finest first.

    Examples
    --------
    >>> layer_names(2)
    ['L0, finest', 'L1', 'G2, what is left']
    """
    bands = [f"L{level}, finest" if level == 0 else f"L{level}" for level in range(levels)]
    return [*bands, f"G{levels}, what is left"]
