"""The house: each chapter is one folder under one name, and its method comes alone."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from chapters import listed

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = [chapter.name for chapter in listed()]

HEAVY = [
    "IPython",
    "ipywidgets",
    "lightning_fabric",
    "matplotlib",
    "tutorial_lib.catalogue",
    "tutorial_lib.data",
    "tutorial_lib.experiment",
    "tutorial_lib.ledger",
    "tutorial_lib.show",
    "tutorial_lib.training",
]

IMPORT = """
import importlib, sys
method = importlib.import_module(sys.argv[1])
missing = [name for name in method.__all__ if not hasattr(method, name)]
parts = {f"{sys.argv[1]}.{part}" for part in ("experiments", "live", "show")}
print(*missing, *sorted(sys.modules.keys() & {*sys.argv[2:], *parts}))
"""


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_method_comes_alone(chapter: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", IMPORT, f"tutorial_lib.{chapter}", *HEAVY],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == []


@pytest.mark.parametrize(
    "place", ["tutorial_lib/{}/__init__.py", "notebooks/{}.ipynb", "results/{}", "tests/{}"]
)
def test_all_that_belongs_to_a_chapter_has_its_name(place: str) -> None:
    missing = [c for c in CHAPTERS if not (ROOT / place.format(c)).exists()]
    assert missing == []


def test_nothing_belongs_to_a_chapter_that_is_not_listed() -> None:
    experiments = {path.parent.name for path in ROOT.glob("tutorial_lib/*/experiments.py")}
    records = {path.parts[-3] for path in ROOT.glob("results/*/*/record.json")}
    notebooks = {path.stem for path in ROOT.glob("notebooks/*.ipynb")}
    assert experiments == records == notebooks == set(CHAPTERS)


def test_each_contract_covers_every_chapter() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    packages = {f"tutorial_lib.{chapter}" for chapter in CHAPTERS}
    of_chapters = [set(c["source_modules"]) for c in contracts if c["type"] == "forbidden"]
    assert of_chapters == [packages] * 2
    parts = {f"{package}.*" for package in packages}
    assert sum(parts == set(c.get("forbidden_modules", ())) for c in contracts) == 1
