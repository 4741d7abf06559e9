"""Players that are kept: trained, stored in half precision, read back, recorded."""

import pytest
import torch
from safetensors.torch import load_file

from tutorial_lib import gan_basics, ledger
from tutorial_lib.experiment import execute
from tutorial_lib.gan_basics import DISTRIBUTIONS
from tutorial_lib.gan_basics.experiments import EXPERIMENTS
from tutorial_lib.gan_basics.players_training import (
    EXPERIMENT,
    PlayersConfig,
    PlayersRecipe,
    players_from,
    recorded_players,
)
from tutorial_lib.training import make_fabric, train

PLAYERS = next(e for e in EXPERIMENTS if e.name == EXPERIMENT)


def recipe(**more) -> PlayersRecipe:
    config = PlayersConfig(("ring", "moons"), **{"steps": 6, "batch": 8} | more)
    return PlayersRecipe(config, make_fabric(precision="32-true"))


def test_players_are_trained_measured_and_kept(tmp_path):
    execute(PLAYERS, "smoke", precision="32-true", folder=tmp_path)
    record = ledger.read(EXPERIMENT, folder=tmp_path)
    assert record.metrics.keys() == DISTRIBUTIONS.keys()
    assert record.steps == record.steps_planned == 4
    state = load_file(tmp_path / "weights.safetensors")
    assert {tensor.dtype for tensor in state.values()} == {torch.float16}
    for name in DISTRIBUTIONS:
        for measure, number in record.metrics[name].items():
            curve = record.curves[f"{measure}, {name}"]
            assert curve["step"] == [0, 2, 4]
            assert curve["value"][-1] == pytest.approx(number, rel=1e-5)


def test_a_round_is_the_chapters():
    """The first round of each game, played once more by hand."""
    ours = recipe(falling=0.0)
    source = torch.Generator().manual_seed(3)
    found = ours.step(0, source)
    again = torch.Generator().manual_seed(3)
    reals = [DISTRIBUTIONS[name]().sample(8, generator=again) for name in ("ring", "moons")]
    noises = torch.randn(2, 2, 1, 8, 2, generator=again)
    losses = gan_basics.LOSSES["non-saturating"]
    for index, name in enumerate(("ring", "moons")):
        players = gan_basics.Mlps([0]), gan_basics.Mlps([1000], outputs=1)
        adams = [torch.optim.Adam(p.parameters(), lr=1e-3, betas=(0.5, 0.9)) for p in players]
        by_hand = gan_basics.gan_step(
            *players, *adams, [reals[index][None]], list(noises[:, index]), losses=losses
        )
        for player, network in zip(("generator", "discriminator"), players, strict=True):
            told = found[f"{player} loss, {name}"]
            assert told.item() == pytest.approx(by_hand[player].item(), abs=1e-6)
            for key, weight in network.state_dict().items():
                kept = ours.modules[player].state_dict()[key][index]
                torch.testing.assert_close(kept, weight[0], atol=1e-6, rtol=0)


def test_the_rate_stands_and_then_falls_to_nothing():
    ours = recipe(steps=8, falling=0.5, rate=1e-2)
    source, rates = torch.Generator().manual_seed(0), []
    for index in range(8):
        ours.step(index, source)
        rates += ours.team.generator_optimizer.rates[-1:].tolist()
    expected = [1e-2] * 5 + [0.75e-2, 0.5e-2, 0.25e-2]
    assert rates == pytest.approx(expected)


def test_stopped_and_resumed_players_are_the_same(tmp_path):
    def run(folder, steps):
        ours = recipe()
        train(ours, fabric=make_fabric(precision="32-true"), steps=steps, folder=folder, config={})
        return ours.state()

    whole = run(tmp_path / "whole", 6)
    run(tmp_path / "parts", 2)
    for key, tensor in run(tmp_path / "parts", 6).items():
        assert tensor.equal(whole[key]), key


def test_players_come_back_as_they_were_kept():
    ours = recipe()
    generator, discriminator = players_from(ours.state(), "moons")
    points = torch.randn(1, 20, 2)
    for kept, back in ((ours.team.generator, generator), (ours.team.discriminator, discriminator)):
        answers = kept(points.expand(2, -1, -1))[1:]
        torch.testing.assert_close(back(points), answers, atol=5e-3, rtol=5e-3)
    with pytest.raises(RuntimeError, match=r"weights\.0"):
        players_from(ours.state(), "spiral")


@torch.no_grad()
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_recorded_players_hold_every_mode_and_began_with_next_to_none(name):
    record = ledger.read(EXPERIMENT)
    generator, _ = recorded_players(name)
    mixture = DISTRIBUTIONS[name]()
    made = generator(torch.randn(1, 10_000, 2, generator=torch.Generator().manual_seed(1)))[0]
    good = made[mixture.log_density(made) > gan_basics.good_level(mixture)]
    nearest = torch.cdist(good, mixture.modes).argmin(1).bincount(minlength=len(mixture.modes))
    shares = nearest / len(made) * len(mixture.modes)
    assert shares.min() > 0.6
    assert record.metric(name, "modes") == len(mixture.modes)
    assert record.metric(name, "quality") == pytest.approx(len(good) / len(made), abs=0.02)
    assert record.curves[f"modes, {name}"]["value"][0] <= 3
    assert record.curves[f"divergence, {name}"]["value"][0] > 0.6
    assert record.metric(name, "divergence") < 0.2
