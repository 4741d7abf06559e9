"""What the article found on the painter, and how the records answer."""

from __future__ import annotations

from tutorial_lib import ledger
from tutorial_lib.experiment import Claim, Reader


def _fps(read: Reader) -> str:
    record = read("lapstyle/speed")
    parts = [
        f"{size}: {record.metric(size, 'fast, pictures a second'):.2g} "
        f"({record.metric(size, 'speed-up'):.1f} times the plain form)"
        for size in record.metrics
    ]
    return f"pictures a second, on {record.protocol['devices']}: " + "; ".join(parts)


def _trained(read: Reader) -> str:
    first, style = read("lapstyle/first"), read("lapstyle/starry_night")
    return (
        f"the common beginning took {first.seconds / 60:.0f} minutes and Starry Night another "
        f"{style.seconds / 60:.0f} ({style.device}, shared with other work), for {first.steps:,} + "
        f"{style.steps:,} steps of one photograph"
    )


def title_of(variant: str, record: ledger.Record) -> str:
    """A variant's name, with the size at which this record has it."""
    return variant.replace("256", str(record.config["sizes"][-1]))


def _two_losses(record: ledger.Record, name: str) -> str:
    return (
        f"{title_of(name, record)}: moments {record.metric(name, 'moment'):.1f}, "
        f"relaxed EMD {record.metric(name, 'remd'):.3f}"
    )


def _without_losses(read: Reader) -> str:
    record = read("lapstyle/ablations")
    names = ("whole", "without adversarial loss", "without moment matching")
    return "; ".join(_two_losses(record, name) for name in names)


def _other_networks(read: Reader) -> str:
    record = read("lapstyle/ablations")
    names = ("whole", *(name for name in record.metrics if name[1:2] == ":"))
    return "; ".join(_two_losses(record, name) for name in names)


CLAIMS = (
    Claim(
        "256 pixels in 0.008 s and 512 in 0.009 s on a Titan X, that is 120 and 110 pictures a "
        "second; full HD ought to be real time too",
        _fps,
    ),
    Claim(
        "that must be one pass forward; who counts the training in will be disappointed",
        _trained,
        verdict="agrees",
    ),
    Claim("of the losses, the adversarial one seems to matter most", _without_losses),
    Claim(
        "with RGB pictures instead of the residual (c), style and clouds run into one another; "
        "(a), (b) and (d) are shown beside it",
        _other_networks,
    ),
)
"""What the article found, and how the records answer."""
