"""Cartoon faces: the same on every call, new in the test set, drawn once."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tutorial_lib.data import DEFAULT_STYLES, CartoonFaces, draw_face, face_credits, faces


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(faces.pooch, "os_cache", lambda _: tmp_path)
    return tmp_path / "faces"


def draw(split: str = "train", *, size: int = 16, count: int = 12, **options: Any) -> CartoonFaces:
    return CartoonFaces(split, size=size, count=count, progress=False, **options)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# One face


@pytest.mark.parametrize("style", DEFAULT_STYLES)
@pytest.mark.parametrize("size", [1, 37, 64])
def test_face_has_any_size(style: str, size: int) -> None:
    face = draw_face("Ada", size=size, style=style)
    assert face.shape == (1, 3, size, size)
    assert face.dtype == torch.float32
    assert 0 <= face.min() <= face.max() <= 1
    if size > 1:
        assert face.std() > 0.1


def test_face_depends_on_seed_and_style_alone() -> None:
    face = draw_face(3)
    assert torch.equal(face, draw_face("3"))
    assert not torch.equal(face, draw_face(4))
    assert not torch.equal(face, draw_face(3, style="micah"))


def test_sizes_show_the_same_face() -> None:
    small, large = draw_face(5, size=32), draw_face(5, size=128)
    shrunk = torch.nn.functional.avg_pool2d(large, 4)
    assert (shrunk - small).abs().mean() < 0.01


@pytest.mark.parametrize("style", DEFAULT_STYLES)
def test_background_is_opaque_and_of_the_palette(style: str) -> None:
    palette = {tuple(bytes.fromhex(colour[1:])) for colour in faces._BACKGROUNDS}
    corners = {
        tuple((draw_face(seed, size=32, style=style)[0, :, 0, 0] * 255).round().int().tolist())
        for seed in range(20)
    }
    assert len(corners) > 2
    assert corners <= palette


def test_transparent_pixels_are_composited_on_white(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ghost:
        def to_string(self) -> str:
            return (
                '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1">'
                '<rect width="1" height="1" fill="#ff0000" fill-opacity="0.4"/></svg>'
            )

    monkeypatch.setattr(faces, "_avatar", lambda *_: Ghost())
    face = faces._draw("toon-head", "0", 2)
    assert (face[:, 1] == 255).all()
    values = face[face[..., 1] < 255]
    assert len(values)
    np.testing.assert_allclose(values, [[255, 153, 153]] * len(values), atol=1)


@pytest.mark.parametrize("use", [draw_face, lambda style: draw(styles=["micah", style])])
def test_styles_under_other_terms_are_refused(use: Any) -> None:
    with pytest.raises(ValueError, match="'avataaars' is under 'Free for personal"):
        use("avataaars") if use is not draw_face else draw_face(0, style="avataaars")
    with pytest.raises(ValueError, match=r"no DiceBear style 'mica'; there are .*micah"):
        use("mica") if use is not draw_face else draw_face(0, style="mica")


def test_every_artist_is_credited() -> None:
    lines = face_credits().splitlines()
    assert [line.split(":")[0] for line in lines] == list(DEFAULT_STYLES)
    for line in lines:
        assert line.count("https://") + line.count("http://") >= 3
        assert "CC BY 4.0" in line or "CC0 1.0" in line
        assert "None" not in line
    assert "Lisa Wischofsky" in face_credits(["adventurer"])


# A set


def test_shapes() -> None:
    train = draw(count=7, size=24)
    assert len(train) == 7
    assert train.images.shape == (7, 3, 24, 24)
    assert train.images.dtype == torch.uint8


def test_default_counts_are_the_articles() -> None:
    assert faces.COUNTS == {"train": 12_443, "test": 2_048}


def test_faces_are_those_that_draw_face_draws() -> None:
    first = faces._seeds("micah", "train")
    seeds = [next(first) for _ in range(3)]
    expected = torch.cat([draw_face(seed, size=16, style="micah") for seed in seeds])
    assert torch.equal(draw(count=3, styles=["micah"]).images, (expected * 255).round().byte())


def test_styles_take_turns_and_smaller_sets_are_beginnings() -> None:
    both = draw(count=10, styles=["micah", "dylan"]).images
    assert torch.equal(both[0::2], draw(count=5, styles=["micah"]).images)
    assert torch.equal(both[1::2], draw(count=5, styles=["dylan"]).images)
    assert torch.equal(both[:4], draw(count=4, styles=["micah", "dylan"]).images)


def test_workers_draw_the_same_faces(cache: Path) -> None:
    count = faces._CHUNK + 3
    alone = draw(count=count, workers=1).images.clone()
    for file in cache.iterdir():
        file.unlink()
    assert torch.equal(draw(count=count, workers=2).images, alone)


def test_no_identity_occurs_twice_or_in_both_splits() -> None:
    def identity(seed: str) -> str:
        options = faces._avatar("dylan", seed).to_json()["options"]
        return repr({key: value for key, value in options.items() if "background" not in key})

    # Dylan has so few faces that different seeds would repeat them in either split.
    assert len({identity(str(number)) for number in range(480)}) < 450
    walks = {split: faces._seeds("dylan", split) for split in ("train", "test")}
    seeds = [next(walks["train"]) for _ in range(400)] + [next(walks["test"]) for _ in range(80)]
    assert len({identity(seed) for seed in seeds}) == 480


def test_style_that_runs_out_of_faces_says_so() -> None:
    walk = faces._seeds("dylan", "test")
    with pytest.raises(ValueError, match=r"'dylan' has only about \d+ different faces in all"):
        list(walk)


@pytest.mark.parametrize(
    "options",
    [
        {"split": "validation"},
        {"size": 0},
        {"count": 0},
        {"styles": []},
        {"styles": ["micah", "micah"]},
    ],
)
def test_settings_that_make_no_set(options: dict[str, Any], cache: Path) -> None:
    with pytest.raises(ValueError, match=r"validation|positive"):
        draw(**options)
    assert not cache.exists()


# Sampling


def test_sample_takes_faces_of_the_set() -> None:
    train = draw(count=9)
    batch = train.sample(200, generator=generator())
    assert batch.shape == (200, 3, 16, 16)
    assert batch.dtype == torch.float32
    assert batch.is_contiguous(memory_format=torch.channels_last)
    found = (batch[:, None] * 255 == train.images.float()).flatten(2).all(2)
    assert found.any(1).all()
    assert found.any(0).all()


def test_sample_depends_on_the_generator_alone() -> None:
    train = draw()
    first = train.sample(8, generator=generator(1))
    torch.manual_seed(5)
    assert torch.equal(train.sample(8, generator=generator(1)), first)
    assert not torch.equal(train.sample(8, generator=generator(2)), first)


# The cache


def test_faces_are_drawn_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = draw().images.clone()
    assert len(list(cache.iterdir())) == 1

    def again(*_: Any) -> None:
        pytest.fail("drew again")

    monkeypatch.setattr(faces, "_draw_all", again)
    assert torch.equal(draw().images, before)


def test_every_setting_has_its_own_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(count=4)
    draw("test", count=4)
    draw(count=4, size=8)
    draw(count=5)
    draw(count=4, styles=["micah"])
    monkeypatch.setattr(faces.metadata, "version", lambda name: "99")
    draw(count=4)
    assert len(list(cache.iterdir())) == 6


@pytest.mark.parametrize("kept", [0, 50, 1000])
def test_damaged_file_is_drawn_anew(kept: int, cache: Path) -> None:
    before = draw().images.clone()
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    assert torch.equal(draw().images, before)
    assert path.read_bytes() == whole


def test_full_disk_costs_only_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(file: Any, _: np.ndarray) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(np, "save", save)
        with pytest.warns(UserWarning, match="No space left.*drawn anew next time"):
            images = draw().images
    assert list(cache.iterdir()) == []
    assert torch.equal(draw().images, images)
    assert len(list(cache.iterdir())) == 1
