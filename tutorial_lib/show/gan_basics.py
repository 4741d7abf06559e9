"""Games in the plane, drawn: as frames of a recording, and live while they are played.

Used in the chapter *GAN basics*.
"""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import Sequence
from html import escape

import ipywidgets as widgets
import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from tutorial_lib.gan_basics import DISTRIBUTIONS, LOSSES, Mixture, Mlps, RunwiseAdam, gan_step
from tutorial_lib.gan_measures import EXTENT, View, coverage, good_level, look
from tutorial_lib.show.sliders import MAX_STATE_BYTES, FrameLike, Frames

_FAKE, _EVEN, _REAL = (
    np.array(c, np.float32) for c in ((240, 160, 96), (252, 252, 250), (112, 176, 226))
)
_GAP = 8


def draw_view(
    view: View,
    mixture: Mixture,
    *,
    side: int = 300,
    optimal: bool = True,
    arrows: bool = True,
    mesh: bool = False,
) -> Image.Image:
    """Draw the plane: the learned discriminator, and beside it the best one.

    Blue ground is where the discriminator says "real", orange where it says "fake", white where
    it cannot tell. Blue dots are real data, dark red dots are generated, and on the left each
    arrow is the pull of the generator's loss on a sample, longer where it is stronger.

    Parameters
    ----------
    view : View
        What there is to see.
    mixture : Mixture
        The data, of which 256 samples are drawn.
    side : int
        Of each square, in pixels.
    optimal : bool
        Whether the second square, with D* = p / (p + q), is drawn.
    arrows : bool
        Whether the pull on the samples is drawn.
    mesh : bool
        Whether the generator's image of a square net over the noise is drawn.

    Returns
    -------
    PIL.Image.Image
        RGB, `side` high; two squares and a gap of 8 pixels wide, or one square.
    """
    real = _pixels(mixture.sample(256, generator=torch.Generator().manual_seed(3)), side)
    fake = _pixels(view.samples, side)
    pull = view.arrows.nan_to_num(0, 0, 0).numpy() * np.array([1, -1]) * (side / 60)
    length = np.linalg.norm(pull, axis=-1, keepdims=True)
    pull = pull * np.minimum(1, side / 7 / np.maximum(length, 1e-9))
    squares = []
    for heat in (view.learned, view.optimal) if optimal else (view.learned,):
        square = _heat(heat, side)
        draw = ImageDraw.Draw(square)
        if mesh and heat is view.learned:
            net = _pixels(view.mesh, side)
            for line in (*net, *net.swapaxes(0, 1)):
                draw.line([tuple(point) for point in line], fill=(110, 110, 110), width=1)
        for x, y in real:
            draw.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=(0, 60, 140))
        if arrows and heat is view.learned:
            for (x, y), (dx, dy) in zip(fake, pull, strict=False):
                if abs(dx) + abs(dy) > 1.5:
                    draw.line((x, y, x + dx, y + dy), fill=(60, 60, 60), width=1)
                    draw.ellipse((x + dx - 1, y + dy - 1, x + dx + 1, y + dy + 1), fill=(0, 0, 0))
        for x, y in fake:
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=(170, 40, 0), outline=(255, 235, 220))
        squares.append(square)
    whole = Image.new("RGB", (len(squares) * (side + _GAP) - _GAP, side), "white")
    for place, square in enumerate(squares):
        whole.paste(square, (place * (side + _GAP), 0))
    return whole


def view_bytes(image: Image.Image, *, quality: int = 80) -> bytes:
    """Encode a drawing as WebP, for the frames of a slider."""
    file = io.BytesIO()
    image.save(file, "webp", quality=quality, method=6)
    return file.getvalue()


def _pixels(points: Tensor, side: int) -> np.ndarray:
    # A game at too high a rate flies off to infinity and must not take the drawing with it.
    near = points.nan_to_num(nan=-99, posinf=99, neginf=-99).clamp(-99, 99)
    return (near.numpy() * np.array([1, -1]) + EXTENT) * (side / (2 * EXTENT))


def _heat(values: Tensor, side: int) -> Image.Image:
    share = values.nan_to_num(nan=0.5).numpy()[..., None]
    low = _FAKE + (_EVEN - _FAKE) * (2 * share)
    high = _EVEN + (_REAL - _EVEN) * (2 * share - 1)
    small = np.where(share < 0.5, low, high).clip(0, 255).astype(np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BILINEAR)


