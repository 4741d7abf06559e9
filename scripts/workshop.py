"""Make a workshop from the chapters: notebooks with blanks, notebooks with solutions, slides.

    python scripts/workshop.py            writes _build/workshop, if every exercise is in order
    python scripts/workshop.py --verify   only checks the exercises

An exercise that is solved in code has two cells in its chapter. The one tagged `solution` holds the
whole solution, with `# solution` and `# end` around the lines that participants write; the one
tagged `check` after it raises unless they are right. Both need nothing but the cells at the top of
the chapter, so that an exercise can be done without running the chapter first.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from chapters import ROOT, Chapter, listed, published
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from plain_markdown import Plain
from slides import deck

KIT = ROOT / "_build" / "workshop"
BLANK = re.compile(r"^(?P<indent>[ \t]*)# solution\n(?P<lines>.*?)^[ \t]*# end$", re.M | re.S)
WRITE = 'raise NotImplementedError("write this")'
NOT_DONE = (AssertionError, NotImplementedError)
"""What a check may raise at a stub: anything else is a mistake in the check."""


class ExerciseError(Exception):
    """An exercise whose cells are not in order, or whose check tells nothing."""


@dataclass(frozen=True)
class CodeExercise:
    """A pair of cells: what participants write, and what tells whether it is right."""

    where: str
    solution: str
    check: str

    @property
    def stub(self) -> str:
        """The solution with its blanks empty."""
        return emptied(self.solution)


def tags(cell: NotebookNode) -> set[str]:
    """A cell's tags."""
    return set(cell.metadata.get("tags", []))


def emptied(solution: str) -> str:
    """Take the marked lines out of a solution; running into one says what to do."""
    return BLANK.sub(lambda match: f"{match['indent']}{WRITE}", solution)


def code_exercises(chapter: Chapter) -> Iterator[CodeExercise]:
    """The exercises of a chapter that are solved in code.

    Raises
    ------
    ExerciseError
        If a solution has no blank or no check behind it, or a check has no solution before it.
    """
    previous: NotebookNode | None = None
    for number, cell in enumerate(chapter.notebook.cells):
        where = f"{chapter.path.name}, cell {number}"
        if previous is not None and "check" not in tags(cell):
            raise ExerciseError(f"{where}: a cell tagged `check` must follow the solution")
        if "check" in tags(cell):
            if previous is None:
                raise ExerciseError(f"{where}: a check without a solution before it")
            yield CodeExercise(where, previous.source, cell.source)
        previous = cell if "solution" in tags(cell) else None
        if previous is not None and not BLANK.search(cell.source):
            raise ExerciseError(f"{where}: no lines between `# solution` and `# end`")
    if previous is not None:
        raise ExerciseError(f"{chapter.path.name}: the last solution has no check")


def top(chapter: Chapter) -> list[str]:
    """The code before the chapter's first section: set-up and imports."""
    sources = []
    for cell in chapter.notebook.cells[1:]:
        if cell.cell_type != "code":
            break
        sources.append(cell.source)
    return sources


def verify(chapter: Chapter) -> int:
    """Run each exercise's check behind its stub, where it must fail, and its solution.

    Returns
    -------
    int
        How many exercises were checked.

    Raises
    ------
    ExerciseError
        If a stub does not run, a check passes at a stub, or a check fails at a solution.
    """
    found = list(code_exercises(chapter))
    if not found:
        return 0
    start: dict[str, object] = {"__name__": "__main__"}
    for source in top(chapter):
        try:
            run(source, start, chapter.path.name)
        except Exception as error:
            raise ExerciseError(f"{chapter.path.name}: its first cells fail: {error!r}") from error
    for exercise in found:
        space = dict(start)
        try:
            run(exercise.stub, space, f"{exercise.where}, stub")
        except Exception as error:
            raise ExerciseError(
                f"{exercise.where}: the stub does not run ({error!r}); blanks belong in a function"
            ) from error
        try:
            run(exercise.check, space, f"{exercise.where}, check")
        except NOT_DONE:
            pass
        except Exception as error:
            raise ExerciseError(f"{exercise.where}: at the stub, the check {error!r}") from error
        else:
            raise ExerciseError(f"{exercise.where}: the check passes although nothing is written")
        space = dict(start)
        try:
            run(exercise.solution, space, f"{exercise.where}, solution")
            run(exercise.check, space, f"{exercise.where}, check")
        except Exception as error:
            raise ExerciseError(f"{exercise.where}: the solution fails: {error!r}") from error
    return len(found)


