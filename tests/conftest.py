"""What tests share: numbers made by independent implementations, and outside photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

from tutorial_lib.data import DataUnavailable, locate, read_image


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Folder of reference numbers beside the checkout; a test that needs it is skipped without."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "reference"
    if not folder.is_dir():
        pytest.skip("no reference numbers in ../shared/reference")
    return folder


@pytest.fixture(scope="session")
def outside_image() -> Callable[[str], Tensor]:
    """Reads a registered image already on this machine, or skips the test by the file's name."""

    def read(name: str) -> Tensor:
        try:
            return read_image(locate(name, download=False))
        except DataUnavailable as unavailable:
            pytest.skip(str(unavailable))

    return read
