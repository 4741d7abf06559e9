"""What the article on interpolation between networks found, and how the records answer."""

from __future__ import annotations

import itertools

from tutorial_lib import ledger
from tutorial_lib.dni.conditions import PAIRS
from tutorial_lib.experiment import Claim, Reader

COEFFICIENTS = ("0", "1e-4", "3e-4", "1e-3", "3e-3", "1e-2")
"""Weights of the adversarial loss that the chapter on the trade-off trained a network with."""

TITLES = {"set5": "Set5", "set14": "Set14", "bsd100": "BSD100"}
"""Test sets as papers write them."""


def _continuous(read: Reader) -> str:
    record = read("dni/path")
    errors = record.metrics["shown"]["baboon"]["interpolated rmse"]
    steps = [b - a for a, b in itertools.pairwise(errors)]
    return (
        f"baboon: RMSE {errors[0]:.2f} at α = 0, {errors[-1]:.2f} at α = 1; from one stop to the "
        f"next it changes by {min(steps):+.2f} to {max(steps):+.2f}"
    )


def _trade_off(read: Reader) -> str:
    record = read("dni/path")
    alphas, parts = record.metrics["alphas"], []
    for group in record.config["test_sets"]:
        found = record.metrics[group]
        errors, scores = found["interpolated rmse"], found["interpolated niqe"]
        best = min(range(len(scores)), key=scores.__getitem__)
        rising = sum(b > a for a, b in itertools.pairwise(errors))
        parts.append(
            f"{TITLES.get(group, group)} ({found['pictures']} pictures): "
            f"RMSE {errors[0]:.2f} → {errors[-1]:.2f}, rising at {rising} of "
            f"{len(errors) - 1} stops; NIQE {scores[0]:.2f} → {scores[-1]:.2f}, "
            f"least at α = {alphas[best]:g} ({scores[best]:.2f})"
        )
    return "; ".join(parts)


def niqe_at(record: ledger.Record, group: str, error: float, *, method: str) -> float | None:
    """NIQE where a walk has a given RMSE, on straight lines between stops; None if nowhere."""
    found = record.metrics[group]
    stops = list(zip(found[f"{method} rmse"], found[f"{method} niqe"], strict=True))
    for (a, low), (b, high) in itertools.pairwise(stops):
        if min(a, b) <= error <= max(a, b) and a != b:
            return low + (high - low) * (error - a) / (b - a)
    return None


def trained_places(read: Reader) -> dict[str, tuple[float, float]]:
    """Where the networks that were trained for it stand on Set14: coefficient → (RMSE, NIQE)."""
    records = {c: read(f"perception_distortion/adv_{c}") for c in COEFFICIENTS}
    return {
        coefficient: (record.metric("set14", "rmse"), record.metric("set14", "niqe"))
        for coefficient, record in records.items()
    }


def _instead_of_training(read: Reader) -> str:
    walk, parts = read("dni/sweep"), []
    for coefficient, (error, score) in trained_places(read).items():
        between = niqe_at(walk, "set14", error, method="interpolated")
        if between is not None:
            parts.append(
                f"{coefficient}: RMSE {error:.2f}, trained {score:.2f}, path {between:.2f}"
            )
    return "NIQE on Set14 at equal RMSE, by the coefficient that was trained: " + "; ".join(parts)


def _from_scratch(read: Reader) -> str:
    record, parts = read("dni/conditions"), []
    middle = len(record.metrics["alphas"]) // 2
    for pair in PAIRS:
        found = record.metrics[pair]
        decibels = found["interpolated"]
        parts.append(
            f"{pair}: {decibels[0]:.2f} and {decibels[-1]:.2f} dB at the ends, "
            f"{decibels[middle]:.2f} dB halfway (cosine of the weights {found['cosine']:.2f})"
        )
    return f"Set5, {record.steps:,} steps each: " + "; ".join(parts)


def _places(read: Reader) -> str:
    found = read("dni/filters").metrics
    return (
        f"two runs at one noise: mean correlation {found['in the same place']['run 2']:.2f} in the "
        f"same place, {found['best match']['run 2']:.2f} when each filter is paired with its like "
        f"({found['best match']['run 2, shuffled']:.2f} if the numbers in each are shuffled first)"
    )


def _carried_on(read: Reader) -> str:
    found = read("dni/filters").metrics
    values = [
        f"{n} {v:.2f}" for n, v in found["in the same place"].items() if n.startswith("noise")
    ]
    return "correlation in the same place with the run they began from: " + ", ".join(values)


def _between(read: Reader) -> str:
    found = read("dni/filters").metrics
    alike = found["interpolated, with the learned"]["noise 40"]
    learned, between = (found[f"{way} for the noise"]["40"] for way in ("trained", "interpolated"))
    ends = [found[f"trained for the {end}"]["40"] for end in ("least", "most")]
    return (
        f"halfway between noise 20 and 60: correlation {alike:.3f} with the filters trained for "
        f"40; PSNR at noise 40: {between:.2f} dB interpolated, {learned:.2f} dB trained for it "
        f"({ends[0]:.2f} and {ends[1]:.2f} dB by the two ends)"
    )


def _three(read: Reader) -> str:
    found = read("dni/triangle").metrics
    errors = {tuple(w): e for w, e in zip(found["weights"], found["rmse"], strict=True)}
    corners = [errors[w] for w in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    inside = [error for weights, error in errors.items() if 0 not in weights]
    return (
        f"baboon: RMSE {', '.join(f'{e:.2f}' for e in corners)} at the corners, "
        f"{min(inside):.2f} to {max(inside):.2f} at {len(inside)} means of all three"
    )


CLAIMS = (
    Claim(
        "averaging the weights of two networks turns the picture of the one continuously into that "
        "of the other",
        _continuous,
        verdict="agrees",
    ),
    Claim(
        "with ESRGAN's networks, texture and RMSE grow with α and NIQE falls: the trade-off is "
        "crossed nicely",
        _trade_off,
        verdict="in part",
    ),
    Claim(
        "this is a simple substitute for training anew with every coefficient of the adversarial "
        "loss",
        _instead_of_training,
        verdict="in part",
    ),
    Claim(
        "the networks must be fine-tuned from common weights: trained from scratch, each filter's "
        "role falls by chance",
        _from_scratch,
        verdict="agrees",
    ),
    Claim("two denoisers from scratch learn similar filters in different places", _places),
    Claim(
        "one carried on from another has similar filters in the same places",
        _carried_on,
        verdict="agrees",
    ),
    Claim(
        "interpolated filters come close to those that training at the noise between learns",
        _between,
    ),
    Claim("three networks or more will do, if the weights sum to one", _three, verdict="agrees"),
)
"""What the article found, and how the records answer."""
