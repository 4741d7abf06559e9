"""Source in the page: what is shown, what is left out, and that it can be read."""

import ast
import functools
import importlib
import inspect
import re
import textwrap
from html import unescape

import pytest

from tutorial_lib.data import degrade
from tutorial_lib.metrics import imresize
from tutorial_lib.show import FrameSlider, encode, source
from tutorial_lib.show.source import DARK, LIGHT, without_docstrings

# The package exports a function of this module's name.
MODULE = importlib.import_module("tutorial_lib.show.source")
DOCUMENTED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


def code(shown):
    """The text of each listing, without its colours."""
    listings = re.findall(r"<pre[^>]*>(.*?)</pre>", shown.html, re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>", "", listing)) for listing in listings]


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("thing", [encode, FrameSlider, degrade, FrameSlider.__init__])
def test_listing_is_the_source_word_for_word(thing):
    shown = source(thing)
    expected = textwrap.dedent(inspect.getsource(thing))
    assert code(shown) == [expected]
    assert shown.alt == expected


def test_several_objects_stand_below_each_other_under_their_names():
    shown = source(encode, imresize)
    assert len(code(shown)) == 2
    _, first = inspect.getsourcelines(encode)
    assert f'data-file="tutorial_lib/show/pictures.py" data-line="{first}"' in shown.html
    assert "tutorial_lib.show.pictures.encode" in shown.html
    assert "tutorial_lib.metrics.resize.imresize" in shown.html


def test_packages_are_named_by_their_own_file():
    package = importlib.import_module("tutorial_lib.show")
    assert 'data-file="tutorial_lib/show/__init__.py"' in source(package).html


def test_decorated_functions_show_what_they_wrap():
    @functools.wraps(encode)
    def wrapper():
        pass

    assert code(source(wrapper)) == code(source(encode))


@pytest.mark.parametrize("thing", [encode, FrameSlider, FrameSlider.__init__, MODULE])
def test_docstrings_are_left_out_and_nothing_else(thing):
    shown = source(thing, docstring=False)
    (listing,) = code(shown)
    full = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    for node in ast.walk(full):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body[:1] = [] if len(node.body) > 1 else [ast.Expr(ast.Constant(...))]
    assert ast.dump(ast.parse(listing)) == ast.dump(full)
    had = without_docstrings(inspect.getsource(thing)) != inspect.getsource(thing)
    assert ("docstrings left out" in shown.html) == had


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('def f():\n    """Only this."""\n', "def f():\n    ...\n"),
        ('def f(): "One line."\n', "def f(): ...\n"),
        ('def f(): "é"; return "é"\n', 'def f(): ...; return "é"\n'),
        ('class A:\n    """A.\n\n    More.\n    """\n\n    x = 1\n', "class A:\n    x = 1\n"),
        ('def f():\n    "doc"  # why\n    return 1\n', "def f():\n    return 1\n"),
        ('def f():\n    x = """not\na docstring"""\n', None),
        (
            '    def f(self):\n        "Doc."\n        return """\nx"""\n',
            '    def f(self):\n        return """\nx"""\n',
        ),
        (
            'def f():\n    "a"\n    def g():\n        "b"\n        return 1\n    return g\n',
            "def f():\n    def g():\n        return 1\n    return g\n",
        ),
        ("x = 1\n", None),
    ],
)
def test_docstrings_in_every_place(given, expected):
    assert without_docstrings(given) == (given if expected is None else expected)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_every_colour_stands_out_from_its_ground(colours):
    ground = luminance(colours["ground"])
    for kind in colours.keys() - {"ground"}:
        low, high = sorted((ground, luminance(colours[kind])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, kind


def test_long_listings_can_be_scrolled_by_key():
    assert '<pre tabindex="0" role="group" aria-label=' in source(encode).html


@pytest.mark.parametrize("thing", [3, "text", len, b"bytes"])
def test_what_has_no_source_is_refused(thing):
    with pytest.raises(TypeError, match="has no Python source"):
        source(thing)


def test_nothing_is_refused():
    with pytest.raises(TypeError, match="needs a function"):
        source()
