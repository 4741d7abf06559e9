"""Parts of the site and of the workshop that need neither a build nor a browser."""

import io
import subprocess
import sys
from pathlib import Path

import offline
import preflight
import pytest
from chapters import embedded_in, repository
from lean_pages import file_name, keep_icons
from PIL import Image
from social_cards import SIZE, card, without_tags
from workshop import preflight_notebook

ROOT = Path(__file__).resolve().parents[2]

ICONS = (
    'var a={bars:[448,512,["navicon"],"f0c9","M0 96"],"circle-user":[512,512,[62142],"f2bd",'
    '["M1","M2"]],pencil:[512,512,[9999,"pencil-alt"],"f303","M4"]};var b={x:[1,2,[],"f1","M5"]};'
)


def test_icons_in_use_stay():
    kept = keep_icons(ICONS, {"pencil-alt", "circle-user"})
    assert kept == (
        'var a={"circle-user":[512,512,[62142],"f2bd",["M1","M2"]],'
        'pencil:[512,512,[9999,"pencil-alt"],"f303","M4"]};var b={};'
    )


def test_files_are_named_by_their_content():
    assert file_name(b"a", "webp") == file_name(b"a", "webp") != file_name(b"b", "webp")


def test_a_drawing_is_one_file_with_what_it_holds():
    inner = "data:image/png;base64,AAAA"
    html = f'<img src="data:image/svg+xml,%3Csvg href=\'{inner}\'/%3E"><img src="{inner}">'
    (kind, drawing), (other, _) = embedded_in(html)
    assert (kind, other) == ("svg", "png")
    assert drawing == f"<svg href='{inner}'/>".encode()


def test_card_has_the_size_that_sites_ask_for():
    picture = io.BytesIO()
    Image.new("RGB", (300, 40), "red").save(picture, format="png")
    drawn = Image.open(io.BytesIO(card("A title of many words", "Book", [picture.getvalue()])))
    assert drawn.size == SIZE
    assert drawn.getpixel((SIZE[0] - 5, 300))[0] > 200


def test_headings_lose_their_tags():
    assert without_tags('<span class="n">1.</span> Fish &amp; chips') == "1. Fish & chips"


def test_preflight_runs_without_anything_installed():
    done = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "scripts" / "preflight.py"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == ""
    assert "NO    no PyTorch" in done.stdout
    assert "the chapters' notebooks: not yet" in done.stdout


@pytest.mark.parametrize(
    ("marks", "expected"), [(["ok", "note"], True), (["ok", "NO"], False), ([], True)]
)
def test_preflight_judges_by_what_must_be_mended(monkeypatch, capsys, marks, expected):
    found = [preflight.Finding(mark, f"thing {mark}", "what to do") for mark in marks]
    monkeypatch.setattr(preflight, "machine", lambda: found)
    monkeypatch.setattr(preflight, "pytorch", list)
    monkeypatch.setattr(preflight, "library", list)
    assert preflight.report() is expected
    assert capsys.readouterr().out.count("what to do") == len(marks)


def test_preflight_notebook_is_one_cell_of_the_script():
    cells = [cell for cell in preflight_notebook().cells if cell.cell_type == "code"]
    assert [cell.source for cell in cells] == [(ROOT / "scripts" / "preflight.py").read_text()]


def test_packages_to_bring_along():
    listed = list(offline.packages("tutorial-lib", "ipykernel"))
    names = {line.partition("==")[0] for line in listed}
    assert {"torch", "ipykernel", "numpy", "pillow"} <= names
    assert not any(name.startswith(("nvidia", "tutorial-lib")) for name in names)
    assert not any("+" in line for line in listed)


def test_only_data_with_an_open_licence_is_passed_on():
    kept, left = offline.data_files()
    assert not any(name.startswith(("set5/", "set14/", "bsds500/")) for name, _ in kept)
    text = offline.data_readme(kept, left)
    assert "no explicit licence" in text
    for name, _ in kept:
        assert name in text


def test_binder_installs_the_library_without_gpu_libraries():
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    assert "." in lines
    assert any(line.startswith("--extra-index-url") and line.endswith("/cpu") for line in lines)
    assert repository().startswith("https://github.com/")
