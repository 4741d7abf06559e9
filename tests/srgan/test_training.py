"""How the networks are trained: starts, rates, what is frozen, what is kept."""

import copy
import dataclasses

import pytest
import torch
from torch import nn

from tutorial_lib import ledger
from tutorial_lib.data import DataUnavailable, Pairs, embedded, locate
from tutorial_lib.srgan import (
    Discriminator,
    Generator,
    LossWeights,
    discriminator_loss,
    grown,
    srgan_step,
    training,
)
from tutorial_lib.srgan.losses import frozen, judge_step, mean_block_error, slope
from tutorial_lib.training import make_fabric


@pytest.fixture
def fabric():
    return make_fabric(precision="32-true")


@pytest.fixture
def quick(monkeypatch):
    """Training on one photograph of the wheel, from a generator that is made up."""
    pairs = Pairs([embedded("chelsea")])
    monkeypatch.setattr(training, "training_pairs", lambda config, progress: pairs)
    torch.manual_seed(5)
    start = Generator()
    for norm in start.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.running_var, 0.5, 2)
            nn.init.uniform_(norm.weight, 0.1, 0.5)
    monkeypatch.setattr(training, "starting_generator", lambda name: start)
    stamp = ledger.Start("srgan/srresnet", None, "ab")
    monkeypatch.setattr(training.ledger, "start", lambda name: stamp)
    return start


def srgan(fabric, monkeypatch, **changes):
    """A recipe whose VGG loss is a small one, so that nothing is downloaded."""

    class Small(nn.Module):
        backbone, layers = "vgg19", ("relu2_2",)

        def __init__(self, layers):
            super().__init__()

        def forward(self, image):
            return nn.functional.avg_pool2d(image, 4)

    monkeypatch.setattr(training, "Vgg", Small)
    settings = {"steps": 10, "batch": 2, "patch": 32, "start": "srgan/srresnet"} | changes
    config = training.SrganConfig(**settings)
    return training.SrganRecipe(config, fabric, steps=config.steps)


def moved(recipe, before):
    after = recipe.modules["generator"].state_dict()
    return {name for name, value in before.items() if not torch.equal(value, after[name])}


def snapshot(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def step(recipe, index):
    return recipe.step(index, torch.Generator().manual_seed(index))


def test_a_deeper_generator_computes_the_same_and_can_learn():
    torch.manual_seed(0)
    small = Generator(channels=8, blocks=2).eval()
    for norm in small.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.running_var, 0.5, 2)
    deep = grown(small, blocks=5)
    low = torch.rand(2, 3, 7, 9)
    assert torch.equal(deep(low), small(low))
    assert len(deep.body) == 7
    deep.train()(low).square().mean().backward()
    assert deep.body[4].net[4].weight.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="2 blocks already"):
        grown(small, blocks=1)


def test_the_published_generator_scores_what_was_published_of_it():
    try:
        path = locate(training.PUBLISHED, download=False)
        locate("set5/bird.png", download=False)
    except DataUnavailable as error:
        pytest.skip(str(error))
    network = training.published_generator(path)
    deep = training.starting_generator(training.PUBLISHED)
    low = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(deep(low), network(low), atol=1e-5, rtol=0)


def test_a_file_that_is_no_generator_of_five_blocks_is_refused(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"a": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match=r"other\.pth does not hold"):
        training.published_generator(path)


def test_a_frozen_tail_stays_and_all_else_moves(fabric, quick, monkeypatch):
    recipe = srgan(fabric, monkeypatch, frozen="tail", fixed_statistics=True)
    before = snapshot(recipe.modules["generator"])
    step(recipe, 0)
    names = moved(recipe, before)
    assert {n for n in before if n.startswith(("head", "body")) and "running" not in n} - names <= {
        n for n in before if n.endswith("num_batches_tracked")
    }
    assert not {n for n in names if n.startswith("tail") or "running" in n}


def test_the_tail_can_learn_alone(fabric, quick, monkeypatch):
    recipe = srgan(fabric, monkeypatch, frozen="head body", fixed_statistics=True)
    before = snapshot(recipe.modules["generator"])
    step(recipe, 0)
    names = moved(recipe, before)
    assert names
    assert all(n.startswith("tail") for n in names)


def test_without_settings_all_of_the_generator_learns_and_follows_its_batches(
    fabric, quick, monkeypatch
):
    recipe = srgan(fabric, monkeypatch)
    before = snapshot(recipe.modules["generator"])
    step(recipe, 0)
    names = moved(recipe, before)
    assert any(n.startswith("tail") for n in names)
    assert any("running_mean" in n for n in names)


def test_the_discriminator_learns_alone_at_first(fabric, quick, monkeypatch):
    recipe = srgan(fabric, monkeypatch, judge_first=1, fixed_statistics=True)
    before = snapshot(recipe.modules["generator"])
    judge = snapshot(recipe.modules["discriminator"])
    step(recipe, 0)
    assert not moved(recipe, before)
    after = recipe.modules["discriminator"].state_dict()
    assert not torch.equal(judge["classifier.3.weight"], after["classifier.3.weight"])
    step(recipe, 1)
    assert moved(recipe, before)


