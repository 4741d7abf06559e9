"""Every experiment on a GPU: it runs, goes on after a stop, and repeats itself bit for bit."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import DataUnavailable
from tutorial_lib.experiment import execute

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")

TIMED = {"lapstyle/speed"}
"""What measures time is another measurement each time."""


def run(name, folder, *stops):
    try:
        for steps in (*stops, None):
            execute(EXPERIMENTS[name], "smoke", steps=steps, folder=folder)
    except DataUnavailable as unavailable:
        pytest.skip(str(unavailable))
    return ledger.read(name, folder=folder)


def states(folder):
    """All weights of all trainings in a folder."""
    return {
        path.relative_to(folder): torch.load(path, map_location="cpu", weights_only=True)["modules"]
        for path in sorted(folder.rglob("checkpoint.pt"))
    }


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    for path, modules in one.items():
        for module, state in modules.items():
            for name, value in state.items():
                assert torch.equal(value, other[path][module][name]), (path, module, name)


@pytest.fixture
def repeatable():
    """Without the algorithms that differ from run to run."""
    before = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = before
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_smoke_and_repeat(name, tmp_path, repeatable):
    first, second = (run(name, tmp_path / part) for part in ("first", "second"))
    assert first.device == torch.cuda.get_device_name()
    assert_same_weights(states(tmp_path / "first"), states(tmp_path / "second"))
    if name not in TIMED:
        assert first.metrics.keys() == second.metrics.keys()


@pytest.mark.parametrize(
    "name", [n for n, e in EXPERIMENTS.items() if e.profiles["smoke"].steps > 1]
)
def test_resume(name, tmp_path, repeatable):
    run(name, tmp_path / "whole")
    found = run(name, tmp_path / "parts", 1)
    assert_same_weights(states(tmp_path / "whole"), states(tmp_path / "parts"))
    assert dataclasses.asdict(found)["sittings"]
