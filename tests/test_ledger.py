import dataclasses
import hashlib
import json
import subprocess
from pathlib import Path

import pytest
import torch

from tutorial_lib import ledger, provenance
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import REGISTRY, DataUnavailable
from tutorial_lib.ledger import LedgerError, Record
from tutorial_lib.training import PROFILES

TO_BE_MADE_AGAIN: frozenset[str] = frozenset(
    {
        "lapstyle/ablations",
        "lapstyle/shipwreck",
        "lapstyle/speed",
        "lapstyle/starry_night",
        "lapstyle/the_scream",
    }
)
"""Records that are not what `tutorial run NAME --profile PROFILE` makes today.

Each later run takes one off; nothing is put on but for a change of its profile.
"""


def differences(found: Record) -> list[str]:
    """What keeps a record from being its profile's."""
    profile = EXPERIMENTS[found.experiment].profiles[found.profile]
    config = json.loads(json.dumps(dataclasses.asdict(profile)))
    reasons = []
    if found.changes:
        reasons.append(f"changed: {found.changed()}")
    if found.steps < profile.steps or found.steps_planned != profile.steps:
        reasons.append(f"{found.steps} of {found.steps_planned} steps; profile {profile.steps}")
    reasons += [
        f"{key}: {found.config.get(key)!r}, profile {config.get(key)!r}"
        for key in sorted(found.config.keys() | config.keys())
        if key not in found.config or key not in config or found.config[key] != config[key]
    ]
    return reasons


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


def record(**changes) -> Record:
    facts = {
        "experiment": "srgan/example",
        "profile": "book",
        "config": {"steps": 10},
        "seed": 0,
        "steps": 10,
        "steps_planned": 20,
        "device": "CPU",
        "precision": "32-true",
        "seconds": 1.5,
        "metrics": {"set5": {"psnr_y": 28.4}},
        "protocol": {"psnr": "Y"},
        "artefacts": {"curve.csv": ""},
    }
    return Record(**(facts | changes))


def run_folder(tmp_path, name="run", text="1,2\n", **changes):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "curve.csv").write_text(text)
    (folder / "checkpoint.pt").write_text("large, and not published")
    ledger.write(record(**changes), folder)
    return folder


def test_round_trip_through_publishing(tmp_path, results):
    target = ledger.publish(run_folder(tmp_path))
    assert target == results / "srgan" / "example"
    assert sorted(p.name for p in target.iterdir()) == ["curve.csv", "record.json"]
    back = ledger.read("srgan/example")
    assert back.metric("set5", "psnr_y") == 28.4
    assert back.artefact("curve.csv").read_text() == "1,2\n"
    assert ledger.records() == [back]


def test_a_changed_artefact_is_noticed(tmp_path, results):
    target = ledger.publish(run_folder(tmp_path))
    (target / "curve.csv").write_text("1,3\n")
    with pytest.raises(LedgerError, match=r"curve\.csv is not the file that was recorded"):
        ledger.read("srgan/example").artefact("curve.csv")


def test_unknown_artefact_and_metric_list_what_there_is(tmp_path, results):
    ledger.publish(run_folder(tmp_path))
    found = ledger.read("srgan/example")
    with pytest.raises(LedgerError, match=r"no artefact 'frame'; it has: curve\.csv"):
        found.artefact("frame")
    with pytest.raises(LedgerError, match="no metric 'ssim' under set5: there is psnr_y"):
        found.metric("set5", "ssim")
    with pytest.raises(LedgerError, match="no metric 'x' under set5/psnr_y: there is a number"):
        found.metric("set5", "psnr_y", "x")


def test_changed_settings_as_words():
    assert record().changed() == ""
    changes = {
        "width": 64,
        "scales": [4, 8],
        "test_set": "",
        "holes": [],
        "seed": 0,
        "cosine": False,
    }
    words = "width 64, scales 4/8, no test set, no holes, seed 0, no cosine"
    assert record(changes=changes).changed() == words
    assert record(changes={"cosine": False}).changed() == "no cosine"


