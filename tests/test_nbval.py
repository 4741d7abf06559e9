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

ROOT = Path(__file__).resolve().parent.parent

PICTURE = """\
import base64
from IPython.display import HTML, display

pixel = base64.b64encode(b"pixels").decode()
display(HTML(f'<img alt="a pixel" src="data:image/webp;base64,{pixel}"><p>28.42 dB</p>'))
display({"image/webp": pixel, "text/plain": "a pixel"}, raw=True)
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder)
    path = folder / "tiny.ipynb"
    cells = [new_code_cell("print('| bicubic | 28.42 dB |')"), new_code_cell(PICTURE)]
    nbformat.write(new_notebook(cells=cells), path)
    subprocess.run([sys.executable, ROOT / "scripts" / "execute.py", path], check=True)
    return path


def compare(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "--rootdir", path.parent, path]
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True)


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    outputs = [json.dumps(cell["outputs"]) for cell in json.loads(text)["cells"]]
    assert any(old in output for output in outputs)
    notebook = json.loads(text)
    for cell, output in zip(notebook["cells"], outputs, strict=True):
        cell["outputs"] = json.loads(output.replace(old, new))
    copy = path.with_name("edited.ipynb")
    copy.write_text(json.dumps(notebook), encoding="utf-8")
    return copy


def test_executing_again_changes_no_byte(executed):
    before = executed.read_bytes()
    subprocess.run([sys.executable, ROOT / "scripts" / "execute.py", executed], check=True)
    assert executed.read_bytes() == before


def test_unchanged_notebook_passes(executed):
    result = compare(executed)
    assert result.returncode == 0, result.stdout


def test_reencoded_picture_passes(executed):
    old, new = (base64.b64encode(data).decode() for data in (b"pixels", b"others"))
    result = compare(edited(executed, old, new))
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("where", ["bicubic | 28.42", "<p>28.42 dB"])
def test_wrong_number_fails(executed, where):
    result = compare(edited(executed, where, where.replace("28.42", "28.43")))
    assert result.returncode == 1, result.stdout
    assert "28.43" in result.stdout
