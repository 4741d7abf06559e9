"""Slides from the chapters' figures: one page a chapter, which needs no network and no server.

Each picture, slider and listing of a chapter is a slide, under the heading of its section and with
the sentence that says what to look at. Sliders move here, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from chapters import Chapter, without_markup
from saved_sliders import saved_sliders

STYLE = """
:root { color-scheme: light; }
html { scroll-snap-type: y proximity; }
body { margin: 0; font: max(20px, 2.4vh)/1.45 system-ui, sans-serif;
  color: #1f2328; background: #fff; }
section { min-height: 100vh; box-sizing: border-box; padding: 3vh 5vw; scroll-snap-align: start;
  display: flex; flex-direction: column; }
h1 { font-size: 2.6em; margin: auto 0 .4em; }
h2 { margin: 0 0 .5em; font-size: 1.4em; }
.figure { margin: 0 auto; width: 100%; overflow-x: auto; font-size: 15px; }
.figure > *, .frame > * { margin-left: auto !important; margin-right: auto !important; }
.figure .tutorial-compare, .frame figure { width: fit-content; }
.note { margin: auto auto 0; max-width: 44em; padding-top: .6em; color: #57606a; }
section.title .note { margin: 0 0 auto; color: inherit; }
figure { margin: 0; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; }
th, td { padding: .2em .8em .2em 0; border-bottom: 1px solid #d0d7de; text-align: left; }
.frames label { display: flex; gap: .6em; align-items: center; }
.frames input { flex: 1; height: 44px; }
li { margin: .4em 0; }
a { color: #0f5ec7; }
@media print {
  @page { size: landscape; }
  section { break-after: page; min-height: 0; }
  .frames label { display: none; }
}
"""

# Figures were made for a page: each is enlarged until it fills its slide, for those at the back.
# Arrows move sliders where one has the focus; Page Up, Page Down and space turn the slides.
SCRIPT = """
function fill(figure, room) {
  figure.style.zoom = 1;
  figure.style.maxWidth = `${room}px`;
  const slide = figure.parentElement;
  const others = [...slide.children].filter(child => child !== figure);
  const taken = others.reduce((sum, other) => sum + other.offsetHeight, 0);
  const inner = getComputedStyle(slide);
  const wide = slide.clientWidth - 2 * parseFloat(inner.paddingLeft);
  const high = innerHeight - 2 * parseFloat(inner.paddingTop) - taken - 48;
  const parts = [...figure.querySelectorAll("img, table, pre, input")]
    .filter(part => part.offsetParent);
  const boxes = parts.map(part => part.getBoundingClientRect());
  const width = 20 + Math.max(...boxes.map(box => box.right))
    - Math.min(...boxes.map(box => box.left));
  const zoom = Math.max(0.5, Math.min(high / figure.scrollHeight, wide / width, 3));
  figure.style.zoom = zoom;
  return zoom * Math.max(...parts.map(part => part.matches("input") ? 0 : part.clientWidth));
}
// Parts that lie one below the other in a page may lie side by side here, and be larger.
function fit() {
  for (const figure of document.querySelectorAll(".figure")) {
    const rooms = [760, 1100, 1500];
    const sizes = rooms.map(room => fill(figure, room));
    fill(figure, rooms[sizes.indexOf(Math.max(...sizes))]);
  }
}
addEventListener("load", fit);
addEventListener("resize", fit);
addEventListener("keydown", event => {
  const turn = { PageDown: 1, " ": 1, ArrowRight: 1, PageUp: -1, ArrowLeft: -1 }[event.key];
  if (!turn || event.target.closest("input, select, button")) return;
  event.preventDefault();
  const slides = [...document.querySelectorAll("section")];
  const at = slides.findIndex(slide => slide.getBoundingClientRect().bottom > innerHeight / 2);
  slides[Math.min(slides.length - 1, Math.max(0, at + turn))].scrollIntoView();
});
"""

PICTURED = ("<img ", '<figure class="tutorial-compare')
HEADING = re.compile(r"^#{2,3} (.+)$", re.M)


def page(title: str, body: str) -> str:
    """A whole HTML page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>{body}<script>{SCRIPT}</script></body></html>\n"
    )


def figures(chapter: Chapter) -> Iterator[tuple[str, str, str]]:
    """Heading, picture in HTML and what to look at, for each thing that the chapter shows."""
    sliders = {slider.cell: slider.html for slider in saved_sliders(chapter.notebook)}
    heading = note = ""
    for index, cell in enumerate(chapter.notebook.cells):
        if cell.cell_type == "markdown":
            if found := HEADING.findall(cell.source):
                heading = without_markup(found[-1])
            note = last_paragraph(cell.source)
            continue
        shown = [sliders[index]] if index in sliders else chapter.shown(cell)
        for html in shown:
            if any(mark in html for mark in PICTURED):
                yield heading, html, note
                note = ""


def last_paragraph(source: str) -> str:
    """The prose just above a picture, unless a formula makes half of it."""
    last = re.split(r"\n\s*\n", source.strip())[-1]
    is_prose = not last.lstrip().startswith(("$$", "#", "```", ":::", "|"))
    return without_markup(last) if is_prose and "$" not in last else ""


def slides(chapter: Chapter) -> str:
    """The page of one chapter's slides."""
    parts = [
        f'<section class="title"><h1>{escape(chapter.title)}</h1>'
        f'<p class="note">{escape(chapter.opening)}</p></section>'
    ]
    for heading, html, note in figures(chapter):
        text = f'<p class="note">{escape(note)}</p>' if note else ""
        parts.append(
            f'<section><h2>{escape(heading)}</h2><div class="figure">{html}</div>{text}</section>'
        )
    return page(chapter.title, "\n".join(parts))


def deck(chapters: Sequence[Chapter]) -> dict[str, str]:
    """All slides: name of the file → HTML, with an index of them."""
    pages = {f"{chapter.name}.html": slides(chapter) for chapter in chapters}
    links = "".join(
        f'<li><a href="{chapter.name}.html">{escape(chapter.title)}</a></li>'
        for chapter in chapters
    )
    body = (
        f"<section><h1>Slides</h1><ol>{links}</ol><p>Page Down, space and the arrows turn them; "
        "print one to a file for paper. Sliders move by mouse, thumb and arrow keys.</p></section>"
    )
    return {"index.html": page("Slides", body), **pages}
