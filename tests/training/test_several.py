"""Several processes are one run: the same losses, one writer, one message, one end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import several_example
import torch
from several_example import LITTLE
from torch import nn

from tutorial_lib import ledger
from tutorial_lib.experiment import execute
from tutorial_lib.training import make_fabric, process_number, started_from_outside
from tutorial_lib.training.batch_norm import WholeBatchNorm2d

PATIENCE = 600
"""Seconds; a busy machine may take minutes to start a few processes."""

pytestmark = pytest.mark.timeout(3 * PATIENCE)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The record of one process."""
    folder = tmp_path_factory.mktemp("alone")
    execute(LITTLE, "smoke", precision="32-true", folder=folder / "run")
    return ledger.read("tests/little", folder=folder / "run")


def start(*arguments, launcher=(), **variables):
    return subprocess.Popen(
        [sys.executable, *launcher, several_example.__file__, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | variables,
    )


def assert_same_run(found, alone):
    (mine, theirs) = (record.curves["fit"]["value"] for record in (found, alone))
    assert mine == pytest.approx(theirs, rel=1e-4)
    assert found.metrics["mean"] == pytest.approx(alone.metrics["mean"], rel=1e-4)
    assert found.devices == 2
    assert [each["devices"] for each in found.sittings] == [2]


def torchruns(folder, port):
    """As on two machines: a torchrun for each, and nothing between them but the network."""
    for rank in (0, 1):
        options = ["--nnodes=2", "--nproc-per-node=1", f"--node-rank={rank}"]
        options += ["--master-addr=127.0.0.1", f"--master-port={port}"]
        launcher = ["-m", "torch.distributed.run", *options]
        yield start(folder / f"machine{rank}", 1, launcher=launcher)


def sruns(folder, port):
    """What srun tells its processes on two machines of one process each."""
    for rank in (0, 1):
        yield start(
            folder / f"machine{rank}",
            1,
            SLURM_JOB_ID="7",
            SLURM_JOB_NAME="train",
            SLURM_NTASKS="2",
            SLURM_NNODES="2",
            SLURM_NTASKS_PER_NODE="1",
            SLURM_NODELIST="localhost",
            SLURM_PROCID=f"{rank}",
            SLURM_NODEID=f"{rank}",
            SLURM_LOCALID="0",
            MASTER_PORT=f"{port}",
        )


@pytest.mark.parametrize("launchers", [torchruns, sruns])
def test_two_launchers_are_one_training(tmp_path, alone, launchers):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for process in list(launchers(tmp_path, port)):
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
    assert_same_run(ledger.read("tests/little", folder=tmp_path / "machine0"), alone)
    assert not (tmp_path / "machine1").exists()


TORCHRUN = {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "RANK": "5"}
SLURM = {
    "SLURM_JOB_NAME": "train",
    "SLURM_NTASKS": "8",
    "SLURM_NNODES": "2",
    "SLURM_PROCID": "5",
}


@pytest.mark.parametrize(
    ("variables", "found", "number"),
    [
        ({}, None, 0),
        (TORCHRUN, (4, 2), 5),
        (SLURM, (4, 2), 5),
        (SLURM | TORCHRUN | {"WORLD_SIZE": "4", "RANK": "1"}, (4, 1), 1),
        # One process is no launch, and a shell inside an allocation is no srun.
        (TORCHRUN | {"WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1", "RANK": "0"}, None, 0),
        (SLURM | {"SLURM_NTASKS": "1", "SLURM_NNODES": "1", "SLURM_PROCID": "0"}, None, 0),
        (SLURM | {"SLURM_JOB_NAME": "interactive"}, None, 0),
    ],
)
def test_a_launchers_processes_are_recognised(monkeypatch, variables, found, number):
    for name in TORCHRUN | SLURM:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert started_from_outside() == found
    assert process_number() == number


def test_slurm_has_to_know_the_processes_of_a_machine(monkeypatch):
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="--ntasks-per-node"):
        make_fabric(devices=4, machines=2)


def children_of(pid):
    found = []
    for path in os.listdir("/proc"):
        if path.isdigit():
            try:
                with open(f"/proc/{path}/stat") as file:
                    stat = file.read()
                with open(f"/proc/{path}/cmdline") as file:
                    worker = "spawn_main" in file.read()
            except OSError:
                continue
            if worker and int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(path))
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="finds its children by /proc")
@pytest.mark.parametrize("reached", ["one of two", "the parent"])
def test_ctrl_c_stops_all_with_one_message_and_the_run_goes_on(tmp_path, alone, reached):
    folder = tmp_path / "run"
    process = start(folder, 2, "pause=0.5")
    deadline = time.monotonic() + PATIENCE
    while not (folder / "progress").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    target = process.pid if reached == "the parent" else children_of(process.pid)[-1]
    os.kill(target, signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, errors
    assert errors.count("stopped after step") == 1
    assert "Traceback" not in errors
    assert not (folder / ".in-use").exists()
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    assert 1 <= state["step"] < 6


def test_an_expected_error_arrives_as_one_message(tmp_path):
    process = start(tmp_path / "run", 3)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    [line] = [line for line in errors.splitlines() if "devices" in line]
    assert line == "a batch of 4 does not divide among 3 devices: choose a multiple"
    assert "Traceback" not in errors


def test_batch_normalisation_of_one_process_is_pytorchs(tmp_path, monkeypatch):
    """In forward, backward and statistics; several processes are measured above."""
    port = tmp_path / "store"
    torch.distributed.init_process_group("gloo", f"file://{port}", rank=0, world_size=1)
    try:
        torch.manual_seed(0)
        plain, whole = nn.BatchNorm2d(3, momentum=0.3), WholeBatchNorm2d(3, momentum=0.3)
        whole.load_state_dict(plain.state_dict())
        x = torch.randn(4, 3, 5, 5) * 3 + 20
        inputs = [x.clone().requires_grad_() for _ in range(2)]
        weight = torch.randn(4, 3, 5, 5)
        for norm, each in zip((plain, whole), inputs, strict=True):
            (norm(each) * weight).sum().backward()
        torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-4, atol=1e-5)
        for name, value in plain.state_dict().items():
            torch.testing.assert_close(value, whole.state_dict()[name])
        torch.testing.assert_close(plain.weight.grad, whole.weight.grad, rtol=1e-4, atol=1e-4)
        plain.load_state_dict(whole.state_dict())
        assert torch.equal(plain.eval()(x), whole.eval()(x))
    finally:
        torch.distributed.destroy_process_group()