class FrameTable(Frames):
    """As many sliders as there are axes, over a table of recorded frames.

    As `FrameSlider`, with or without a kernel.

    Parameters
    ----------
    frames : sequence
        In row-major order: the last axis runs fastest.
    labels : sequence of str
        What stands below each frame.
    alt : str
        What the frames show, in a sentence.
    axes : mapping of str to int
        Name of each slider → number of its positions.
    start : sequence of int
        The position shown first, one number an axis.
    caption : str, optional
        Text below the sliders.
    width : int, optional
        Width of the frames in CSS pixels.
    max_bytes : int
        Limit for what the frames add to the notebook.
    """

    def __init__(
        self,
        frames: Sequence[FrameLike],
        *,
        labels: Sequence[str],
        alt: str,
        axes: dict[str, int],
        start: Sequence[int],
        caption: str | None = None,
        width: int | None = None,
        max_bytes: int = MAX_STATE_BYTES,
    ) -> None:
        super().__init__(
            frames,
            labels=labels,
            alt=alt,
            caption=caption,
            shape=tuple(axes.values()),
            descriptions=tuple(axes),
            start=tuple(start),
            interval=None,
            width=width,
            max_bytes=max_bytes,
        )


# -------------------------------------------------------------------------------- live


class LiveGame:
    """One game in the plane that can be changed while it is played.

    Parameters
    ----------
    distribution, loss : str
        Names in :data:`tutorial_lib.gan_basics.DISTRIBUTIONS` and ``LOSSES``.
    seed : int
        Of the players' weights.

    Attributes
    ----------
    loss : str
        May be changed between rounds, as may `rounds` and the two rates.
    rounds : int
        Updates of the discriminator for each of the generator.
    done : int
        Updates of the generator so far.
    """

    def __init__(self, distribution: str = "ring", *, loss: str = "non-saturating", seed: int = 0):
        self.mixture = DISTRIBUTIONS[distribution]()
        self.level = good_level(self.mixture)
        self.loss, self.rounds, self.done = loss, 1, 0
        self.generator = Mlps([seed], outputs=2)
        self.discriminator = Mlps([1000 + seed], outputs=1)
        self.rates = {"generator": torch.tensor([1e-3]), "discriminator": torch.tensor([1e-3])}
        self.optimizers = {
            name: RunwiseAdam(list(player.parameters()), self.rates[name])
            for name, player in (
                ("generator", self.generator),
                ("discriminator", self.discriminator),
            )
        }
        self.source = torch.Generator().manual_seed(seed)

    def play(self, *, discriminator: bool = True, generator: bool = True, batch: int = 128) -> None:
        """One round, or only one player's part of it."""
        turns = self.rounds if discriminator else 0
        noises = [torch.randn(1, batch, 2, generator=self.source) for _ in range(turns + generator)]
        gan_step(
            self.generator,
            self.discriminator,
            self.optimizers["generator"],
            self.optimizers["discriminator"],
            [self.mixture.sample(1, batch, generator=self.source) for _ in range(turns)],
            noises,
            losses=LOSSES[self.loss],
        )
        self.done += generator

    def view(self) -> View:
        """What there is to see now; coarser than a recording, and so fast enough to run along."""
        losses = LOSSES[self.loss]
        players = self.generator, self.discriminator
        return look(*players, self.mixture, losses=losses, size=32, samples=1500, arrows=64)[0]

    def picture(self, **options: bool) -> bytes:
        """Draw the present state as a JPEG file."""
        file = io.BytesIO()
        draw_view(self.view(), self.mixture, **options).save(file, "jpeg", quality=88)
        return file.getvalue()

    def describe(self) -> str:
        """Modes covered, high-quality samples and divergence, in a line."""
        with torch.no_grad():
            made = self.generator(torch.randn(1, 1000, 2, generator=self.source))[0]
        modes, quality = coverage(made, self.mixture, level=self.level)
        return f"modes {modes} of {len(self.mixture.modes)}, high quality {100 * quality:.0f} %"


_ALT = (
    "The plane with real and generated points over the discriminator's heat map, learned on the "
    "left and optimal on the right."
)


