import dataclasses
import errno

import pytest
import torch

from tutorial_lib.ledger import Start
from tutorial_lib.training import checkpoint
from tutorial_lib.training.checkpoint import CheckpointError, load, save, write_atomically

CPU = torch.device("cpu")


def test_round_trip(tmp_path):
    state = {"config": {"a": 1}, "x": torch.arange(3), "names": ["one"], "step": 4}
    save(tmp_path / "deep" / "c.pt", state)
    back = load(tmp_path / "deep" / "c.pt", config={"a": 1}, map_location=CPU)
    assert torch.equal(back.pop("x"), state.pop("x"))
    assert back == state


def test_other_settings_are_refused_by_name(tmp_path):
    save(tmp_path / "c.pt", {"config": {"batch": 16, "patch": 96}})
    with pytest.raises(CheckpointError, match=r"batch: 16 → 8\).*Delete it to start over"):
        load(tmp_path / "c.pt", config={"batch": 8, "patch": 96}, map_location=CPU)


def test_a_run_from_another_start_is_refused_by_its_name(tmp_path):
    """Names and hashes of starting weights belong to a run's settings."""
    start = Start("srgan/srresnet", tmp_path / "weights.safetensors", "a" * 64)
    save(tmp_path / "c.pt", {"config": {"batch": 16} | start.stamp()})
    load(tmp_path / "c.pt", config={"batch": 16} | start.stamp(), map_location=CPU)
    for other in (dataclasses.replace(start, sha256="b" * 64).stamp(), {}):
        with pytest.raises(CheckpointError, match=r"other settings \(srgan/srresnet: 'a{64}' → "):
            load(tmp_path / "c.pt", config={"batch": 16} | other, map_location=CPU)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    (tmp_path / "c.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        load(tmp_path / "c.pt", config={}, map_location=CPU)


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    class Payload:
        def __reduce__(self):
            return (print, ("run",))

    torch.save({"config": {}, "x": Payload()}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError):
        load(tmp_path / "c.pt", config={}, map_location=CPU)


@pytest.mark.parametrize("what", ["mkdir", "write"])
def test_a_full_disk_gives_one_error_and_spares_the_old_file(tmp_path, monkeypatch, what):
    path = tmp_path / "c.pt"
    save(path, {"config": {}, "step": 1})
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    if what == "mkdir":
        monkeypatch.setattr("pathlib.Path.mkdir", full)
    else:

        def half(state, target):
            target.write_bytes(b"half")
            full()

        monkeypatch.setattr(checkpoint.torch, "save", half)
    with pytest.raises(CheckpointError, match=r"No space left.*untouched.*TUTORIAL_LIB_RUNS"):
        save(path, {"config": {}, "step": 2})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


def test_an_interrupted_write_leaves_no_part(tmp_path):
    def stop(path):
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "x", stop)
    assert list(tmp_path.iterdir()) == []
