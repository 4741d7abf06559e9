"""The game's theory against closed forms; its losses, players, data and measures."""

import asyncio
import base64
import io
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.experiment import execute
from tutorial_lib.gan_basics import experiments as gan_basics
from tutorial_lib.gan_basics.experiments import (
    FacesRecipe,
    Game,
    PlaneConfig,
    PlaneRecipe,
    recorded_views,
)
from tutorial_lib.gan_basics.game import (
    LOSSES,
    DcganDiscriminator,
    DcganGenerator,
    critic_loss,
    discriminator_loss,
    gan_step,
    gradient_penalty,
    jensen_shannon,
    latent_path,
    least_squares_discriminator_loss,
    least_squares_loss,
    non_saturating_loss,
    optimal_discriminator,
    saturating_loss,
    value,
    wasserstein_loss,
)
from tutorial_lib.gan_basics.live import NOISES, OPTIMIZERS, OWN, GanPanel, LiveGame, sparkline
from tutorial_lib.gan_basics.measures import (
    FixedFeatures,
    coverage,
    discriminator_gap,
    good_level,
    kernel_density,
    kernel_distance,
    look,
    nearest,
    plane,
)
from tutorial_lib.gan_basics.plane import (
    DISTRIBUTIONS,
    Mlps,
    Noise,
    RunwiseAdam,
    drawn,
    moons,
    ring,
    spiral,
)
from tutorial_lib.gan_basics.show import draw_view, gallery, view_picture
from tutorial_lib.training import make_fabric, train

GAMES = [name for name in EXPERIMENTS if name.startswith("gan_basics/")]


@pytest.fixture
def source():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def view():
    players = Mlps([0]), Mlps([1], outputs=1)
    return look(*players, ring(), losses=LOSSES["saturating"])[0]


# ------------------------------------------------------------------------------- smoke


@pytest.mark.parametrize("name", ["ring", "collapse", "faces32", "faces64"])
def test_an_experiment_runs_and_records(name, tmp_path):
    execute(EXPERIMENTS[f"gan_basics/{name}"], "smoke", precision="32-true", folder=tmp_path)
    record = ledger.read(f"gan_basics/{name}", folder=tmp_path)
    assert record.steps == record.steps_planned > 0
    assert record.artefacts
    assert all((tmp_path / file).stat().st_size < 3_000_000 for file in record.artefacts)
    assert all(math.isfinite(v) for curve in record.curves.values() for v in curve["value"])


def test_every_experiment_has_every_profile():
    for name in GAMES:
        assert list(EXPERIMENTS[name].profiles) == ["smoke", "quick", "book", "article"]


def test_what_is_stored_of_a_view_is_what_was_seen(tmp_path, monkeypatch):
    experiment = EXPERIMENTS["gan_basics/ring"]
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    execute(experiment, "smoke", folder=tmp_path / experiment.name)
    record = ledger.read(experiment.name)
    recipe = PlaneRecipe(experiment.profiles["smoke"], make_fabric(precision="32-true"))
    for game, stored in recorded_views(record, 0).items():
        seen = recipe.views()[game][0]
        torch.testing.assert_close(stored.learned, seen.learned, atol=0.003, rtol=0)
        torch.testing.assert_close(stored.samples, seen.samples, atol=0.003, rtol=0)
        assert stored.divergence == pytest.approx(seen.divergence)


# ------------------------------------------------------------------------------- shape


@pytest.mark.parametrize("size", [32, 64])
def test_dcgan_makes_pictures_and_judges_them(size):
    pictures = DcganGenerator(size=size, latent=5, width=4)(torch.randn(2, 5))
    assert pictures.shape == (2, 3, size, size)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert DcganDiscriminator(size=size, width=4)(pictures).shape == (2,)


