"""A game in the plane to play with while it runs: needs a kernel.

Used in the chapter *GAN basics*.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets
import torch

from tutorial_lib.gan_basics.draw import LAYERS, SEEN, draw_pair, draw_view
from tutorial_lib.gan_basics.game import gan_step
from tutorial_lib.gan_basics.losses import LOSSES
from tutorial_lib.gan_basics.measures import coverage, good_level
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS, NORMAL, SMILE, Mixture, Mlps, Noise, drawn
from tutorial_lib.gan_basics.views import View, look

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "Adam": partial(torch.optim.Adam, betas=(0.5, 0.9)),
    "gradient descent": torch.optim.SGD,
}
"""How the players may move."""

NOISES = {
    "two normal numbers": NORMAL,
    "two uniform numbers": Noise(uniform=True),
    "one normal number": Noise(1),
    "one uniform number": Noise(1, uniform=True),
}
"""What the generator may start from."""

OWN = "your drawing"
"""The distribution that the reader draws."""


class LiveGame:
    """One game in the plane that can be changed while it is played.

    Parameters
    ----------
    mixture : Mixture or str
        The data, or their name in :data:`tutorial_lib.gan_basics.plane.DISTRIBUTIONS`.
    loss : str
        One of :data:`tutorial_lib.gan_basics.losses.LOSSES`.
    seed : int
        Of the players' weights.
    hidden, layers : int
        Units of each hidden layer, and how many such layers either player has.
    noise : Noise
        What the generator starts from.
    optimizer : str
        One of `OPTIMIZERS`.

    Attributes
    ----------
    loss : str
        May be changed between rounds, as may `rounds` and, by `set_rates`, the learning rates.
    rounds : int
        Updates of the discriminator for each of the generator.
    done : int
        Updates of the generator so far.
    losses : dict of str to float
        Each player's last loss, as soon as it has moved.
    """

    def __init__(
        self,
        mixture: Mixture | str = "ring",
        *,
        loss: str = "non-saturating",
        seed: int = 0,
        hidden: int = 64,
        layers: int = 2,
        noise: Noise = NORMAL,
        optimizer: str = "Adam",
    ) -> None:
        self.mixture = DISTRIBUTIONS[mixture]() if isinstance(mixture, str) else mixture
        self.level = good_level(self.mixture)
        self.loss, self.rounds, self.done, self.noise = loss, 1, 0, noise
        self.losses: dict[str, float] = {}
        self.generator = Mlps([seed], inputs=noise.axes, outputs=2, hidden=hidden, layers=layers)
        self.discriminator = Mlps([1000 + seed], outputs=1, hidden=hidden, layers=layers)
        self.optimizers = {
            name: OPTIMIZERS[optimizer](player.parameters(), lr=1e-3)
            for name, player in (
                ("generator", self.generator),
                ("discriminator", self.discriminator),
            )
        }
        self.source = torch.Generator().manual_seed(seed)

    def set_rates(self, **rates: float) -> None:
        """Change learning rates: ``set_rates(generator=1e-2)``."""
        for player, rate in rates.items():
            for group in self.optimizers[player].param_groups:
                group["lr"] = rate

    def play(self, *, discriminator: bool = True, generator: bool = True, batch: int = 128) -> None:
        """One round, or only one player's part of it."""
        turns = self.rounds if discriminator else 0
        found = gan_step(
            self.generator,
            self.discriminator,
            self.optimizers["generator"],
            self.optimizers["discriminator"],
            [self.mixture.sample(1, batch, generator=self.source) for _ in range(turns)],
            [self.noise.sample(1, batch, generator=self.source) for _ in range(turns + generator)],
            losses=LOSSES[self.loss],
        )
        self.losses |= {player: loss.item() for player, loss in found.items()}
        self.done += generator

    def view(self) -> View:
        """What there is to see now; coarser than a recording, and so fast enough to run along."""
        return look(
            self.generator,
            self.discriminator,
            self.mixture,
            losses=LOSSES[self.loss],
            noise=self.noise,
            size=32,
            samples=1500,
            arrows=64,
        )[0]

    def picture(self, *, layers: Collection[str] = SEEN) -> str:
        """Draw the present state on the learned discriminator as an SVG image."""
        return draw_view(self.view(), self.mixture, layers=layers)

    def describe(self) -> str:
        """Modes covered and high-quality samples, in a line."""
        with torch.no_grad():
            made = self.generator(self.noise.sample(1, 1000, generator=self.source))[0]
        modes, quality = coverage(made, self.mixture, level=self.level)
        return f"modes {modes} of {len(self.mixture.modes)}, high quality {100 * quality:.0f} %"


def sparkline(series: Mapping[str, Sequence[float]], *, low: float, high: float, name: str) -> str:
    """Draw numbers over time as a small inline SVG, the newest at the right.

    Parameters
    ----------
    series : mapping of str to sequence of float
        CSS colour → values; at most 200 of them are looked at.
    low, high : float
        Range of the vertical axis; values outside are drawn at its ends.
    name : str
        What they are, with the range.

    Returns
    -------
    str
        HTML.
    """
    lines = ""
    for colour, values in series.items():
        heights = [
            44 - 42 * min(max((value - low) / (high - low), 0.0), 1.0)
            for value in values
            if value == value
        ][-200:]
        path = " ".join(f"{x},{y:.1f}" for x, y in enumerate(heights, 200 - len(heights)))
        lines += f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    return (
        f'<span style="display:inline-block;margin-right:1em">{escape(name)}<br><svg role="img" '
        f'aria-label="{escape(name)}" width="200" height="46" style="background:#8882">{lines}'
        "</svg></span>"
    )


