"""Writes the body of ``book/ledger.md``: every record in ``results``, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from sphinx.application import Sphinx

from tutorial_lib import ledger

PAGE = "book/ledger"
MARK = "<!-- records -->"
FOLDED = 12  # rows of measurements above which a table opens on demand


def duration(seconds: float) -> str:
    """Seconds in the unit that a person would use."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def number(value: Any) -> str:
    """A measured value with at most four decimals; whole numbers as they are."""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"
    return str(value)


def rows(metrics: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict]]:
    """The innermost mappings of nested metrics, each with its path, such as "set5 · y"."""
    leaves = {key: value for key, value in metrics.items() if not isinstance(value, Mapping)}
    if leaves:
        yield " · ".join(path) or "all", leaves
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            yield from rows(value, (*path, key))


def table(head: list[str], body: list[list[str]]) -> list[str]:
    """Lines of a Markdown table."""
    cells = [head, ["---"] * len(head), *body]
    return ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in cells]


def anchor(record: ledger.Record) -> str:
    """Name of a record's place on the page."""
    return "record-" + record.experiment.replace("/", "-")


def section(record: ledger.Record) -> list[str]:
    """Lines of Markdown that say how one experiment was run and what came out."""
    steps = f"{record.steps:,}"
    if record.steps < record.steps_planned:
        steps += f" of {record.steps_planned:,} that the profile asks for"
    facts = {
        "Profile": record.profile,
        "Device": f"{record.device}, {record.precision}",
        "Steps": steps,
        "Training time": duration(record.seconds),
        "Seed": str(record.seed),
        "PyTorch": record.torch,
        "Code": f"`{record.commit[:10]}`" if record.commit else "not from a checkout",
    }
    lines = [f"({anchor(record)})=", f"### {record.experiment}", ""]
    lines += [f"- {name}: {words}" for name, words in facts.items()]
    lines += [f"- Protocol, *{name}*: {words}" for name, words in record.protocol.items()]
    for columns, group in groupby(rows(record.metrics), key=lambda row: tuple(row[1])):
        body = [[path, *map(number, leaves.values())] for path, leaves in group]
        measurements = table(["measured on", *columns], body)
        if len(body) > FOLDED:
            measurements = [f":::{{dropdown}} {len(body)} measurements", *measurements, ":::"]
        lines += ["", *measurements]
    return [*lines, ""]


def page(records: list[ledger.Record], chapters: set[str]) -> str:
    """The whole list in Markdown: one table of all records, then each in full by chapter."""
    if not records:
        return "No experiment has been recorded yet.\n"
    overview = [
        [
            f"[{r.experiment}](#{anchor(r)})",
            r.profile,
            r.device,
            f"{r.steps:,}",
            duration(r.seconds),
        ]
        for r in records
    ]
    lines = table(["experiment", "profile", "device", "steps", "time"], overview)
    for chapter in sorted({record.experiment.partition("/")[0] for record in records}):
        source = f"notebooks/{chapter}"
        link = f"The chapter: {{doc}}`/{source}`." if source in chapters else ""
        lines += ["", f"(records-{chapter})=", f"## {chapter}", "", link, ""]
        for record in records:
            if record.experiment.startswith(f"{chapter}/"):
                lines += section(record)
    return "\n".join(lines) + "\n"


def write_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the records where the page has its mark."""
    if docname == PAGE:
        source[0] = source[0].replace(MARK, page(ledger.records(), app.env.found_docs))


def always_outdated(*_: Any) -> list[str]:
    """Have the page read again at every build: records change without it."""
    return [PAGE]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", write_page)
    app.connect("env-get-outdated", always_outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
