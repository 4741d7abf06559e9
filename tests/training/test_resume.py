"""What determines a run is in its checkpoint, and a record says who did which of its steps."""

from __future__ import annotations

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from training_example import CONFIG, Recipe, run

from tutorial_lib import provenance
from tutorial_lib.training import CheckpointError, make_fabric, train
from tutorial_lib.training import checkpoint as checkpoints


def carried_on(folder, fabric, *, steps=8, **recipe):
    example = Recipe(fabric, **recipe)
    history = train(example, fabric=fabric, steps=steps, folder=folder, config=CONFIG)
    return example, history


def state(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def test_another_precision_is_refused_by_its_name(tmp_path):
    run(tmp_path, steps=4)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(CheckpointError, match=r"precision: '32-true' → 'bf16-mixed'"):
        carried_on(tmp_path, make_fabric(precision="bf16-mixed"))
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_another_number_of_devices_is_refused_by_its_name(tmp_path):
    run(tmp_path, steps=4)
    changed = state(tmp_path)
    changed["circumstances"]["devices"] = 2
    torch.save(changed, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="devices: 2 → 1"):
        run(tmp_path, steps=8)


def half_precision():
    """Fabric with fp16 and a scaler, on the CPU; the scale doubles after every third step."""
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=3)
    fabric = Fabric(accelerator="cpu", plugins=[MixedPrecision("16-mixed", "cpu", scaler)])
    fabric.launch()
    return fabric


def test_the_scaler_goes_on_where_it_was(tmp_path):
    whole = half_precision()
    expected, _ = carried_on(tmp_path / "whole", whole, steps=11)
    carried_on(tmp_path / "parts", half_precision(), steps=5)
    fabric = half_precision()
    found, _ = carried_on(tmp_path / "parts", fabric, steps=11)
    assert fabric._precision.scaler.get_scale() == whole._precision.scaler.get_scale() == 8 * 2**3
    assert fabric._precision.scaler.state_dict() == whole._precision.scaler.state_dict()
    for a, b in zip(
        expected.modules["network"].parameters(), found.modules["network"].parameters(), strict=True
    ):
        assert torch.equal(a, b)


def test_every_sitting_is_kept_with_its_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "commit", lambda: "first")
    run(tmp_path, steps=4)
    monkeypatch.setattr(provenance, "commit", lambda: "second")
    run(tmp_path, steps=10)
    monkeypatch.setattr(provenance, "commit", lambda: "third, which does nothing")
    run(tmp_path, steps=10)
    sittings = state(tmp_path)["sittings"]
    assert [(s["commit"], s["steps"]) for s in sittings] == [("first", 4), ("second", 6)]
    for sitting in sittings:
        assert sitting["device"].startswith("CPU")
        assert sitting["torch"] == torch.__version__
        assert sitting["devices"] == 1


def test_a_checkpoint_that_does_not_say_is_carried_on_and_says_so_then(tmp_path):
    run(tmp_path, steps=4)
    old = state(tmp_path)
    for key in ("circumstances", "sittings", "precision"):
        del old[key]
    torch.save(old, tmp_path / "checkpoint.pt")
    run(tmp_path, steps=9)
    sittings = state(tmp_path)["sittings"]
    assert [(s["device"], s["steps"]) for s in sittings] == [
        ("not recorded", 4),
        (provenance.device_in_words(torch.device("cpu")), 5),
    ]


@pytest.mark.parametrize(
    "foreign",
    [
        torch.zeros(3),
        [1, 2],
        {"epoch": 3, "state_dict": {"weight": torch.zeros(2)}},
        {"config": CONFIG, "step": 3},
        {"config": "none", "step": 3},
    ],
)
def test_a_foreign_checkpoint_is_refused_in_one_sentence(tmp_path, foreign):
    torch.save(foreign, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt .*(another|other).*Delete it"):
        run(tmp_path, steps=4)


def test_a_checkpoint_of_other_layers_is_refused(tmp_path):
    run(tmp_path, steps=2)
    changed = state(tmp_path)
    changed["modules"]["network"] = {"other.weight": torch.zeros(2)}
    torch.save(changed, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match=r"network .*other layers.*Delete it"):
        run(tmp_path, steps=4)


def test_sittings_of_several_trainings_are_added_up(tmp_path):
    for name, steps in (("one", 3), ("two", 5)):
        run(tmp_path / name, steps=steps)
    found = checkpoints.sittings_below(tmp_path)
    assert [s["steps"] for s in found] == [8]


def test_fewer_steps_than_there_are_is_refused(tmp_path):
    run(tmp_path, steps=6)
    with pytest.raises(CheckpointError, match=r"6 steps.*than the 4 asked for"):
        run(tmp_path, steps=4)
