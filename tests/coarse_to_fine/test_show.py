"""What is drawn from networks and from records."""

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine import CoarseToFine, Phase, enter, show
from tutorial_lib.coarse_to_fine.recipe import TRAININGS
from tutorial_lib.coarse_to_fine.show import diagram
from tutorial_lib.data import read_image


@pytest.fixture(scope="module")
def records():
    return {key: ledger.read(f"coarse_to_fine/colour_{key}") for key in TRAININGS}


def test_diagrams_are_drawn_from_the_network(small):
    whole = diagram(small())
    assert "3 rows, from 8 to 32 pixels, with skip connections; 3 of them read" in whole.alt
    assert "without skip connections" in diagram(small(skips=False)).alt
    assert "1 of them read" in diagram(small(every_input=False)).alt
    frozen = small()
    enter(frozen, Phase(2, frozen=True))
    assert diagram(frozen, stage=2).alt.endswith("The rows that learn: 16 pixels.")


def test_diagrams_go_through_the_timetable():
    network = CoarseToFine(top=64, width=4)
    grid = show.diagrams({"with skips": network, "without": CoarseToFine(top=64, skips=False)})
    # One phase of the first stage, and two of each of the other three.
    assert grid.html.count("stage 4: all its levels") >= 2
    assert "with skips, stage 2: the new level alone" in grid.html
    assert all(p.requires_grad for p in network.parameters())


def test_pictures_are_averaged_down_and_repeated_up():
    images = torch.rand(1, 3, 8, 16)
    half, twice = show.at_size(images, 4), show.at_size(images, 16)
    torch.testing.assert_close(half[0, 0, 0, 0], images[0, 0, :2, :2].mean())
    assert torch.equal(twice[..., ::2, ::2], images)
    assert torch.equal(twice[..., 1::2, 1::2], images)
    assert torch.equal(show.at_size(images, 8), images)


def test_walls_show_all_trainings_with_their_psnr(records):
    wall = show.wall(records, 24)
    for words, _ in TRAININGS.values():
        assert words in wall.html
    assert wall.html.count("<img") == 5
    assert wall.html.count(" dB") == 5
    slider = show.walls(records, [0, 24], alt="Eight faces,", caption="PSNR.")
    assert "epoch 0 of 24" in slider.html
    assert "PSNR." in slider.html


def test_stages_show_the_answers_at_their_ends(records):
    each = records["ctf_each"]
    ends = show.stage_ends(each, faces=(0, 6), alt="Two faces.")
    # Four stages and the truth, for two faces.
    assert 'width="640"' in ends.html
    assert 'height="256"' in ends.html
    answers = show.stage_answers({key: records[key] for key in ("ctf_each", "ctfae_each")})
    for words in ("coarse-to-fine, each", "auto-encoder, each"):
        assert f"{words}, stage 2 (16 px, epoch 12)" in answers.html


def test_strips_come_from_the_record(records):
    record = records["unet"]
    true = read_image(record.artefact("true.webp"))
    assert torch.equal(show.strip(record, "true.webp"), true)
    assert torch.equal(show.strip(record, "true.webp", side=128)[..., ::2, ::2], true)
    pair = show.given_and_wanted(record, alt="Eight faces.")
    assert pair.html.count("<img") == 2
    ends = show.endings(records["ctf_all"], records["ctf_each"], alt="Eight faces.")
    assert ends.html.count("<img") == 4


def test_bands_are_the_seeds_range(monkeypatch):
    given = {}
    monkeypatch.setattr(show, "curves", lambda series, **more: given.update(more, series=series))
    show.seed_bands({"one": ([0, 1], [[1, 2], [3, 6]])}, xlabel="epoch")
    x, mean = given["series"]["one"]
    low, high = given["bands"]["one"]
    assert (x, mean.tolist()) == ([0, 1], [2, 4])
    assert (low.tolist(), high.tolist()) == ([1, 2], [3, 6])
    assert given["xlabel"] == "epoch"


def test_psnr_stands_between_doing_nothing_and_a_perfect_answer(records, monkeypatch):
    given = {}
    monkeypatch.setattr(
        show, "seed_bands", lambda series, **more: given.update(more, series=series)
    )
    levels = {f"{s} px": {"nothing": s, "perfect, enlarged": 2 * s} for s in (8, 16, 32)}
    levels["64 px"] = {"nothing": 64}
    show.psnr_curves(records, "val_psnr_top", levels=levels)
    assert list(given["series"])[:2] == ["coarse-to-fine, all", "U-Net"]
    assert given["references"] == {"doing nothing": 64}
    x, (y,) = given["series"]["perfect answer, enlarged"]
    assert (x, y) == ([0, 6, 6, 12, 12, 18], [16, 16, 32, 32, 64, 64])
    given.clear()
    show.psnr_curves({"ctf_each": records["ctf_each"]}, "val_psnr", levels=levels)
    assert given["series"]["doing nothing"][1] == [[8, 8, 16, 16, 32, 32, 64, 64]]
    assert "references" not in given
    assert len(given["series"]) == 2


def test_faces_can_be_enlarged(records):
    plain, zoomed = show.wall(records, 24), show.wall(records, 24, zoom=(128, 0, 192, 64))
    assert zoomed.html.count("<img") == plain.html.count("<img") + 5
