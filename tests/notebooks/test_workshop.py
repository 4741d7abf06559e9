"""The workshop kit: its form on a small chapter, and the exercises of all chapters."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from chapters import Chapter, listed, without_markup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from plain_markdown import Plain
from saved_sliders import saved_sliders
from slides import slides
from workshop import ExerciseError, code_exercises, emptied, kit_notebook, verify

ROOT = Path(__file__).resolve().parents[2]

OPENING = """\
# Twice

[Open in Colab](https://colab.research.google.com/x) · [how to run it](../book/running.md)

Doubling, after {cite:t}`goodfellow2014`.
"""

THEORY = """\
## Idea

$$
y = 2x
$$ (twice-eq)

By {eq}`twice-eq` and {cite:p}`goodfellow2014,ledig2017`:

:::{note}
Even numbers
only.
:::
"""

EXERCISES = """\
## Exercises

```{exercise} Doubling
:label: twice-double

Write it, by {eq}`twice-eq`.
```

```{solution} twice-double
:class: dropdown

Add it to itself.
```

```{exercise} Why
:label: twice-why

Why?
```

````{solution} twice-why
:class: dropdown

```python
print("because")
```
````
"""

SOLUTION = '''\
def double(x):
    """Twice x."""
    # solution
    y = x + x
    return y
    # end
'''
CHECK = 'assert double(BASE) == 8, "not twice"'


@pytest.fixture
def chapter(tmp_path: Path):
    def make(solution: str = SOLUTION, check: str = CHECK) -> Chapter:
        cells = [
            new_markdown_cell(OPENING),
            new_code_cell("BASE = 4", metadata={"tags": ["hide-input"]}),
            new_markdown_cell(THEORY),
            new_code_cell("1 / 0", outputs=[new_output("stream", text="once")]),
            new_markdown_cell(EXERCISES),
            new_code_cell(solution, metadata={"tags": ["solution"]}),
            new_code_cell(check, metadata={"tags": ["check"]}),
        ]
        nbformat.write(new_notebook(cells=cells), tmp_path / "twice.ipynb")
        return Chapter("twice", tmp_path / "twice.ipynb")

    return make


def sources(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells)


def test_a_good_exercise_passes(chapter):
    assert verify(chapter()) == 1


def test_chapter_in_words(chapter):
    assert chapter().title == "Twice"
    assert chapter().exercises == ["Doubling", "Why"]
    assert "goodfellow" not in chapter().opening


@pytest.mark.parametrize(
    ("solution", "check", "complaint"),
    [
        (SOLUTION, "assert True", "although nothing is written"),
        (SOLUTION, "assert double(BASE) == 9", "the solution fails"),
        (SOLUTION, "undefined", "at the stub, the check NameError"),
        ("# solution\nx = 1\n# end", "assert x", "belong in a function"),
        ("def double(x):\n    return 2 * x", CHECK, "no lines between"),
    ],
)
def test_a_bad_exercise_is_named(chapter, solution, check, complaint):
    with pytest.raises(ExerciseError, match=f"twice.ipynb, cell 5|cell 6.*{complaint}") as error:
        verify(chapter(solution, check))
    assert complaint in str(error.value)


def test_a_solution_needs_a_check(chapter, tmp_path):
    made = chapter()
    del made.notebook.cells[-1]
    with pytest.raises(ExerciseError, match="has no check"):
        list(code_exercises(made))


def test_blanks():
    assert emptied(SOLUTION) == (
        'def double(x):\n    """Twice x."""\n    raise NotImplementedError("write this")\n'
    )


def test_participants_see_no_solution(chapter):
    made = kit_notebook(chapter(), solutions=False)
    text = sources(made)
    assert "x + x" not in text
    assert "to itself" not in text
    assert "because" not in text
    assert "Twice x." in text
    assert CHECK in text
    assert text.count("*Your answer:*") == 2
    assert text.index("Exercise 1. Doubling") < text.index("Exercise 2. Why")


def test_instructors_see_solutions_and_no_blank(chapter):
    text = sources(kit_notebook(chapter(), solutions=True))
    assert "x + x" in text
    assert "**Solution of exercise 1.**\n\nAdd it to itself." in text
    assert '```python\nprint("because")\n```' in text
    assert "NotImplementedError" not in text


@pytest.mark.parametrize("solutions", [False, True])
def test_kit_is_plain(chapter, solutions):
    made = kit_notebook(chapter(), solutions=solutions)
    nbformat.validate(made)
    text = sources(made)
    assert not any(cell.get("outputs") for cell in made.cells)
    assert "colab" not in text
    assert "{cite" not in text
    assert "{eq}" not in text
    assert "{exercise}" not in text
    assert "Goodfellow et al. (2014)" in text
    assert "(Goodfellow et al. 2014; Ledig et al. 2017)" in text
    assert "y = 2x\n\\tag{1}\n$$" in text
    assert "By (1) and" in text
    assert "> **Note**\n>\n> Even numbers\n> only." in text


def test_links_lead_to_the_published_pages():
    plain = Plain(
        [], bibliography=ROOT / "book" / "references.bib", site="https://x/", solutions=True
    )
    assert plain("[how](../book/running.md#colab), [next](dni.ipynb)") == (
        "[how](https://x/book/running.html#colab), [next](dni.ipynb)"
    )


def test_markup_goes():
    text = "## A\n\n*Look* at $x$ {cite:p}`ledig2017` and [this](b.md).\n\n$$\ny\n$$ (a-b)\n"
    assert without_markup(text) == "A Look at and this."


def test_exercises_of_all_chapters():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "workshop.py", "--verify"],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("made", listed(), ids=lambda chapter: chapter.name)
def test_chapters_make_kits_and_slides(made):
    for solutions in (False, True):
        kit = kit_notebook(made, solutions=solutions)
        text = "\n".join(c.source for c in kit.cells if c.cell_type == "markdown")
        assert "```{" not in text
        assert ":::" not in text
        assert text.count("### Exercise ") == len(made.exercises)
    page = slides(made)
    assert page.count('class="frames"') == len(list(saved_sliders(made.notebook)))
    assert 'src="http' not in page
