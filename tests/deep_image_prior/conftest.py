"""The small picture that the chapter's tests restore."""

import pytest

from tutorial_lib.data import embedded, write_image
from tutorial_lib.metrics import imresize


@pytest.fixture
def photograph():
    return imresize(embedded("chelsea"), size=(40, 48)).clamp(0, 1)


@pytest.fixture
def photo(tmp_path, photograph):
    return write_image(tmp_path / "photo.png", photograph)
