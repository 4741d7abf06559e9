import dataclasses
import hashlib

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import REGISTRY, names
from tutorial_lib.experiment import (
    Experiment,
    curves,
    data_hashes,
    execute,
    parse_changes,
)
from tutorial_lib.training import PROFILES, History


@dataclasses.dataclass(frozen=True)
class Config:
    steps: int = 3
    batch: int = 16
    rate: float = 1e-4
    cosine: bool = False
    photographs: str = "bsds500"
    limit: int | None = None
    seeds: tuple[int, ...] = (0, 1)


def count(run):
    """An experiment that trains nothing: its history is the numbers 1, 2, 3 …"""
    (run.folder / "note.txt").write_text(run.config.photographs)
    losses = torch.arange(1.0, run.steps + 1)[:, None]
    return run.record(
        history=History(names=["loss"], losses=losses, seconds=2.0),
        metrics={"batch": run.config.batch},
        protocol={"batch": "as set"},
        artefacts=["note.txt"],
    )


COUNT = Experiment(
    name="tests/count", summary="counts", profiles={"smoke": Config(), "book": Config(5)}, run=count
)


def test_every_experiment_has_every_profile_and_is_named_after_its_chapter():
    for name, experiment in EXPERIMENTS.items():
        assert name == experiment.name
        assert tuple(experiment.profiles) == PROFILES
        assert experiment.run.__module__.split(".")[:2] == ["tutorial_lib", name.partition("/")[0]]
        for config in experiment.profiles.values():
            assert dataclasses.is_dataclass(config)
            with pytest.raises(dataclasses.FrozenInstanceError):
                config.steps = 1


def test_a_run_writes_a_record_that_says_what_was_changed(tmp_path):
    folder = execute(COUNT, "book", steps=4, changes={"batch": "4"}, folder=tmp_path / "run")
    record = ledger.read("tests/count", folder=folder)
    assert (record.steps, record.steps_planned, record.profile) == (4, 5, "book")
    assert record.config["batch"] == 4
    assert record.config["seeds"] == [0, 1]
    assert record.changes == {"batch": 4}
    assert record.curves == {"loss": {"step": [1, 2, 3, 4], "value": [1, 2, 3, 4]}}
    assert record.artefacts == {"note.txt": hashlib.sha256(b"bsds500").hexdigest()}
    assert record.seconds == 2.0


def test_unknown_profile_and_no_steps_are_refused(tmp_path):
    with pytest.raises(ValueError, match="has no profile 'article'; there are: smoke, book"):
        execute(COUNT, "article", folder=tmp_path)
    with pytest.raises(ValueError, match=r"has no profile 'boko'; did you mean book\?"):
        execute(COUNT, "boko", folder=tmp_path)
    with pytest.raises(ValueError, match="steps must be at least 1: got 0"):
        execute(COUNT, "smoke", steps=0, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (("batch", "4"), 4),
        (("rate", "1"), 1.0),
        (("cosine", "True"), True),
        (("photographs", "voc2012"), "voc2012"),
        (("limit", "8"), 8),
        (("seeds", "(0, 1, 2)"), (0, 1, 2)),
    ],
)
def test_changes_take_the_type_of_the_setting(text, value):
    found = parse_changes(Config(), dict([text]))
    assert found == {text[0]: value}
    assert type(found[text[0]]) is type(value)


def test_changes_to_the_same_value_are_none():
    assert parse_changes(Config(), {"batch": "16"}) == {}


@pytest.mark.parametrize("text", [("batch", "many"), ("batch", "4.5"), ("seeds", "3")])
def test_changes_of_another_type_are_refused(text):
    with pytest.raises(ValueError, match=f"^{text[0]} is .* in this profile, not like"):
        parse_changes(Config(), dict([text]))


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("bach", r"did you mean batch\?"),
        ("foto", "there are: batch, rate, cosine"),
        ("steps", "did you mean seeds"),
    ],
)
def test_unknown_settings_name_the_nearest_or_all(name, end):
    with pytest.raises(ValueError, match=f"no setting '{name}'; {end}"):
        parse_changes(Config(), {name: "4"})


