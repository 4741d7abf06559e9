"""How a link to a page looks elsewhere (Open Graph), and what a wrong link leads to (404.html)."""

from __future__ import annotations

import io
import re
import textwrap
from html import escape, unescape
from itertools import islice
from pathlib import Path
from string import Template
from typing import Any

from chapter_page import COVER, filled
from chapters import Chapter, listed, published
from docutils import nodes
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont
from sphinx.application import Sphinx

SIZE = (1200, 630)
FOLDER = "_images"
BOOK_CARD = "card-book.jpg"
GROUND, INK, PALE = "#0b2545", "#ffffff", "#b8c7dc"
LONGEST = 200  # characters of a description that sites show


def font(size: int, weight: str) -> ImageFont.FreeTypeFont:
    """A font that Matplotlib brings, so that the cards look the same everywhere."""
    return ImageFont.truetype(
        font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight)),
        size,
    )


def card(title: str, book: str, pictures: list[bytes]) -> bytes:
    """A JPEG of 1200 × 630 pixels: the title on the left, one or two pictures on the right."""
    image = Image.new("RGB", SIZE, GROUND)
    room = SIZE[0] - SIZE[1]
    for row, data in enumerate(pictures[:2]):
        half = (SIZE[1], SIZE[1] // len(pictures[:2]))
        picture = filled(Image.open(io.BytesIO(data)).convert("RGB"), half)
        image.paste(picture, (room, row * half[1]))
    draw = ImageDraw.Draw(image)
    words = "\n".join(textwrap.wrap(title, 15))
    sizes = (font(size, "bold") for size in range(64, 20, -4))
    large = next(f for f in sizes if draw.multiline_textbbox((50, 60), words, f)[2] < room - 30)
    draw.multiline_text((50, 60), words, INK, large, spacing=14)
    draw.multiline_text((50, 520), "\n".join(textwrap.wrap(book, 28)), PALE, font(26, "normal"))
    file = io.BytesIO()
    image.save(file, format="jpeg", quality=82, optimize=True)
    return file.getvalue()


def write_cards(app: Sphinx) -> None:
    """Draw a card for the book and one for each chapter."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    firsts = []
    for chapter in listed():
        pictures = list(islice(chapter.pictures(), 1))
        firsts += pictures
        drawn = card(chapter.title, app.config.html_title, pictures)
        (folder / card_name(chapter)).write_bytes(drawn)
    (folder / BOOK_CARD).write_bytes(card(app.config.html_title, "", firsts[1:3]))


def card_name(chapter: Chapter) -> str:
    """File of a chapter's card."""
    return f"card-{chapter.name}.jpg"


def description(tree: nodes.document | None) -> str:
    """A page's first paragraph of prose, cut at a word."""
    if tree is None:
        return ""
    for paragraph in tree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        inside = isinstance(paragraph.parent, nodes.section | nodes.document | nodes.container)
        if inside and len(text) > 60 and "Colab" not in text:
            return textwrap.shorten(text, LONGEST, placeholder=" …")
    return ""


def without_tags(title: str) -> str:
    """A heading as plain text: the theme has it in HTML."""
    return unescape(re.sub(r"<[^>]+>", "", title))


def describe(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Put the tags into a page's head that other sites make a card from."""
    site = published(Path(app.confdir))
    chapter = next((c for c in listed() if page == f"notebooks/{c.name}"), None)
    picture = card_name(chapter) if chapter else BOOK_CARD
    book = app.config.html_title
    title = chapter.title if chapter else context.get("title", book)
    text = chapter.opening if chapter else description(tree)
    text = textwrap.shorten(text or app.config.html_title, LONGEST, placeholder=" …")
    tags = {
        "og:title": without_tags(str(title)) if page != COVER else book,
        "og:type": "book" if page == COVER else "article",
        "og:url": f"{site}{context['pagename']}.html",
        "og:image": f"{site}{FOLDER}/{picture}",
        "og:image:width": str(SIZE[0]),
        "og:image:height": str(SIZE[1]),
        "og:image:alt": f"{book}: {title}",
        "og:description": text,
        "og:site_name": book,
    }
    lines = [f'<meta property="{name}" content="{escape(words)}">' for name, words in tags.items()]
    lines.append('<meta name="twitter:card" content="summary_large_image">')
    lines.append(f'<meta name="description" content="{escape(text)}">')
    context["metatags"] = context.get("metatags", "") + "\n" + "\n".join(lines) + "\n"


# A server sends this page for any address that it does not know, however deep. So the page finds
# the site's root by itself: on GitHub Pages that is the first folder, elsewhere the server's root.
NOT_FOUND = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not found · $book</title>
<script>
const pages = location.hostname.endsWith(".github.io");
const base = document.createElement("base");
base.href = pages ? "/" + location.pathname.split("/")[1] + "/" : "/";
document.head.append(base);
</script>
<style>
:root { color-scheme: light dark; }
body { font: 18px/1.5 system-ui, sans-serif; max-width: 34em; margin: 12vh auto; padding: 0 1.2em; }
a { color: light-dark(#0f5ec7, #8ab4f8); } li { margin: .5em 0; }
</style></head>
<body><h1>No such page</h1>
<p>There is nothing at this address. It may have been moved, or mistyped.</p>
<p><a href="book/intro.html">To the cover of <em>$book</em></a>, or straight to a chapter:</p>
<ol>$chapters</ol>
<p><a href="search.html">Search the book</a></p>
</body></html>
""")


def write_not_found(app: Sphinx, error: Exception | None) -> None:
    """Write the page that a server shows for an address that does not exist."""
    if error is not None or app.builder.format != "html":
        return
    items = [f'<li><a href="notebooks/{c.name}.html">{escape(c.title)}</a></li>' for c in listed()]
    html = NOT_FOUND.substitute(book=escape(app.config.html_title), chapters="".join(items))
    Path(app.outdir, "404.html").write_text(html, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", write_cards)
    app.connect("html-page-context", describe)
    app.connect("build-finished", write_not_found)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
