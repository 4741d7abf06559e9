"""What networks in the page are packed into, and how a page learns of it."""

import base64
import gzip
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path

import in_page
import numpy as np
import onnx
import packs
import pytest
import torch
from safetensors.numpy import load

from tutorial_lib import show
from tutorial_lib.lapstyle import Encoder, LapStyle
from tutorial_lib.srgan import Generator


def unpacked(script: str) -> Mapping[str, np.ndarray]:
    found = re.fullmatch(r'tutorialInPage\.packed\["some-pack"\] = "([A-Za-z0-9+/=]+)";\n', script)
    assert found is not None
    return load(gzip.decompress(base64.b64decode(found[1])))


def test_a_pack_is_a_script_that_holds_the_arrays():
    arrays = {"a": np.arange(6, dtype=np.float16).reshape(2, 3), "b": np.zeros(4, np.uint8)}
    script, size = packs.packed("some-pack", arrays)
    found = unpacked(script)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert (found[name] == array).all()
    assert size == len(base64.b64decode(script.split('"')[3]))
    assert packs.packed("some-pack", arrays)[0] == script, "another script at another time"


def test_weights_are_those_of_the_network_in_half_precision():
    network = Generator(channels=4, blocks=1)
    found = packs.weights(network.state_dict())
    state = network.state_dict()
    assert found.keys() == {key for key in state if "num_batches" not in key}
    for name, array in found.items():
        assert array.dtype == np.float16
        assert (torch.tensor(array) == state[name].half()).all()


def test_a_graph_has_open_sides_and_weights_for_inputs():
    network = Generator(channels=4, blocks=1)
    file = packs.graph(network, {"low": torch.rand(1, 3, 9, 7)}, output="high")
    found = onnx.load_from_string(file.tobytes()).graph
    shapes = {
        value.name: [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]
        for value in found.input
    }
    assert shapes.pop("low") == [1, 3, "height", "width"]
    assert shapes == {
        name: list(a.shape) for name, a in packs.weights(network.state_dict()).items()
    }
    assert len(found.initializer) == 0
    assert [value.name for value in found.output] == ["high"]


def test_samples_are_squares():
    for samples, side in (
        (packs.small_samples(), packs.SIDE // 4),
        (packs.samples(), packs.WHOLE_SIDE),
    ):
        assert samples.keys() == packs.SAMPLES.keys()
        for sample in samples.values():
            assert sample.shape == (side, side, 3)
            assert sample.dtype == np.uint8


@torch.no_grad()
@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_a_draft_is_the_painters_at_a_strength(strength):
    torch.manual_seed(0)
    painter = LapStyle(Encoder())
    painter.learn_style(torch.rand(1, 3, 32, 32))
    picture = torch.rand(1, 3, 32, 24)
    found = packs.Draft(painter)(picture, torch.tensor([strength]))
    torch.testing.assert_close(found, painter.draft(picture, strength=strength))


def test_a_graph_has_all_weights_that_its_packs_have():
    arrays = packs.lapstyle_graphs()
    wanted = {
        name: {value.name for value in onnx.load_from_string(file.tobytes()).graph.input}
        for name, file in arrays.items()
    }
    own = set(packs.painter_weights(packs.PAINTERS[0]))
    revisions = {name for name in own if name.startswith("revisions.")}
    assert wanted["draft"] - {"low", "strength"} == (own - revisions) | {*packs.encoder_weights()}
    for index in {name.split(".")[1] for name in revisions}:
        prefix = f"revisions.{index}."
        named = {name.removeprefix(prefix) for name in revisions if name.startswith(prefix)}
        assert wanted["revision"] - {"residual", "picture"} == named


def test_each_demo_has_its_script_and_its_packs():
    for demo in packs.DEMOS.keys() | packs.LATER.keys():
        assert Path(packs.STATIC, "inpage", f"{demo}.js").is_file()
        assert {*packs.DEMOS.get(demo, ()), *packs.LATER.get(demo, ())} <= set(packs.PACKS)
    # The game has its own button, which loads no pack.
    assert packs.LATER.keys() - packs.DEMOS.keys() == {"gan_basics"}


@pytest.fixture
def sizes(monkeypatch):
    packed = {"ort-wasm": 3, "ort-webgpu": 6, "a": 1, "b": 2, "c": 4}
    known = {
        "packs": packed,
        "demos": {"some": ["b"], "more": ["a"]},
        "later": {"more": ["c"], "own": ["c"]},
    }
    monkeypatch.setattr(in_page, "listed", lambda: known)


def test_a_page_learns_the_sizes_of_what_its_demo_loads(sizes):
    place = show.InPage("some").html
    found = in_page.PLACE.sub(lambda match: in_page.with_packs(match[0], match[1]), place)
    attribute = re.search(r'data-packs="([^"]*)"', found)
    assert attribute is not None
    assert json.loads(html.unescape(attribute[1])) == {"ort-wasm": 3, "ort-webgpu": 6, "b": 2}
    assert found.replace(f" {attribute[0]}", "") == place


def test_a_page_learns_what_its_demo_may_load_later(sizes):
    place = show.InPage("more").html
    found = in_page.PLACE.sub(lambda match: in_page.with_packs(match[0], match[1]), place)
    attributes = dict(re.findall(r'data-(packs|later)="([^"]*)"', found))
    assert json.loads(html.unescape(attributes["packs"])) == {
        "ort-wasm": 3,
        "ort-webgpu": 6,
        "a": 1,
    }
    assert json.loads(html.unescape(attributes["later"])) == {"c": 4}


def test_a_page_learns_what_a_demo_that_loads_nothing_before_may_load(sizes):
    for demo, expected in (("own", ' data-later="{&quot;c&quot;: 4}"'), ("none", "")):
        place = f'<div class="tutorial-inpage" data-demo="{demo}"'
        assert in_page.with_packs(place, demo) == place + expected
