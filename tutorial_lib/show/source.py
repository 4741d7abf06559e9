"""The library's own source in the page, so that no code is written twice."""

from __future__ import annotations

import ast
import inspect
import textwrap
from html import escape
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from tutorial_lib.show.pictures import Picture

LIGHT = {
    "ground": "#f6f8fa",
    "text": "#1f2328",
    "keyword": "#a40e26",
    "name": "#6639ba",
    "string": "#0a3069",
    "number": "#0550ae",
    "comment": "#57606a",
}
DARK = {
    "ground": "#161b22",
    "text": "#e6edf3",
    "keyword": "#ff7b72",
    "name": "#d2a8ff",
    "string": "#a5d6ff",
    "number": "#79c0ff",
    "comment": "#9ba5b0",
}
"""Colours of the code by the kind of word, on a light and on a dark page."""

# Pygments' classes for each kind of word.
_TOKENS = {
    "keyword": ("k", "kc", "kd", "kn", "kp", "kr", "kt", "ow", "o"),
    "name": ("nf", "fm", "nc", "nd", "ne"),
    "string": ("s", "s1", "s2", "sa", "sb", "sc", "sd", "se", "si", "sr"),
    "number": ("m", "mf", "mh", "mi", "mo", "mb", "il", "nb", "bp"),
    "comment": ("c", "c1", "ch", "cm"),
}


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--source-{kind}:{colour}" for kind, colour in colours.items())


def _stylesheet() -> str:
    # How Jupyter Book, Colab and JupyterLab say that the page is dark.
    dark = (
        "html[data-theme=dark] .tutorial-source,html[theme=dark] .tutorial-source,"
        "body[data-jp-theme-light=false] .tutorial-source"
    )
    rules = [
        f".tutorial-source{{{_variables(LIGHT)}}}",
        f"{dark}{{{_variables(DARK)}}}",
        ".tutorial-source pre{background:var(--source-ground);color:var(--source-text);"
        "padding:.8em;margin:0;overflow-x:auto;line-height:1.4;border-radius:4px}",
        ".tutorial-source p{margin:.8em 0 .3em}",
        # The page's own colour for inline code may be one for another ground.
        ".tutorial-source p code{color:inherit;background:none;padding:0;font-weight:600}",
    ]
    for kind, classes in _TOKENS.items():
        selectors = ",".join(f".tutorial-source .{name}" for name in classes)
        rules.append(f"{selectors}{{color:var(--source-{kind})}}")
    return f"<style>{''.join(rules)}</style>"


def source(*objects: Any, docstring: bool = True) -> Picture:
    """Show the source of functions, classes, methods or modules, highlighted.

    Parameters
    ----------
    *objects : function, class, method or module
        What to show, one below the other, each under its name, file and lines.
    docstring : bool
        Whether docstrings are shown, those of inner functions and methods included. What is left
        out is said above the code.

    Returns
    -------
    Picture
        To be the last expression of a cell; its text is the plain source.

    Raises
    ------
    TypeError
        If an object has no Python source, or none is given.

    Examples
    --------
    >>> print(source(inspect.cleandoc, docstring=False).alt.splitlines()[0])
    def cleandoc(doc):
    """
    if not objects:
        raise TypeError("source() needs a function, class, method or module")
    parts, texts = [], []
    for thing in objects:
        code, first = _lines(thing)
        last = first + len(code.splitlines()) - 1
        note = ""
        if not docstring:
            shorter = without_docstrings(code)
            note = "" if shorter == code else ", docstrings left out"
            code = shorter
        code = textwrap.dedent(code).rstrip() + "\n"
        module, file = _place(thing)
        name = getattr(thing, "__qualname__", "")
        full = f"{module}.{name}" if name else module
        parts.append(
            f'<p data-file="{escape(file)}" data-line="{first}"><code>{escape(full)}</code> '
            f"({escape(file)}, lines {first}–{last}{note})</p>"
            + highlight(code, PythonLexer(), HtmlFormatter(cssclass="highlight"))
            # A wide listing scrolls, and must do so for those who have no pointer, too.
            .replace("<pre>", f'<pre tabindex="0" role="group" aria-label="{escape(full)}">')
        )
        texts.append(code)
    html = f'<div class="tutorial-source">{_stylesheet()}{"".join(parts)}</div>'
    return Picture(html, "\n\n".join(texts))


def without_docstrings(code: str) -> str:
    r"""Remove the docstrings of all functions and classes in a piece of source.

    Parameters
    ----------
    code : str
        Python source; may be indented as a whole, as a method's is.

    Returns
    -------
    str
        The same code. Where a docstring was all there was, an ellipsis takes its place.

    Examples
    --------
    >>> print(without_docstrings('def f(x):\n    "Twice."\n    return 2 * x\n'), end="")
    def f(x):
        return 2 * x
    """
    # An indented block is only Python inside of another one.
    head = "if True:\n" if code[:1].isspace() else ""
    # The parser counts columns in UTF-8.
    lines = [line.encode() for line in (head + code).splitlines(keepends=True)]
    for node in reversed(_docstrings(ast.parse(head + code))):
        expression = node.body[0]
        first, last = expression.lineno - 1, (expression.end_lineno or expression.lineno) - 1
        before = lines[first][: expression.col_offset]
        after = lines[last][expression.end_col_offset :]
        alone = not before.strip() and (not after.strip() or after.strip().startswith(b"#"))
        if alone and len(node.body) > 1:
            # The empty line that parts it from the code goes, too.
            follows = last + 1
            if follows < len(lines) and not lines[follows].strip():
                follows += 1
            lines[first:follows] = []
        else:
            lines[first : last + 1] = [before + b"..." + after]
    return b"".join(lines).decode().removeprefix(head)


_Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


def _docstrings(tree: ast.Module) -> list[_Documented]:
    """Return what has a docstring, in the order of the text."""
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, _Documented) and ast.get_docstring(node, clean=False) is not None
    ]
    return sorted(found, key=lambda node: node.body[0].lineno)


def _lines(thing: Any) -> tuple[str, int]:
    try:
        lines, first = inspect.getsourcelines(thing)
    except (TypeError, OSError) as error:
        raise TypeError(
            f"{thing!r:.80} has no Python source to show; give a function, class, method or module"
        ) from error
    return "".join(lines), max(first, 1)


def _place(thing: Any) -> tuple[str, str]:
    """Return the module's name and its file, relative to where packages lie."""
    if inspect.ismodule(thing):
        module = thing.__name__
    else:
        module = inspect.unwrap(thing).__module__ if callable(thing) else thing.__module__
    if module == "__main__":
        return "__main__", "this notebook"
    parts = module.split(".")
    if Path(inspect.getsourcefile(thing) or "").name == "__init__.py":
        parts.append("__init__")
    return module, "/".join(parts) + ".py"