class GanPanel:
    """A game in the plane to play with: needs a kernel.

    Attributes
    ----------
    widget : ipywidgets.VBox
        Sliders, buttons and the picture.
    game : LiveGame
        What is being played.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        wide = widgets.Layout(width="100%", max_width="620px")
        names = {"description_width": "11em"}

        def rate(name: str) -> widgets.FloatLogSlider:
            return widgets.FloatLogSlider(
                1e-3, min=-5, max=-1, step=0.25, description=name, readout_format=".1e",
                style=names, layout=wide,
            )  # fmt: skip

        def choice(name: str, options: Sequence[str]) -> widgets.Dropdown:
            return widgets.Dropdown(options=options, description=name, style=names, layout=wide)

        def button(name: str) -> widgets.Button:
            return widgets.Button(description=name, layout=widgets.Layout(width="auto"))

        self.distribution = choice("distribution", list(DISTRIBUTIONS))
        self.loss = choice("loss", list(LOSSES))
        self.discriminator_rate = rate("learning rate of D")
        self.generator_rate = rate("learning rate of G")
        self.rounds = widgets.IntSlider(
            1, min=1, max=10, description="steps of D per G", style=names, layout=wide
        )
        self.arrows = widgets.Checkbox(True, description="pull on the samples", indent=False)
        self.mesh = widgets.Checkbox(False, description="net over the noise", indent=False)
        self.start, self.round, self.only_d, self.only_g, self.again = map(
            button, ("start", "one round", "only D", "only G", "reset")
        )
        self.image, self.status = widgets.HTML(layout=wide), widgets.HTML()
        self._task: asyncio.Task[None] | None = None

        self.start.on_click(lambda _: self._toggle())
        self.round.on_click(lambda _: self._move())
        self.only_d.on_click(lambda _: self._move(generator=False))
        self.only_g.on_click(lambda _: self._move(discriminator=False))
        self.again.on_click(lambda _: self._reset())
        self.distribution.observe(lambda _: self._reset(), "value")
        for control in (self.loss, self.discriminator_rate, self.generator_rate, self.rounds):
            control.observe(lambda _: self._set(), "value")
        for control in (self.arrows, self.mesh):
            control.observe(lambda _: self._draw(), "value")
        self._reset()
        self.widget = widgets.VBox(
            [
                self.image,
                self.status,
                self._row(self.start, self.round, self.only_d, self.only_g, self.again),
                self.distribution,
                self.loss,
                self.rounds,
                self.discriminator_rate,
                self.generator_rate,
                self._row(self.arrows, self.mesh),
            ]
        ).add_class("tutorial-live")

    @staticmethod
    def _row(*children: widgets.Widget) -> widgets.HBox:
        return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap"))

    def _reset(self) -> None:
        self.game = LiveGame(self.distribution.value, seed=self.seed)
        self._set()
        self._draw()

    def _set(self) -> None:
        """Take over what the sliders say; the game goes on from where it is."""
        self.game.loss, self.game.rounds = self.loss.value, self.rounds.value
        self.game.rates["generator"].fill_(self.generator_rate.value)
        self.game.rates["discriminator"].fill_(self.discriminator_rate.value)

    def _move(self, **parts: bool) -> None:
        self.game.play(**parts)
        self._draw()

    def _draw(self, speed: str = "") -> None:
        data = self.game.picture(arrows=self.arrows.value, mesh=self.mesh.value)
        self.image.value = (
            f'<img alt="{escape(_ALT)}" width="608" height="300" decoding="sync" style="max-width:'
            f'100%;height:auto" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
        )
        self.status.value = f"round {self.game.done}: {self.game.describe()}{speed}"

    def _toggle(self) -> None:
        if self._task is None:
            self._task = asyncio.get_event_loop().create_task(self._run())
            self.start.description = "pause"
        else:
            self._task.cancel()
            self._task = None
            self.start.description = "start"

    async def _run(self, *, budget: float = 0.03) -> None:
        """Play for `budget` seconds, draw, let the sliders speak, and so on."""
        while True:
            began, before = time.perf_counter(), self.game.done
            while time.perf_counter() - began < budget:
                self.game.play()
            self._draw()
            await asyncio.sleep(0.005)
            speed = (self.game.done - before) / (time.perf_counter() - began)
            self.status.value += f", {speed:.0f} rounds/s"

    def _repr_mimebundle_(self, **options: object) -> dict[str, object]:
        return self.widget._repr_mimebundle_(**options)
