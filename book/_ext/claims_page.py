"""Writes the tables of ``book/how_we_know.md``: what the articles found, and what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from chapters import listed
from ledger_page import anchor, duration, table
from sphinx.application import Sphinx

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine.claims import CLAIMS as COARSE_TO_FINE
from tutorial_lib.deep_image_prior.reading import CLAIMS as DEEP_IMAGE_PRIOR
from tutorial_lib.dni.claims import CLAIMS as DNI
from tutorial_lib.experiment import Claim, Verdict
from tutorial_lib.gan_basics.experiments import CLAIMS as GAN_BASICS
from tutorial_lib.lapstyle.claims import CLAIMS as LAPSTYLE
from tutorial_lib.perception_distortion.claims import CLAIMS as PERCEPTION_DISTORTION
from tutorial_lib.srgan.claims import CLAIMS as SRGAN

PAGE = "book/how_we_know"
COUNTS, LIST = "<!-- counts -->", "<!-- claims -->"
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

CLAIMS: Mapping[str, Sequence[Claim]] = {
    "gan_basics": GAN_BASICS,
    "srgan": SRGAN,
    "perception_distortion": PERCEPTION_DISTORTION,
    "dni": DNI,
    "lapstyle": LAPSTYLE,
    "coarse_to_fine": COARSE_TO_FINE,
    "deep_image_prior": DEEP_IMAGE_PRIOR,
}
"""Chapter → what its article found."""


def answer(claim: Claim) -> tuple[str, list[ledger.Record]]:
    """What was measured, and the records that say so, each once."""
    used: dict[str, ledger.Record] = {}

    def read(name: str) -> ledger.Record:
        return used.setdefault(name, ledger.read(name))

    return claim.measured(read), list(used.values())


def size(record: ledger.Record) -> str:
    """A link to a record, and how long its training was."""
    link = f"{{ref}}`{record.experiment} <{anchor(record)}>`"
    return f"{link}, {record.steps:,} steps, {duration(record.seconds)}" if record.steps else link


def entry(claim: Claim) -> list[str]:
    """One finding in Markdown: verdict, what the article says, what was measured, by which runs."""
    measured, records = answer(claim)
    runs = "; ".join(size(record) for record in records)
    article = claim.article[0].upper() + claim.article[1:].rstrip(".")
    lines = [
        f"**{claim.verdict.capitalize()}.** {article}.",
        "",
        f": {measured}" + ("" if measured.endswith((".", "?")) else "."),
    ]
    return [*lines, "", f"  *Runs:* {runs}.", ""] if runs else [*lines, ""]


def counts(titles: Mapping[str, str]) -> str:
    """How many findings of each article came out how."""
    body = []
    for name, claims in CLAIMS.items():
        found = Counter(claim.verdict for claim in claims)
        body.append([titles[name], *(str(found[verdict] or "–") for verdict in VERDICTS)])
    return "\n".join(table(["chapter", *VERDICTS], body)) + "\n"


def claims(titles: Mapping[str, str]) -> str:
    """All findings, chapter by chapter."""
    lines = []
    for name, found in CLAIMS.items():
        lines += [f"### {titles[name]}", ""]
        for claim in found:
            lines += entry(claim)
    return "\n".join(lines) + "\n"


def write_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the findings where the page has its marks."""
    if docname == PAGE:
        titles = {chapter.name: chapter.title for chapter in listed()}
        for mark, words in ((COUNTS, counts(titles)), (LIST, claims(titles))):
            source[0] = source[0].replace(mark, words)


def always_outdated(*_: Any) -> list[str]:
    """Have the page read again at every build: records change without it."""
    return [PAGE]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", write_page)
    app.connect("env-get-outdated", always_outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
