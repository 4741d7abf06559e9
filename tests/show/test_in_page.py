"""The place of a network in the page: what a notebook shows, and what the site's build finds."""

import datetime
from types import SimpleNamespace

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from tutorial_lib import show


def test_a_notebook_shows_a_sentence_and_no_dead_button():
    bundle = show.InPage("srgan")._repr_mimebundle_()
    assert "<p>In the published book a button stands here" in bundle["text/html"]
    assert not {"<button", "<script", "src="} & {*bundle["text/html"].split()}
    assert bundle["text/plain"].startswith("In the published book")


def test_words_are_text():
    html = show.InPage("srgan", words='Try "it" <now>').html
    assert 'data-words="Try &quot;it&quot; &lt;now&gt;"' in html


@pytest.mark.parametrize("demo", ["", "../srgan", "SRGAN", "srgan.js"])
def test_a_demo_is_a_files_name(demo):
    with pytest.raises(ValueError, match="no demo can be called"):
        show.InPage(demo)


def test_a_button_says_something():
    with pytest.raises(ValueError, match="words is empty"):
        show.InPage("srgan", words=" ")


# -------------------------------------------------------------------------- in a live kernel


def grey(seen):
    """What a network stands for here: notes what it is given."""

    def live(image, strength, name):
        seen.append((image, strength, name))
        return show.grid([image.mean(1, keepdim=True).expand(-1, 3, -1, -1)], alt="grey")

    return live


def panel(seen, **options):
    place = show.InPage(
        "srgan",
        live=grey(seen),
        controls={"strength": 0.5, "name": ["one", "two"]},
        **options,
    )
    return place.panel


def uploaded(data, version):
    if version == 7:
        return {"p.png": {"metadata": {"name": "p.png", "type": "image/png"}, "content": data}}
    moment = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    kind = {"name": "p.png", "type": "image/png", "size": len(data), "last_modified": moment}
    return (kind | {"content": memoryview(data)},)


def test_a_kernel_shows_the_network_on_an_embedded_photograph_first():
    seen = []
    live = panel(seen, photograph="astronaut", longest=64)
    ((image, strength, name),) = seen
    assert image.shape == (1, 3, 64, 64)
    assert (strength, name) == (0.5, "one")
    assert "data:image" in live.answer.value
    assert "tutorial-live" in live.widget._dom_classes, "the page without a kernel would show it"


@pytest.mark.parametrize("version", [7, 8])
def test_a_kernel_takes_the_readers_picture(version):
    seen = []
    live = panel(seen, longest=32)
    picture = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    value = uploaded(show.encode(picture, "png"), version)
    if version == 7:  # which the widget of ipywidgets 8 would refuse
        live.upload = SimpleNamespace(value=value)
        live.draw()
    else:
        live.upload.value = value
    assert (seen[-1][0] - picture).abs().max() < 1 / 254
    live.controls[0].value = 0.2
    live.controls[1].value = "two"
    assert [(s, n) for _, s, n in seen[-2:]] == [(0.2, "one"), (0.2, "two")]


def test_a_large_picture_is_shrunk_for_a_kernel():
    seen = []
    live = panel(seen, longest=32)
    live.upload.value = uploaded(show.encode(torch.rand(1, 3, 20, 64), "png"), 8)
    assert seen[-1][0].shape == (1, 3, 10, 32)


def test_what_is_no_picture_is_said_in_words():
    live = panel([])
    live.upload.value = uploaded(b"Dear <reader>,", 8)
    assert "data:image" not in live.answer.value
    assert "<reader>" not in live.answer.value
    assert "image" in live.answer.value


def test_the_place_is_there_beside_the_panel(capsys):
    shell = InteractiveShell.instance()
    with capture_output() as captured:
        shell.display_formatter.format(
            show.InPage("srgan", live=grey([]), controls={"strength": 0.5, "name": ["one"]})
        )
    kinds = [set(output.data) for output in captured.outputs]
    assert any("application/vnd.jupyter.widget-view+json" in kind for kind in kinds)
    assert any(
        'data-demo="srgan"' in output.data.get("text/html", "") for output in captured.outputs
    )
    InteractiveShell.clear_instance()
