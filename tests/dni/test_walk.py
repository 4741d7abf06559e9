import csv
import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import DataUnavailable
from tutorial_lib.dni import RRDBNet
from tutorial_lib.dni.walk import PATH_PROTOCOL, average_along, endpoints, read_checkpoint
from tutorial_lib.experiment import execute
from tutorial_lib.srgan.evaluation import PROTOCOL

WALK, ESRGAN = EXPERIMENTS["dni/path"], EXPERIMENTS["dni/esrgan"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Checkpoints of two networks that are quick to run, as settings of a walk."""
    folder, files = tmp_path_factory.mktemp("checkpoints"), {}
    for seed, name in enumerate(("start", "end")):
        torch.manual_seed(seed)
        network = RRDBNet(channels=4, blocks=1, growth=2)
        files[name] = str(folder / f"{name}.pth")
        torch.save({"params_ema": network.state_dict()}, files[name])
    return files


def test_averages_are_means_of_pictures_and_a_root_of_the_mean_square():
    def stops(*rows):
        return [dict(zip(("mse_pirm", "psnr_y", "niqe"), row, strict=True)) for row in rows]

    found = average_along(
        {
            "a": {"interpolated": stops((1, 20, 3), (16, 30, 5)), "blended": stops((0, 9, 1)) * 2},
            "b": {"interpolated": stops((49, 22, 4), (2, 34, 8)), "blended": stops((8, 9, 2)) * 2},
        }
    )
    assert found == {
        "interpolated rmse": [5, 3],
        "interpolated psnr_y": [21, 32],
        "interpolated niqe": [3.5, 6.5],
        "blended rmse": [2, 2],
        "blended psnr_y": [9, 9],
        "blended niqe": [1.5, 1.5],
    }


def test_every_number_is_worded_where_super_resolution_is_measured():
    assert PATH_PROTOCOL.items() >= {(k, PROTOCOL[k]) for k in ("rmse", "psnr", "niqe")}


def test_the_walk_is_measured_and_goes_on(needs, tmp_path):
    needs("dni/path")
    folder = execute(WALK, "smoke", folder=tmp_path)
    record = ledger.read("dni/path", folder=folder)
    baboon = record.metrics["shown"]["baboon"]
    # Both ways end in the same two pictures, and part between.
    for measure in ("rmse", "psnr_y", "niqe"):
        ways = [baboon[f"{way} {measure}"] for way in ("interpolated", "blended")]
        for k in (0, 2):
            assert ways[0][k] == pytest.approx(ways[1][k], abs=2e-3)
        assert ways[0][1] != pytest.approx(ways[1][1], abs=2e-3)
    for name in ("srgan/brief_gan", "srgan/brief"):
        weights = ledger.results_folder() / name / "weights.safetensors"
        assert record.start[name] == ledger.sha256(weights)
    [part] = (tmp_path / "walks").glob("*/*baboon.json")
    before = part.stat().st_mtime_ns
    (tmp_path / "record.json").unlink()  # a finished walk would be left alone
    execute(WALK, "smoke", folder=tmp_path)
    assert ledger.read("dni/path", folder=folder).metrics == record.metrics
    assert part.stat().st_mtime_ns == before


def test_the_table_holds_each_pictures_numbers(needs, tiny, tmp_path):
    needs("dni/esrgan")
    changes = tiny | {"alphas": "(0.5,)", "limit": "2"}
    folder = execute(ESRGAN, "smoke", changes=changes, folder=tmp_path)
    found = ledger.read("dni/esrgan", folder=folder).metrics["set14"]
    with (folder / "pictures.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert found["pictures"] == 2
    assert len(rows) == 4
    for way in ("interpolated", "blended"):
        mine = [row for row in rows if row["way"] == way]
        error = sum(float(row["mse_pirm"]) for row in mine) / 2
        assert found[f"{way} rmse"] == [pytest.approx(math.sqrt(error), abs=1e-3)]


def test_a_walk_with_other_squares_in_the_same_folder(needs, tiny, tmp_path):
    needs("dni/esrgan")
    once = tiny | {"alphas": "(0.0,)"}
    # The first walk measures baboon, too, and keeps no square of it.
    for squares in ("('zebra',)", "('zebra', 'baboon')"):
        execute(ESRGAN, "smoke", changes=once | {"squares": squares}, folder=tmp_path)
    record = json.loads((tmp_path / "record.json").read_text())
    assert set(record["metrics"]["shown"]) == {"zebra", "baboon"}
    assert {"zebra_00.webp", "zebra_blended_00.webp", "zebra_path.webp"} <= set(record["artefacts"])
    assert "baboon_00.webp" in record["artefacts"]
    assert "baboon_blended_00.webp" not in record["artefacts"]


def test_a_walk_back_to_other_stops_shows_its_own_pictures(needs, tiny, tmp_path):
    needs("dni/esrgan")
    hashes = []
    for alphas in ("(0.0,)", "(1.0,)", "(0.0,)"):
        execute(ESRGAN, "smoke", changes=tiny | {"alphas": alphas}, folder=tmp_path)
        hashes.append(ledger.sha256(tmp_path / "baboon_00.webp"))
    assert hashes[0] == hashes[2] != hashes[1]


def test_a_walk_may_keep_no_square(needs, tiny, tmp_path):
    needs("dni/esrgan")
    changes = tiny | {"squares": "()"}
    folder = execute(ESRGAN, "smoke", changes=changes, folder=tmp_path)
    record = ledger.read("dni/esrgan", folder=folder)
    assert list(record.artefacts) == ["pictures.csv"]
    assert record.metrics["shown"] == {}


def test_endpoints_are_copies_of_recorded_weights():
    network, states, used = endpoints(["srgan/srgan", "srgan/srresnet"])
    assert list(used) == ["srgan/srgan", "srgan/srresnet"]
    key = "head.0.weight"
    assert not torch.equal(states[0][key], states[1][key])
    before = states[0][key].clone()
    network.state_dict()[key].zero_()
    assert torch.equal(states[0][key], before)


# -------------------------------------------------------------------------- checkpoints


def test_a_missing_checkpoint_says_where_to_get_it(tmp_path):
    with pytest.raises(DataUnavailable, match=r"nowhere.pth is not there.*xinntao/ESRGAN"):
        read_checkpoint(tmp_path / "nowhere.pth")


def test_a_checkpoint_that_would_run_something_is_refused(tmp_path):
    torch.save(nn.Conv2d(3, 3, 1), path := tmp_path / "whole.pth")
    with pytest.raises(ValueError, match=r"whole.pth is not a readable checkpoint"):
        read_checkpoint(path)


def test_a_walk_between_two_checkpoints(needs, tiny, tmp_path):
    needs("dni/esrgan")
    folder = execute(ESRGAN, "smoke", changes=tiny, folder=tmp_path)
    record = ledger.read("dni/esrgan", folder=folder)
    assert record.start["end.pth"] == ledger.sha256(Path(tiny["end"]))
    assert len(record.metrics["set14"]["interpolated rmse"]) == 2
