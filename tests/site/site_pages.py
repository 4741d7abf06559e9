"""What the built site consists of, found by looking."""

from pathlib import Path

import pytest
from chapters import listed

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
CHAPTERS = listed()
NOT_FOUND = "404.html"
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if "_static" not in path.parts and path.name != NOT_FOUND
)

needs_site = pytest.mark.skipif(not PAGES, reason="the site is not built: `make book` builds it")
