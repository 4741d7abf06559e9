import json
from pathlib import Path

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.ledger import LedgerError, Record


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
        assert found.profile in {"quick", "book", "article"}
        for name in found.artefacts:
            found.artefact(name)
        beside = {p.name for p in found.folder.iterdir()} - {ledger.RECORD}
        assert beside == set(found.artefacts)


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
    assert ledger.device_in_words(torch.device("cpu")) == device
