"""Sliders: every frame is in the saved state, and the browser alone moves them."""

import base64
import re
import sys
import types

import ipywidgets as widgets
import nbformat
import pytest
import torch
from ipywidgets.embed import dependency_state
from nbclient import NotebookClient

from tutorial_lib.show import FrameGrid, FrameSlider, encode, grid

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def frames(count, size=8):
    return list(torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)))


def labels(count):
    return [f"step {n}" for n in range(count)]


def slider(count=4, **options):
    return FrameSlider(frames(count), labels=labels(count), alt="Noise.", **options)


def links(box):
    """(slider, stack) of every link among the models that the box brings along."""
    models = dependency_state(box)
    return [
        tuple(
            (models[re.sub("IPY_MODEL_", "", end[0])]["model_name"], end[1])
            for end in (model["state"]["source"], model["state"]["target"])
        )
        for model in models.values()
        if model["model_name"] == "LinkModel"
    ]


def stacks(box):
    return [child for child in box.children if isinstance(child, widgets.Stack)]


def handles(box):
    return [child for child in box.children if isinstance(child, widgets.IntSlider)]


def test_slider_is_linked_to_the_stack_in_the_browser():
    assert links(slider().widget) == [
        (("IntSliderModel", "value"), ("StackModel", "selected_index"))
    ]


def test_state_holds_every_frame_with_its_label_and_text():
    given = frames(4)
    state = dependency_state(FrameSlider(given, labels=labels(4), alt="Noise.").widget)
    pages = [m["state"]["value"] for m in state.values() if m["model_name"] == "HTMLModel"]
    for n, frame in enumerate(given):
        (page,) = [page for page in pages if f'alt="Noise. step {n}"' in page]
        assert f">step {n}</figcaption>" in page
        assert base64.b64encode(encode(frame, quality=100)).decode() in page


def test_slider_covers_the_frames_and_has_a_name():
    box = slider(5, description="iteration", start=-2).widget
    (handle,) = handles(box)
    assert (handle.min, handle.max, handle.value) == (0, 4, 3)
    assert handle.description == "iteration"
    assert stacks(box)[0].selected_index == 3


def test_no_widget_needs_more_than_controls():
    for model in dependency_state(slider(play=True).widget).values():
        assert model["model_module"] in ("@jupyter-widgets/base", "@jupyter-widgets/controls")


def test_output_has_the_widget_and_the_starting_frame():
    shown = slider(start=2, caption="A caption.")
    bundle = shown._repr_mimebundle_()
    assert bundle[VIEW]["model_id"] == shown.widget.model_id
    assert 'alt="Noise. step 2"' in bundle["text/html"]
    assert "A caption." in bundle["text/html"]
    assert bundle["text/html"].count("<img") == 1
    assert bundle["text/plain"] == "Noise. (4 frames: step 0 to step 3)"


