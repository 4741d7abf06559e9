"""What the site adds to the chapters: their facts at the head, folded solutions, cards, links.

A chapter's notebook says nothing of how long it takes and what was recorded for it; that is taken
from its cells and from the ledger when the site is built.
"""

from __future__ import annotations

import base64
import io
import json
from html import escape
from pathlib import Path
from typing import Any

import yaml
from chapters import Chapter, listed
from docutils import nodes
from docutils.parsers.rst import directives
from ledger_page import duration
from PIL import Image
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from tutorial_lib import ledger, show

logger = logging.getLogger(__name__)

COVER = "book/intro"
PAGES_WITH_CARDS = [COVER]
SET_UP = "# Set-up"
CARD = (480, 270)
"""Size of a card's picture in pixels: twice that on the page."""


def records_of(chapter: Chapter) -> list[ledger.Record]:
    """What the ledger holds for a chapter."""
    return [r for r in ledger.records() if r.experiment.startswith(f"{chapter.name}/")]


def trainings(chapter: Chapter) -> str:
    """How long the recorded experiments of a chapter took, and on what."""
    times: dict[str, float] = {}
    for record in records_of(chapter):
        times[record.device] = times.get(record.device, 0) + record.seconds
    return "; ".join(f"{duration(s)} on {device}" for device, s in times.items())


def effort(chapter: Chapter) -> str:
    """How long a chapter takes a reader, in words."""
    count = len(chapter.exercises)
    exercises = f"{count} exercise" + ("s" if count != 1 else "")
    return f"{chapter.minutes_to_read} min to read, {exercises}"


def facts(chapter: Chapter) -> str:
    """The line below a chapter's title, in Markdown."""
    line = f"{effort(chapter).capitalize()}."
    if recorded := trainings(chapter):
        link = f"[recorded experiments](#records-{chapter.name})"
        line += f" The {link} behind it took {recorded}."
    return f":::{{div}} chapter-facts\n{line}\n:::"


