"""Pictures of the theory in the chapter *GAN basics*: nothing in them is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from tutorial_lib.gan_basics.dirac import dirac_field, dirac_flow, dirac_orbit
from tutorial_lib.gan_basics.game import jensen_shannon, optimal_discriminator, value
from tutorial_lib.gan_basics.losses import non_saturating_loss, saturating_loss
from tutorial_lib.show.curves import curves, figure
from tutorial_lib.show.pictures import Picture
from tutorial_lib.show.sliders import FrameSlider
from tutorial_lib.show.style import COLOURS, style


def game_diagram() -> Picture:
    """Who hands what to whom: noise, G, fakes and real data, D, the value, and the two slopes."""
    boxes = (
        (2.3, 2.6, 1.3, 1.0, "G", "#fbe3cf"),
        (6.2, 1.5, 1.3, 1.2, "D", "#dbe9f6"),
        (9.2, 1.5, 1.9, 1.2, "V(D, G)", "#f0f0f0"),
    )
    dark, blue, orange = "#24292f", "#0072B2", "#D55E00"
    arrows: tuple[tuple[tuple[float, float], tuple[float, float], str, str, float], ...] = (
        ((1.35, 3.1), (2.3, 3.1), dark, "-", 0.0),
        ((3.6, 3.1), (6.2, 2.4), dark, "-", 0.0),
        ((3.8, 0.95), (6.2, 1.8), dark, "-", 0.0),
        ((7.5, 2.1), (9.2, 2.1), dark, "-", 0.0),
        ((9.9, 1.5), (7.0, 1.5), blue, "--", -0.4),
        ((10.1, 2.7), (3.0, 3.6), orange, "--", 0.28),
    )
    texts = (
        (0.15, 2.95, "noise z"),
        (4.5, 3.1, "fake G(z)"),
        (1.1, 0.75, "real x, from data"),
        (7.6, 2.3, "P(real)"),
    )
    with style():
        drawing, axes = plt.subplots(figsize=(7, 2.9))
    for left, bottom, width, height, name, colour in boxes:
        axes.add_patch(plt.Rectangle((left, bottom), width, height, fc=colour, ec=dark))
        middle = (left + width / 2, bottom + height / 2)
        axes.text(*middle, name, ha="center", va="center", fontsize=15)
    for start, end, colour, line, bend in arrows:
        shape: dict[str, Any] = {"arrowstyle": "->", "color": colour, "ls": line, "lw": 1.8}
        axes.annotate("", end, start, arrowprops=shape | {"connectionstyle": f"arc3,rad={bend}"})
    for x, y, text in texts:
        axes.text(x, y, text, fontsize=12)
    axes.text(8.6, 0.45, "D moves up the slope", color=blue, fontsize=12, ha="center")
    through = "G moves down the slope, through D"
    axes.text(6.6, 4.75, through, color="#B34700", fontsize=12, ha="center")
    axes.set(xlim=(0.1, 11.3), ylim=(0.2, 5.2))
    axes.axis("off")
    return figure(
        drawing,
        alt="Noise goes through G and becomes a fake; fakes and real data go into D, whose answers "
        "make up V. The slope of V moves D up and, back through D, G down.",
    )


def distance_slider(distances: Sequence[float], *, width: float = 1.0) -> FrameSlider:
    """Two bell curves drift apart, and with them the best discriminator and the divergence.

    Parameters
    ----------
    distances : sequence of float
        Between the means of data and generator, a frame each.
    width : float
        Standard deviation of either.
    """
    axis = torch.linspace(-8, 8, 801, dtype=torch.float64)
    cell = (axis[1] - axis[0]).item()
    log_p = torch.distributions.Normal(-2.0, width).log_prob(axis)
    frames, labels = [], []
    for shift in distances:
        log_q = torch.distributions.Normal(-2.0 + shift, width).log_prob(axis)
        p, q = log_p.exp(), log_q.exp()
        v = value(p, q, log_p - log_q, cell=cell).item()
        divergence = jensen_shannon(p, q, cell=cell).item()
        drawn = {"data p": p, "generator q": q, "best D": optimal_discriminator(log_p, log_q)}
        frames.append(
            curves(
                {name: (axis, values) for name, values in drawn.items()},
                xlabel="x",
                ylabel="density; probability",
                alt=f"Two bell curves {shift} apart, and the best discriminator between them.",
            )
        )
        labels.append(
            f"distance {shift}: V(D*, G) = {v:z.3f}, JSD = {divergence:.3f} of at most 0.693"
        )
    return FrameSlider(
        frames,
        labels=labels,
        start=2,
        description="distance",
        alt="Densities of data and generator, and the best discriminator.",
        caption="All three curves are computed, none is drawn by hand.",
    )


def slopes_picture() -> Picture:
    """How hard either loss of the generator pulls on a sample, by what D says of it."""
    logits = torch.linspace(-8, 8, 161, requires_grad=True)
    pulls = {}
    for name, loss in (("log(1 − D)", saturating_loss), ("−log D", non_saturating_loss)):
        (slope,) = torch.autograd.grad(len(logits) * loss(logits), logits)
        pulls[name] = (logits.detach(), -slope)
    return curves(
        pulls,
        xlabel="logit of D on a fake",
        ylabel="pull on the fake",
        alt="The pull of log(1 − D) dies where D is sure of a fake, that of −log D where D is "
        "fooled.",
    )


DIRAC_RATE, DIRAC_ROUNDS = 0.2, 120
"""Learning rate and rounds of the orbits that the page shows."""

DIRAC_ORBITS: dict[str, dict[str, Any]] = {
    "both at once": {"alternating": False},
    "in turn": {"alternating": True},
    "in turn, R1 of 0.3": {"alternating": True, "r1": 0.3},
}
"""How the smallest GAN is played on the page."""

_START = torch.tensor([1.0, 0.0])


def dirac_slider() -> FrameSlider:
    """The field of the smallest GAN, its orbits by steps, and the closed form of small steps."""
    frames, labels = [], []
    for name, how in DIRAC_ORBITS.items():
        orbit = dirac_orbit(_START, rate=DIRAC_RATE, steps=DIRAC_ROUNDS, **how)
        r1 = how.get("r1", 0.0)
        frames.append(_dirac_picture(orbit, r1=r1, title=name))
        distance = orbit.norm(dim=-1)
        labels.append(
            f"{name}: from distance {distance[0]:.2f} to {distance[-1]:.2f} in {DIRAC_ROUNDS} "
            f"rounds, rate {DIRAC_RATE}"
        )
    return FrameSlider(
        frames,
        labels=labels,
        description="how they move",
        alt="Arrows turn about the solution; the orbit of steps beside the closed form.",
        width=460,
    )


def _dirac_picture(orbit: torch.Tensor, *, r1: float, title: str) -> Picture:
    times = torch.linspace(0, DIRAC_RATE * DIRAC_ROUNDS, 400)
    flow = dirac_flow(_START, times, r1=r1)
    axis = torch.linspace(-2, 2, 13)
    theta, psi = torch.meshgrid(axis, axis, indexing="xy")
    across, up = dirac_field(torch.stack([theta, psi], dim=-1), r1=r1).unbind(-1)
    with style():
        drawing = Figure(figsize=(4.8, 5.0))
        axes = drawing.add_subplot()
        axes.quiver(theta, psi, across, up, color="#999999", angles="xy", width=0.004)
        axes.plot(*flow.T, color=COLOURS[0], linestyle="--", label="small steps, closed form")
        axes.plot(*orbit.T, color=COLOURS[1], marker="o", markersize=3, lw=1, label="the run")
        axes.plot(0, 0, marker="*", color="black", markersize=12, linestyle="", label="solution")
        axes.set(xlabel="θ, where the fakes are", ylabel="ψ, the slope of D", title=title)
        axes.set(xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), aspect="equal")
        drawing.legend(loc="outside lower center", ncols=1)
    return figure(drawing, alt=f"{title}: arrows turn clockwise about the origin.")