def test_colab_gets_all_frames_as_plain_html(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    shown = slider(start=1)
    bundle = shown._repr_mimebundle_()
    assert VIEW not in bundle
    assert bundle["text/html"].count("<img") == 4
    assert '<input type="range" min="0" max="3" value="1"' in bundle["text/html"]
    assert bundle["text/html"].count('class="tutorial-frame" hidden') == 3
    assert "widget" not in vars(shown)


def test_small_frames_are_shown_at_a_whole_multiple():
    assert 'width="520" height="520"' in slider().fallback
    assert 'width="80" height="80"' in slider(width=80).fallback


def test_play_button_says_how_fast():
    assert "setInterval(step,250)" in slider(play=True, interval=250).html
    assert "setInterval" not in slider().html


def test_files_and_pictures_can_be_frames(tmp_path):
    path = tmp_path / "frame.webp"
    path.write_bytes(encode(frames(1)[0]))
    picture = grid(frames(2), alt="Two.")
    shown = FrameSlider([path, path.read_bytes(), picture], labels=labels(3), alt="Noise.")
    assert shown.html.count("<img") == 4
    assert 'aria-label="Two."' in shown.html


def test_text_is_escaped():
    shown = FrameSlider(frames(2), labels=["<b>", "&"], alt='"', caption="<i>", description="<u>")
    assert not re.search("<[biu]>", shown.html + shown.fallback)


def test_grid_links_each_slider_to_its_own_stacks():
    rows = [frames(3), frames(3)]
    shown = FrameGrid(
        rows,
        labels=[["a", "b", "c"], ["d", "e", "f"]],
        alt="Noise.",
        descriptions=("α", "step"),
        start=(1, -1),
    )
    box = shown.widget
    outer, (first, second) = stacks(box)[0], handles(box)
    assert [len(row.children) for row in outer.children] == [3, 3]
    assert (first.description, first.max, second.description, second.max) == ("α", 1, "step", 2)
    assert (outer.selected_index, [row.selected_index for row in outer.children]) == (1, [2, 2])
    models = dependency_state(box)
    ends = {
        (m["state"]["source"][0], m["state"]["target"][0])
        for m in models.values()
        if m["model_name"] == "LinkModel"
    }
    name = "IPY_MODEL_{}".format
    assert ends == {
        (name(first.model_id), name(outer.model_id)),
        *((name(second.model_id), name(row.model_id)) for row in outer.children),
    }
    assert ">f</figcaption>" in shown.fallback


def test_grid_has_as_many_sliders_as_axes():
    table = [[frames(3), frames(3)], [frames(3), frames(3)]]
    names = [[[f"{a}{b}{c}" for c in range(3)] for b in range(2)] for a in range(2)]
    axes = ("loss", "rounds", "step")
    shown = FrameGrid(table, labels=names, alt="Noise.", descriptions=axes, start=(1, 0, -1))
    box = shown.widget
    assert [(h.description, h.max, h.value) for h in handles(box)] == [
        ("loss", 1, 1),
        ("rounds", 1, 0),
        ("step", 2, 2),
    ]
    # Every slider moves one stack for each position of those outside it: 1 + 2 + 4 links.
    models = dependency_state(box)
    moved = [m["state"]["source"][0] for m in models.values() if m["model_name"] == "LinkModel"]
    assert [moved.count(f"IPY_MODEL_{h.model_id}") for h in handles(box)] == [1, 2, 4]
    assert [label for outer in names for row in outer for label in row] == list(shown.labels)
    assert ">102</figcaption>" in shown.fallback
    assert shown.html.count('<input type="range"') == 3


def test_grid_starts_at_the_first_frame():
    shown = FrameGrid(
        [frames(2), frames(2)],
        labels=[["a", "b"], ["c", "d"]],
        alt="Noise.",
        descriptions=("row", "column"),
    )
    assert ">a</figcaption>" in shown.fallback


def test_saved_notebook_holds_all_that_the_page_needs():
    code = (
        "import torch\nfrom tutorial_lib.show import FrameSlider\n"
        "FrameSlider(torch.rand(3, 3, 8, 8), labels=list('abc'), alt='Noise.')"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
    shown = notebook.cells[0].outputs[0].data[VIEW]["model_id"]
    state = notebook.metadata.widgets[STATE].state
    names = [model.model_name for model in state.values()]
    assert state[shown].model_name == "VBoxModel"
    assert names.count("LinkModel") == 1
    assert (
        sum(
            "Noise. " in model.state.get("value", "")
            for model in state.values()
            if model.model_name == "HTMLModel"
        )
        == 3
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alt": " "}, "alt is empty"),
        ({"labels": labels(3)}, "4 frames, but 3 labels"),
        ({"description": ""}, "description is empty"),
        ({"start": 4}, "start 4 is not one of 4 frames"),
        ({"start": -5}, "start -5 is not one of 4 frames"),
        ({"max_bytes": 1000}, r"4 frames take \d+ kB .*limit is 1 kB: show fewer frames"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        FrameSlider(frames(4), **{"labels": labels(4), "alt": "Noise.", **options})


def test_one_frame_needs_no_slider():
    with pytest.raises(ValueError, match="at least two frames"):
        slider(1)


def test_frames_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r"different sizes: \[\(8, 8\), \(9, 9\)\]"):
        FrameSlider([*frames(1), *frames(1, 9)], labels=labels(2), alt="Noise.")


@pytest.mark.parametrize("lengths", [(2, 3), (2, 2, 2)])
def test_uneven_rows_are_refused(lengths):
    with pytest.raises(ValueError, match="all rows must have one length"):
        FrameGrid(
            [frames(n) for n in lengths],
            labels=[labels(2), labels(2)],
            alt="Noise.",
            descriptions=("a", "b"),
        )


def test_labels_must_lie_as_the_frames_do():
    with pytest.raises(ValueError, match=r"frames of shape \(2, 2\), but labels of shape \(2, 3\)"):
        FrameGrid(
            [frames(2), frames(2)],
            labels=[labels(3), labels(3)],
            alt="Noise.",
            descriptions=("a", "b"),
        )


def test_a_table_with_too_few_axes_is_refused():
    with pytest.raises(ValueError, match="nested 1 deep, but there are 2 sliders"):
        FrameGrid([b"", b""], labels=labels(2), alt="Noise.", descriptions=("a", "b"))


def test_a_grid_starts_somewhere_along_every_axis():
    with pytest.raises(ValueError, match=r"start is \(1,\), but there are 2 sliders"):
        FrameGrid(
            [frames(2), frames(2)],
            labels=[labels(2), labels(2)],
            alt="Noise.",
            descriptions=("a", "b"),
            start=(1,),
        )


def test_alt_is_required():
    with pytest.raises(TypeError, match="alt"):
        FrameSlider(frames(2), labels=labels(2))
