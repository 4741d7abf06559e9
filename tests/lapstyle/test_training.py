"""What one step of a training looks at."""

import dataclasses

import pytest
import torch

from tutorial_lib.data import write_image
from tutorial_lib.lapstyle import training
from tutorial_lib.lapstyle.encoder import Encoder
from tutorial_lib.lapstyle.settings import StyleConfig
from tutorial_lib.lapstyle.training import StyleRecipe, half_type
from tutorial_lib.training import make_fabric

SMALL = StyleConfig(
    steps=3, sizes=(32, 64, 128), batch=2, shares=(1, 1, 1), places=64, equalised=2, held_out=2
)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Settings with photographs made up here, and an encoder that needs no weights."""
    generator = torch.Generator().manual_seed(0)
    for i in range(3):
        write_image(tmp_path / f"{i}.jpg", torch.rand(1, 3, 40, 60, generator=generator))
    painting = torch.rand(1, 3, 128, 160, generator=generator)
    monkeypatch.setattr(
        training, "style_picture", lambda _, side: painting[..., :side, : side * 5 // 4]
    )

    def encoder(backbone, *, photographs):
        torch.manual_seed(0)
        return Encoder(blocks=5)

    monkeypatch.setattr(training, "prepared_encoder", encoder)
    return dataclasses.replace(SMALL, photographs=str(tmp_path))


def recipe(config):
    made = StyleRecipe(config, make_fabric(precision="32-true"), steps=3)
    torch.manual_seed(0)
    for network in made.model.revisions:
        torch.nn.init.normal_(network.up[-1].weight, std=0.05)
    return made


@pytest.mark.parametrize("stage", [1, 2])
def test_a_part_is_painted_as_it_is_in_the_whole_picture(small, stage):
    """But at its border, where the network sees the mirror instead of the picture."""
    side = small.sizes[stage]
    photo = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    whole, same = recipe(small)._revised(photo, stage, torch.Generator())
    assert torch.equal(same, photo)
    parts = recipe(dataclasses.replace(small, looked=40))
    found = set()
    for seed in range(4):
        made, part = parts._revised(photo, stage, torch.Generator().manual_seed(seed))
        assert made.shape == part.shape == (2, 3, 40, 40)
        (place,) = [
            (top, left)
            for top in range(0, side - 39, 2)
            for left in range(0, side - 39, 2)
            if torch.equal(part, photo[..., top : top + 40, left : left + 40])
        ]
        found.add(place)
        wanted = whole[..., place[0] : place[0] + 40, place[1] : place[1] + 40]
        torch.testing.assert_close(made[..., 12:-12, 12:-12], wanted[..., 12:-12, 12:-12])
        assert not torch.allclose(made, wanted)
    assert len(found) > 1


def test_a_part_no_smaller_than_the_picture_is_the_picture(small):
    photo = torch.rand(2, 3, 64, 64)
    whole, _ = recipe(small)._revised(photo, 1, torch.Generator())
    large, _ = recipe(dataclasses.replace(small, looked=256))._revised(photo, 1, torch.Generator())
    assert torch.equal(whole, large)


def test_the_discriminator_and_its_loss_are_shown_the_same_part(small):
    made, shown = recipe(dataclasses.replace(small, looked=64, judged=24)), []
    made.modules["judge2"].register_forward_pre_hook(
        lambda _, given: shown.append(given[0].detach().clone())
    )
    losses = made.step(2, torch.Generator().manual_seed(0))
    real, fake, again = shown
    assert real.shape == fake.shape == again.shape == (2, 3, 24, 24)
    assert torch.equal(fake, again)
    assert not torch.equal(real, fake)
    assert losses["discriminator"] > 0 < losses["adversarial"]


def test_a_discriminator_learns_at_its_share_of_the_rate(small):
    made = recipe(dataclasses.replace(small, judge_rate=0.1, learning_rate=1e-3))
    before = [p.clone() for p in made.modules["judge1"].parameters()]
    made.step(1, torch.Generator().manual_seed(0))
    moved = [
        (new - old).abs().max().item()
        for new, old in zip(made.modules["judge1"].parameters(), before, strict=True)
    ]
    # Adam's first step is as long as its rate.
    assert max(moved) == pytest.approx(1e-4, rel=0.01)
    rates = {name: o.param_groups[0]["lr"] for name, o in made.optimizers.items()}
    assert rates["revision1"] == pytest.approx(10 * rates["judge1"]) == 1e-3


def test_losses_are_those_of_a_frozen_encoder_under_autocast(small):
    """Its weights are held in half precision; that spares work and changes no number."""
    fabric = make_fabric(precision="bf16-mixed")
    held = StyleRecipe(small, fabric, steps=3)
    assert half_type(fabric) == next(held.encoder.parameters()).dtype == torch.bfloat16
    assert half_type(make_fabric(precision="32-true")) == torch.float32
    assert next(held.judging.parameters()).dtype == torch.float32
    photo = torch.rand(1, 3, 32, 32)
    with fabric.autocast(), torch.no_grad():
        for name, maps in held.judging(photo).items():
            assert torch.equal(maps, held.encoder(photo)[name])


def test_every_stage_changes_its_own_network_and_no_other(small):
    made = recipe(dataclasses.replace(small, looked=64, judged=32, learning_rate=1e-3))
    names = ("decoder", "revision1", "revision2")
    for stage, name in enumerate(names):
        before = {n: [p.clone() for p in made.modules[n].parameters()] for n in names}
        made.step(stage, torch.Generator().manual_seed(stage))
        changed = {
            n for n in names if not all(map(torch.equal, before[n], made.modules[n].parameters()))
        }
        assert changed == {name}
