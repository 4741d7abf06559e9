"""The trainings, from their settings to the records that they leave."""

import pytest
import torch
from safetensors.torch import save_file

from tutorial_lib import ledger
from tutorial_lib.data import DataUnavailable, group_names, locate, write_image
from tutorial_lib.experiment import execute
from tutorial_lib.lapstyle.experiments import EXPERIMENTS
from tutorial_lib.lapstyle.pictures import Photographs
from tutorial_lib.lapstyle.recording import watch_steps
from tutorial_lib.lapstyle.settings import StyleConfig
from tutorial_lib.lapstyle.stylise import style_state
from tutorial_lib.lapstyle.training import StyleRecipe, starting_weights
from tutorial_lib.training import make_fabric
from tutorial_lib.vgg import VGG16_FILE

NAMED = {experiment.name: experiment for experiment in EXPERIMENTS}


@pytest.fixture
def outside():
    """Skips where the photographs and weights from outside are not on this machine."""
    names = ("style/starry_night.jpg", "content/tubingen.jpg", group_names("bsds500")[0])
    try:
        for name in (*names, VGG16_FILE):
            locate(name, download=False)
    except DataUnavailable as error:
        pytest.skip(str(error))


def test_stages_share_the_steps():
    config = StyleConfig(steps=10, shares=(0.5, 0.3, 0.2))
    assert config.ends(10) == [5, 8, 10]
    assert StyleConfig(steps=10, shares=(0.0, 1.0)).ends(7) == [0, 7]
    assert watch_steps(60, [30, 45, 60]) == [0, 20, 30, 37, 45, 50, 52, 60]


def test_published_trainings_start_from_what_is_published():
    """Starry Night and the ablations from nothing; the other styles from Starry Night."""
    starts = {
        name: e.profiles["book"].start
        for name, e in NAMED.items()
        if "start" in vars(e.profiles["book"])
    }
    assert starts == {
        "lapstyle/starry_night": "",
        "lapstyle/the_scream": "lapstyle/starry_night",
        "lapstyle/shipwreck": "lapstyle/starry_night",
        "lapstyle/ablations": "",
        "lapstyle/ablations_512": "",
    }
    assert "weights.safetensors" in ledger.read("lapstyle/starry_night").artefacts


def test_published_trainings_are_long_enough():
    starry, ablations = (
        NAMED[f"lapstyle/{name}"].profiles["book"] for name in ("starry_night", "ablations")
    )
    assert starry.ends(starry.steps) == [9_000, 12_000, 13_000]
    assert starry.sizes == (128, 256, 512)
    assert ablations.ends(ablations.steps) == [1_200, 1_600]


def test_photographs_are_cropped_alike_from_the_same_seed(tmp_path):
    for i in range(3):
        write_image(tmp_path / f"{i}.jpg", torch.rand(1, 3, 40, 60))
    photos = Photographs(str(tmp_path), side=16, limit=2)
    assert len(photos.paths) == 2
    first, again = (photos.sample(5, torch.Generator().manual_seed(s)) for s in (3, 3))
    assert first.shape == (5, 3, 16, 16)
    assert first.dtype == torch.uint8
    assert torch.equal(first, again)
    assert not torch.equal(first, photos.sample(5, torch.Generator().manual_seed(4)))
    with pytest.raises(ValueError, match=r"no pictures in .*empty"):
        Photographs(str(tmp_path / "empty"), side=16, limit=2)


