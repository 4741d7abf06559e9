"""What is measured of a network: its settled statistics, its listening, what it has to beat."""

import copy

import pytest
import torch
from torch.nn import functional as F

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine import Phase, enter, l1_step, to_grey
from tutorial_lib.coarse_to_fine.measuring import (
    answers,
    quality,
    settled,
    watched,
    with_strangers_coarse,
)
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.recipe import Config, Sets
from tutorial_lib.coarse_to_fine.stages import baselines
from tutorial_lib.experiment import execute


@pytest.fixture
def pictures():
    torch.manual_seed(1)
    images = torch.randint(0, 256, (12, 3, 32, 32), dtype=torch.uint8)
    return Octaves(images, sides=[8, 16, 32], spoil=to_grey)


def test_settled_statistics_are_those_of_the_pictures_and_of_the_stage(small, pictures):
    network = small()
    before = copy.deepcopy(network.state_dict())
    twin = settled(network, pictures, Phase(2), count=12)
    after = network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    spoiled, _ = pictures.batch(torch.arange(12), side=16)
    seen = []
    join = twin.network.levels[1].join[0]
    with torch.no_grad():
        hook = join.register_forward_hook(lambda *given: seen.append(given[-1]))
        made = twin(spoiled)
        hook.remove()
    norm = twin.network.levels[1].join[1]
    torch.testing.assert_close(norm.running_mean, seen[0].mean((0, 2, 3)), atol=1e-4, rtol=1e-3)
    assert made.shape == (12, 3, 16, 16)
    # The level above has not been asked.
    assert torch.equal(twin.network.levels[2].join[1].running_mean, torch.zeros(4))


def test_frozen_weights_with_moved_statistics_answer_otherwise_until_they_are_settled(
    small, pictures
):
    """What breaks in a frozen level, and what mends it."""
    network, index = small(), torch.arange(12)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    enter(network, Phase(1))
    for _ in range(20):
        l1_step(network, optimizer, *pictures.batch(index, side=8), stage=1)
    weights = [p.detach().clone() for p in network.levels[0].parameters()]

    def answer():
        return answers(settled(network, pictures, Phase(1), count=12), pictures, index, side=8)

    before, untouched = answer(), copy.deepcopy(network).eval()
    enter(network, Phase(2, frozen=True))
    for _ in range(20):
        l1_step(network, optimizer, *pictures.batch(index, side=16), stage=2)
    assert all(map(torch.equal, weights, network.levels[0].parameters()))
    spoiled, _ = pictures.batch(index, side=8)
    with torch.no_grad():
        moved = network.eval()(spoiled, stage=1) - untouched(spoiled, stage=1)
    assert moved.abs().mean() > 1e-3
    torch.testing.assert_close(answer(), before)


def test_a_network_that_does_not_listen_answers_as_before(small, pictures):
    network, index = small(), torch.arange(12)
    twin = settled(network, pictures, Phase(3), count=12)
    own = answers(twin, pictures, index, side=32)
    strange = with_strangers_coarse(twin, pictures, index, side=32)
    assert (own - strange).abs().max() > 1e-3
    level = twin.network.levels[2]
    with torch.no_grad():
        level.up.weight.zero_()
    deaf = answers(twin, pictures, index, side=32)
    assert torch.equal(deaf, with_strangers_coarse(twin, pictures, index, side=32))
    assert not level.up._forward_pre_hooks


def test_a_training_is_watched_as_its_settings_say(small, pictures):
    sets = Sets(pictures, pictures, left_out=0)
    plain, made = watched(small(), sets, Config(top=32, watched=8), now=Phase(2))
    assert made.shape == (8, 3, 16, 16)
    assert set(plain) == {"train_psnr", "val_psnr", "val_psnr_top", "stage"}
    thorough, _ = watched(
        small(), sets, Config(top=32, watched=8, each=True, statistics=12), now=Phase(2)
    )
    assert set(thorough) - set(plain) == {"running_psnr_top", "strange_psnr", "below_psnr"}
    assert thorough["running_psnr_top"] == pytest.approx(plain["val_psnr_top"])
    assert thorough["val_psnr_top"] != pytest.approx(plain["val_psnr_top"], abs=1e-3)


def test_what_a_stage_has_to_beat_is_measured_without_a_network(pictures):
    found = baselines(pictures, side=8, top=32, count=5)
    index = torch.arange(5)
    spoiled, true = pictures.batch(index, side=8)
    for name, images in (("nothing, enlarged", spoiled), ("perfect, enlarged", true)):
        large = F.interpolate(images, size=32, mode="bilinear")
        assert found[name] == pytest.approx(quality(large, pictures, index), abs=1e-3)
    slow = -10 * (spoiled - true).square().mean((1, 2, 3)).log10()
    assert found["nothing"] == pytest.approx(slow.mean().item(), abs=1e-3)
    assert "perfect, enlarged" not in baselines(pictures, side=32, top=32, count=5)


def test_the_stages_are_measured_for_both_tasks(tmp_path):
    from tutorial_lib.coarse_to_fine.experiments import EXPERIMENTS

    (experiment,) = (e for e in EXPERIMENTS if e.name == "coarse_to_fine/stages")
    folder = execute(experiment, "smoke", precision="32-true", folder=tmp_path)
    record = ledger.read(experiment.name, folder=folder)
    assert record.steps == record.steps_planned == 0
    for task in ("colour", "mosaic"):
        assert list(record.metrics[task]) == ["8 px", "16 px", "32 px"]
    # A grey picture stays grey when it shrinks; a mosaic is shrunk away.
    assert record.metric("mosaic", "8 px", "nothing") > record.metric("mosaic", "32 px", "nothing")
