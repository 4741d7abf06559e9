"""Recorded games in the plane, shown: sliders over their views, and curves with their seeds' bands.

Used in the chapter *GAN basics*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.gan_basics.draw import SEEN, draw_net, draw_pair, draw_view, svg_image
from tutorial_lib.gan_basics.optimum_training import IN_THE_GAME
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS, NORMAL, Mixture
from tutorial_lib.gan_basics.seeds import seed_curves
from tutorial_lib.gan_basics.stored import recorded_steps, recorded_views
from tutorial_lib.gan_basics.views import View
from tutorial_lib.show.curves import curves
from tutorial_lib.show.pictures import MAX_OUTPUT_BYTES, Picture, required_alt
from tutorial_lib.show.sliders import FrameGrid, FrameSlider


def view_picture(
    view: View,
    mixture: Mixture,
    *,
    alt: str,
    layers: Collection[str] = SEEN,
    before: Tensor | None = None,
) -> Picture:
    """Draw the plane for a page: `draw_view` as an image with a text.

    Parameters
    ----------
    view, mixture, layers, before
        As in `draw_view`.
    alt : str
        What there is to see.

    Returns
    -------
    Picture
        As wide as its place.
    """
    svg = draw_view(view, mixture, layers=layers, before=before)
    return Picture(svg_image(svg, alt=required_alt(alt)), alt)


def pair_picture(view: View, mixture: Mixture, *, alt: str) -> Picture:
    """Draw the learned discriminator beside the best one, or above it where the page is narrow."""
    return Picture(draw_pair(view, mixture, alt=required_alt(alt)), alt)


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


def recordings_slider(records: Mapping[str, ledger.Record], games: Sequence[str]) -> FrameGrid:
    """What was kept of some games on several distributions: D beside D*, over training.

    Parameters
    ----------
    records : mapping of str to Record
        Distribution → record.
    games : sequence of str
        Which games of each.
    """
    kept_by = [set(recorded_steps(record)) for record in records.values()]
    steps = sorted(set.intersection(*kept_by))
    mixtures = {name: DISTRIBUTIONS[name]() for name in records}
    kept = {
        (name, step): recorded_views(record, step)
        for name, record in records.items()
        for step in steps
    }

    def label(at: tuple[str, str, int]) -> str:
        name, game, step = at
        jsd, gap, coin = (
            recorded_number(records[name], measure, game, step)
            for measure in ("divergence", "gap", "coin")
        )
        return (
            f"{name}, {game}, step {step}: JSD {jsd:.2f}; from D* D is {gap:.2f} away, "
            f"a coin {coin:.2f}"
        )

    def picture(at: tuple[str, str, int]) -> Picture:
        name, game, step = at
        return pair_picture(kept[name, step][game], mixtures[name], alt=label(at))

    table = [[[(name, game, step) for step in steps] for game in games] for name in records]
    return FrameGrid(
        each(picture, table),
        labels=each(label, table),
        descriptions=("data", "loss", "step"),
        start=(0, 0, -1),
        alt="The learned discriminator (left) and the best one (right) with real and generated "
        "points.",
        width=560,
    )


def recorded_number(record: ledger.Record, measure: str, game: str, step: int) -> float:
    """What a measure of a game's first seed was after so many steps."""
    steps, values = seed_curves(record, measure, game)
    return values[0][steps.index(step)]


def theory_curves(
    record: ledger.Record, game: str, *, title: str, max_bytes: int = MAX_OUTPUT_BYTES
) -> Picture:
    """V(D, G) over training under the value of the best D, with the bands of all seeds.

    Parameters
    ----------
    record : Record
        Of an experiment in the plane that was measured in detail.
    game, title, max_bytes
        As in `band`.
    """
    steps, divergence = seed_curves(record, "divergence", game)
    best = [[2 * number - math.log(4) for number in seed] for seed in divergence]
    return curves(
        {"V(D, G)": seed_curves(record, "value", game), "2 JSD − log 4": (steps, best)},
        xlabel="step",
        ylabel="nats",
        title=title,
        references={"−log 4: a coin against a perfect G": -math.log(4)},
        alt=f"{title}: V stays below twice the divergence less log 4 in all seeds, and far below "
        "it.",
        max_bytes=max_bytes,
    )