def run(source: str, space: dict[str, object], name: str) -> None:
    """Run a cell's code in a namespace, without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, name, "exec"), space)


def kit_notebook(chapter: Chapter, *, solutions: bool) -> NotebookNode:
    """A chapter as participants or instructors get it: without outputs, in plain Markdown.

    Parameters
    ----------
    chapter : Chapter
        Where it is made from.
    solutions : bool
        Whether solutions stay in; otherwise there are blanks in their place.

    Returns
    -------
    NotebookNode
        The notebook.
    """
    markdown = [c.source for c in chapter.notebook.cells if c.cell_type == "markdown"]
    plain = Plain(
        markdown,
        bibliography=ROOT / "book" / "references.bib",
        site=published(),
        solutions=solutions,
    )
    cells = []
    for number, cell in enumerate(chapter.notebook.cells):
        kept = copy.deepcopy(cell)
        if cell.cell_type == "markdown":
            kept.source = plain(without_badges(cell.source) if number == 0 else cell.source)
            if not solutions and "{solution}" in cell.source:
                kept.source = with_room(kept.source)
        elif cell.cell_type == "code":
            kept.outputs, kept.execution_count = [], None
            if not solutions and "solution" in tags(cell):
                kept.source = emptied(cell.source)
        cells.append(kept)
    whose = "instructors, with solutions" if solutions else "participants"
    page = f"{published()}notebooks/{chapter.name}.html"
    note = f"*Workshop notebook for {whose}. The chapter with its results: [{page}]({page}).*"
    cells.insert(1, new_markdown_cell(note, id="workshop-note"))
    made = new_notebook(cells=cells)
    made.metadata = {k: v for k, v in chapter.notebook.metadata.items() if k != "widgets"}
    return made


def without_badges(source: str) -> str:
    """The first cell without its row of links, which lead to the solved chapter."""
    paragraphs = re.split(r"\n\s*\n", source)
    return "\n\n".join(p for p in paragraphs if "colab.research.google.com" not in p)


def with_room(source: str) -> str:
    """Say under each exercise where to answer."""
    parts = re.split(r"(?=^### Exercise )", source, flags=re.M)
    answer = "*Your answer:*"
    return "\n\n".join(
        f"{part.strip()}\n\n{answer}" if part.startswith("### Exercise ") else part.strip()
        for part in parts
        if part.strip()
    )


def preflight_notebook() -> NotebookNode:
    """The check of a machine before the workshop, as a notebook of one cell."""
    source = (ROOT / "scripts" / "preflight.py").read_text(encoding="utf-8")
    intro = (
        "# Before the workshop\n\nRun the cell below on the machine that you will work on. It "
        "needs nothing installed but Python, changes nothing, and says what will work."
    )
    return new_notebook(
        cells=[
            new_markdown_cell(intro, id="preflight-intro"),
            new_code_cell(source, id="preflight"),
        ],
        metadata={"kernelspec": {"display_name": "Python 3", "name": "python3"}},
    )


def readme(counts: dict[str, int], chapters: list[Chapter]) -> str:
    """What is in the kit, as text."""
    rows = [
        f"  {c.name:<24} {len(c.exercises)} exercises, {counts[c.name]} of them checked by code"
        for c in chapters
    ]
    return "\n".join(
        [
            "Workshop kit",
            "",
            "  preflight.ipynb, .py     what will work on a machine: send it out a week before",
            "  participants/            notebooks with blanks",
            "  instructors/             the same with solutions",
            "  slides/                  the chapters' figures; open index.html in a browser",
            "",
            "Each solution was run against its check, and each check against its empty stub:",
            "",
            *rows,
            "",
            f"Plans with minutes, and what to prepare: {published()}book/instructors.html",
            "",
        ]
    )


def make(folder: Path) -> dict[str, int]:
    """Write the whole kit into a folder, which is replaced in one move at the end."""
    chapters = listed()
    counts = {chapter.name: verify(chapter) for chapter in chapters}
    fresh = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    for part, solutions in (("participants", False), ("instructors", True)):
        (fresh / part).mkdir(parents=True)
        for chapter in chapters:
            made = kit_notebook(chapter, solutions=solutions)
            nbformat.validate(made)
            nbformat.write(made, fresh / part / chapter.path.name)
    nbformat.write(preflight_notebook(), fresh / "preflight.ipynb")
    shutil.copy(ROOT / "scripts" / "preflight.py", fresh)
    (fresh / "slides").mkdir()
    for name, html in deck(chapters).items():
        (fresh / "slides" / name).write_text(html, encoding="utf-8")
    (fresh / "README.txt").write_text(readme(counts, chapters), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return counts


def main() -> None:
    """Check the exercises and, unless told otherwise, write the kit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verify", action="store_true", help="write nothing")
    begin = time.perf_counter()
    os.chdir(ROOT / "notebooks")
    try:
        if parser.parse_args().verify:
            counts = {chapter.name: verify(chapter) for chapter in listed()}
        else:
            counts = make(KIT)
            print(f"the kit is in {KIT.relative_to(ROOT)}")
    except ExerciseError as error:
        raise SystemExit(str(error)) from error
    for name, count in counts.items():
        print(f"{name}: {count} exercises checked")
    print(f"{time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
