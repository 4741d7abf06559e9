"""The game that is played while it runs, and its panel."""

import asyncio
import xml.etree.ElementTree as ET

import pytest

from tutorial_lib.gan_basics import LOSSES, drawn
from tutorial_lib.gan_basics.live import NOISES, OPTIMIZERS, OWN, GanPanel, LiveGame, sparkline


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_kind_of_live_game_is_played_and_drawn(noise, optimizer):
    options = {"hidden": 8, "layers": 1, "noise": NOISES[noise], "optimizer": optimizer}
    for loss in LOSSES:
        game = LiveGame(drawn("x o"), loss=loss, **options)
        before = [p.clone() for p in game.generator.parameters()]
        game.play()
        assert not before[0].equal(game.generator.weights[0])
        assert set(game.losses) == {"generator", "discriminator"}
        ET.fromstring(game.picture(layers=["net"]))


def test_a_game_that_flew_apart_is_still_drawn():
    game = LiveGame("ring")
    for parameter in game.generator.parameters():
        parameter.data.fill_(float("nan"))
    ET.fromstring(game.picture(layers=["generated", "pull", "net"]))
    assert game.describe() == "modes 0 of 8, high quality 0 %"
    assert "nan" not in sparkline({"red": [float("nan"), 1.0]}, low=0, high=1, name="loss")


def test_panel_plays_pauses_steps_and_resets():
    async def scenario():
        panel = GanPanel()
        panel.start.click()
        for _ in range(200):
            await asyncio.sleep(0.02)
            if panel.game.done:
                break
        panel.start.click()
        await asyncio.sleep(0.05)
        return panel, panel.game.done

    panel, played = asyncio.run(scenario())
    assert played > 0
    picture = panel.image.value
    panel.only_d.click()
    assert panel.game.done == played
    assert panel.image.value != picture
    panel.round.click()
    assert panel.game.done == played + 1
    panel.generator_rate.value = 1e-2
    panel.rounds.value = 4
    (group,) = panel.game.optimizers["generator"].param_groups
    assert group["lr"] == pytest.approx(1e-2)
    assert panel.game.rounds == 4
    panel.distribution.value = "moons"
    assert panel.game.done == 0
    assert len(panel.game.mixture.modes) == 16
    assert panel.game.rounds == 4
    panel.distribution.value = OWN
    panel.drawing.value = "x  x"
    assert len(panel.game.mixture.modes) == 2
    panel.drawing.value = " "
    assert "1 to 400 marks" in panel.status.value
    assert len(panel.game.mixture.modes) == 2
    with_ground = panel.image.value
    panel.shown["ground"].value = False
    assert len(panel.image.value) < len(with_ground)
