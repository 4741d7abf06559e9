"""The game in the page is the chapter's: its JavaScript, run in Node, beside the library."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from game_in_node import as_lists, in_node

from tutorial_lib import gan_basics
from tutorial_lib.gan_basics import LOSSES, Mlps, views
from tutorial_lib.gan_basics.live import NOISES, OPTIMIZERS, OWN


def largest_difference(network: Mlps, found: dict[str, Any]) -> float:
    worst = 0.0
    for weight, bias, w, b in zip(
        network.weights, network.biases, found["weights"], found["biases"], strict=True
    ):
        for ours, theirs in ((weight[0], w["data"]), (bias[0, 0], b)):
            other = torch.tensor(theirs, dtype=torch.float64)
            worst = max(worst, (ours.detach().flatten() - other).abs().max().item())
    return worst


def numbers(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


FIVE_ROUNDS = """
const [generator, discriminator] = [network(given.generator), network(given.discriminator)];
const Optimiser = OPTIMISERS[given.optimiser];
const players = { generator, discriminator,
    generatorOptimiser: new Optimiser(generator, 1e-2),
    discriminatorOptimiser: new Optimiser(discriminator, 2e-2) };
const random = queue(given.shares);
const found = given.rounds.map(({reals, noises}) =>
    ganStep(players, reals.map(rows), noises.map(rows), LOSSES[given.loss], random));
