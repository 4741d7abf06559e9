"""What only this chapter shows: diagrams of its networks, and what their trainings left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib.coarse_to_fine import reading
from tutorial_lib.coarse_to_fine.frames import frame_name, kept_epochs, stage_end
from tutorial_lib.coarse_to_fine.networks import CoarseToFine, sizes
from tutorial_lib.coarse_to_fine.parts import Part, layout
from tutorial_lib.coarse_to_fine.pix2pixhd import LocalEnhancer, Residual
from tutorial_lib.coarse_to_fine.recipe import TRAININGS
from tutorial_lib.coarse_to_fine.schedule import enter, spans
from tutorial_lib.data import read_image
from tutorial_lib.ledger import Record
from tutorial_lib.show import FrameGrid, FrameSlider, Picture, curves, figure, grid, style
from tutorial_lib.show.boxes import EDGE, arrow, box

_LEARNS, _RESTS, _PICTURE = "#9cc4e8", "#e3e3e3", "#fff4d6"
# Where things stand from left to right: picture read, way down, way up, picture answered.
_READ, _DOWN, _UP, _ANSWER = 0.0, 1.75, 4.25, 6.0
_WIDE, _HIGH = 1.25, 0.62


def diagram(network: CoarseToFine, *, stage: int | None = None) -> Picture:
    """Draw the parts that a stage uses, each where it works.

    Rows are sizes, the largest on top. On the left the pictures that are read and the way down, on
    the right the way up and the answer. Blue parts learn, grey parts are frozen. Nothing is drawn
    from a plan: a picture is sent through the network, and what happens is watched.

    Parameters
    ----------
    network : CoarseToFine
        In the phase that is to be shown.
    stage : int, optional
        From 1; the last one if left out.

    Returns
    -------
    Picture
        To be the last expression of a cell, or a frame of a slider.
    """
    parts = layout(network, stage=stage)
    stages = max(part.level for part in parts)
    rows = len(network.sizes)
    with style():
        drawn, axes = plt.subplots(figsize=(5.4, 0.85 * rows + 0.35))
    for level in range(1, stages + 1):
        mine = {part.name: part for part in parts if part.level == level}
        above = next((p for p in parts if p.level == level + 1 and p.name == "down"), None)
        _row(axes, level, network.sizes[level - 1], mine, above)
    axes.set(xlim=(_READ - 0.75, _ANSWER + 0.75), ylim=(0.45, rows + 0.55))
    axes.axis("off")
    learning = sorted({part.level for part in parts if part.learns})
    names = ", ".join(f"{network.sizes[k - 1]}" for k in learning) or "none"
    skips = any(_skips(parts, level) for level in range(2, stages + 1))
    alt = (
        f"The network of stage {stages} as a U of {stages} rows, from {network.sizes[0]} to "
        f"{network.sizes[stages - 1]} pixels, {'with' if skips else 'without'} skip connections; "
        f"{sum(part.name == 'stem' for part in parts)} of them read the picture. The rows that "
        f"learn: {names} pixels."
    )
    return figure(drawn, alt=alt)


def diagrams(models: Mapping[str, CoarseToFine]) -> FrameGrid:
    """Draw networks in every phase of *train each*, to be chosen with two sliders.

    Parameters
    ----------
    models : mapping of str to CoarseToFine
        By name, all of one size; left in the last phase.
    """
    rows: list[list[Picture]] = []
    labels: list[list[str]] = []
    for words, network in models.items():
        rows.append([])
        labels.append([])
        stages = len(network.sizes)
        for _, now in spans(steps=5 * stages, stages=stages, each=True):
            enter(network, now)
            rows[-1].append(diagram(network, stage=now.stage))
            state = ": the new level alone" if now.frozen else ": all its levels"
            labels[-1].append(f"{words}, stage {now.stage}{state if now.stage > 1 else ''}")
    return FrameGrid(
        rows,
        labels=labels,
        descriptions=("model", "timetable"),
        alt="The coarse-to-fine network in a phase of its training:",
        start=(0, 3),
    )


def _skips(parts: list[Part], level: int) -> bool:
    mine = {part.name: part for part in parts if part.level == level}
    return mine["join"].entering[0] > mine["up"].leaving[0]


_box = partial(box, size=(_WIDE, _HIGH), fontsize=11)


def _row(axes: Any, y: int, side: int, parts: dict[str, Part], above: Part | None) -> None:
    """Draw a level; its number is its height."""
    join = parts["join"]
    colour = _LEARNS if join.learns else _RESTS
    source = parts.get("stem") or above
    assert source is not None
    if "stem" in parts:
        _box(axes, _READ, y, f"{side} × {side}", _PICTURE)
        arrow(axes, (_READ + _WIDE / 2, y), (_DOWN - _WIDE / 2, y))
    _box(axes, _DOWN, y, f"{source.leaving[0]} maps", colour)
    _box(axes, _UP, y, f"{join.leaving[0]} maps", colour)
    if "up" not in parts or join.entering[0] > parts["up"].leaving[0]:
        arrow(axes, (_DOWN + _WIDE / 2, y), (_UP - _WIDE / 2, y))
    if "down" in parts:
        arrow(axes, (_DOWN, y - _HIGH / 2), (_DOWN, y - 1 + _HIGH / 2))
        arrow(axes, (_UP, y - 1 + _HIGH / 2), (_UP, y - _HIGH / 2))
    if "head" in parts:
        _box(axes, _ANSWER, y, f"{side} × {side}", _PICTURE)
        arrow(axes, (_UP + _WIDE / 2, y), (_ANSWER - _WIDE / 2, y))


def at_size(images: Tensor, side: int) -> Tensor:
    """Pictures side by side at another height, (1, 3, side, W): averaged, or pixels repeated."""
    height = images.shape[-2]
    if height > side:
        return F.avg_pool2d(images, height // side)
    return images.repeat_interleave(side // height, -1).repeat_interleave(side // height, -2)


def strip(record: Record, name: str, *, side: int = 64) -> Tensor:
    """Read pictures side by side from a file of a record, (1, 3, side, W)."""
    return at_size(read_image(record.artefact(name)), side)


def given_and_wanted(record: Record, *, alt: str) -> Picture:
    """The eight test pictures as networks were given them, and as they were."""
    strips = {"given": strip(record, "spoiled.webp"), "wanted": strip(record, "true.webp")}
    return grid(strips, columns=1, min_width=300, alt=alt)


Box = tuple[int, int, int, int]
"""Left, top, width and height of what is shown enlarged, in pixels of the strip."""


def wall(records: Mapping[str, Record], epoch: int, *, zoom: Box | None = None) -> Picture:
    """The eight faces by several trainings after an epoch, each with its PSNR.

    Parameters
    ----------
    records : mapping of str to Record
        By the training's key in :data:`~tutorial_lib.coarse_to_fine.recipe.TRAININGS`.
    epoch : int
        One after which pictures were kept.
    zoom : tuple of int, optional
        A :data:`Box` that is shown enlarged below each row.
    """
    return grid(
        {TRAININGS[key][0]: strip(record, frame_name(epoch)) for key, record in records.items()},
        columns=1,
        min_width=300,
        captions=[
            f"{reading.mean_curve(record, 'val_psnr_top')[1][epoch]:.1f} dB"
            for record in records.values()
        ],
        alt=f"Eight faces by five trainings after epoch {epoch}.",
        zoom=zoom,
    )


def walls(
    records: Mapping[str, Record],
    moments: Sequence[int],
    *,
    max_bytes: int = 1_100_000,
    **words: str,
) -> FrameSlider:
    """The eight faces by several trainings, to be dragged through the epochs.

    Parameters
    ----------
    records : mapping of str to Record
        As in :func:`wall`.
    moments : sequence of int
        The epochs.
    max_bytes : int
        Limit for what the frames add to the notebook.
    **words
        `alt` and `caption` of the slider.
    """
    epochs = next(iter(records.values())).config["epochs"]
    return FrameSlider(
        [wall(records, epoch) for epoch in moments],
        labels=[f"epoch {epoch} of {epochs}" for epoch in moments],
        description="epoch",
        start=-1,
        play=True,
        max_bytes=max_bytes,
        **words,  # type: ignore[arg-type]
    )


def stage_ends(record: Record, *, faces: Sequence[int], alt: str) -> Picture:
    """Some faces, one below another: as answered at the end of every stage, and as they were."""
    stages = range(1, len(sizes(record.config["top"])) + 1)
    names = [*(frame_name(stage_end(record, stage)) for stage in stages), "true.webp"]
    columns = [strip(record, name, side=128) for name in names]
    rows = [torch.cat([c[..., 128 * k : 128 * (k + 1)] for c in columns], -1) for k in faces]
    return grid([torch.cat(rows, -2)], alt=alt)


def stage_answers(records: Mapping[str, Record]) -> FrameGrid:
    """All eight faces as given, answered and true at every stage's size, with two sliders.

    Parameters
    ----------
    records : mapping of str to Record
        Of trainings stage by stage, as in :func:`wall`.
    """
    rows: list[list[Picture]] = []
    labels: list[list[str]] = []
    for key, record in records.items():
        rows.append([])
        labels.append([])
        for stage, side in enumerate(sizes(record.config["top"]), 1):
            epoch = stage_end(record, stage)
            images = {
                "given": at_size(strip(record, "spoiled.webp", side=side), 64),
                "answered": strip(record, frame_name(epoch)),
                "wanted": at_size(strip(record, "true.webp", side=side), 64),
            }
            value = reading.mean_curve(record, "val_psnr")[1][epoch]
            label = (
                f"{TRAININGS[key][0]}, stage {stage} ({side} px, epoch {epoch}): {value:.1f} dB at "
                f"{side} px"
            )
            rows[-1].append(grid(images, columns=1, min_width=300, alt=f"Eight faces, {label}."))
            labels[-1].append(label)
    return FrameGrid(
        rows,
        labels=labels,
        descriptions=("model", "stage"),
        alt="Eight faces in grey, coloured by the network, and true:",
        start=(0, len(rows[0]) - 1),
    )


def endings(every: Record, each: Record, *, alt: str, zoom: Box | None = None) -> Picture:
    """The eight test pictures as given, at the end of two trainings, and as they were."""
    strips = {
        "given": strip(every, "spoiled.webp"),
        "all at once": strip(every, frame_name(kept_epochs(every)[-1])),
        "stage by stage": strip(each, frame_name(kept_epochs(each)[-1])),
        "wanted": strip(every, "true.webp"),
    }
    return grid(strips, columns=1, min_width=300, alt=alt, zoom=zoom)


def seed_bands(
    series: Mapping[str, tuple[Sequence[float], Sequence[Sequence[float]]]], **options: Any
) -> Picture:
    """Curves of the seeds' means, each in the band of its seeds.

    Parameters
    ----------
    series : mapping of str to (x, y)
        By name: `x` of P values, and P values for each seed.
    **options
        Of :func:`tutorial_lib.show.curves`.
    """
    values = {name: np.array(y) for name, (_, y) in series.items()}
    return curves(
        {name: (x, values[name].mean(0)) for name, (x, _) in series.items()},
        bands={name: (y.min(0), y.max(0)) for name, y in values.items()},
        **options,
    )


_ORDER = ("ctf_all", "unet", "ctf_each", "ctfae_all", "ctfae_each")
"""The two that are nearest to each other first: their lines then differ most."""


def psnr_curves(
    records: Mapping[str, Record],
    name: str,
    *,
    levels: Mapping[str, Mapping[str, float]] | None = None,
    **options: Any,
) -> Picture:
    """PSNR of several trainings over their epochs, between doing nothing and a perfect answer.

    Parameters
    ----------
    records : mapping of str to Record
        As in :func:`wall`.
    name : str
        A curve of the records.
    levels : mapping, optional
        The task's metrics in the record of ``coarse_to_fine/stages``. With "val_psnr_top" the line
        of doing nothing is the full picture's, with "val_psnr" each stage has its own.
    **options
        Of :func:`tutorial_lib.show.curves`.
    """
    series = {
        TRAININGS[key][0]: reading.seed_curves(records[key], name)
        for key in _ORDER
        if key in records
    }
    if levels is not None:
        each = next(record for record in records.values() if record.config["each"])
        top = f"{each.config['top']} px"
        if name == "val_psnr_top":
            options["references"] = {"doing nothing": levels[top]["nothing"]}
            x, y = reading.by_stage(each, levels, "perfect, enlarged")
            series["perfect answer, enlarged"] = (x, [y])
        else:
            x, y = reading.by_stage(each, levels, "nothing")
            series["doing nothing"] = (x, [y])
    return seed_bands(series, **options)


def nested(network: LocalEnhancer) -> Picture:
    """Draw pix2pixHD's generator: G1 on the half picture below, G2 on the whole one above."""
    inner = network.inner
    counts = [
        sum(isinstance(part, Residual) for part in parts)
        for parts in (inner.features, network.back)
    ]
    with style():
        drawn, axes = plt.subplots(figsize=(5.4, 2.3))
    rows = (
        (1, "picture / 2", "down", f"{counts[0]} residual\nblocks", "up", _LEARNS),
        (2, "picture", "front", f"{counts[1]} residual\nblocks", "up, answer", _PICTURE),
    )
    places = (0.0, 1.75, 3.7, 5.6)
    for y, *names, colour in rows:
        for x, text in zip(places, names, strict=True):
            _box(axes, x, y, text, colour)
        for left, right in pairwise(places):
            arrow(axes, (left + _WIDE / 2, y), (right - _WIDE / 2, y))
    plus = (places[1] + places[2]) / 2
    white = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": "none"}
    axes.text(plus, 2, "+", ha="center", va="center", fontsize=16, bbox=white)
    # G1's last features go up to the sum; its own answer is not asked for.
    axes.plot([places[3], places[3], plus], [1 + _HIGH / 2, 1.5, 1.5], color=EDGE, linewidth=1.2)
    arrow(axes, (plus, 1.5), (plus, 2 - 0.2))
    axes.set(xlim=(-0.75, 6.35), ylim=(0.5, 2.5))
    axes.axis("off")
    return figure(
        drawn,
        alt=f"pix2pixHD: G1 reads the half picture, goes down, through {counts[0]} residual "
        "blocks and up; its features are added to those of G2's front, which reads the whole "
        f"picture, and go through {counts[1]} residual blocks and up to the answer.",
    )
