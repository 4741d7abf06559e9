"""The form that all chapters share."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_OUTPUT = 500_000
MAX_NOTEBOOK = 4_500_000

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


class Pictures(HTMLParser):
    """Collects the pictures in HTML that have no alternative text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.silent: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "img" and not names.get("alt") and "hidden" not in names:
            self.silent.append(str(self.get_starttag_text())[:80])


def repository() -> str:
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def outputs(path: Path) -> list[dict[str, Any]]:
    return [output for cell in code_cells(path) for output in cell["outputs"]]


def text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def widgets(path: Path) -> dict[str, Any]:
    saved = read(path)["metadata"].get("widgets", {})
    return saved.get("application/vnd.jupyter.widget-state+json", {}).get("state", {})


def test_is_a_chapter(path):
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    assert f"notebooks/{path.stem}" in listed
    assert (ROOT / "tutorial_lib" / path.stem / "__init__.py").exists()


def test_opens_with_title_and_colab_link(path):
    first = read(path)["cells"][0]
    opening = text(first["source"])
    assert first["cell_type"] == "markdown"
    assert opening.startswith("# ")
    address = repository().removeprefix("https://github.com/")
    assert (
        f"https://colab.research.google.com/github/{address}/blob/main/notebooks/{path.name}"
        in opening
    )


def test_set_up_cell_is_the_same_everywhere(path):
    expected = (ROOT / "scripts" / "setup_cell.py").read_text(encoding="utf-8").rstrip("\n")
    cell = code_cells(path)[0]
    assert f'"git+{repository()}"' in expected
    assert text(cell["source"]) == expected
    assert "hide-input" in cell["metadata"].get("tags", [])
    assert not cell["outputs"]


def test_was_run_from_top_to_bottom(path):
    counts = [cell["execution_count"] for cell in code_cells(path) if text(cell["source"]).strip()]
    assert counts == list(range(1, len(counts) + 1))


def test_has_no_error_and_no_warning(path):
    for output in outputs(path):
        assert output["output_type"] != "error"
        assert output.get("name") != "stderr", text(output["text"])[:500]


def test_has_no_path_of_a_machine(path):
    for cell in read(path)["cells"]:
        found = re.search(
            r"(?<![\w.:/~-])/(home|root|tmp|Users|opt|mnt|work)/\w+", json.dumps(cell)
        )
        assert not found, found


def test_keeps_within_its_size(path):
    assert path.stat().st_size <= MAX_NOTEBOOK
    for output in outputs(path):
        assert len(json.dumps(output)) <= MAX_OUTPUT


def test_every_picture_has_alternative_text(path):
    for cell in read(path)["cells"]:
        if cell["cell_type"] == "markdown":
            source = text(cell["source"])
            assert not re.search(r"!\[\s*\]\(", source), "a picture in Markdown without text"
            assert Pictures(source).silent == []
    for output in outputs(path):
        data = output.get("data", {})
        assert Pictures(text(data.get("text/html", ""))).silent == []
        pictures = [kind for kind in data if kind.startswith("image/")]
        assert not pictures, f"{pictures} has no place for alternative text: show it as HTML"
    for model in widgets(path).values():
        assert Pictures(str(model["state"].get("value", ""))).silent == []
        assert model["model_name"] != "ImageModel", "a widget that has no alternative text"


def test_widgets_have_their_state(path):
    kind = "application/vnd.jupyter.widget-view+json"
    shown = [output["data"][kind] for output in outputs(path) if kind in output.get("data", {})]
    assert {view["model_id"] for view in shown} <= set(widgets(path))
