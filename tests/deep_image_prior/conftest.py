"""The small picture that the chapter's tests restore."""

import pytest

from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import DataUnavailable, embedded, locate, write_image
from tutorial_lib.metrics import imresize


@pytest.fixture
def photograph():
    return imresize(embedded("chelsea"), size=(40, 48)).clamp(0, 1)


@pytest.fixture
def photo(tmp_path, photograph):
    return write_image(tmp_path / "photo.png", photograph)


@pytest.fixture
def denoisers_experiment():
    """The experiment that fits nothing, where its picture is on this machine."""
    experiment = EXPERIMENTS["deep_image_prior/denoisers"]
    try:
        locate(experiment.needs[0], download=False)
    except DataUnavailable as error:
        pytest.skip(str(error))
    return experiment
