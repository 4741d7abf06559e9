"""The comparison of notebooks catches a wrong number and lets a re-encoded picture pass."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]

PICTURE = """\
import base64
from IPython.display import HTML, display

pixel = base64.b64encode(b"pixels").decode()
html = f'<img alt="a pixel" src="data:image/webp;base64,{pixel}"><p>28.42 dB</p>'
display(HTML('<style>p { color: red }</style>' + html))
display({"image/webp": pixel, "text/plain": "a pixel"}, raw=True)
"""


PIXELS, OTHERS = (base64.b64encode(data).decode() for data in (b"pixels", b"others"))

# What is changed in the committed outputs, and whether the comparison must notice.
EDITS = {
    "unchanged": ("", "", False),
    "picture": (PIXELS, OTHERS, False),
    "style": ("color: red", "color: blue", False),
    "printed": ("bicubic | 28.42", "bicubic | 28.43", True),
    "caption": ("<p>28.42 dB", "<p>28.43 dB", True),
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder)
    path = folder / "original.ipynb"
    cells = [new_code_cell("print('| bicubic | 28.42 dB |')"), new_code_cell(PICTURE)]
    nbformat.write(new_notebook(cells=cells), path)
    execute(path)
    return path


def execute(path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "execute.py", path], check=True)


def edited(path: Path, name: str) -> Path:
    """A copy of a notebook, with one thing in its outputs changed."""
    old, new, _ = EDITS[name]
    notebook = json.loads(path.read_text(encoding="utf-8"))
    outputs = json.dumps([cell["outputs"] for cell in notebook["cells"]])
    assert old in outputs
    for cell, changed in zip(notebook["cells"], json.loads(outputs.replace(old, new)), strict=True):
        cell["outputs"] = changed
    copy = path.with_name(f"{name}.ipynb")
    copy.write_text(json.dumps(notebook), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def comparison(executed: Path) -> str:
    paths = [edited(executed, name).name for name in EDITS]
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-rA", "--rootdir=.", *paths]
    return subprocess.run(command, cwd=executed.parent, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", EDITS)
def test_comparison_notices_numbers_and_nothing_else(comparison, name):
    assert f"{name}.ipynb::Cell 0" in comparison
    assert (f"FAILED {name}.ipynb" in comparison) == EDITS[name][2], comparison


def test_executing_again_changes_no_byte(executed):
    before = executed.read_bytes()
    execute(executed)
    assert executed.read_bytes() == before
