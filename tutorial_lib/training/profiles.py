"""How long an experiment is run, and for whom."""

from __future__ import annotations

from typing import Literal, get_args

Profile = Literal["smoke", "quick", "book", "gpu", "article"]

PROFILES: tuple[Profile, ...] = get_args(Profile)

PURPOSE: dict[Profile, str] = {
    "smoke": "proves the code path: seconds on two CPU cores",
    "quick": "for a laptop or a Colab T4 in a workshop: at most 15 minutes on a T4",
    "book": "exactly what the book publishes: hours on a CPU core, minutes on a GPU; resumable",
    "gpu": "the same question with a data-centre GPU: at most 10 minutes a command",
    "article": "the mirrored article's own settings: hours",
}
