"""What the tests of coarse-to-fine networks share: small ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tutorial_lib.coarse_to_fine import CoarseToFine


@pytest.fixture
def small() -> Callable[..., CoarseToFine]:
    """Builds the same small network every time, but for its switches."""

    def build(**switches: bool) -> CoarseToFine:
        torch.manual_seed(0)
        return CoarseToFine(top=32, width=4, widest=8, **switches)

    return build
