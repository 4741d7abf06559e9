import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.data import embedded, low_resolution
from tutorial_lib.metrics import imresize, niqe
from tutorial_lib.perception_distortion import measures
from tutorial_lib.perception_distortion.points import recorded_pristine


@pytest.fixture(scope="module")
def pristine():
    try:
        return recorded_pristine()
    except ledger.LedgerError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def photograph():
    return embedded("astronaut")[..., 20:404, 60:444]


def test_niqe_with_its_habits_is_the_librarys(pristine, photograph):
    right = niqe(photograph, model=pristine).item()
    assert measures.niqe_with(photograph, model=pristine) == pytest.approx(right, abs=1e-9)
    # One that is no multiple of a block, and smooth: there the habits count.
    smooth = imresize(low_resolution(photograph), scale=4).clamp(0, 1)[..., :300, :350]
    right = niqe(smooth, model=pristine).item()
    assert measures.niqe_with(smooth, model=pristine) == pytest.approx(right, abs=1e-9)
    assert measures.niqe_with(smooth, model=pristine, rounding=False) > right + 0.5
    assert abs(measures.niqe_with(photograph, model=pristine, antialias=False) - right) > 0.5


def test_features_of_a_blurred_picture_are_off(pristine, photograph):
    sharp = measures.feature_deviations(photograph, model=pristine)
    blurred = imresize(low_resolution(photograph), scale=4).clamp(0, 1)
    soft = measures.feature_deviations(blurred, model=pristine)
    assert sharp.shape == soft.shape == (36,)
    assert soft.abs().mean() > sharp.abs().mean()
    # The scale of the coefficients, at full size.
    assert soft[1] < sharp[1] < 1


def test_squares_are_spread_over_the_picture(pristine, photograph):
    found = measures.niqe_of_squares(photograph, side=288, model=pristine, places=2)
    corner = niqe(photograph[..., :288, -288:], model=pristine).item()
    assert len(found) == 4
    assert found[1] == pytest.approx(corner)
    assert len(measures.niqe_of_squares(photograph, side=384, model=pristine)) == 1
    with pytest.raises(ValueError, match="no square of side 400"):
        measures.niqe_of_squares(torch.zeros(1, 3, 384, 500), side=400, model=pristine)
