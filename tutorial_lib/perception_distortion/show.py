"""Pictures and sliders that only the chapter *Perception and distortion* has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from tutorial_lib.data import read_image
from tutorial_lib.ledger import Record
from tutorial_lib.perception_distortion.discrete import Array, Optimum
from tutorial_lib.perception_distortion.envelope import lower_envelope
from tutorial_lib.perception_distortion.gaussian import GaussianWorld
from tutorial_lib.perception_distortion.reading import (
    CONTENT,
    METHODS,
    TITLES,
    Records,
    picture_rmse,
    place,
    recorded_scores,
)
from tutorial_lib.perception_distortion.worlds import draw_texture, filtered
from tutorial_lib.show import FrameGrid, FrameSlider, Picture, figure, style

BLUE, RED, GREEN, SKY, GREY = "#0072B2", "#D55E00", "#009E73", "#56B4E9", "#dddddd"

SQUARES = {
    "baboon": ("set14", "baboon"),
    "zebra": ("set14", "zebra"),
    "statues": ("bsd100", "101085"),
}
"""The squares that every record keeps → the set and the picture that they are cut from."""

KINDS = {
    "sweep over λ": (RED, "o"),
    "other content losses": (GREEN, "s"),
    "known methods": (BLUE, "^"),
}
"""What points of the plane there are → colour and marker."""

# --------------------------------------------------------------------- along the bound


def scalar_bound(world: GaussianWorld, *, count: int = 400, seed: int = 1) -> FrameSlider:
    """Move along the bound of one number: a histogram of estimates, and the point on the bound.

    Parameters
    ----------
    world : GaussianWorld
        Of one component, of deviation one.
    count : int
        Estimates in the histogram.
    seed : int
        Of their numbers and noise.
    """
    source = torch.Generator().manual_seed(seed)
    x, n = torch.randn(2, count, generator=source, dtype=torch.float64)
    y = x + world.noise * n
    line = np.linspace(-3.6, 3.6, 200)
    natural = np.exp(-(line**2) / 2) / np.sqrt(2 * np.pi)
    reach = np.linspace(0, world.worst_perception, 60)
    cost = [world.distortion(p) for p in reach]

    frames, labels = [], []
    for share in np.linspace(0, 1, 9):
        estimate = world.restoring_gain(share) * y
        perception = (1 - share) * world.worst_perception
        with style():
            drawing, (above, below) = plt.subplots(2, 1, figsize=(4.8, 5))
            above.hist(
                estimate.numpy(), bins=np.linspace(-3.6, 3.6, 37).tolist(), density=True, color=SKY
            )
            above.plot(line, natural, color=RED, label="p of x")
            above.set(xlabel="estimate", ylabel="density", ylim=(0, 0.62), yticks=(0, 0.3, 0.6))
            above.legend(loc="upper right")
            below.fill_between(cost, 0, reach, color=GREY)
            below.axvspan(0.45, world.least_distortion, color=GREY)
            below.plot(cost, reach, color=BLUE)
            below.plot(world.distortion(perception), perception, "o", color=RED, markersize=9)
            below.set(xlim=(0.45, 0.65), ylim=(0, 0.34))
            below.set(xlabel="distortion: mean squared error", ylabel="perception: W₂")
            alt = "Estimates and the bound of the scalar world."
            frames.append(figure(drawing, alt=alt, max_bytes=60_000))
        labels.append(
            f"spread {estimate.std():.2f} (should be 1), squared error in these {count} draws "
            f"{(estimate - x).square().mean():.2f}, on the bound {world.distortion(perception):.2f}"
        )
    return FrameSlider(
        frames,
        labels=labels,
        alt="A histogram of estimates that widens as a point moves along the bound.",
        description="towards natural",
        play=True,
    )


def cloud_bound(world: GaussianWorld, *, seed: int = 8) -> FrameSlider:
    """Move along the bound of clouds: as seen, as estimated and as they are, and the point.

    Parameters
    ----------
    world : GaussianWorld
        As `texture_world` makes it.
    seed : int
        Of the picture and its noise.
    """
    truth, seen = draw_texture(world, generator=torch.Generator().manual_seed(seed))
    reach = np.linspace(0, world.worst_perception, 60)
    cost = [world.distortion(p) for p in reach]
    least = world.least_distortion

    frames, labels = [], []
    for share in np.linspace(0, 1, 7):
        made = filtered(seen, world.restoring_gain(share))
        perception = (1 - share) * world.worst_perception
        with style():
            drawing = plt.figure(figsize=(4.8, 5))
            parts = drawing.subplot_mosaic([["made", "true"], ["seen", "curve"]])
            titles = {"seen": "seen", "made": "estimate", "true": "truth"}
            for name, picture in (("seen", seen), ("made", made), ("true", truth)):
                # The same brightness for all: four standard deviations from black to white.
                light = (picture / 4 + 0.5).clamp(0, 1).numpy()
                parts[name].imshow(light, cmap="gray", vmin=0, vmax=1)
                parts[name].set_title(titles[name])
                parts[name].axis("off")
            axes = parts["curve"]
            axes.plot(np.array(cost) / least, reach, color=BLUE)
            at = world.distortion(perception) / least
            axes.plot(at, perception, "o", color=RED, markersize=9)
            axes.set(xlim=(0.95, 2), ylim=(0, 1.1 * world.worst_perception), xticks=(1, 1.5, 2))
            axes.set(xlabel="distortion / least", ylabel="perception: W₂")
            frames.append(figure(drawing, alt="Clouds and their bound.", max_bytes=90_000))
        labels.append(
            f"squared error of this picture {(made - truth).square().mean():.3f}, on the bound "
            f"{world.distortion(perception):.3f}"
        )
    return FrameSlider(
        frames,
        labels=labels,
        alt="Clouds as seen, as estimated and as they are, with the point on the bound.",
        description="towards natural",
        play=True,
    )


def level_bound(
    signal: Array, curve: Sequence[Optimum], *, stops: Sequence[int] = (0, 1, 3, 6, 10, 15, 20)
) -> FrameSlider:
    """Move along the bound of a few levels: how often each is answered, and the point.

    Parameters
    ----------
    signal : ndarray
        (levels,): how often each level is true.
    curve : sequence of Optimum
        From the least distortion on, until perception is perfect.
    stops : sequence of int
        Places in `curve` to show; that of the first perfect one is added.
    """
    end = next(k for k, best in enumerate(curve) if best.perception < 1e-9)
    least = curve[0].distortion
    levels = len(signal)

    frames, labels = [], []
    for k in (*stops, end):
        best = curve[k]
        with style():
            drawing, (above, below) = plt.subplots(2, 1, figsize=(4.8, 5))
            above.bar(range(levels), best.output, color=SKY, label="answers")
            around = np.arange(-1, levels + 1)
            above.step(around, [0, *signal, 0], where="mid", color=RED, label="truth")
            above.set(xlabel="level, from ink to paper", ylabel="probability", ylim=(0, 0.55))
            above.set(xlim=(-0.8, levels - 0.2), xticks=range(levels))
            above.legend(loc="upper left")
            below.plot([best.distortion for best in curve], [best.perception for best in curve])
            below.plot(best.distortion, best.perception, "o", color=RED, markersize=9)
            below.set(xlabel="distortion: mean squared error", ylabel="perception: TV")
            below.set(ylim=(0, None))
            alt = "Answers and the bound of the nine levels."
            frames.append(figure(drawing, alt=alt, max_bytes=60_000))
        answers, truths = (100 * p[3:6].sum() for p in (best.output, signal))
        labels.append(
            f"error {best.distortion / least:.2f} of the least; the best judge is right "
            f"{50 + 50 * best.perception:.0f} % of the time; levels 3 to 5 get "
            f"{answers:.0f} % of the answers (truth: {truths:.0f} %)"
        )
    return FrameSlider(
        frames,
        labels=labels,
        alt="How often each level is answered and is true, while a point moves along the bound.",
        description="towards natural",
        play=True,
    )


# --------------------------------------------------------------------------- pictures


def numbers(record: Record, name: str) -> str:
    """What was measured of the whole picture that a square is cut from, in words.

    Parameters
    ----------
    record : Record
        Of this chapter.
    name : str
        One of :data:`SQUARES`.
    """
    group, picture = SQUARES[name]
    error = picture_rmse(record, group)[picture]
    natural = recorded_scores(record, group, "niqe")[picture]
    return f"RMSE {error:.1f}, NIQE {natural:.1f}"


def square_grid(columns: Records) -> FrameGrid:
    """The recorded squares, with a slider over pictures and one over methods.

    Parameters
    ----------
    columns : mapping
        Title → record, from left to right.
    """
    return FrameGrid(
        [[record.artefact(f"{name}.webp") for record in columns.values()] for name in SQUARES],
        labels=[
            [f"{title}: {numbers(record, name)}" for title, record in columns.items()]
            for name in SQUARES
        ],
        descriptions=("picture", "coefficient"),
        alt="A square of a photograph as networks of growing adversarial coefficient make it.",
        caption="First slider: baboon, zebra, statues. Second: from SRResNet over the six "
        "coefficients to the photograph. RMSE: distance from the truth. NIQE: lower is more "
        "natural.",
        start=(0, 3),
        width=512,
    )


def page_slider(records: Records) -> FrameSlider:
    """The page of text above a photograph, with a slider over methods."""
    frames, labels = [], []
    for name, record in records.items():
        parts = [read_image(record.artefact(f"{part}.webp")) for part in ("page", "photograph")]
        frames.append(torch.cat(parts, dim=-2))
        found = record.metrics["page"]
        labels.append(
            f"{TITLES[name]}: {100 * found['read']:.0f} % of letters read, page's RMSE "
            f"{found['rmse']:.1f}; baboon: {numbers(record, 'baboon')}"
        )
    return FrameSlider(
        frames,
        labels=labels,
        alt="A page of text above a baboon's fur, both enlarged four times.",
        caption="From bicubic over SRResNet and the six coefficients to the true page and "
        "photograph.",
        description="operating point",
        start=1,
        play=True,
        interval=1200,
    )


# ------------------------------------------------------------------------------ plots


def feature_bars(deviations: Mapping[str, Tensor], *, alt: str) -> Picture:
    """Draw the 36 features of two pictures side by side.

    Parameters
    ----------
    deviations : mapping of str to Tensor
        Two names → (36,), in standard deviations.
    alt : str
        What there is to see.
    """
    with style():
        drawing, axes = plt.subplots(figsize=(4.8, 3.6))
        looks = zip((-0.2, 0.2), (BLUE, RED), deviations.items(), strict=True)
        for offset, colour, (name, heights) in looks:
            axes.bar(np.arange(1, 37) + offset, heights.numpy(), 0.4, color=colour, label=name)
        axes.axvline(18.5, color="#555555", linestyle=":")
        axes.set(xlabel="feature", ylabel="standard deviations", xticks=(1, 9, 18, 27, 36))
        axes.legend()
    return figure(drawing, alt=alt)


def plane(records: Records, group: str, *, title: str) -> Picture:
    """Draw the plane of perception and distortion, with lower envelopes.

    Parameters
    ----------
    records : mapping
        Short name → record, as in :data:`tutorial_lib.perception_distortion.reading.TITLES`.
    group : str
        "set14" or "bsd100".
    title : str
        The set's name.
    """
    places = {name: place(record, group) for name, record in records.items()}
    points = {name: (here["mse"][0], here["niqe"][0]) for name, here in places.items()}
    methods = [name for name in records if name != "photographs"]
    alike = [name for name in methods if name not in METHODS]
    with style():
        drawing, axes = plt.subplots(figsize=(4.8, 5))
        for name, here in places.items():
            _draw_place(axes, name, here)
        for inside, colour in ((alike, RED), (methods, "black")):
            best = [inside[k] for k in lower_envelope([points[name] for name in inside])]
            for a, b in pairwise(best):
                t = np.linspace(0, 1, 30)
                mixed = np.outer(1 - t, points[a]) + np.outer(t, points[b])
                axes.plot(np.sqrt(mixed[:, 0]), mixed[:, 1], "--", color=colour, linewidth=1)
        axes.set(xlabel="distortion: RMSE, grey levels", ylabel="perception: NIQE", title=title)
        for label, (colour, marker) in KINDS.items():
            axes.plot([], [], color=colour, marker=marker, linestyle="", label=label)
        drawing.legend(loc="outside lower center", ncols=1)
        on = ", ".join(TITLES[name] for name in best)
        return figure(
            drawing,
            alt=f"The plane for {title}: RMSE to the right, NIQE upwards, both better when small. "
            f"On the lower envelope, from left to right: {on}.",
        )


def _draw_place(axes: Axes, name: str, here: Mapping[str, tuple[float, float]]) -> None:
    """One point with its error bars; of the photographs, which have no error, a line."""
    (x, dx), (y, dy) = here["rmse"], here["niqe"]
    if name == "photographs":
        axes.axhline(y, color="#555555", linestyle=":", linewidth=1.5)
        across = axes.get_yaxis_transform()
        words = "photographs (RMSE 0)"
        axes.text(0.99, y, words, ha="right", va="bottom", fontsize=10, transform=across)
        return
    kind = "known methods" if name in METHODS else "sweep over λ"
    colour, marker = KINDS["other content losses" if name in CONTENT else kind]
    axes.errorbar(x, y, xerr=dx, yerr=dy, color=colour, marker=marker, elinewidth=0.8)
    if name not in CONTENT:
        left = name in ("brief", "srresnet")
        axes.annotate(
            TITLES[name],
            (x, y),
            (-7, -13) if left else (7, 5),
            textcoords="offset points",
            fontsize=10,
            color=colour,
            ha="right" if left else "left",
        )


def reading_curves(sweep: Records, *, bicubic: Record | None) -> Picture:
    """Draw letters read and NIQE against the coefficient.

    Parameters
    ----------
    sweep : mapping
        Coefficient → record.
    bicubic : Record or None
        Whose share of letters is drawn as a line.
    """
    position = range(len(sweep))
    with style():
        drawing, (above, below) = plt.subplots(2, 1, figsize=(4.8, 5), sharex=True)
        above.plot(position, [100 * r.metric("page", "read") for r in sweep.values()], "o-")
        above.set(ylabel="letters read, %")
        if bicubic is not None:
            share = 100 * bicubic.metric("page", "read")
            above.axhline(share, color="#555555", linestyle=":", label="bicubic")
            above.legend(fontsize=10)
        natural = [r.metric("bsd100", "niqe") for r in sweep.values()]
        below.plot(position, natural, "s-", color=RED)
        below.set(ylabel="NIQE, BSD100", xlabel="adversarial coefficient λ")
        below.set_xticks(list(position), list(sweep))
    return figure(
        drawing,
        alt="Above, the share of letters that can be read against the coefficient; below, NIQE on "
        "BSD100.",
    )
