"""What the built site consists of, found by looking."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if "_static" not in path.parts
)
CHAPTERS = [name for name in PAGES if name.startswith("notebooks/")]

needs_site = pytest.mark.skipif(not PAGES, reason="the site is not built: `make book` builds it")
