"""Pictures and sliders that only the chapter *GAN basics* has."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from html import escape

from IPython.display import Markdown
from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.data.faces import face_credits
from tutorial_lib.gan_basics.experiments import RATES, ROUNDS, SLIDER_LOSSES, slider_game
from tutorial_lib.gan_basics.faces_training import wall_name
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS, Mixture
from tutorial_lib.gan_basics.seeds import seed_curves
from tutorial_lib.gan_basics.show.recordings import each, view_picture
from tutorial_lib.gan_basics.stored import recorded_steps, recorded_views
from tutorial_lib.gan_basics.views import View
from tutorial_lib.show.pictures import Picture, caption_html
from tutorial_lib.show.sliders import FrameGrid, FrameSlider

# ---------------------------------------------------------------------- views of a game


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
            view_picture(view, mixture, alt=name, layers=layers, before=start)
            for name, (view, layers, start) in moves.items()
        ],
        labels=list(moves),
        description="move",
        alt="One round of the game on the moons, move by move.",
        width=400,
    )


# ---------------------------------------------------------------------- in the page


def inpage_game() -> Picture:
    """The place of the game that the published page plays by itself, without a kernel."""
    alt = "In the published book a button stands here, and the game is played in the page."
    words = "Play the game in this page (loads 80 kB)"
    attributes = f'class="tutorial-inpage" data-demo="gan_basics" data-words="{words}"'
    return Picture(f"<div {attributes}><p>{alt}</p></div>", alt)


# ---------------------------------------------------------------------- recorded games


def knobs_slider(record: ledger.Record) -> FrameGrid:
    """How the games of ``gan_basics/sliders_ring`` ended, with a slider for each of four knobs."""
    last = recorded_steps(record)[-1]
    views, mixture = recorded_views(record, last), DISTRIBUTIONS["ring"]()

    def label(game: str) -> str:
        modes, quality = (record.metric(game, key, "median") for key in ("modes", "quality"))
        return f"{game}: {modes:.0f} modes, {quality:.0%} high quality"

    def picture(game: str) -> Picture:
        return view_picture(views[game], mixture, alt=label(game))

    table = [
        [[[slider_game(loss, rounds, d, g) for g in RATES] for d in RATES] for rounds in ROUNDS]
        for loss in SLIDER_LOSSES
    ]
    return FrameGrid(
        each(picture, table),
        labels=each(label, table),
        descriptions=("loss", "D's steps a step of G", "rate of D", "rate of G"),
        start=(0, 0, 1, 1),
        alt="The learned discriminator and the samples at the end of a game with these settings.",
        caption=f"Seed 0 after {last} steps of G. A Wasserstein critic's score is no probability: "
        "its colours are the score, standardised.",
        width=400,
    )


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