return { generator, discriminator, found, left: given.shares.length };
"""


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("optimiser", "axes", "layers", "turns"),
    [("Adam", 2, 2, 1), ("Adam", 1, 3, 2), ("gradient descent", 2, 1, 2)],
)
def test_five_rounds_are_the_librarys(loss, optimiser, axes, layers, turns):
    shape = {"hidden": 14, "layers": layers}
    generator = Mlps([3], inputs=axes, outputs=2, **shape).double()
    discriminator = Mlps([1003], outputs=1, **shape).double()
    start = {"generator": as_lists(generator), "discriminator": as_lists(discriminator)}
    make = {
        "Adam": lambda p, lr: torch.optim.Adam(p, lr=lr, betas=(0.5, 0.9)),
        "gradient descent": lambda p, lr: torch.optim.SGD(p, lr=lr),
    }[optimiser]
    optimizers = make(generator.parameters(), 1e-2), make(discriminator.parameters(), 2e-2)
    batch, rounds, losses = 10, [], []
    torch.manual_seed(5)
    shares = torch.rand(5 * turns * batch, dtype=torch.float64).tolist()
    torch.manual_seed(5)
    for step in range(5):
        reals = list(numbers(turns, 1, batch, 2, seed=step))
        noises = list(numbers(turns + 1, 1, batch, axes, seed=100 + step))
        found = gan_basics.gan_step(
            generator, discriminator, *optimizers, reals, noises, losses=LOSSES[loss]
        )
        losses.append({player: value.item() for player, value in found.items()})
        rounds.append(
            {"reals": [x[0].tolist() for x in reals], "noises": [x[0].tolist() for x in noises]}
        )
    ours = in_node(
        FIVE_ROUNDS, **start, rounds=rounds, shares=shares, loss=loss, optimiser=optimiser
    )
    assert largest_difference(generator, ours["generator"]) < 1e-6
    assert largest_difference(discriminator, ours["discriminator"]) < 1e-6
    for one, other in zip(losses, ours["found"], strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    assert ours["left"] == (0 if LOSSES[loss].penalty else len(shares))


def test_the_penaltys_gradient_is_its_slope():
    """Central differences on every weight and bias, without the library."""
    found = in_node(
        """
        const random = new Random(4);
        const critic = new Mlp([2, 7, 5, 1], random);
        const [real, fake] = [1, 2].map(() => drawNoise(NOISES["two normal numbers"], 9, random));
        const between = Float64Array.from({ length: 9 }, () => random.uniform());
        const value = () => gradientPenalty(critic, real, fake, between).value;
        const slope = (array, i) => {
            const kept = array[i];
            const [up, down] = [1e-5, -1e-5].map((d) => { array[i] = kept + d; return value(); });
            array[i] = kept;
            return (up - down) / 2e-5;
        };
        const { weights } = gradientPenalty(critic, real, fake, between);
        return {
            stated: weights.flatMap((w) => [...w.data]),
            measured: critic.weights.flatMap((w) => [...w.data].map((_, i) => slope(w.data, i))),
            biases: critic.biases.flatMap((b) => [...b].map((_, i) => slope(b, i))),
        };
        """
    )
    assert found["stated"] == pytest.approx(found["measured"], abs=1e-7)
    assert max(map(abs, found["stated"])) > 1e-2
    assert found["biases"] == pytest.approx([0] * len(found["biases"]), abs=1e-9)


@pytest.mark.parametrize("name", gan_basics.DISTRIBUTIONS)
def test_data_are_the_chapters(name):
    mixture = gan_basics.DISTRIBUTIONS[name]()
    found = in_node(
        """
        const mixture = DISTRIBUTIONS[given.name]();
        return { ...mixture, level: goodLevel(mixture),
            blurred: mixture.logDensity(GRID, BLUR), sharp: mixture.logDensity(GRID),
            samples: mixture.sample(2000, new Random(1)).data };
        """,
        name=name,
    )
    # The library's lines are stretches of float32 numbers: a point may be the next one on the line.
    for part in ("centres", "modes"):
        assert torch.tensor(found[part]).sub(getattr(mixture, part)).abs().max() < 2e-3
    assert found["sigma"] == mixture.sigma
    _, points, _ = gan_basics.plane(48)
    for part, blur in (("blurred", gan_basics.BLUR), ("sharp", 0.0)):
        density = torch.tensor(found[part]).exp()
        torch.testing.assert_close(
            density, mixture.log_density(points, blur=blur).exp(), atol=0.02, rtol=0.02
        )
    assert found["level"] == pytest.approx(gan_basics.good_level(mixture), abs=0.35)
    samples = torch.tensor(found["samples"]).view(-1, 2)
    modes, quality = gan_basics.coverage(samples, mixture)
    assert modes == len(mixture.modes)
    assert quality == pytest.approx(0.99, abs=0.01)


def test_measures_are_the_librarys():
    mixture = gan_basics.moons()
    samples = numbers(1, 700, 2, seed=2).float() * 0.7
    discriminator = Mlps([4], outputs=1)
    for name, losses in LOSSES.items():
        found = in_node(
            """
            const [D, samples] = [network(given.discriminator), rows(given.samples)];
            const [losses, mixture] = [LOSSES[given.loss], moons()];
            const [p, q] = [mixture.logDensity(GRID, BLUR).map(Math.exp), kernelDensity(samples)];
            const logits = D.forward(GRID).answers.data;
            return { q, learned: learnedMap(logits, losses), optimal: optimalMap(p, q),
                divergence: jensenShannon(p, q), value: gameValue(p, q, logits),
                best: gameValue(p, q, p.map((x, i) => Math.log(x / q[i]))),
                pull: pull(D, samples, losses).data,
                coverage: coverage(samples, mixture, given.level) };
            """,
            discriminator=as_lists(discriminator),
            samples=samples[0].tolist(),
            loss=name,
            level=-3.0,
        )
        p, q, cell = views.densities(samples, mixture)
        close = {"atol": 2e-3, "rtol": 2e-3}
        learned = views.learned_map(discriminator, losses=losses)[0].flatten()
        torch.testing.assert_close(torch.tensor(found["q"]), q[0].flatten(), **close)
        torch.testing.assert_close(torch.tensor(found["learned"]), learned, **close)
        divergence = gan_basics.jensen_shannon(p, q[0], cell=cell).item()
        assert found["divergence"] == pytest.approx(divergence, abs=1e-3)
        arrows = views.pull(discriminator, samples, losses=losses)[0].flatten()
        torch.testing.assert_close(torch.tensor(found["pull"]), arrows, **close)
        modes, quality = gan_basics.coverage(samples[0], mixture, level=-3.0)
        assert found["coverage"] == {"modes": modes, "quality": pytest.approx(quality, abs=0.005)}
        gap = (torch.tensor(found["optimal"]) - views.optimal_map(p, q[0]).flatten()).abs()
        assert (gap * p.flatten() * cell).sum() < 0.01
    _, points, _ = gan_basics.plane(48)
    logits = discriminator(points[None])[0].detach()
    value = gan_basics.value(p.flatten(), q[0].flatten(), logits, cell=cell).item()
    assert found["value"] == pytest.approx(value, abs=5e-3)


def test_value_of_the_best_discriminator_is_twice_the_divergence_less_log_4():
    found = in_node(
        """
        const [p, q] = [ring(), moons()].map((m) => m.logDensity(GRID, BLUR).map(Math.exp));
        const best = p.map((x, i) => Math.log(x) - Math.log(q[i]));
        return { value: gameValue(p, q, best), divergence: jensenShannon(p, q),
            mass: [p, q].map((d) => d.reduce((sum, x) => sum + x * CELL, 0)) };
        """
    )
    assert found["mass"] == pytest.approx([1, 1], abs=0.01)
    assert found["value"] == pytest.approx(2 * found["divergence"] - math.log(4), abs=0.01)


def test_fakes_outside_of_the_window_count_in_the_divergence():
    samples = numbers(1, 400, 2, seed=3).float()
    samples[0, :100] += 40
    samples[0, 100:120] = float("nan")
    found = in_node(
        """
        const p = ring().logDensity(GRID, BLUR).map(Math.exp);
        const lost = matrix(3, 2, Float64Array.of(9, 9, NaN, 0, Infinity, -Infinity));
        const samples = rows(given.samples.map((row) => row.map((x) => x ?? NaN)));
        const q = kernelDensity(samples);
        return { all: jensenShannon(p, kernelDensity(lost)), some: jensenShannon(p, q),
            present: presence(p, q) };
        """,
        samples=[
            [None if value != value else value for value in row] for row in samples[0].tolist()
        ],
    )
    assert found["all"] == pytest.approx(math.log(2), abs=1e-3)
    p, q, cell = views.densities(samples, gan_basics.ring())
    expected = gan_basics.jensen_shannon(p, q[0], cell=cell).item()
    assert found["some"] == pytest.approx(expected, abs=2e-3)
    assert expected > 0.3 * math.log(2) / 2
    present = torch.tensor(found["present"])
    torch.testing.assert_close(present, views.presence(p, q[0]).flatten(), atol=2e-3, rtol=2e-3)


def test_random_numbers_are_even_and_normal_and_follow_their_seed():
    found = in_node(
        """
        const draw = (seed) => {
            const random = new Random(seed);
            return { even: Array.from({ length: 20000 }, () => random.uniform()),
                normal: Array.from({ length: 20000 }, () => random.normal()) };
        };
        return [draw(0), draw(0), draw(1), draw(1000)];
        """
    )
    assert found[0] == found[1]
    streams = torch.tensor([drawn["even"] for drawn in found[1:]])
    assert streams.corrcoef().triu(1).abs().max() < 0.03
    for drawn in found:
        even, normal = torch.tensor(drawn["even"]), torch.tensor(drawn["normal"])
        assert even.min() >= 0
        assert even.max() < 1
        assert even.histc(10, 0, 1).sub(2000).abs().max() < 200
        assert even.mean().item() == pytest.approx(0.5, abs=0.01)
        assert normal.mean().item() == pytest.approx(0, abs=0.03)
        assert normal.std().item() == pytest.approx(1, abs=0.03)
        assert (normal.abs() < 1.96).float().mean().item() == pytest.approx(0.95, abs=0.01)
        assert (even[1:] * even[:-1]).mean().item() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("loss", ["saturating", "least squares"])
def test_a_round_in_slow_motion_is_a_round(loss):
    found = in_node(
        """
        const [fast, slow] = [1, 2].map(() => {
            const situation = startingSituation();
            Object.assign(situation.choices, { loss: given.loss, stepsD: 2 });
            return new LiveGame(situation);
        });
        fast.play();
        const words = MOMENTS.map(({ act }) => act(slow));
        const weights = ({ players: { generator, discriminator } }) =>
            [generator, discriminator].flatMap((p) => p.weights.flatMap((w) => [...w.data]));
        return { same: weights(fast).every((w, i) => w === weights(slow)[i]), words,
            rounds: slow.rounds, parts: [...FLOW.matchAll(/data-part="(\\w+)"/g)].map((m) => m[1]),
            lit: MOMENTS.flatMap(({ lit }) => lit) };
        """,
        loss=loss,
    )
    assert found["same"] is True
    assert found["rounds"] == 1
    assert [words[0] for words in found["words"]] == list("12345")
    assert set(found["lit"]) == set(found["parts"]), (
        "every part is at work once, and none is missing"
    )


OWN_GAME = {
    "data": "your drawing",
    "players": "trained G, new D",
    "loss": "wasserstein",
    "noise": "one uniform number",
    "optimiser": "gradient descent",
    "rateD": 0.018,
    "rateG": 1e-5,
    "stepsD": 5,
    "stepsG": 2,
    "layersD": 1,
    "layersG": 4,
    "unitsD": 128,
    "unitsG": 4,
}


def test_an_address_keeps_a_situation():
    situation = {"choices": OWN_GAME, "marks": [[-1.6, 0.25], [0, 1.07]], "seed": 12}
    found = in_node(
        """
        const start = startingSituation();
        const hash = toAddress(given.situation, 500);
        return { hash, back: fromAddress(hash), plain: toAddress(start), start,
            settings: Object.keys(SETTINGS),
            odd: given.odd.map((hash) => fromAddress(hash)) };
        """,
        situation=situation,
        odd=[
            "",
            "#exercises",
            "#inpage-gan_basics&data=cats&rateD=-1&seed=1e9&round=x&marks=900_1_a_b&__proto__=1",
        ],
    )
    assert set(found["settings"]) == set(OWN_GAME)
    assert found["back"] == {"situation": situation, "round": 500}
    assert len(found["hash"]) < 300
    assert found["plain"] == "#inpage-gan_basics"
    for odd in found["odd"]:
        assert odd == {"situation": found["start"], "round": 0}


def test_the_default_game_finds_the_modes_of_the_ring_within_3000_rounds():
    found = in_node(
        """
        const game = new LiveGame(startingSituation());
        const before = game.look().numbers;
        let modes = 0;
        while (modes < 8 && game.rounds < 3000) {
            for (let i = 0; i < 50; i++) game.play();
            modes = game.look().numbers.modes;
        }
        return { before, modes, rounds: game.rounds, after: game.look().numbers };
        """
    )
    assert found["before"]["modes"] == 0
    assert found["modes"] == 8
    assert found["after"]["divergence"] < found["before"]["divergence"] - 0.2


def test_a_round_comes_again_however_often_one_looks():
    found = in_node(
        """
        const played = (looks) => {
            const game = new LiveGame({ ...startingSituation(), seed: 3 });
            for (let i = 0; i < 12; i++) {
                game.play();
                if (looks) game.look();
            }
            return [game.repeatable, game.look().numbers];
        };
        return [played(false), played(true)];
        """
    )
    assert found[0] == found[1]
    assert found[0][0] is True


def test_what_the_settings_do_not_tell_is_not_called_repeatable():
    found = in_node(
        """
        const after = (act) => {
            const game = new LiveGame(startingSituation());
            game.play();
            act(game);
            return game.repeatable;
        };
        return [after(() => {}), after((game) => game.play({ generator: false })),
            after((game) => game.play({ discriminator: false })),
            after((game) => game.change({ ...game.choices, rateG: 0.01 })),
            after((game) => game.setData(moons()))];
        """
    )
    assert found == [True, False, False, False, False]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("noise", NOISES)
def test_every_game_is_played_and_looked_at(loss, noise):
    found = in_node(
        """
        const situation = startingSituation();
        Object.assign(situation.choices, given.choices);
        situation.marks = [[0.5, 0.5], [0.55, 0.5], [-1, 0]];
        const game = new LiveGame(situation);
        const count = () => [game.players.generatorOptimiser.steps,
            game.players.discriminatorOptimiser.steps];
        for (let i = 0; i < 3; i++) game.play();
        const { numbers, net, learned } = game.look();
        return { numbers, net: net.rows, learned, count: count(), modes: game.data.mixture.modes };
        """,
        choices={**OWN_GAME, "loss": loss, "noise": noise, "optimiser": "Adam", "unitsD": 8},
    )
    assert found["count"] == [6, 15]
    assert found["net"] == 15 ** NOISES[noise].axes
    assert all(0 <= p <= 1 for p in found["learned"])
    assert len(found["modes"]) == 2, "two marks that nearly touch are one mode"
    states_a_logit = loss in ("non-saturating", "saturating")
    assert (found["numbers"].pop("value") is not None) == states_a_logit
    assert all(math.isfinite(value) for value in found["numbers"].values())


def test_choices_are_the_panels():
    settings = in_node("return SETTINGS;")
    for name, choices in (
        ("data", [*gan_basics.DISTRIBUTIONS, OWN]),
        ("loss", LOSSES),
        ("noise", NOISES),
        ("optimiser", OPTIMIZERS),
    ):
        assert settings[name]["choices"] == list(choices)
