"""The set-up cell, run as on Colab: a notebook alone in a folder, PyTorch there, no library."""

import json
import os
import resource
import subprocess
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest
from chapters import listed
from packaging.requirements import Requirement
from workshop import top

ROOT = Path(__file__).resolve().parents[2]
SETUP_SECONDS = 60

# Runs the first cell of the lone notebook, then the first cells of every chapter.
RUN = """
import json, sys
def code(path):
    cells = json.load(open(path, encoding="utf-8"))["cells"]
    return ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
exec(code("chapter.ipynb")[0], {})
import tutorial_lib
print(tutorial_lib.__file__)
for cells in json.load(open("tops.json", encoding="utf-8")).values():
    space = {}
    for cell in cells:
        exec(cell, space)
"""


@pytest.fixture(scope="module")
def colab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that finds this one's packages, but not the library in the checkout."""
    folder = tmp_path_factory.mktemp("colab")
    venv.create(folder / "env", with_pip=True)
    (site,) = (folder / "env").glob("lib/python3.*/site-packages")
    # Lines of .pth files in a folder that is itself named by one are not followed.
    (site / "torch_is_here.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder


def test_set_up_cell_installs_the_library_alone(colab, tmp_path):
    chapters = listed()
    (tmp_path / "chapter.ipynb").write_bytes(chapters[0].path.read_bytes())
    tops = {chapter.name: top(chapter) for chapter in chapters}
    (tmp_path / "tops.json").write_text(json.dumps(tops), encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [colab / "env" / "bin" / "python", "-c", RUN],
        cwd=tmp_path,
        env=os.environ | {"TUTORIAL_LIB_SOURCE": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if "hatchling" in done.stderr and "No matching distribution" in done.stderr:
        pytest.skip("pip cannot reach an index for the build tool, hatchling")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[0].startswith(str(colab))
    # Processor time, as the machine may have other work.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < SETUP_SECONDS
    (site,) = (colab / "env").glob("lib/python3.*/site-packages")
    there = {path.name.partition("-")[0] for path in site.glob("*.dist-info")}
    assert there <= {"pip", "setuptools", "tutorial_lib"}, "other packages were installed, too"


def test_nothing_is_pinned_from_above():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for text in project["dependencies"]:
        operators = {bound.operator for bound in Requirement(text).specifier}
        assert operators == {">="}, text


def test_lower_bounds_are_met_by_colab():
    """Versions on Colab in 2025: a lower bound above one would have pip replace it there."""
    colab = {"ipywidgets": "7.7.1", "numpy": "2.0.2", "pillow": "11.3.0", "torch": "2.8.0"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = {Requirement(t).name: Requirement(t).specifier for t in project["dependencies"]}
    for name, version in colab.items():
        assert bounds[name].contains(version), f"pip would replace {name} {version}"
