"""A panel that mends the reader's own picture, where there is a kernel."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
from torch import Tensor

from tutorial_lib.coarse_to_fine.mending import mend
from tutorial_lib.coarse_to_fine.networks import CoarseToFine
from tutorial_lib.data import read_image
from tutorial_lib.show import Picture, grid


def mended(picture: Tensor, *, task: str, networks: dict[str, CoarseToFine]) -> Picture:
    """A picture spoiled, mended by networks, and as it was: see :func:`.mending.mend`."""
    return grid(
        mend(picture, task=task, networks=networks),
        columns=4,
        min_width=110,
        alt="A picture, spoiled, mended by the networks, and as it was.",
    )


def panel(networks: Mapping[str, dict[str, CoarseToFine]], *, picture: Tensor) -> widgets.VBox:
    """Choose a task and a picture, and see what all networks make of it.

    Parameters
    ----------
    networks : mapping of str to dict
        For each task its networks by name.
    picture : Tensor
        (1, 3, H, W), range [0, 1]: the one shown until the reader chooses another.
    """
    task = widgets.Dropdown(options=list(networks), description="task")
    upload = widgets.FileUpload(accept="image/*", description="your picture")
    answer = widgets.HTML()

    def redraw(_: Any = None) -> None:
        shown = picture
        try:
            # ipywidgets 7, which Colab has, keeps the files in a dict.
            files = upload.value.values() if isinstance(upload.value, dict) else upload.value
            for file in files:
                shown = read_image(io.BytesIO(file["content"]))
            answer.value = mended(shown, task=task.value, networks=networks[task.value]).html
        except ValueError as error:
            answer.value = str(error)

    for control in (task, upload):
        control.observe(redraw, "value")
    redraw()
    box = widgets.VBox([widgets.HBox([task, upload]), answer])
    box.add_class("tutorial-live")
    return box
