import itertools

import numpy as np
import pytest

from tutorial_lib import perception_distortion as pd


def test_lower_envelope_is_below_every_point_and_mixture():
    rng = np.random.default_rng(0)
    for _ in range(20):
        points = [tuple(point) for point in rng.random((12, 2))]
        best = pd.lower_envelope(points)
        x, y = np.array(points)[best].T
        assert (np.diff(x) > 0).all()
        assert (np.diff(y) < 0).all()
        for (ax, ay), (bx, by) in itertools.combinations(points, 2):
            for t in (0.0, 0.25, 0.5, 1.0):
                px, py = ax + t * (bx - ax), ay + t * (by - ay)
                assert py >= np.interp(px, x, y) - 1e-12
    with pytest.raises(ValueError, match="no points"):
        pd.lower_envelope([])
