"""Numbers of several games and seeds: how they are named, summed up, and read from a record."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tutorial_lib import ledger


def curve_name(measure: str, *, game: str = "", seed: int | None = None) -> str:
    """Name of one curve in a record: what is measured, in which game, of which seed.

    Parameters
    ----------
    measure : str
        Such as "modes" or "generator loss".
    game : str
        The game's name, if an experiment plays several.
    seed : int, optional
        The seed, if there are several.

    Examples
    --------
    >>> curve_name("modes", game="equal rates", seed=3)
    'modes, equal rates, seed 3'
    """
    parts = [measure, game, "" if seed is None else f"seed {seed}"]
    return ", ".join(part for part in parts if part)


def curve_names(measure: str, *, game: str = "", seeds: int) -> list[str]:
    """Names of one measure's curves for all seeds of a game, from seed 0."""
    return [curve_name(measure, game=game, seed=seed) for seed in range(seeds)]


def seed_curves(
    record: ledger.Record, measure: str, game: str = ""
) -> tuple[list[float], list[list[float]]]:
    """Curves of one measure for all seeds of one game.

    Parameters
    ----------
    record : Record
        Of an experiment in the plane, or of faces without a `game`.
    measure : str
        "modes", "quality", "divergence", or "kernel distance" of faces.
    game : str
        Name of the game.

    Returns
    -------
    steps : list of float
        (P,)
    values : list of lists of float
        (seeds, P)

    Raises
    ------
    KeyError
        If the record has no such curve.
    """
    names = curve_names(measure, game=game, seeds=record.config["seeds"])
    found = [record.curves[name] for name in names]
    return found[0]["step"], [curve["value"] for curve in found]


def over_seeds(values: Sequence[float]) -> dict[str, float]:
    """Sum up one number a seed as a record holds it.

    Examples
    --------
    >>> over_seeds([0.3, 0.1, 0.2])
    {'median': 0.2, 'lowest': 0.1, 'highest': 0.3}
    """
    ordered = torch.tensor(values, dtype=torch.float64)
    return {
        "median": round(ordered.median().item(), 5),
        "lowest": round(ordered.min().item(), 5),
        "highest": round(ordered.max().item(), 5),
    }


def in_words(record: ledger.Record, game: str, measure: str, *, percent: bool = False) -> str:
    """A measure's median and range over the seeds, such as "0.81 (0.74 to 0.85)"."""
    digits = "{:.0%}" if percent else "{:.0f}" if measure == "modes" else "{:.2f}"
    low, middle, high = (
        digits.format(record.metric(game, measure, key)) for key in ("lowest", "median", "highest")
    )
    return middle if low == high else f"{middle} ({low} to {high})"
