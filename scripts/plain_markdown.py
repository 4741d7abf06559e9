"""Jupyter Book's Markdown in words that every notebook front end draws.

The site understands roles and directives; JupyterLab and Colab show them as they are written. The
workshop's notebooks are read there, so citations, equation numbers, exercises and notes are written
out for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from pybtex.database import Person, parse_file

_FENCE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>[^\n]*)\n"
    r"(?P<body>.*?)^(?P=fence)[ \t]*$\n?",
    re.M | re.S,
)
_OPTION = re.compile(r"\A(?::[\w-]+:.*\n)*\n?")
_LABEL = re.compile(r"^:label:\s*(\S+)", re.M)
_EQUATION = re.compile(r"^(?P<indent>\s*)\$\$\s*\((?P<label>[\w-]+)\)[ \t]*$", re.M)
_ROLE = re.compile(r"\{(?P<name>[\w:]+)\}`(?P<text>[^`]+)`")
_TARGET = re.compile(r"^\([\w-]+\)=[ \t]*\n", re.M)
_PAGE = re.compile(r"\]\((\.\./book/[\w/-]+)\.(?:md|ipynb)(#[\w-]+)?\)")


class Plain:
    """Writes the cells of one notebook out in plain Markdown.

    Parameters
    ----------
    cells : iterable of str
        The sources of all its Markdown cells: numbers of equations and exercises count from them.
    bibliography : Path
        BibTeX file that citations are looked up in.
    site : str
        Address of the published pages, with a slash at its end.
    solutions : bool
        Whether solutions stay.
    """

    def __init__(
        self, cells: Iterable[str], *, bibliography: Path, site: str, solutions: bool
    ) -> None:
        text = "\n\n".join(cells)
        self._bibliography = bibliography
        self.site = site
        self.solutions = solutions
        self.equations = {
            match["label"]: number for number, match in enumerate(_EQUATION.finditer(text), 1)
        }
        found = [match for match in _FENCE.finditer(text) if match["name"] == "exercise"]
        self.exercises = {
            label[1] if (label := _LABEL.search(match["body"])) else match["title"]: (
                number,
                match["title"].strip(),
            )
            for number, match in enumerate(found, 1)
        }

    @cached_property
    def _authors(self) -> dict[str, tuple[str, str]]:
        entries = parse_file(self._bibliography, "bibtex").entries
        return {
            key: (_names(entry.persons.get("author", [])), entry.fields.get("year", ""))
            for key, entry in entries.items()
        }

    def __call__(self, source: str) -> str:
        """Write one Markdown cell out."""
        text = _FENCE.sub(self._directive, source)
        text = _TARGET.sub("", text)
        text = _EQUATION.sub(self._number, text)
        text = _ROLE.sub(self._role, text)
        text = _PAGE.sub(
            lambda m: f"]({self.site}{m[1].removeprefix('../')}.html{m[2] or ''})", text
        )
        return re.sub(r"\n{3,}", "\n\n", text).strip()

    def _directive(self, match: re.Match[str]) -> str:
        name, title = match["name"], match["title"].strip()
        label = found[1] if (found := _LABEL.search(match["body"])) else title
        body = _OPTION.sub("", match["body"], count=1).strip()
        if name == "exercise":
            number, title = self.exercises[label]
            return f"### Exercise {number}. {title}\n\n{body}\n"
        if name == "solution":
            number, _ = self.exercises.get(title, (0, ""))
            return f"**Solution of exercise {number}.**\n\n{body}\n" if self.solutions else ""
        heading = title or name.replace("-", " ").capitalize()
        quoted = "\n".join(f"> {line}".rstrip() for line in body.splitlines())
        return f"> **{heading}**\n>\n{quoted}\n"

    def _number(self, match: re.Match[str]) -> str:
        # The number belongs inside of the formula, before the dollars that close it.
        return f"{match['indent']}\\tag{{{self.equations[match['label']]}}}\n{match['indent']}$$"

    def _role(self, match: re.Match[str]) -> str:
        name, text = match["name"], match["text"]
        if name == "eq":
            return f"({self.equations.get(text, '?')})"
        if name.startswith("cite"):
            return self._citation(text, in_sentence=name.startswith("cite:t"))
        words = re.match(r"(.+?)\s*<[^>]+>$", text)
        return words[1] if words else text.rpartition("/")[2]

    def _citation(self, keys: str, *, in_sentence: bool) -> str:
        works = [self._authors.get(key.strip(), (key.strip(), "")) for key in keys.split(",")]
        if in_sentence:
            return ", ".join(f"{who} ({year})" for who, year in works)
        return "(" + "; ".join(f"{who} {year}".strip() for who, year in works) + ")"


def _names(people: list[Person]) -> str:
    # The rich names have LaTeX's accents as letters.
    last = [" ".join(str(name) for name in person.rich_last_names) for person in people]
    if len(last) > 2:
        return f"{last[0]} et al."
    return " and ".join(last)