def test_rates_fall_as_the_settings_say(fabric, quick, monkeypatch):
    recipe = srgan(fabric, monkeypatch, falling=0.4)
    assert recipe.falls
    assert [round(recipe.share(i), 6) for i in (0, 5, 6, 8, 9)] == [1, 1, 1, 0.5, 0.25]
    dropping = srgan(fabric, monkeypatch, drop_every=4)
    assert not dropping.falls
    assert [round(dropping.share(i), 6) for i in (0, 3, 4, 8)] == [1, 1, 0.1, 0.01]
    plain = training.SrresnetConfig(steps=10, warm_up=4, cosine=True, learning_rate=2.0)
    recipe = training.SrresnetRecipe(plain, fabric, steps=10)
    assert recipe.falls
    assert recipe.rate(0) == pytest.approx(0.5)
    assert recipe.rate(5) == pytest.approx(1.0)
    assert recipe.rate(9) < 0.06


def test_both_players_rates_and_memory_reach_their_optimisers(fabric, quick, monkeypatch):
    recipe = srgan(
        fabric, monkeypatch, learning_rate=3e-5, discriminator_rate=7e-5, beta2=0.9, falling=0.5
    )
    step(recipe, 0)
    for name, rate in (("generator", 3e-5), ("discriminator", 7e-5)):
        (group,) = recipe.optimizers[name].param_groups
        assert group["lr"] == pytest.approx(rate)
        assert group["betas"] == (0.9, 0.9)


def test_kept_statistics_are_those_of_the_weights(fabric, quick):
    config = training.SrresnetConfig(
        steps=2, batch=2, patch=32, statistics=32, average=True, start="srgan/srresnet"
    )
    recipe = training.SrresnetRecipe(config, fabric, steps=2)
    step(recipe, 0)
    kept = recipe.result()
    source = recipe.modules["average"]
    torch.testing.assert_close(
        kept.body[0].net[0].weight, source.body[0].net[0].weight, atol=1e-3, rtol=1e-3
    )
    random = torch.Generator().manual_seed(0)
    lows = torch.cat([recipe.pairs.sample(16, patch=32, generator=random)[0] for _ in range(2)])
    maps = source.body[0].net[0](source.head(lows))
    # In half precision.
    torch.testing.assert_close(
        kept.body[0].net[1].running_mean, maps.mean((0, 2, 3)), atol=2e-3, rtol=2e-3
    )
    others = recipe.others()
    assert set(others) == {"last weights", "running statistics"}
    running = others["running statistics"].body[0].net[1].running_mean
    assert torch.equal(running, source.body[0].net[1].running_mean.half().float())
    assert not torch.equal(running, kept.body[0].net[1].running_mean)
    without = training.SrresnetRecipe(
        dataclasses.replace(config, statistics=0), fabric, steps=2
    ).result()
    assert torch.equal(
        without.body[0].net[1].running_var, quick.body[0].net[1].running_var.half().float()
    )


def test_an_idle_discriminator_is_neither_asked_nor_trained():
    torch.manual_seed(0)
    generator, discriminator = Generator(channels=8, blocks=1), Discriminator(patch=16)
    before = snapshot(discriminator)
    optimizers = [torch.optim.Adam(n.parameters()) for n in (generator, discriminator)]

    def refuse(image):
        raise AssertionError("asked")

    discriminator.forward = refuse
    found = srgan_step(
        generator,
        discriminator,
        *optimizers,
        lambda a, b: (a - b).abs().mean(),
        torch.rand(2, 3, 4, 4),
        torch.rand(2, 3, 16, 16),
        weights=LossWeights(adversarial=0),
    )
    assert set(found) == {"mse", "content"}
    assert all(torch.equal(v, before[k]) for k, v in discriminator.state_dict().items())


def test_a_step_that_fails_leaves_the_discriminator_able_to_learn():
    generator, discriminator = Generator(channels=8, blocks=1), Discriminator(patch=16)
    discriminator.features[0].weight.requires_grad_(False)
    optimizers = [
        torch.optim.Adam([p for p in n.parameters() if p.requires_grad])
        for n in (generator, discriminator)
    ]
    calls = []

    def stop(loss):
        calls.append(loss)
        if len(calls) == 2:
            raise KeyboardInterrupt
        loss.backward()

    with pytest.raises(KeyboardInterrupt):
        srgan_step(
            generator,
            discriminator,
            *optimizers,
            lambda a, b: (a - b).abs().mean(),
            torch.rand(2, 3, 4, 4),
            torch.rand(2, 3, 16, 16),
            weights=LossWeights(),
            backward=stop,
        )
    asked = [p.requires_grad for p in discriminator.parameters()]
    assert not asked[0]
    assert all(asked[1:])


def test_frozen_is_for_a_while_only():
    network = nn.Linear(2, 1)
    network.bias.requires_grad_(False)
    with frozen(network):
        assert not any(p.requires_grad for p in network.parameters())
    assert [p.requires_grad for p in network.parameters()] == [True, False]