_ALT = "the plane with real and generated points over a discriminator's heat map."

_STYLE = "<style>.tutorial-live textarea{font-family:monospace;line-height:1.2}</style>"


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

        def choice(name: str, options: Collection[Any], value: Any = None) -> widgets.Dropdown:
            options = list(options)
            return widgets.Dropdown(
                options=options, value=value or options[0], description=name,
                style=names, layout=wide,
            )  # fmt: skip

        def button(name: str) -> widgets.Button:
            return widgets.Button(description=name, layout=widgets.Layout(width="auto"))

        self.distribution = choice("distribution", [*DISTRIBUTIONS, OWN])
        self.drawing = widgets.Textarea(
            SMILE.strip("\n"), rows=8, description="each mark is a mode", style=names, layout=wide
        )
        self.loss = choice("loss", LOSSES)
        self.discriminator_rate = rate("learning rate of D")
        self.generator_rate = rate("learning rate of G")
        self.rounds = widgets.IntSlider(
            1, min=1, max=10, description="steps of D per G", style=names, layout=wide
        )
        self.noise = choice("noise", NOISES)
        self.hidden = choice("units a layer", (8, 16, 32, 64, 128), 64)
        self.layers = choice("hidden layers", (1, 2, 3), 2)
        self.optimizer = choice("optimiser", OPTIMIZERS)
        self.shown = {
            layer: widgets.Checkbox(
                layer in SEEN, description=layer, indent=False, layout=widgets.Layout(width="auto")
            )
            for layer in LAYERS
        }
        self.start, self.round, self.only_d, self.only_g, self.again = map(
            button, ("start", "one round", "only D", "only G", "reset")
        )
        self.image, self.status = widgets.HTML(layout=wide), widgets.HTML(layout=wide)
        self._task: asyncio.Task[None] | None = None

        self.start.on_click(lambda _: self._toggle())
        self.round.on_click(lambda _: self._move())
        self.only_d.on_click(lambda _: self._move(generator=False))
        self.only_g.on_click(lambda _: self._move(discriminator=False))
        self.again.on_click(lambda _: self._reset())
        for control in (self.distribution, self.drawing, self.noise, self.hidden, self.layers,
                        self.optimizer):  # fmt: skip
            control.observe(lambda _: self._reset(), "value")
        for control in (self.loss, self.discriminator_rate, self.generator_rate, self.rounds):
            control.observe(lambda _: self._set(), "value")
        for control in self.shown.values():
            control.observe(lambda _: self._draw(), "value")
        self._reset()
        row = widgets.Layout(flex_flow="row wrap")
        self.widget = widgets.VBox(
            [
                self.image,
                self.status,
                widgets.HBox(
                    [self.start, self.round, self.only_d, self.only_g, self.again], layout=row
                ),
                widgets.HBox(list(self.shown.values()), layout=row),
                self.distribution,
                self.drawing,
                self.loss,
                self.rounds,
                self.discriminator_rate,
                self.generator_rate,
                self.noise,
                self.hidden,
                self.layers,
                self.optimizer,
                widgets.HTML(_STYLE),
            ]
        ).add_class("tutorial-live")

    def _reset(self) -> None:
        """Begin anew, with players and data as the controls say."""
        own = self.distribution.value == OWN
        self.drawing.layout.display = None if own else "none"
        try:
            mixture = drawn(self.drawing.value) if own else DISTRIBUTIONS[self.distribution.value]()
        except ValueError as error:
            self.status.value = escape(str(error))
            return
        self.game = LiveGame(
            mixture,
            seed=self.seed,
            hidden=self.hidden.value,
            layers=self.layers.value,
            noise=NOISES[self.noise.value],
            optimizer=self.optimizer.value,
        )
        self.history: dict[str, deque[float]] = {
            name: deque(maxlen=200) for name in ("divergence", "discriminator", "generator")
        }
        self._set()
        self._draw()

    def _set(self) -> None:
        """Take over what the sliders say; the game goes on from where it is."""
        self.game.loss, self.game.rounds = self.loss.value, self.rounds.value
        self.game.set_rates(
            generator=self.generator_rate.value, discriminator=self.discriminator_rate.value
        )

    def _move(self, **parts: bool) -> None:
        self.game.play(**parts)
        self._draw()

    def _draw(self, speed: str = "") -> None:
        view = self.game.view()
        layers = [layer for layer, box in self.shown.items() if box.value]
        self.image.value = draw_pair(view, self.game.mixture, alt=_ALT, layers=layers)
        for name, value in (("divergence", view.divergence), *self.game.losses.items()):
            self.history[name].append(value)
        losses = {"#0072B2": self.history["discriminator"], "#D55E00": self.history["generator"]}
        self.status.value = (
            f"round {self.game.done}: {self.game.describe()}{speed}<br>"
            + sparkline(
                {"#009E73": self.history["divergence"]},
                low=0, high=0.7, name=f"JSD of both, blurred: {view.divergence:.2f}, 0 to 0.7",
            )
            + sparkline(losses, low=-2, high=4, name="losses of D (blue) and G (red), −2 to 4")
        )  # fmt: skip

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
        speed = ""
        while True:
            began, before = time.perf_counter(), self.game.done
            while time.perf_counter() - began < budget:
                self.game.play()
            self._draw(speed)
            await asyncio.sleep(0.005)
            rate = (self.game.done - before) / (time.perf_counter() - began)
            speed = f", {rate:.0f} rounds/s"

    def _repr_mimebundle_(self, **options: object) -> dict[str, object]:
        return self.widget._repr_mimebundle_(**options)
