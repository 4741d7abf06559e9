"""What the chapter's tests share."""

from collections.abc import Callable

import pytest

from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import GROUPS, DataUnavailable, group_names, locate


@pytest.fixture(scope="session")
def needs() -> Callable[[str], None]:
    """Skips the test where an experiment's photographs are not on this machine."""

    def needs_of(experiment: str) -> None:
        try:
            for need in EXPERIMENTS[experiment].needs:
                for file in group_names(need) if need in GROUPS else [need]:
                    locate(file, download=False)
        except DataUnavailable as unavailable:
            pytest.skip(str(unavailable))

    return needs_of