def test_smoothing_rewards_no_certainty_beyond_its_label():
    fake = torch.zeros(1, 1)
    plain = discriminator_loss(torch.tensor([[2.0]]), fake)
    assert plain.item() == pytest.approx(
        torch.log1p(torch.exp(torch.tensor(-2.0))).item() + 0.693147, abs=1e-5
    )
    logits = torch.tensor([[0.0]], requires_grad=True)
    best = torch.logit(torch.tensor(0.9)).item()
    for value, sign in ((best - 1, -1), (best + 1, 1)):
        logits = torch.tensor([[value]], requires_grad=True)
        (slope,) = torch.autograd.grad(discriminator_loss(logits, fake, smoothing=0.1), logits)
        assert slope.sign().item() == sign


def test_slope_is_the_mean_squared_gradient():
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softplus(), nn.Flatten(), nn.LazyLinear(1))
    real = torch.rand(5, 3, 8, 8)
    judge(real)
    total = 0.0
    for one in real.split(1):
        one = one.clone().requires_grad_(True)
        judge(one).sum().backward()
        total += one.grad.square().sum().item()
    found = slope(judge, real)
    assert found.item() == pytest.approx(total / 5, rel=1e-5)
    assert not real.requires_grad
    judge.zero_grad()
    found.backward()
    assert judge[0].weight.grad.abs().sum() > 0


def test_a_penalty_on_its_slope_makes_the_discriminator_flatter():
    torch.manual_seed(0)
    flat, steep = (Discriminator(patch=16).eval() for _ in range(2))
    flat.load_state_dict(steep.state_dict())
    fake, real = torch.rand(2, 8, 3, 16, 16)
    for judge, weight in ((flat, 30.0), (steep, 0.0)):
        optimizer = torch.optim.Adam(judge.parameters(), lr=1e-3)
        for _ in range(10):
            judge_step(
                judge,
                optimizer,
                fake,
                real,
                penalty=lambda x, judge=judge, weight=weight: weight * slope(judge, x),
            )
    assert slope(flat, real) < slope(steep, real) / 3


def test_a_lattice_is_all_that_the_mean_block_sees():
    generator = torch.Generator().manual_seed(0)
    real = torch.rand(2, 3, 64, 64, generator=generator)
    lattice = torch.zeros(64, 64)
    lattice[::4, 1::4] = 0.1
    found = mean_block_error(real + lattice, real).item()
    assert found == pytest.approx(0.1**2 * (15 / 16) / 16, rel=1e-4)
    assert mean_block_error(real + 0.2, real).item() == pytest.approx(0, abs=1e-12)
    # Noise of the same strength is spread over 256 blocks.
    noise = 0.1 / 4 * torch.randn(real.shape, generator=generator)
    assert mean_block_error(real + noise, real).item() < found / 100
    # Of two opposite halves the mean is nothing.
    halves = lattice.clone()
    halves[32:] *= -1
    assert mean_block_error(real + halves, real).item() < found / 1e6
    three = torch.zeros(64, 64)
    three[:, ::3] = 0.1
    assert mean_block_error(real + three, real).item() < found / 30


def test_the_mean_block_is_a_loss_only_where_it_has_a_weight(fabric, quick, monkeypatch):
    monkeypatch.setattr(training, "starting_generator", lambda name: copy.deepcopy(quick))
    after = []
    for weight in (0.0, 0.0, 1e4):
        recipe = srgan(fabric, monkeypatch, block=weight, fixed_statistics=True)
        assert ("block" in step(recipe, 0)) is (weight > 0)
        after.append(recipe.modules["generator"].tail[-2].weight.detach().clone())
    assert torch.equal(after[0], after[1])
    assert not torch.equal(after[0], after[2])


def test_a_window_is_one_square_of_all_pictures_anywhere():
    places = torch.arange(20.0)[:, None] * 100 + torch.arange(24.0)
    image = places.expand(2, 1, 20, 24)
    corners = set()
    for seed in range(200):
        seen = training.window(image, 16, generator=torch.Generator().manual_seed(seed))
        assert seen.shape == (2, 1, 16, 16)
        top, left = divmod(int(seen[0, 0, 0, 0]), 100)
        assert torch.equal(seen, image[..., top : top + 16, left : left + 16])
        corners.add((top, left))
    assert len(corners) > 40
    assert {top for top, _ in corners} == set(range(5))
    assert {left for _, left in corners} == set(range(9))


def test_window_and_penalty_reach_the_step(fabric, quick, monkeypatch):
    recipe = srgan(fabric, monkeypatch, window=16, slope_penalty=1.0)
    asked = []
    monkeypatch.setattr(
        training, "slope", lambda judge, real: asked.append(real.shape) or slope(judge, real)
    )
    for index in range(5):
        assert all(v.isfinite() for v in step(recipe, index).values())
    assert asked == [(2, 3, 16, 16)] * 2
    assert recipe.modules["discriminator"].patch == 16
