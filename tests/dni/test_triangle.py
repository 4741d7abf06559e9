import math

import pytest

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.dni.triangle import triangle
from tutorial_lib.experiment import execute


def test_the_triangle_covers_all_weights():
    points = triangle(4)
    assert len(points) == len(set(points)) == 15
    assert all(math.isclose(sum(weights), 1) for weights in points)
    assert [p.index(1.0) for p in points if 1.0 in p] == [0, 1, 2]


def test_the_corners_are_the_recorded_networks(needs, tmp_path):
    needs("dni/triangle")
    folder = execute(EXPERIMENTS["dni/triangle"], "smoke", folder=tmp_path)
    record = ledger.read("dni/triangle", folder=folder)
    assert record.metrics["weights"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert list(record.start) == list(record.config["corners"])
    for corner, score in zip(record.config["corners"], record.metrics["niqe"], strict=True):
        scores = ledger.read(corner).artefact("scores.csv").read_text()
        [line] = [text for text in scores.splitlines() if text.startswith("set14,baboon,niqe,")]
        assert score == pytest.approx(float(line.rpartition(",")[2]), abs=1e-2)