@pytest.mark.parametrize(
    "name", ["encoder", "first", "starry_night", "floor", "ablations", "ablations_512", "speed"]
)
def test_smoke_run_leaves_a_whole_record(name, tmp_path, outside):
    experiment = NAMED[f"lapstyle/{name}"]
    folder = execute(experiment, "smoke", folder=tmp_path / "run")
    record = ledger.read(experiment.name, folder=folder)
    assert {p.name for p in folder.iterdir()} >= set(record.artefacts)
    if name in ("first", "starry_night"):
        assert "weights.safetensors" in record.artefacts
    if name == "starry_night":
        assert record.metrics["steps of each stage"] == {
            "drafting": 1,
            "first revision": 1,
            "second revision": 1,
        }
        losses = record.curves
        assert set(losses) >= {"perceptual", "self_similarity", "moment", "remd", "identity"}
        # Only the revisions meet a discriminator.
        assert losses["discriminator"]["value"][0] == 0 < losses["discriminator"]["value"][1]
    if name.startswith("ablations"):
        assert set(record.metrics) == {"photograph", *experiment.profiles["smoke"].names}


# --------------------------------------------------------------------------------- start


@pytest.fixture
def begun(tmp_path, monkeypatch, painter):
    """A ledger in which `lapstyle/first` holds weights, and their hash."""
    folder = tmp_path / "results" / "lapstyle" / "first"
    folder.mkdir(parents=True)
    save_file(style_state(painter), str(folder / "weights.safetensors"))
    record = ledger.Record(
        experiment="lapstyle/first",
        profile="smoke",
        config={},
        seed=0,
        steps=0,
        steps_planned=0,
        device="CPU",
        precision="32-true",
        seconds=0.0,
        metrics={},
        protocol={},
        artefacts={"weights.safetensors": ""},
    )
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path / "results"))
    return ledger.write(record, folder).artefacts["weights.safetensors"]


@pytest.mark.parametrize("name", ["starry_night", "ablations"])
def test_a_record_names_the_weights_that_its_run_started_from(name, begun, tmp_path, outside):
    changes = {"start": "lapstyle/first"} | (
        {"names": "('d: no drafting',)"} if name == "ablations" else {}
    )
    folder = execute(NAMED[f"lapstyle/{name}"], "smoke", changes=changes, folder=tmp_path / "run")
    record = ledger.read(f"lapstyle/{name}", folder=folder)
    assert record.start == {"lapstyle/first": begun}
    assert record.changes["start"] == "lapstyle/first"


def test_a_training_goes_on_from_its_start(begun, painter, outside, tmp_path):
    weights, stamp = starting_weights("lapstyle/first")
    assert stamp == {"lapstyle/first": begun}
    config = NAMED["lapstyle/starry_night"].profiles["smoke"]
    fresh, recipe = (
        StyleRecipe(config, make_fabric(precision="32-true"), steps=3, weights=w).model
        for w in (None, weights)
    )
    ours, theirs = (model.revisions[1].up[-1].weight for model in (recipe, painter))
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
    assert not torch.allclose(fresh.revisions[1].up[-1].weight, theirs, atol=1e-3)
    # The style is the new one's.
    assert not torch.allclose(recipe.style["relu4_1"][0], painter.style["relu4_1"][0])


def test_a_missing_start_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    assert starting_weights("") == ({}, {})
    with pytest.raises(ledger.LedgerError, match="no record of lapstyle/first"):
        starting_weights("lapstyle/first")


def test_another_style_and_more_stages_than_sizes_are_refused():
    fabric = make_fabric(precision="32-true")
    with pytest.raises(ValueError, match="3 shares for 2 sizes"):
        StyleRecipe(StyleConfig(steps=1, sizes=(32, 64)), fabric, steps=1)
    with pytest.raises(ValueError, match="no style 'guernica'; there are: starry_night"):
        StyleRecipe(StyleConfig(steps=1, style="guernica"), fabric, steps=1)


def test_a_painter_is_stored_and_measured_with_the_same_weights(outside):
    config = NAMED["lapstyle/starry_night"].profiles["smoke"]
    recipe = StyleRecipe(config, make_fabric(precision="32-true"), steps=3)
    state, result = style_state(recipe.model), recipe.result().state_dict()
    assert all(torch.equal(value.float(), result[key]) for key, value in state.items())