def test_curves_are_means_over_equal_stretches():
    losses = torch.stack([torch.arange(1000.0), torch.ones(1000)], 1)
    watched = [{"step": 0, "dB": 1.5}, {"step": 1000, "dB": 2.5}]
    found = curves(History(names=["a", "b"], losses=losses, watched=watched), points=10)
    assert found["a"]["step"] == [100.0 * k for k in range(1, 11)]
    assert found["a"]["value"] == pytest.approx([100 * k + 49.5 for k in range(10)])
    assert found["b"]["value"] == [1.0] * 10
    assert found["dB"] == {"step": [0, 1000], "value": [1.5, 2.5]}


def test_a_groups_hash_changes_with_any_of_its_files(monkeypatch):
    before = data_hashes(["set5", "set14/baboon.png"])
    assert before["set14/baboon.png"] == REGISTRY["set14/baboon.png"].sha256
    first = names("set5")[0]
    monkeypatch.setitem(REGISTRY, first, dataclasses.replace(REGISTRY[first], sha256="0" * 64))
    after = data_hashes(["set5", "set14/baboon.png"])
    assert after["set5"] != before["set5"]
    assert after["set14/baboon.png"] == before["set14/baboon.png"]


# A finished run


def test_a_finished_run_is_left_alone(tmp_path, capsys):
    folder = execute(COUNT, "smoke", folder=tmp_path / "run")
    before = (folder / "record.json").read_bytes()
    (folder / "note.txt").write_text("as it is")
    execute(COUNT, "smoke", folder=folder)
    assert (folder / "record.json").read_bytes() == before
    assert (folder / "note.txt").read_text() == "as it is"
    assert "finished: 3 steps" in capsys.readouterr().out


def test_a_finished_run_is_not_given_another_precision_or_other_devices(tmp_path):
    folder = execute(COUNT, "smoke", precision="32-true", folder=tmp_path / "run")
    before = (folder / "record.json").read_bytes()
    with pytest.raises(ValueError, match="precision: 32-true → bf16-true"):
        execute(COUNT, "smoke", precision="bf16-true", folder=folder)
    assert (folder / "record.json").read_bytes() == before


def test_a_finished_run_goes_on_where_more_steps_are_asked_for(tmp_path):
    folder = execute(COUNT, "smoke", folder=tmp_path / "run")
    execute(COUNT, "smoke", steps=5, folder=folder)
    record = ledger.read("tests/count", folder=folder)
    assert (record.steps, record.steps_planned) == (5, 3)
    with pytest.raises(ValueError, match="has 5 steps, more than the 3"):
        execute(COUNT, "smoke", folder=folder)
    assert ledger.read("tests/count", folder=folder) == record


def test_steps_of_an_experiment_that_trains_nothing_are_refused(tmp_path):
    still = dataclasses.replace(COUNT, profiles={"smoke": Config(steps=0)})
    with pytest.raises(ValueError, match="tests/count trains nothing: leave --steps out"):
        execute(still, "smoke", steps=2, folder=tmp_path)


def test_a_record_of_another_experiment_is_not_overwritten(tmp_path):
    folder = execute(COUNT, "smoke", folder=tmp_path / "run")
    other = dataclasses.replace(COUNT, name="tests/other")
    with pytest.raises(ValueError, match="holds tests/count, smoke"):
        execute(other, "smoke", folder=folder)


def test_a_record_of_other_settings_is_kept_beside_the_new_one(tmp_path):
    folder = execute(COUNT, "smoke", folder=tmp_path / "run")
    before = (folder / "record.json").read_bytes()
    execute(COUNT, "smoke", changes={"batch": "4"}, folder=folder)
    assert (folder / "record.before.json").read_bytes() == before
    assert ledger.read("tests/count", folder=folder).config["batch"] == 4


def test_a_record_says_who_did_its_steps(tmp_path):
    from training_example import run as train_a_little

    def learn(run):
        train_a_little(run.folder / "seed0", steps=4)
        return count(run)

    folder = execute(dataclasses.replace(COUNT, run=learn), "smoke", folder=tmp_path / "run")
    record = ledger.read("tests/count", folder=folder)
    assert [(s["steps"], s["devices"], s["commit"]) for s in record.sittings] == [
        (4, 1, record.commit)
    ]
    assert record.devices == 1