def remedies_slider(record: ledger.Record) -> FrameGrid:
    """What was kept of all games of a record over training, but for the start.

    Parameters
    ----------
    record : Record
        Such as that of ``gan_basics/collapse``.
    """
    steps = [step for step in recorded_steps(record) if step]
    kept = {step: recorded_views(record, step) for step in steps}
    mixture = DISTRIBUTIONS[record.config["distribution"]]()

    def label(at: tuple[str, int]) -> str:
        game, step = at
        modes = recorded_number(record, "modes", game, step)
        quality = recorded_number(record, "quality", game, step)
        return f"{game}, step {step}: {modes:.0f} modes, {quality:.0%} high quality"

    def picture(at: tuple[str, int]) -> Picture:
        game, step = at
        return view_picture(kept[step][game], mixture, alt=label(at))

    table = [[(game["name"], step) for step in steps] for game in record.config["games"]]
    return FrameGrid(
        each(picture, table),
        labels=each(label, table),
        descriptions=("game", "step"),
        start=(0, -1),
        alt="Samples and discriminator on the ring.",
        width=400,
    )


def bands_slider(
    record: ledger.Record, groups: Mapping[str, Sequence[str]], *, description: str
) -> FrameSlider:
    """Modes against steps for groups of games, each game with the band of its seeds.

    Parameters
    ----------
    record : Record
        Of games on the ring.
    groups : mapping of str to sequence of str
        Title → games of one frame.
    description : str
        The slider's name.
    """
    return FrameSlider(
        [
            band(record, "modes", games, ylabel="modes covered, of 8", title=title, alt=title)
            for title, games in groups.items()
        ],
        labels=list(groups),
        description=description,
        alt="Modes covered over training, with bands of five seeds.",
    )


def optimum_slider(record: ledger.Record) -> FrameGrid:
    """Discriminators that are trained to convergence, beside the best one, over their steps."""
    steps = recorded_steps(record)
    kept = {step: recorded_views(record, step) for step in steps}
    mixture = DISTRIBUTIONS[record.config["distribution"]]()
    judges = [judge["name"] for judge in record.config["judges"]]

    def label(at: tuple[str, int]) -> str:
        judge, step = at
        gap = recorded_number(record, "gap", judge, step)
        return f"{judge}, step {step}: mean of |D − D*| {gap:.2f}"

    def picture(at: tuple[str, int]) -> Picture:
        judge, step = at
        return pair_picture(kept[step][judge], mixture, alt=label(at))

    table = [[(judge, step) for step in steps] for judge in judges]
    return FrameGrid(
        each(picture, table),
        labels=each(label, table),
        descriptions=("size of D", "step of D alone"),
        start=(len(judges) - 1, -1),
        alt="The generator rests, and the discriminator comes to look like the best one.",
        width=560,
    )


def optimum_curves(record: ledger.Record) -> Picture:
    """Distance from D* over training against a generator at rest, with a coin's for comparison."""
    judges = [judge["name"] for judge in record.config["judges"]]
    return curves(
        {judge: seed_curves(record, "gap", judge) for judge in judges},
        xlabel="step of D alone",
        ylabel="mean of |D − D*|",
        references={
            "a coin (median)": record.metric(IN_THE_GAME, "coin", "median"),
            "D as the game left it (median)": record.metric(IN_THE_GAME, "gap", "median"),
        },
        alt="The distance from the best discriminator falls far below a coin's once G rests.",
    )


def manifold_slider(records: Mapping[str, ledger.Record], game: str) -> FrameGrid:
    """The net over the noise on its way from z to x = G(z), at the end of several recordings.

    Parameters
    ----------
    records : mapping of str to Record
        Distribution → record.
    game : str
        Which game of each.
    """
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)

    def nets(name: str) -> tuple[Tensor, Tensor]:
        record = records[name]
        end = recorded_views(record, record.steps)[game].mesh
        return NORMAL.net(len(end)).view_as(end), end

    ends = {name: nets(name) for name in records}
    # Share of the noise in each cell: the net's lines are equally far apart in z.
    nodes = len(next(iter(ends.values()))[0])
    cuts = torch.special.ndtr(torch.linspace(-1.96, 1.96, nodes)).diff()

    def label(at: tuple[str, float]) -> str:
        name, share = at
        if share in (0, 1):
            return f"{name}: {'where G puts it, x = G(z)' if share else 'the noise z'}"
        return f"{name}: {share:.0%} of the way from z to x"

    def picture(at: tuple[str, float]) -> Picture:
        name, share = at
        mesh = torch.lerp(*ends[name], share)
        svg = draw_net(mesh, DISTRIBUTIONS[name](), weight=cuts[:, None] * cuts)
        return Picture(svg_image(svg, alt=label(at)), label(at))

    table = [[(name, share) for share in shares] for name in records]
    return FrameGrid(
        each(picture, table),
        labels=each(label, table),
        descriptions=("data", "from z to x"),
        start=(0, -1),
        alt="A net over the noise is bent and stretched until it lies on the data.",
        width=400,
    )


def each(function: Callable[[Any], Any], table: list[Any]) -> list[Any]:
    """Apply a function to every entry of a nested list."""
    return [
        each(function, entry) if isinstance(entry, list) else function(entry) for entry in table
    ]