def test_a_shorter_run_does_not_replace_a_longer_one(tmp_path, results):
    ledger.publish(run_folder(tmp_path, "long", steps=10))
    short = run_folder(tmp_path, "short", text="9\n", steps=9)
    with pytest.raises(LedgerError, match="10 steps, this run has 9"):
        ledger.publish(short)
    assert ledger.read("srgan/example").artefact("curve.csv").read_text() == "1,2\n"
    ledger.publish(short, replace=True)
    assert ledger.read("srgan/example").steps == 9


def test_a_longer_run_replaces_and_leaves_nothing_behind(tmp_path, results):
    ledger.publish(run_folder(tmp_path, "first"))
    other = tmp_path / "second"
    other.mkdir()
    (other / "weights.bin").write_bytes(b"w")
    ledger.write(record(steps=11, artefacts={"weights.bin": ""}), other)
    target = ledger.publish(other)
    assert sorted(p.name for p in target.iterdir()) == ["record.json", "weights.bin"]
    assert [p.name for p in target.parent.iterdir()] == ["example"]


def test_missing_record_names_the_command(results):
    with pytest.raises(LedgerError, match="tutorial run srgan/none --profile book"):
        ledger.read("srgan/none")


def test_a_file_that_is_no_record(tmp_path):
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(LedgerError, match="is not a record"):
        ledger.read("srgan/example", folder=tmp_path)


def test_an_artefact_that_was_not_written(tmp_path):
    with pytest.raises(LedgerError, match=r"artefacts not written: curve\.csv"):
        ledger.write(record(), tmp_path)
    assert not (tmp_path / "record.json").exists()


def test_published_records_are_whole():
    """Every file that a published record names is there with the recorded hash."""
    for found in ledger.records():
        assert found.device
        assert found.commit
        assert found.protocol
        assert found.profile in PROFILES[1:]
        for name in found.artefacts:
            found.artefact(name)
        beside = {p.name for p in found.folder.iterdir()} - {ledger.RECORD}
        assert beside == set(found.artefacts)


def test_published_records_are_what_one_command_makes():
    """No changed setting, all of the profile's steps, and the profile's settings."""
    published = {found.experiment: found for found in ledger.records()}
    assert published.keys() <= EXPERIMENTS.keys()
    assert published.keys() >= TO_BE_MADE_AGAIN
    differing = {name: why for name, found in published.items() if (why := differences(found))}
    new = {name: why for name, why in differing.items() if name not in TO_BE_MADE_AGAIN}
    assert not new, f"run again, or mend the profile: {json.dumps(new, indent=1)}"
    mended = TO_BE_MADE_AGAIN - differing.keys()
    assert not mended, f"in order now: take off the list: {sorted(mended)}"


def test_a_record_that_differs_is_found_out():
    name = "srgan/bicubic"
    profile = EXPERIMENTS[name].profiles["book"]
    steps = profile.steps
    whole = json.loads(json.dumps(dataclasses.asdict(profile)))
    right = {"experiment": name, "config": whole, "steps": steps, "steps_planned": steps}
    assert differences(record(**right)) == []
    for wrong in (
        {"changes": {"batch": 4}},
        {"steps": steps - 1},
        {"steps_planned": steps + 1},
        {"config": whole | {"more": 1}},
        {"config": {}},
        {"config": whole | {"steps": steps + 1}},
    ):
        assert differences(record(**(right | wrong)))


# Starts


def published_weights(tmp_path, **changes):
    folder = tmp_path / "start"
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(b"weights")
    ledger.write(record(artefacts={"weights.safetensors": ""}, **changes), folder)
    return ledger.publish(folder)


def test_a_start_is_a_records_weights_with_their_hash(tmp_path, results):
    target = published_weights(tmp_path)
    start = ledger.start("srgan/example")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert start == ledger.Start("srgan/example", target / "weights.safetensors", digest)
    assert start.stamp() == {"srgan/example": digest}


def test_a_start_that_is_not_recorded_is_named(results):
    with pytest.raises(LedgerError, match="no record of srgan/none at"):
        ledger.start("srgan/none")


