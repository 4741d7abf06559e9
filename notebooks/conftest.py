"""What `pytest --nbval` compares when it runs a chapter again: all that is printed or written.

Printed text, tables and captions must come out as they were committed, number by number. Pictures
may differ in their bytes, as encoders change, and HTML in its tags and styles. A cell whose output
depends on the machine, such as a time, carries the tag `nbval-ignore-output`.
"""

import re
from html.parser import HTMLParser
from typing import Any

PICTURES = ("image/webp", "image/svg+xml")  # nbval leaves out PNG and JPEG by itself
HTML = re.compile(r"\A\s*<(div|figure|h\d|img|p|pre|span|style|table)\b.*\Z", re.DOTALL)


class Words(HTMLParser):
    """Collects what a reader of HTML reads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.read: list[str] = []
        self.tag = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Remember what kind of text follows."""
        self.tag = tag

    def handle_endtag(self, tag: str) -> None:
        """Forget it."""
        self.tag = ""

    def handle_data(self, data: str) -> None:
        """Keep words that are shown."""
        if self.tag not in ("script", "style"):
            self.read += data.split()


def words(html: re.Match[str]) -> str:
    """The text of some HTML, without its tags."""
    return " ".join(Words(html[0]).read)


def pytest_collectstart(collector: Any) -> None:
    """Tell nbval what to leave out of the comparison."""
    if collector.nodeid.endswith(".ipynb"):
        collector.skip_compare += PICTURES
        collector.sanitize_patterns[HTML] = words
