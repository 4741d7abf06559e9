"""The benchmark sets: which photographs they are, and in what order they come."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tutorial_lib.data import (
    GROUPS,
    REGISTRY,
    DataUnavailable,
    Entry,
    group_names,
    load,
    locate,
    photographs,
    squares,
    write_image,
)
from tutorial_lib.files import lookup


@pytest.fixture
def tiny_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """Register two little pictures as the set "tiny", in an order that is not the alphabet's."""
    pictures = {"tiny/b.png": torch.zeros(1, 3, 2, 3), "tiny/a.png": torch.ones(1, 3, 4, 1)}
    for name, picture in pictures.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        path = write_image(tmp_path / name, picture)
        entry = Entry(name, path.stat().st_size, lookup._sha256(path), "", "nobody")
        monkeypatch.setitem(REGISTRY, name, entry)
    monkeypatch.setitem(GROUPS, "tiny", ("tiny",))
    monkeypatch.setenv(lookup.VARIABLE, str(tmp_path))
    return pictures


def test_set_comes_in_registry_order(tiny_set: dict[str, torch.Tensor]) -> None:
    read = photographs("tiny")
    assert list(read) == list(tiny_set)
    for name, picture in tiny_set.items():
        assert torch.equal(read[name], picture)
        assert torch.equal(load(name), picture)


def test_training_and_test_photographs_are_apart() -> None:
    assert len(group_names("bsds500")) == 400
    assert len(group_names("bsd100")) == 100
    assert not set(group_names("bsds500")) & set(group_names("bsd100"))
    assert all("/val/" in name for name in group_names("bsd100"))
    assert len({REGISTRY[name].sha256 for group in GROUPS for name in group_names(group)}) == 519


def test_unknown_set_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r"'set4'; there are set5, set14, bsd100, bsds500"):
        photographs("set4")


def test_missing_photograph_stops_the_set(
    tiny_set: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny/a.png").unlink()
    monkeypatch.setattr(lookup.pooch, "os_cache", lambda _: tmp_path / "cache")
    with pytest.raises(DataUnavailable, match=r"tiny/a\.png"):
        photographs("tiny")


def test_set5_has_the_sizes_of_the_papers() -> None:
    try:
        for name in group_names("set5"):
            locate(name, download=False)
    except DataUnavailable as error:
        pytest.skip(f"needs Set5: {error}")
    shapes = {name: tuple(picture.shape[2:]) for name, picture in photographs("set5").items()}
    assert shapes == {
        "set5/baby.png": (512, 512),
        "set5/bird.png": (288, 288),
        "set5/butterfly.png": (256, 256),
        "set5/head.png": (280, 280),
        "set5/woman.png": (344, 228),
    }


def test_squares_of_photographs_are_the_same_at_every_call() -> None:
    try:
        locate("bsds500/val/101085.jpg", download=False)
    except DataUnavailable as error:
        pytest.skip(str(error))
    found = squares("bsd100", count=3, side=32, progress=False)
    assert found.shape == (3, 3, 32, 32)
    assert torch.equal(found, squares("bsd100", count=3, side=32, progress=False))
    assert found.float().std() > 10
