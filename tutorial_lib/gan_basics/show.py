"""Pictures and sliders that only the chapter *GAN basics* has."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown
from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.data.faces import face_credits
from tutorial_lib.gan_basics.draw import SEEN, draw_view, drawn_size, svg_image
from tutorial_lib.gan_basics.experiments import RATES, ROUNDS, SLIDER_LOSSES, slider_game
from tutorial_lib.gan_basics.faces_training import wall_name
from tutorial_lib.gan_basics.game import jensen_shannon, optimal_discriminator, value
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS, Mixture
from tutorial_lib.gan_basics.plane_training import recorded_steps, recorded_views
from tutorial_lib.gan_basics.seeds import seed_curves
from tutorial_lib.gan_basics.views import View, discriminator_gap
from tutorial_lib.show.curves import curves, figure
from tutorial_lib.show.pictures import MAX_OUTPUT_BYTES, Picture, caption_html, required_alt
from tutorial_lib.show.sliders import FrameGrid, FrameSlider
from tutorial_lib.show.style import style

# ---------------------------------------------------------------------- views of a game


def view_picture(
    view: View,
    mixture: Mixture,
    *,
    alt: str,
    optimal: bool = True,
    layers: Collection[str] = SEEN,
    before: Tensor | None = None,
) -> Picture:
    """Draw the plane for a page: `draw_view` as an image with a text.

    Parameters
    ----------
    view, mixture, optimal, layers, before
        As in `draw_view`.
    alt : str
        What there is to see.

    Returns
    -------
    Picture
        As wide as its place.
    """
    svg = draw_view(view, mixture, optimal=optimal, layers=layers, before=before)
    alt = required_alt(alt)
    return Picture(svg_image(svg, alt=alt, size=drawn_size(optimal=optimal)), alt)


def gallery(pictures: Mapping[str, Picture], *, alt: str, width: int = 200) -> Picture:
    """Show pictures side by side under their names; rows fold where the page is narrow.

    Parameters
    ----------
    pictures : mapping of str to Picture
        By name.
    alt : str
        What there is to see.
    width : int
        Of each, at most and about, in CSS pixels.

    Returns
    -------
    Picture
        To be the last expression of a cell.
    """
    cells = "".join(
        f'<figure style="margin:0;padding:0">{picture.html}{caption_html(name)}</figure>'
        for name, picture in pictures.items()
    )
    tracks = f"repeat(auto-fit,minmax(min(45%,{width}px),{width}px))"
    style = f"display:grid;gap:10px;grid-template-columns:{tracks}"
    return Picture(
        f'<div role="group" aria-label="{escape(alt)}" style="{style}">{cells}</div>', alt
    )


def round_slider(before: View, judged: View, after: View, mixture: Mixture) -> FrameSlider:
    """One round of the game, move by move.

    Parameters
    ----------
    before, judged, after : View
        Before the round, after the discriminator's step, and after the generator's.
    mixture : Mixture
        The data.

    Returns
    -------
    FrameSlider
        Five frames. Arrows are eight times as long as elsewhere, to be seen.
    """
    judged = replace(judged, arrows=8 * judged.arrows)
    moved = replace(judged, samples=after.samples)  # the ground is still that of D's last answer
    points = ("real", "generated")
    moves: dict[str, tuple[View, Collection[str], Tensor | None]] = {
        "1. Fakes among real samples": (before, points, None),
        "2. What D thinks of the plane": (before, ("ground", *points), None),
        "3. D has taken one step": (judged, ("ground", *points), None),
        "4. The pull of G's loss on its fakes": (judged, ("ground", "generated", "pull"), None),
        "5. G has taken one step": (moved, ("ground", *points), judged.samples[:64]),
    }
    return FrameSlider(
        [
            view_picture(view, mixture, alt=name, optimal=False, layers=layers, before=start)
            for name, (view, layers, start) in moves.items()
        ],
        labels=list(moves),
        description="move",
        alt="One round of the game on the moons, move by move.",
        width=400,
    )


# ---------------------------------------------------------------------- theory


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


def distance_slider(distances: Sequence[float], *, width: float = 0.8) -> FrameSlider:
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


def inpage_game() -> Picture:
    """The place of the game that the published page plays by itself, without a kernel."""
    alt = "In the published book a button stands here, and the game is played in the page."
    words = "Play the game in this page (loads 70 kB)"
    attributes = f'class="tutorial-inpage" data-demo="gan_basics" data-words="{words}"'
    return Picture(f"<div {attributes}><p>{alt}</p></div>", alt)


# ---------------------------------------------------------------------- recorded games


def band(
    record: ledger.Record,
    measure: str,
    games: Sequence[str],
    *,
    ylabel: str,
    alt: str,
    title: str | None = None,
    max_bytes: int = MAX_OUTPUT_BYTES,
) -> Picture:
    """One measure of some games over training, each with the band of its seeds.

    Parameters
    ----------
    record : Record
        Of an experiment in the plane.
    measure, games
        As in :func:`tutorial_lib.gan_basics.seeds.seed_curves`.
    ylabel, alt, title, max_bytes
        As in :func:`tutorial_lib.show.curves`.
    """
    return curves(
        {game: seed_curves(record, measure, game) for game in games},
        xlabel="step",
        ylabel=ylabel,
        title=title,
        alt=alt,
        max_bytes=max_bytes,
    )


def recordings_slider(
    records: Mapping[str, ledger.Record], games: Sequence[str], *, without: Collection[int] = ()
) -> FrameGrid:
    """What was kept of some games on several distributions: D beside D*, over training.

    Parameters
    ----------
    records : mapping of str to Record
        Distribution → record.
    games : sequence of str
        Which games of each.
    without : collection of int
        Steps that are left out.
    """
    first = next(iter(records.values()))
    steps = [step for step in recorded_steps(first) if step not in without]
    mixtures = {name: DISTRIBUTIONS[name]() for name in records}
    kept = {
        (name, step): recorded_views(record, step)
        for name, record in records.items()
        for step in steps
    }

    def label(at: tuple[str, str, int]) -> str:
        name, game, step = at
        view = kept[name, step][game]
        gap = discriminator_gap(view, mixtures[name])
        return f"{name}, {game}, step {step}: JSD {view.divergence:.2f}, gap |D − D*| {gap:.2f}"

    def picture(at: tuple[str, str, int]) -> Picture:
        name, game, step = at
        return view_picture(kept[name, step][game], mixtures[name], alt=label(at))

    table = [[[(name, game, step) for step in steps] for game in games] for name in records]
    return FrameGrid(
        _each(picture, table),
        labels=_each(label, table),
        descriptions=("distribution", "loss", "step"),
        start=(0, 0, -1),
        alt="The learned discriminator (left) and the best one (right) with real and generated "
        "points.",
        caption=f"{first.device}; {first.steps} steps.",
        width=560,
    )


def knobs_slider(record: ledger.Record) -> FrameGrid:
    """How the games of ``gan_basics/sliders_ring`` ended, with a slider for each of four knobs."""
    last = recorded_steps(record)[-1]
    views, mixture = recorded_views(record, last), DISTRIBUTIONS["ring"]()

    def label(game: str) -> str:
        modes, quality = (record.metric(game, key, "median") for key in ("modes", "quality"))
        return f"{game}: {modes:.0f} modes, {quality:.0%} high quality"

    def picture(game: str) -> Picture:
        return view_picture(views[game], mixture, alt=label(game), optimal=False)

    table = [
        [[[slider_game(loss, rounds, d, g) for g in RATES] for d in RATES] for rounds in ROUNDS]
        for loss in SLIDER_LOSSES
    ]
    return FrameGrid(
        _each(picture, table),
        labels=_each(label, table),
        descriptions=("loss", "steps of D per G", "rate of D", "rate of G"),
        start=(0, 0, 1, 1),
        alt="The learned discriminator and the samples at the end of a game with these settings.",
        caption=f"Seed 0 after {last} steps of G. A Wasserstein critic's score is no probability: "
        "its colours are the score, standardised.",
        width=400,
    )


def remedies_slider(record: ledger.Record, *, without: Collection[int] = ()) -> FrameGrid:
    """The games of ``gan_basics/collapse`` over training, but for some steps."""
    steps = [step for step in recorded_steps(record) if step not in without]
    kept = {step: recorded_views(record, step) for step in steps}
    mixture = DISTRIBUTIONS[record.config["distribution"]]()

    def label(at: tuple[str, int]) -> str:
        game, step = at
        return f"{game}: step {step}"

    def picture(at: tuple[str, int]) -> Picture:
        game, step = at
        return view_picture(kept[step][game], mixture, alt=label(at), optimal=False)

    table = [[(game["name"], step) for step in steps] for game in record.config["games"]]
    return FrameGrid(
        _each(picture, table),
        labels=_each(label, table),
        descriptions=("remedy", "step"),
        start=(0, -1),
        alt="Samples and discriminator on the ring: collapsed to one place, or spread over all "
        "modes.",
        width=400,
    )


def _each(function: Callable[[Any], Any], table: list[Any]) -> list[Any]:
    """Apply a function to every entry of a nested list."""
    return [
        _each(function, entry) if isinstance(entry, list) else function(entry) for entry in table
    ]


# ---------------------------------------------------------------------- faces


def artists() -> Markdown:
    """The artists of the cartoon faces and their licences, as a list with links."""
    linked = re.sub(r"(: |by |, )([^(,\n]+) \((http[^)]+)\)", r"\1[\2](\3)", face_credits())
    return Markdown("\n".join(f"- {line}" for line in linked.splitlines()))


def wall_slider(record: ledger.Record) -> FrameSlider:
    """All the walls of faces that a run has kept, as they were stored.

    Parameters
    ----------
    record : Record
        Of a training on faces.
    """
    moments, (distances, *_) = seed_curves(record, "kernel distance")
    at = {int(step): distance for step, distance in zip(moments, distances, strict=True)}
    return FrameSlider(
        [record.artefact(wall_name(step)) for step in at],
        labels=[f"step {step}: kernel distance {distance:.3g}" for step, distance in at.items()],
        start=-1,
        play=True,
        alt=f"32 generated faces of {record.config['size']} pixels through training.",
        caption=f"{record.device}, {record.steps} steps, {record.seconds / 60:.0f} minutes; "
        f"seeds: {record.config['seeds']}.",
        width=512,
    )