def prepare(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put a chapter's facts below its title, and fold the solutions of its exercises."""
    chapter = next((c for c in listed() if docname == f"notebooks/{c.name}"), None)
    if chapter is None:
        return
    if not chapter.was_run:
        logger.warning("%s ran no cell: `make execute` runs it", chapter.path.name)
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        tags = cell["metadata"].setdefault("tags", [])
        if "".join(cell["source"]).startswith(SET_UP):
            cell["metadata"]["mystnb"] = {"code_prompt_show": "Show the set-up"}
        for tag, words in (("solution", "a solution in code"), ("check", "the check of it")):
            if tag in tags:
                tags.append("hide-cell")
                prompts = {"code_prompt_show": f"Show {words}", "code_prompt_hide": f"Hide {words}"}
                cell["metadata"]["mystnb"] = prompts
    line = facts(chapter)
    written(app.env)[docname] = line
    added = {"cell_type": "markdown", "metadata": {}, "source": line, "id": "facts"}
    notebook["cells"].insert(1, added)
    source[0] = json.dumps(notebook)


class ChapterRole(SphinxRole):
    """A link to a chapter by its name; until it is published, its name alone."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link."""
        words, _, name = self.text.rpartition("<")
        name = name.rstrip(">").strip()
        chapter = next((c for c in listed() if c.name == name), None)
        if chapter is None:
            return [nodes.emphasis("", f"{words.strip() or name} (in preparation)")], []
        address = self.env.app.builder.get_relative_uri(self.env.docname, f"notebooks/{name}")
        text = words.strip() or chapter.title
        return [nodes.reference("", text, refuri=address, internal=True)], []


class Cards(SphinxDirective):
    """A card for each published chapter; the body gives a sentence for each by name."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Make the cards."""
        sentences = yaml.safe_load("\n".join(self.content)) or {}
        cards = [
            self.card(chapter, number, sentences.get(chapter.name, chapter.opening))
            for number, chapter in enumerate(listed(), 1)
        ]
        return [nodes.raw("", f'<div class="cards">{"".join(cards)}</div>', format="html")]

    def card(self, chapter: Chapter, number: int, sentence: str) -> str:
        """One card as HTML."""
        self.env.note_dependency(str(chapter.path))
        page = self.env.app.builder.get_relative_uri(self.env.docname, f"notebooks/{chapter.name}")
        data = base64.b64encode(card_picture(chapter)).decode()
        return (
            f'<a class="card-of-chapter" href="{page}">'
            f'<img class="dark-light" alt="" role="presentation" width="240" height="135" '
            f'loading="lazy" src="data:image/webp;base64,{data}">'
            f"<strong>{number}. {escape(chapter.title)}</strong>"
            f"<span>{escape(sentence)}</span><small>{escape(effort(chapter))}</small></a>"
        )


def card_picture(chapter: Chapter, size: tuple[int, int] = CARD) -> bytes:
    """The chapter's first picture in another size: cut at the edges, never stretched."""
    data = next(chapter.pictures(), None)
    if data is None:
        picture = Image.new("RGB", size, "#0a66c2")
    else:
        picture = filled(Image.open(io.BytesIO(data)).convert("RGB"), size)
    file = io.BytesIO()
    picture.save(file, format="webp", quality=75, method=6)
    return file.getvalue()


def filled(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scale a picture and cut it to a size, from its middle; a drawing on white is shown whole."""
    shares = size[0] / picture.width, size[1] / picture.height
    right, bottom = picture.width - 1, picture.height - 1
    corners = [picture.getpixel(at) for at in ((0, 0), (right, 0), (0, bottom), (right, bottom))]
    is_drawing = all(corner == (255, 255, 255) for corner in corners)
    factor = min(shares) if is_drawing else max(shares)
    width, height = round(picture.width * factor), round(picture.height * factor)
    whole = Image.new("RGB", size, "white")
    whole.paste(
        picture.resize((width, height), Image.Resampling.LANCZOS),
        ((size[0] - width) // 2, (size[1] - height) // 2),
    )
    return whole


class Compare(SphinxDirective):
    """Recorded pictures under a divider: lines of `name: chapter/experiment/file`."""

    has_content = True
    option_spec = {  # noqa: RUF012 - so is docutils' interface
        "alt": directives.unchanged_required,
        "caption": directives.unchanged_required,
        "left": directives.unchanged_required,
        "right": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Make the slider."""
        pictures: dict[str, Path] = {}
        for name, place in yaml.safe_load("\n".join(self.content)).items():
            experiment, _, file = place.rpartition("/")
            record = ledger.read(experiment)
            self.env.note_dependency(str(record.folder / ledger.RECORD))
            pictures[name] = record.artefact(file)
        slider = show.CompareSlider(pictures, **self.options)
        # The first picture of a page is not to wait until it is scrolled to.
        html = slider.html.replace('loading="lazy"', 'loading="eager"', len(pictures))
        return [nodes.raw("", html, format="html")]


def written(env: BuildEnvironment) -> dict[str, str]:
    """The facts that each chapter's page has, kept from build to build."""
    if not hasattr(env, "chapter_facts"):
        env.chapter_facts = {}  # type: ignore[attr-defined]
    return env.chapter_facts  # type: ignore[attr-defined]


def outdated(app: Sphinx, env: BuildEnvironment, *_: Any) -> list[str]:
    """Have read again: pages with cards, and chapters whose records are others now."""
    there = written(env)
    pages = {f"notebooks/{chapter.name}": chapter for chapter in listed()}
    return [*PAGES_WITH_CARDS, *(p for p, c in pages.items() if there.get(p) != facts(c))]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", prepare)
    app.connect("env-get-outdated", outdated)
    app.add_role("chapter", ChapterRole())
    app.add_directive("cards", Cards)
    app.add_directive("compare", Compare)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