def test_a_start_whose_record_has_no_weights_is_named(tmp_path, results):
    ledger.publish(run_folder(tmp_path))
    with pytest.raises(LedgerError, match=r"srgan/example has no artefact 'weights\.safetensors'"):
        ledger.start("srgan/example")


def test_a_start_with_other_weights_than_recorded_is_named(tmp_path, results):
    target = published_weights(tmp_path)
    (target / "weights.safetensors").write_bytes(b"others")
    with pytest.raises(LedgerError, match=r"example/weights\.safetensors is not the file"):
        ledger.start("srgan/example")
    (target / "weights.safetensors").unlink()
    with pytest.raises(LedgerError, match=r"example/weights\.safetensors is not the file"):
        ledger.start("srgan/example")


PUBLISHED = "published/srgan_x4_leftthomas.pth"


def test_a_start_may_be_a_published_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_DATA", str(tmp_path))
    (tmp_path / "published").mkdir()
    (tmp_path / PUBLISHED).write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    entry = dataclasses.replace(REGISTRY[PUBLISHED], bytes=7, sha256=digest)
    monkeypatch.setitem(REGISTRY, PUBLISHED, entry)
    assert ledger.start(PUBLISHED) == ledger.Start(PUBLISHED, tmp_path / PUBLISHED, digest)


def test_a_published_file_with_other_content_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_DATA", str(tmp_path))
    (tmp_path / "published").mkdir()
    (tmp_path / PUBLISHED).write_bytes(b"other weights")
    with pytest.raises(DataUnavailable, match=f"is not the registered {PUBLISHED}"):
        ledger.start(PUBLISHED)


def test_a_published_file_that_is_not_to_be_had_is_named(monkeypatch):
    def missing(name):
        raise DataUnavailable(f"{name}: it is not on this machine")

    monkeypatch.setattr(ledger, "locate", missing)
    with pytest.raises(DataUnavailable, match=PUBLISHED):
        ledger.start(PUBLISHED)


# Commits


def test_a_run_of_uncommitted_code_is_not_published(tmp_path, results):
    folder = run_folder(tmp_path, commit="0123abc" + provenance.CHANGED)
    with pytest.raises(LedgerError, match=r"run is not published: .*commit the changes first"):
        ledger.publish(folder, replace=True)
    assert not results.exists()


def test_commit_says_whether_the_library_is_as_committed(tmp_path, monkeypatch):
    def git(*arguments):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True)

    (tmp_path / "tutorial_lib").mkdir()
    file = tmp_path / "tutorial_lib" / "a.py"
    file.write_text("1\n")
    git("init")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-m", "one")
    monkeypatch.setattr(provenance, "root", lambda: tmp_path)
    clean = provenance.commit()
    assert len(clean) == 40
    (tmp_path / "notes.txt").write_text("beside the library")
    assert provenance.commit() == clean
    file.write_text("2\n")
    assert provenance.commit() == clean + provenance.CHANGED
    git("checkout", "--", ".")
    (tmp_path / "tutorial_lib" / "new.py").write_text("3\n")
    assert provenance.commit() == clean + provenance.CHANGED


def test_published_weights_are_small_and_half_precision():
    for path in ledger.results_folder().glob("*/*/*.safetensors"):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        assert {e["dtype"] for k, e in header.items() if k != "__metadata__"} == {"F16"}
        assert path.stat().st_size <= 20e6


@pytest.mark.parametrize(
    ("line", "threads", "device"),
    [
        ("Intel(R) Xeon(R) Processor @ 2.50GHz", 1, "CPU, 1 thread (Intel Xeon)"),
        ("AMD EPYC 7B13 CPU", 2, "CPU, 2 threads (AMD EPYC 7B13)"),
    ],
)
def test_processor_is_named_without_trade_marks_and_clock(monkeypatch, line, threads, device):
    monkeypatch.setattr(
        Path, "read_text", lambda _: f"processor\t: 0\nmodel name\t: {line}\nflags\t: fpu\n"
    )
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert provenance.device_in_words(torch.device("cpu")) == device
