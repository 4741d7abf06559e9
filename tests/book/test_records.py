"""The book's records, made again: in which order, how long, and what is said of differences."""

from __future__ import annotations

import json
import math
import shutil
import sys

import pytest
import records

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS


def test_every_record_once_and_what_others_start_from_before_them():
    names = records.order()
    assert sorted(names) == sorted(record.experiment for record in ledger.records())
    assert names[:4] == list(records.FIRST[:4])
    assert set(records.FIRST) <= set(EXPERIMENTS)
    for name in ("srgan", "long", "vgg54", "lattice"):
        assert names.index("srgan/srresnet") < names.index(f"srgan/{name}")


def test_differences_are_found_wherever_they_are():
    old = {"set5": {"psnr": 31.0, "ssim": 0.9}, "gone": 1, "same": {"x": 2}}
    new = {"set5": {"psnr": 30.0, "ssim": 0.9}, "same": {"x": 2}, "more": {"y": 3}}
    found = {where: (a, b) for where, a, b in records.differences(old, new)}
    assert set(found) == {"set5 · psnr", "gone", "more · y"}
    assert found["set5 · psnr"] == (31, 30)
    assert math.isnan(found["gone"][1])
    assert math.isnan(found["more · y"][0])
    assert list(records.differences(old, old)) == []


def test_the_largest_difference_is_named(tmp_path):
    there = ledger.results_folder() / "srgan" / "bicubic"
    again = shutil.copytree(there, tmp_path / "run")
    assert records.compared("srgan/bicubic", again) == "srgan/bicubic: the same numbers"
    record = json.loads((again / ledger.RECORD).read_text(encoding="utf-8"))
    record["metrics"]["set5"]["psnr_y"] += 0.01
    record["metrics"]["set14"]["niqe"] *= 2
    (again / ledger.RECORD).write_text(json.dumps(record), encoding="utf-8")
    line = records.compared("srgan/bicubic", again)
    assert line.startswith("srgan/bicubic: 2 numbers differ, most of all set14 · niqe: ")


@pytest.mark.parametrize(("takes", "finished"), [(0, True), (60, False)])
def test_a_run_is_stopped_when_its_time_is_over(monkeypatch, tmp_path, takes, finished):
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'import time; time.sleep({takes})'\n")
    program.chmod(0o755)
    monkeypatch.setattr(records.sys, "executable", str(program))
    assert records.run("srgan/bicubic", "book", seconds=3) is finished
