"""The game in the page that begins with trained players: their JavaScript beside the library."""

from __future__ import annotations

from typing import Any

import packs
import pytest
import torch
from game_in_node import in_node

from tutorial_lib.gan_basics import DISTRIBUTIONS, NORMAL
from tutorial_lib.gan_basics.players_training import recorded_players

NAME = "gan_basics-players"


@pytest.fixture(scope="module")
def pack() -> dict[str, Any]:
    """What the page makes of the pack."""
    return {
        name: {"data": array.astype("float32").ravel().tolist(), "dims": array.shape}
        for name, array in packs.PACKS[NAME]().items()
    }


SITUATION = """
const situation = startingSituation();
Object.assign(situation.choices, given.choices);
"""


@torch.no_grad()
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_trained_players_answer_as_the_librarys(pack, name):
    noise = NORMAL.sample(1, 200, generator=torch.Generator().manual_seed(1))
    generator, discriminator = recorded_players(name)
    made = generator(noise)
    found = in_node(
        SITUATION
        + """
        const { generator, discriminator } = new LiveGame(situation, given.pack).players;
        return [generator.forward(rows(given.noise)), discriminator.forward(rows(given.made))]
            .map(({ answers }) => answers.data);
        """,
        choices={"data": name, "players": "trained"},
        pack=pack,
        noise=noise[0].tolist(),
        made=made[0].tolist(),
    )
    for ours, theirs in zip(found, (made, discriminator(made)), strict=True):
        torch.testing.assert_close(torch.tensor(ours), theirs.flatten(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_trained_game_has_its_modes_from_the_start(pack, name):
    found = in_node(
        SITUATION
        + """
        const game = new LiveGame(situation, given.pack);
        return [game.rounds, game.look().numbers, game.repeatable];
        """,
        choices={"data": name, "players": "trained"},
        pack=pack,
    )
    rounds, numbers, repeatable = found
    assert rounds == 0
    assert repeatable
    assert numbers["modes"] == len(DISTRIBUTIONS[name]().modes)
    assert numbers["quality"] > 0.85
    assert numbers["divergence"] < 0.1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_the_page_says_of_a_trained_generator_and_a_new_discriminator(pack, seed):
    """On the ring, after 30 rounds: with both trained the modes stay, with a new D few do."""
    found = in_node(
        """
        return Object.fromEntries(["trained", "trained G, new D"].map((players) => {
            const situation = { ...startingSituation(), seed: given.seed };
            situation.choices.players = players;
            const game = new LiveGame(situation, given.pack);
            const before = game.look().numbers;
            game.play();
            const jolted = game.look().numbers;
            while (game.rounds < 30) game.play();
            return [players, { ...game.look().numbers, before, jolted }];
        }));
        """,
        seed=seed,
        pack=pack,
    )
    before, jolted = (found["trained"][when]["quality"] for when in ("before", "jolted"))
    assert jolted < 0.6 < 0.9 < before
    assert found["trained"]["modes"] == 8
    assert found["trained"]["quality"] > 0.7
    assert found["trained G, new D"]["modes"] <= 3
    assert found["trained G, new D"]["quality"] < 0.15


def test_only_the_players_asked_for_are_trained(pack):
    found = in_node(
        """
        const weights = (players, trained) => {
            const situation = startingSituation();
            Object.assign(situation.choices, { players, layersD: given.layersD });
            const game = new LiveGame(situation, trained && given.pack);
            return [game.players.generator, game.players.discriminator].map((player) =>
                JSON.stringify(player.weights.map(({ data }) => [...data])));
        };
        return Object.fromEntries(["new", "trained", "trained G, new D"].map((players) => {
            const [given, plain] = [weights(players, true), weights("new", false)];
            return [players, given.map((player, i) => player !== plain[i])];
        }));
        """,
        pack=pack,
        layersD=2,
    )
    assert found == {
        "new": [False, False],
        "trained": [True, True],
        "trained G, new D": [True, False],
    }


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"players": "new", "unitsG": 8}, ""),
        ({"players": "trained"}, ""),
        ({"players": "trained", "loss": "wasserstein", "rateG": 0.01, "stepsD": 5}, ""),
        ({"players": "trained", "data": "your drawing"}, "none are trained on your drawing"),
        ({"players": "trained", "unitsG": 8}, "there for units a layer of G: 64"),
        ({"players": "trained", "noise": "one normal number"}, "noise: two normal numbers"),
        ({"players": "trained", "layersD": 1, "layersG": 3}, "layers of G: 2, hidden layers of D"),
        ({"players": "trained G, new D", "layersD": 1, "unitsD": 8}, ""),
        ({"players": "trained G, new D", "layersG": 1}, "hidden layers of G: 2"),
    ],
)
def test_it_is_told_why_players_are_new(pack, choices, words):
    found = in_node(
        SITUATION
        + """
        const { choices } = situation;
        const game = new LiveGame(situation, given.pack);
        const plain = new LiveGame({ ...situation, choices: { ...choices, players: "new" } });
        const [ours, theirs] = [game, plain].map(({ players: { generator } }) =>
            JSON.stringify(generator.weights.map(({ data }) => [...data])));
        return { why: whyNew(choices), same: ours === theirs };
        """,
        choices=choices,
        pack=pack,
    )
    assert words in found["why"]
    assert bool(found["why"]) == bool(words)
    assert found["same"] == (bool(words) or choices["players"] == "new")


def test_the_settings_choices_are_the_players():
    settings, players = in_node("return [SETTINGS.players.choices, Object.keys(PLAYERS)];")
    assert settings == players