def test_dcgan_has_the_parameters_counted_by_hand():
    # 64 pixels: 4 × 4 × (100·1024 + 1024·512 + 512·256 + 256·128 + 128·3), colour biases, norms.
    weights = 16 * (100 * 1024 + 1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    expected = weights + 3 + 2 * (1024 + 512 + 256 + 128)
    network = DcganGenerator(size=64, latent=100, width=128)
    assert sum(p.numel() for p in network.parameters()) == expected
    weights = 16 * (3 * 8 + 8 * 16 + 16 * 32 + 32 * 1)
    expected = weights + 8 + 1 + 2 * (16 + 32)
    network = DcganDiscriminator(size=32, width=8)
    assert sum(p.numel() for p in network.parameters()) == expected


def test_networks_side_by_side_are_the_networks_alone():
    together, alone = Mlps([3, 4], outputs=1), Mlps([4], outputs=1)
    x = torch.randn(1, 7, 2)
    torch.testing.assert_close(together(x.expand(2, -1, -1))[1], alone(x)[0])


def test_look_gives_one_view_a_game():
    views = look(Mlps([0, 1]), Mlps([2, 3], outputs=1), ring(), losses=LOSSES["saturating"])
    assert len(views) == 2
    assert views[0].learned.shape == views[0].optimal.shape == (48, 48)
    assert 0 <= views[0].divergence <= math.log(2) + 1e-4


def test_ground_is_orange_for_fake_and_blue_for_real(view):
    share = torch.linspace(0, 1, 48).expand(48, 48)
    svg = draw_view(replace(view, learned=share), ring(), optimal=False)
    (data,) = re.findall(r"data:image/png;base64,([^']+)'", svg)
    ground = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    assert ground.size == (48, 48)
    red, _, blue = ground.getpixel((0, 10))
    assert red > blue
    red, _, blue = ground.getpixel((47, 10))
    assert blue > red
    assert min(ground.getpixel((24, 10))) > 230


def test_dots_lie_where_the_samples_are(view):
    points = torch.tensor([[0.0, 0.0], [1.6, 1.6], [-0.8, 0.4], [5.0, 0.0]])
    svg = draw_view(replace(view, samples=points), ring(), layers=["generated"], optimal=False)
    (path,) = re.findall(r"id='g' d='m([^']+)'", svg)
    moves = torch.tensor(
        [[int(n) for n in pair] for pair in re.findall(r"([+-]\d+)([+-]\d+)", path)]
    )
    # 400 units for 3.2 of the plane, rows from the top; what is outside is left out.
    assert sorted(moves.cumsum(0).tolist()) == [[100, 150], [200, 200], [400, 0]]


def test_arrows_point_where_the_loss_pulls(view):
    still = torch.zeros(5, 2)
    up = torch.tensor([[0.0, 3.0]])
    seen = replace(view, samples=still, arrows=torch.cat([up, still[1:]]))
    svg = draw_view(seen, ring(), layers=["pull"], optimal=False)
    assert re.findall(r"M200 200l(-?\d+)([+-]\d+)", svg) == [("0", "-20")]


def test_a_picture_is_valid_and_small(view):
    before = view.samples - 0.1
    svg = draw_view(
        view, ring(), layers=["ground", "real", "generated", "pull", "net"], before=before
    )
    assert ET.fromstring(svg).attrib["viewBox"] == "0 0 810 400"
    assert '"' not in svg
    picture = view_picture(view, ring(), alt="a game")
    assert len(picture.html) < 9000
    assert 'alt="a game"' in picture.html
    assert gallery({"one & two": picture}, alt="games").html.count("one &amp; two") == 1


def test_noise_is_as_wide_as_it_says(source):
    uniform = Noise(uniform=True).sample(20_000, generator=source)
    assert uniform.abs().max() <= 1
    torch.testing.assert_close(uniform.var(0), torch.full((2,), 1 / 3), atol=0.01, rtol=0)
    assert Noise().net(5).shape == (25, 2)
    assert Noise(1).net(5).shape == (5, 1)


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


# -------------------------------------------------------------------------- exceptions


def test_a_layer_that_is_not_there_is_refused(view):
    with pytest.raises(ValueError, match="no layer grund; there are: ground"):
        draw_view(view, ring(), layers=["grund"])


@pytest.mark.parametrize("drawing", ["", " \n ", "x" * 401])
def test_a_drawing_needs_some_marks(drawing):
    with pytest.raises(ValueError, match=f"1 to 400 marks, got {len(drawing.strip())}"):
        drawn(drawing)


@pytest.mark.parametrize("size", [4, 31, 48])
def test_a_size_that_is_no_power_of_two_is_refused(size):
    with pytest.raises(ValueError, match="size must be 8, 16, 32"):
        DcganGenerator(size=size)


def test_views_of_another_step_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    name = "gan_basics/ring"
    execute(EXPERIMENTS[name], "smoke", folder=tmp_path / name)
    with pytest.raises(ledger.LedgerError, match="views_000123"):
        recorded_views(ledger.read(name), 123)


# ---------------------------------------------------------------------------- gradient


def test_saturating_loss_leaves_no_slope_to_a_generator_that_loses():
    logits = torch.tensor([-20.0, 0.0, 20.0], requires_grad=True)
    (lazy,) = torch.autograd.grad(3 * saturating_loss(logits), logits)
    (eager,) = torch.autograd.grad(3 * non_saturating_loss(logits), logits)
    probability = torch.sigmoid(logits.detach())
    torch.testing.assert_close(lazy, -probability)
    torch.testing.assert_close(eager, probability - 1)
    assert lazy[0].abs() < 1e-8
    assert eager[0] == pytest.approx(-1)


def test_discriminator_is_pulled_by_its_errors():
    real, fake = torch.tensor([[-3.0, 0.5], [2.0, -1.0]], requires_grad=True).unbind()
    slopes = torch.autograd.grad(2 * discriminator_loss(real, fake), (real, fake))
    torch.testing.assert_close(slopes[0], torch.sigmoid(real) - 1)
    torch.testing.assert_close(slopes[1], torch.sigmoid(fake))


def test_sigmoid_before_the_logarithm_loses_the_slope_in_float32():
    def naive(logits):
        return torch.log(1 - torch.sigmoid(logits))

    sure = torch.tensor([-200.0], requires_grad=True)
    (slope,) = torch.autograd.grad(naive(sure).sum(), sure)
    assert slope.item() == 0  # exactly
    # The same for −log D, whose true slope is −1: the sigmoid is 0, and 0 · ∞ is no number.
    (slope,) = torch.autograd.grad(-torch.log(torch.sigmoid(sure)).sum(), sure)
    assert not slope.isfinite().all() or slope.item() == 0
    (slope,) = torch.autograd.grad(non_saturating_loss(sure), sure)
    assert slope.item() == -1
    # And a discriminator that is sure of a mistake has an infinite loss, where softplus has 20.
    wrong = torch.tensor([20.0])
    assert naive(wrong).isinf().all()
    assert -saturating_loss(wrong) == pytest.approx(20)


def test_side_by_side_each_run_has_its_own_gradient():
    logits = torch.randn(3, 8, requires_grad=True)
    (together,) = torch.autograd.grad(non_saturating_loss(logits).sum(), logits)
    one = logits[1].detach().requires_grad_()
    (alone,) = torch.autograd.grad(non_saturating_loss(one), one)
    torch.testing.assert_close(together[1], alone)


def test_gradient_penalty_of_a_plane_is_its_slope(source):
    real, fake = torch.randn(2, 1, 9, 2, generator=source)
    direction = torch.tensor([3.0, 4.0], requires_grad=True)
    penalty = gradient_penalty(lambda x: x @ direction, real, fake, torch.rand(1, 9, 1))
    assert penalty.item() == pytest.approx((5 - 1) ** 2, rel=1e-5)
    (slope,) = torch.autograd.grad(penalty.sum(), direction)
    torch.testing.assert_close(slope, 2 * (5 - 1) * direction.detach() / 5)


def test_generator_and_discriminator_leave_each_other_alone(source):
    generator, discriminator = Mlps([0]), Mlps([1], outputs=1)
    optimizers = [torch.optim.SGD(p.parameters(), lr=0.1) for p in (generator, discriminator)]
    real, noise = torch.randn(2, 1, 16, 2, generator=source)
    before = [p.clone() for p in generator.parameters()]
    losses = LOSSES["non-saturating"]
    found = gan_step(generator, discriminator, *optimizers, [real], [noise], losses=losses)
    assert list(found) == ["discriminator"]
    assert all(a.equal(b) for a, b in zip(before, generator.parameters(), strict=True))
    before = [p.clone() for p in discriminator.parameters()]
    found = gan_step(generator, discriminator, *optimizers, [], [noise], losses=losses)
    assert list(found) == ["generator"]
    assert all(a.equal(b) for a, b in zip(before, discriminator.parameters(), strict=True))
    assert all(p.requires_grad for p in discriminator.parameters())


def test_runwise_adam_is_adam_at_each_rate():
    rates = [1e-3, 3e-2]
    together = Mlps([5, 6])
    alone = [Mlps([5]), Mlps([6])]
    optimizers = [RunwiseAdam(list(together.parameters()), torch.tensor(rates))]
    optimizers += [
        torch.optim.Adam(network.parameters(), lr=rate, betas=(0.5, 0.9))
        for network, rate in zip(alone, rates, strict=True)
    ]
    x = torch.randn(2, 32, 2)
    for _ in range(5):
        for optimizer in optimizers:
            optimizer.zero_grad()
        together(x).square().mean((1, 2)).sum().backward()
        for k, network in enumerate(alone):
            network(x[k : k + 1]).square().mean().backward()
        for optimizer in optimizers:
            optimizer.step()
    for k, network in enumerate(alone):
        for ours, reference in zip(together.parameters(), network.parameters(), strict=True):
            torch.testing.assert_close(ours[k], reference[0], atol=1e-5, rtol=1e-4)


# --------------------------------------------------------------------- reference: theory


def gaussian(x, mean, sigma):
    return torch.exp(-((x - mean) ** 2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))


def test_equal_densities_have_value_minus_log_four():
    axis = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    p = gaussian(axis, 0.3, 1.1)
    best = optimal_discriminator(p.log(), p.log())
    assert best.unique().tolist() == [0.5]
    cell = (axis[1] - axis[0]).item()
    assert value(p, p, best.logit(), cell=cell).item() == pytest.approx(-math.log(4), abs=1e-9)
    assert jensen_shannon(p, p, cell=cell).item() == pytest.approx(0, abs=1e-12)


def test_optimum_between_two_gaussians_is_a_logistic_curve():
    axis = torch.linspace(-12, 12, 6001, dtype=torch.float64)
    a, b, sigma = -1.0, 2.0, 1.5
    p, q = gaussian(axis, a, sigma), gaussian(axis, b, sigma)
    best = optimal_discriminator(p.log(), q.log())
    closed = torch.sigmoid((a - b) / sigma**2 * (axis - (a + b) / 2))
    torch.testing.assert_close(best, closed)
    torch.testing.assert_close(best, p / (p + q))
    cell = (axis[1] - axis[0]).item()
    # V at the optimum is −E[log(1 + e^−t)] under p plus the same under q, by symmetry twice one.
    t = (b - a) * (axis - (a + b) / 2) / sigma**2
    expected = -2 * (p * F.softplus(t)).sum().item() * cell
    assert value(p, q, p.log() - q.log(), cell=cell).item() == pytest.approx(expected, rel=1e-9)
    divergence = jensen_shannon(p, q, cell=cell).item()
    assert expected == pytest.approx(2 * divergence - math.log(4), abs=1e-9)


@pytest.mark.parametrize("distance", [7.0, 14.0, 25.0])
def test_far_apart_the_divergence_is_log_two_and_the_value_zero(distance):
    axis = torch.linspace(-40, 40, 8001, dtype=torch.float64)
    p, q = gaussian(axis, -distance, 1.0), gaussian(axis, distance, 1.0)
    assert jensen_shannon(p, q, cell=0.01).item() == pytest.approx(math.log(2), abs=1e-6)
    ratio = 2 * distance * -axis  # the logarithm of p / q
    assert value(p, q, ratio, cell=0.01).item() == pytest.approx(0, abs=1e-6)


def test_no_other_discriminator_does_better(source):
    p, q = torch.rand(2, 50, dtype=torch.float64, generator=source)
    best = p.log() - q.log()
    highest = value(p, q, best, cell=1.0)
    for _ in range(20):
        other = best + 0.2 * torch.randn(50, generator=source)
        assert value(p, q, other, cell=1.0) < highest


def test_best_generator_against_the_best_discriminator_is_the_data(source):
    p = torch.rand(12, dtype=torch.float64, generator=source).softmax(0)
    logits = torch.randn(12, dtype=torch.float64, generator=source).requires_grad_()

    def outer():
        q = logits.softmax(0)
        return value(p, q, p.log() - q.log(), cell=1.0)

    assert outer().item() > -math.log(4) + 0.01
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = outer()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert outer().item() == pytest.approx(-math.log(4), abs=1e-9)
    torch.testing.assert_close(logits.softmax(0).detach(), p, atol=1e-4, rtol=0)


def test_non_saturating_loss_follows_the_reverse_divergence(source):
    """Against D*, its gradient is that of KL(q | p) − 2 JSD(p, q); log(1 − D)'s is 2 JSD's."""
    p = torch.rand(12, dtype=torch.float64, generator=source).softmax(0)
    logits = torch.randn(12, dtype=torch.float64, generator=source).requires_grad_()
    q = logits.softmax(0)
    best = optimal_discriminator(p.log(), q.log()).detach()
    divergence = jensen_shannon(p, q, cell=1.0)
    reverse = (q * (q / p).log()).sum() - 2 * divergence

    def slope(y):
        return torch.autograd.grad(y, logits, retain_graph=True)[0]

    torch.testing.assert_close(slope(-(q * best.log()).sum()), slope(reverse))
    torch.testing.assert_close(slope((q * (1 - best).log()).sum()), slope(2 * divergence))


# --------------------------------------------------------------------- reference: losses


def test_losses_on_logits_are_the_articles_formulas(source):
    real, fake = 3 * torch.randn(2, 64, generator=source, dtype=torch.float64)
    d_real, d_fake = torch.sigmoid(real), torch.sigmoid(fake)
    criterion_d = d_real.log().mean() + (1 - d_fake).log().mean()
    criterion_g = (1 - d_fake).log().mean()
    single = [x.float() for x in (real, fake)]
    assert discriminator_loss(*single).item() == pytest.approx(-criterion_d.item(), abs=1e-6)
    assert saturating_loss(single[1]).item() == pytest.approx(criterion_g.item(), abs=1e-6)
    expected = -d_fake.log().mean().item()
    assert non_saturating_loss(single[1]).item() == pytest.approx(expected, abs=1e-6)


def test_loss_of_an_undecided_discriminator_is_log_four():
    zeros = torch.zeros(5)
    assert discriminator_loss(zeros, zeros).item() == pytest.approx(math.log(4))


def test_critic_is_paid_for_the_gap():
    real, fake = torch.tensor([3.0, 5.0]), torch.tensor([1.0, 0.0])
    assert critic_loss(real, fake).item() == -3.5
    assert wasserstein_loss(fake).item() == -0.5


def test_best_answer_by_least_squares_is_the_same_probability(source):
    p, q = torch.rand(2, 30, dtype=torch.float64, generator=source)
    scores = torch.zeros(30, dtype=torch.float64, requires_grad=True)
    # Where p and q differ is a matter of how often a point is drawn: weigh the losses so.
    loss = sum(
        w * least_squares_discriminator_loss(a[None], b[None])
        for a, b, w in [(scores[k], torch.zeros(()), p[k]) for k in range(30)]
        + [(torch.ones(()), scores[k], q[k]) for k in range(30)]
    )
    (slope,) = torch.autograd.grad(loss, scores)
    # From 0 the parabola's slope is −p, and its curvature p + q: its lowest point is at D*.
    torch.testing.assert_close(-slope / (p + q), optimal_discriminator(p.log(), q.log()))
    assert least_squares_loss(torch.tensor([1.0, 3.0])).item() == 1.0
    shown = LOSSES["least squares"].probability
    assert shown(torch.tensor([-0.5, 0.3, 2.0])).tolist() == pytest.approx([0, 0.3, 1])


# ----------------------------------------------------------------------- reference: data


def test_a_drawing_is_as_it_looks():
    mixture = drawn("o   o\n\n  x", sigma=0.1)
    # Two rows down are as far as four columns to the side.
    expected = torch.tensor([[-1.1, 1.1], [1.1, 1.1], [0.0, -1.1]])
    torch.testing.assert_close(mixture.modes, expected)
    assert mixture.sigma == 0.1
    assert drawn("x").modes.tolist() == [[0, 0]]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_density_integrates_to_one_and_matches_its_samples(name, source):
    mixture = DISTRIBUTIONS[name]()
    axis, points, cell = plane(160, extent=2.0)
    density = mixture.log_density(points).exp().view(160, 160)
    assert density.sum().item() * cell == pytest.approx(1, abs=1e-3)
    samples = mixture.sample(40_000, generator=source)
    blurred = mixture.log_density(points, blur=0.1).view(160, 160).exp()
    estimate = kernel_density(samples, axis, width=0.1)
    assert (estimate - blurred).abs().sum().item() * cell < 0.03


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_samples_lie_on_the_shape_and_in_the_window(name, source):
    mixture = DISTRIBUTIONS[name]()
    samples = mixture.sample(5000, generator=source)
    assert samples.abs().max() < 1.6
    distance = torch.cdist(samples, mixture.centres).min(-1).values
    assert distance.max() < 5 * mixture.sigma


def test_the_spiral_winds_and_the_moons_are_two():
    radius = spiral().modes.norm(dim=-1)
    assert (radius.diff() > 0).all()
    assert len(spiral().modes) == len(moons().modes) == 16
    upper, lower = moons().modes.split(8)
    torch.testing.assert_close(upper, -lower)


def test_kernel_density_is_the_sum_of_its_windows(source):
    samples = torch.randn(5, 2, generator=source)
    axis, points, cell = plane(30, extent=4.0)
    got = kernel_density(samples, axis, width=0.4)
    expected = torch.zeros(900)
    for sample in samples:
        squared = (points - sample).square().sum(-1)
        expected += torch.exp(-squared / (2 * 0.4**2)) / (2 * math.pi * 0.4**2) / 5
    torch.testing.assert_close(got.flatten(), expected)
    assert got.sum().item() * cell == pytest.approx(1, abs=0.01)


# ------------------------------------------------------------------- reference: measures


def test_coverage_of_true_samples_is_full(source):
    for make in DISTRIBUTIONS.values():
        mixture = make()
        modes, quality = coverage(mixture.sample(2500, generator=source), mixture)
        assert modes == len(mixture.modes)
        assert quality == pytest.approx(0.99, abs=0.01)


def test_coverage_counts_what_was_put_in():
    mixture = ring()
    centres = mixture.centres[:3].repeat_interleave(20, 0)
    assert coverage(centres, mixture) == (3, 1.0)
    away = torch.cat([centres, torch.zeros(60, 2)])
    assert coverage(away, mixture) == (3, 0.5)
    # One stray sample among a thousand covers nothing.
    stray = torch.cat([mixture.centres[:1].expand(999, 2), mixture.centres[1:2]])
    assert coverage(stray, mixture) == (1, 1.0)


def test_quality_level_of_the_ring_is_three_deviations():
    mixture = ring()
    edge = mixture.centres[0] * (1 + 3.03 * mixture.sigma)
    assert good_level(mixture) == pytest.approx(mixture.log_density(edge[None]).item(), abs=0.15)


def test_kernel_distance_matches_the_double_loop(source):
    x, y = torch.randn(5, 7, generator=source), torch.randn(4, 7, generator=source)

    def k(a, b):
        return ((a @ b).item() / 7 + 1) ** 3

    within = [
        sum(k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j)
        / (len(s) * (len(s) - 1))
        for s in (x, y)
    ]
    between = sum(k(a, b) for a in x for b in y) / 20
    assert kernel_distance(x, y).item() == pytest.approx(sum(within) - 2 * between, rel=1e-5)


def test_kernel_distance_is_unbiased_and_tells_distributions_apart(source):
    same = [kernel_distance(*torch.randn(2, 20, 6, generator=source)).item() for _ in range(400)]
    mean = torch.tensor(same)
    assert abs(mean.mean()) < 4 * mean.std() / 20
    shifted = torch.randn(200, 6, generator=source) + 0.5
    assert kernel_distance(torch.randn(200, 6, generator=source), shifted) > 0.1


def test_features_are_fixed_and_scaled(source):
    reference = torch.rand(64, 3, 32, 32, generator=source)
    features = FixedFeatures(reference)
    found = features(reference)
    assert found.shape == (64, 2048)
    assert found.mean(0).abs().max() < 1e-4
    assert found.var(0).mean().item() == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(FixedFeatures(reference)(reference), found)
    assert FixedFeatures(torch.rand(4, 3, 64, 64))(torch.rand(2, 3, 64, 64)).shape == (2, 2048)


def test_nearest_finds_the_copy(source):
    training = torch.randint(0, 256, (50, 3, 4, 4), generator=source, dtype=torch.uint8)
    wanted = torch.tensor([7, 31])
    index, distance = nearest(training[wanted].float() / 255 + 0.01, training, chunk=16)
    assert index.tolist() == [7, 31]
    torch.testing.assert_close(distance, torch.full((2,), 0.01), atol=1e-4, rtol=0)


def test_a_path_keeps_the_length_of_its_ends(source):
    start, end = torch.randn(2, 3, 64, generator=source)
    path = latent_path(start, end, steps=5)
    assert path.shape == (5, 3, 64)
    torch.testing.assert_close(path[0], start, atol=1e-4, rtol=0)
    torch.testing.assert_close(path[-1], end, atol=1e-4, rtol=0)
    unit = latent_path(F.normalize(start, dim=-1), F.normalize(end, dim=-1), steps=3)[1]
    torch.testing.assert_close(unit.norm(dim=-1), torch.ones(3))


def test_discriminator_gap_weighs_by_the_data():
    mixture = ring(modes=1, radius=0.0, sigma=0.1)
    view = look(Mlps([0]), Mlps([1], outputs=1), mixture, losses=LOSSES["saturating"])[0]
    shifted = replace(view, learned=view.optimal)
    assert discriminator_gap(shifted, mixture) == 0
    wrong = view.optimal.clone()
    wrong[:, :5] += 0.5  # far from all data
    assert discriminator_gap(replace(view, learned=wrong), mixture) < 1e-6
    everywhere = replace(view, learned=view.optimal - 0.25)
    assert discriminator_gap(everywhere, mixture) == pytest.approx(0.25)


# ------------------------------------------------------------------------------- resume


def test_stopped_and_resumed_is_the_same_run(tmp_path):
    games = (Game("a"), Game("b", loss="wasserstein", generator_rate=3e-3, rounds=2))
    config = PlaneConfig(distribution="ring", games=games, steps=6, seeds=2, batch=8)
    fabric = make_fabric(precision="32-true")

    def run(folder, steps):
        recipe = PlaneRecipe(config, fabric)
        history = train(recipe, fabric=fabric, steps=steps, folder=folder, config={})
        return recipe, history

    whole, history = run(tmp_path / "whole", 6)
    run(tmp_path / "parts", 2)
    parts, again = run(tmp_path / "parts", 6)
    assert again.losses.equal(history.losses)
    for name, module in whole.modules.items():
        for key, tensor in module.state_dict().items():
            assert tensor.equal(parts.modules[name].state_dict()[key]), (name, key)


def test_faces_stopped_and_resumed_are_the_same(tmp_path):
    config = EXPERIMENTS["gan_basics/faces32"].profiles["smoke"]
    fabric = make_fabric(precision="32-true")

    def run(folder, steps):
        recipe = FacesRecipe(config, fabric)
        train(recipe, fabric=fabric, steps=steps, folder=folder, config={})
        return recipe.result().state_dict()

    whole = run(tmp_path / "whole", 5)
    run(tmp_path / "parts", 3)
    for key, tensor in run(tmp_path / "parts", 5).items():
        assert tensor.equal(whole[key]), key


def test_sliders_name_every_position_once():
    names = [game.name for game in gan_basics.SLIDERS]
    assert len(set(names)) == len(names) == 3 * 2 * 3 * 3
