"""What the mirrored articles found about the trade-off, and how the records answer."""

from __future__ import annotations

from itertools import pairwise

from tutorial_lib.experiment import Claim, Reader
from tutorial_lib.ledger import Record
from tutorial_lib.perception_distortion.reading import COEFFICIENTS, METHODS, best


def _read_sweep(read: Reader) -> dict[str, Record]:
    return {c: read(f"perception_distortion/adv_{c}") for c in COEFFICIENTS}


def _score_against_look(read: Reader) -> str:
    parts = []
    for name in ("srresnet", "srgan", "photographs"):
        record = read(f"perception_distortion/{name}")
        rmse_, niqe_ = (record.metric("bsd100", measure) for measure in ("rmse", "niqe"))
        parts.append(f"{METHODS[name]} RMSE {rmse_:.2f}, NIQE {niqe_:.2f}")
    return "BSD100: " + "; ".join(parts)


def _along_the_bound(read: Reader) -> str:
    points = [
        (c, r.metric("bsd100", "rmse"), r.metric("bsd100", "niqe"))
        for c, r in _read_sweep(read).items()
    ]
    listed = ", ".join(f"{c}: {rmse_:.2f} / {niqe_:.2f}" for c, rmse_, niqe_ in points)
    exchanges = sum(b[1] > a[1] and b[2] < a[2] for a, b in pairwise(points))
    return (
        f"RMSE / NIQE on BSD100 by coefficient: {listed}. From one coefficient to the next, "
        f"{exchanges} of {len(points) - 1} steps trade distortion for perception"
    )


def _best_points(read: Reader) -> str:
    sweep = _read_sweep(read)
    natural = best({c: -r.metric("bsd100", "niqe") for c, r in sweep.items()})
    legible = best({c: r.metric("page", "read") for c, r in sweep.items()})
    return (
        f"of the six coefficients, NIQE on BSD100 likes {' and '.join(natural)} best; most letters "
        f"of the page are read at {' and '.join(legible)}"
    )


def _page(read: Reader) -> str:
    read_shares = {c: r.metric("page", "read") for c, r in _read_sweep(read).items()}
    others = {
        name: read(f"perception_distortion/{name}").metric("page", "read")
        for name in ("bicubic", "srresnet", "srgan")
    }
    listed = ", ".join(f"{c}: {100 * share:.0f} %" for c, share in read_shares.items())
    beside = ", ".join(f"{METHODS[name]} {100 * share:.0f} %" for name, share in others.items())
    return f"letters read on our page, by coefficient: {listed}; {beside}"


def _range_for_reading(read: Reader) -> str:
    sweep = _read_sweep(read)
    without = sweep["0"].metric("page", "read")
    legible = best({c: sweep[c].metric("page", "read") for c in COEFFICIENTS[1:]})
    with_ = sweep[legible[0]].metric("page", "read")
    count = sweep["0"].metric("page", "letters")
    letters = round((with_ - without) * count)
    verdict = "as many letters as without an adversary"
    if letters:
        verdict = f"{abs(letters)} letters {'more' if letters > 0 else 'fewer'} than without one"
    named = " and ".join(legible)
    return f"the best coefficient above 0 for reading is {named}: of {count:.0f}, {verdict}"


def _niqe_on_a_page(read: Reader) -> str:
    true, blurred = (
        read(f"perception_distortion/{name}").metric("page", "niqe")
        for name in ("photographs", "bicubic")
    )
    return (
        f"NIQE, which should be low: of the page of text itself {true:.1f}, of its bicubic blur "
        f"{blurred:.1f}"
    )


CLAIMS = (
    Claim(
        "a better PSNR or SSIM does not make a better picture: SRResNet leads in both, and has "
        "lost the texture that SRGAN has",
        _score_against_look,
        verdict="agrees",
    ),
    Claim(
        "there is a lower bound that no method passes, and tuning the coefficient of the "
        "adversarial loss travels along it",
        _along_the_bound,
    ),
    Claim(
        "the best operating point depends on the use: a low coefficient for medical pictures, a "
        "high one for a photo album",
        _best_points,
    ),
    Claim(
        "business cards need little texture, so that adjusting the trade-off is of little use "
        "for enlarging them",
        _page,
        verdict="agrees",
    ),
    Claim(
        "it may be worth trying GANs as far as they help the accuracy of OCR, with the trade-off "
        "under control",
        _range_for_reading,
    ),
    Claim(
        "measures such as NIQE judge a picture alone, do not suit restoration, and cannot be a "
        "loss because they are not differentiable",
        _niqe_on_a_page,
        verdict="agrees",
    ),
)
"""What the articles found about the trade-off, and how the records answer."""
