import copy
import json
import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import (
    DataUnavailable,
    embedded,
    locate,
    low_resolution,
    mod_crop,
)
from tutorial_lib.experiment import execute
from tutorial_lib.metrics import Protocol, Y, imresize, psnr
from tutorial_lib.srgan import (
    ContentLoss,
    Discriminator,
    Generator,
    LossWeights,
    ResidualBlock,
    UpsampleBlock,
    adversarial_loss,
    discriminator_loss,
    evaluation,
    srgan_step,
    srresnet_step,
    training,
)
from tutorial_lib.srgan.texture import fine_energy
from tutorial_lib.vgg import VGG16_FILE


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.fixture
def small():
    """A small pair of networks with their optimisers, and one batch."""
    torch.manual_seed(0)
    generator = Generator(channels=8, blocks=1)
    discriminator = Discriminator(patch=16)
    optimizers = [torch.optim.Adam(n.parameters(), lr=1e-3) for n in (generator, discriminator)]
    low, real = torch.rand(4, 3, 4, 4), torch.rand(4, 3, 16, 16)
    return generator, discriminator, *optimizers, low, real


def pooled(fake, real):
    return (nn.functional.avg_pool2d(fake, 4) - nn.functional.avg_pool2d(real, 4)).square().mean()


# ----------------------------------------------------------------------------- networks


def test_parameter_counts_are_the_articles():
    assert count(Generator()) == 1_549_335
    assert count(Discriminator(patch=96)) == 23_565_505


@pytest.mark.parametrize("scale", [2, 4, 8])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (24, 24)])
def test_generator_scales_any_size_into_the_unit_range(scale, size):
    generator = Generator(scale=scale, channels=4, blocks=1)
    made = generator(torch.rand(2, 3, *size) * 100)
    assert made.shape == (2, 3, scale * size[0], scale * size[1])
    assert made.min() >= 0
    assert made.max() <= 1


@pytest.mark.parametrize("scale", [0, 1, 3, 6])
def test_generator_refuses_other_scales(scale):
    with pytest.raises(ValueError, match=f"got {scale}"):
        Generator(scale=scale)


def test_discriminator_gives_one_logit_and_refuses_other_sizes():
    discriminator = Discriminator(patch=32)
    logits = discriminator(torch.rand(3, 3, 32, 32))
    assert logits.shape == (3, 1)
    with pytest.raises(ValueError, match=r"reads 32 × 32 pictures, got 32 × 48"):
        discriminator(torch.rand(3, 3, 32, 48))
    with pytest.raises(ValueError, match="multiple of 16: got 40"):
        Discriminator(patch=40)


def test_a_new_residual_block_is_the_identity_and_can_learn():
    block = ResidualBlock(4)
    x = torch.randn(2, 4, 5, 5)
    torch.testing.assert_close(block(x), x)
    block(x).square().sum().backward()
    assert block.net[-1].weight.grad.abs().sum() > 0
    nn.init.ones_(block.net[-1].weight)
    assert not torch.allclose(block(x), x)


def test_sub_pixel_convolution_is_a_strided_choice_of_channels():
    block = UpsampleBlock(3, factor=2)
    x = torch.randn(1, 3, 4, 5)
    wide = block.net[0](x)
    slow = torch.empty(1, 3, 8, 10)
    for c in range(3):
        for row in range(2):
            for column in range(2):
                slow[:, c, row::2, column::2] = wide[:, 4 * c + 2 * row + column]
    torch.testing.assert_close(block(x), block.net[2](slow))


# ------------------------------------------------------------------------------- losses


def test_a_flat_picture_can_only_become_a_lattice():
    """Far from the border, whatever is made of one colour repeats with every input pixel."""
    torch.manual_seed(0)
    network = Generator(channels=8, blocks=1).eval()
    with torch.no_grad():
        made = network(torch.full((1, 3, 32, 32), 0.4))[0, :, 56:72, 56:72]
    tile = made[:, :4, :4]
    assert tile.std((1, 2)).min() > 1e-3
    torch.testing.assert_close(made, tile.repeat(1, 4, 4), atol=1e-6, rtol=0)


def test_losses_on_logits_equal_the_articles_on_probabilities():
    real, fake = 3 * torch.randn(2, 64, 1, dtype=torch.float64)
    bce = nn.BCELoss()
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    article = bce(d_real, torch.ones_like(real)) + bce(d_fake, torch.zeros_like(fake))
    torch.testing.assert_close(discriminator_loss(real, fake), article, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(adversarial_loss(fake), -d_fake.log().mean(), atol=1e-6, rtol=1e-6)
    # The article adds 1e-3 inside the logarithm, which caps the loss at -log(1e-3).
    capped = -(torch.tensor(-50.0).sigmoid() + 1e-3).log()
    assert capped.item() == pytest.approx(-math.log(1e-3))
    assert adversarial_loss(torch.tensor([[-50.0]])).item() == pytest.approx(50)


def test_losses_stay_finite_where_the_logarithm_of_a_sigmoid_does_not():
    logits = torch.tensor([[-200.0], [200.0]], requires_grad=True)
    assert torch.log(torch.sigmoid(torch.tensor(-200.0))).isinf()
    loss = adversarial_loss(logits) + discriminator_loss(logits, logits)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
    assert logits.grad[0] != 0


def test_gradients_of_the_losses():
    logits = torch.randn(5, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(adversarial_loss, (logits,))
    other = torch.randn(5, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(discriminator_loss, (logits, other))


def test_content_loss_is_the_squared_distance_of_features():
    features = nn.Conv2d(3, 2, 3)
    loss = ContentLoss(features)
    fake, real = torch.rand(2, 3, 8, 8, requires_grad=True), torch.rand(2, 3, 8, 8)
    expected = (features(fake) - features(real)).square().mean()
    torch.testing.assert_close(loss(fake, real), expected)
    assert loss(real, real).item() == 0
    loss(fake, real).backward()
    assert fake.grad.abs().sum() > 0
    assert all(p.grad is None for p in features.parameters())


def test_content_loss_adds_the_maps_of_a_dict():
    class Two(nn.Module):
        def forward(self, x):
            return {"a": x, "b": 3 * x}

    fake, real = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    squared = (fake - real).square().mean()
    torch.testing.assert_close(ContentLoss(Two())(fake, real), 10 * squared)


# -------------------------------------------------------------------------------- steps


def test_srresnet_learns_one_batch(small):
    generator, _, optimizer, _, low, real = small
    losses = [srresnet_step(generator, optimizer, low, real)["mse"].item() for _ in range(120)]
    assert losses[-1] < 0.7 * losses[0]


def test_srgan_step_updates_both_networks_and_reports_all_losses(small):
    generator, discriminator, g, d, low, real = small
    # A bias in front of a batch normalisation has no gradient but rounding errors, or none at all.
    cancelled = [
        first.bias
        for network in (generator, discriminator)
        for parts in network.modules()
        if isinstance(parts, nn.Sequential)
        for first, second in pairwise(parts)
        if isinstance(second, nn.BatchNorm2d)
    ]
    assert len(cancelled) == 9
    parameters = [
        p
        for network in (generator, discriminator)
        for p in network.parameters()
        if not any(p is bias for bias in cancelled)
    ]
    before = [p.clone() for p in parameters]
    # The first step opens the residual branches, the second reaches the weights inside.
    for _ in range(2):
        losses = srgan_step(
            generator, discriminator, g, d, pooled, low, real, weights=LossWeights()
        )
    assert all(not torch.equal(a, b) for a, b in zip(before, parameters, strict=True))
    assert list(losses) == ["discriminator", "mse", "content", "adversarial"]
    assert all(v.isfinite() and not v.requires_grad for v in losses.values())
    assert all(p.requires_grad for p in discriminator.parameters())


def test_srgan_step_equals_a_slow_obvious_one(small):
    """The same update with the gradients taken apart, one network and one loss at a time."""
    # In double precision: in single, the order of sums differs by processor, and shows.
    generator, discriminator, low, real = (x.double() for x in (*small[:2], *small[4:]))
    slow_g, slow_d = copy.deepcopy(generator), copy.deepcopy(discriminator)
    weights = LossWeights(pixel=0.7, content=0.2, adversarial=0.1)
    # Plain descent: Adam's first step is the gradient's sign, which rounding decides near zero.
    g = torch.optim.SGD(generator.parameters(), lr=0.1)
    d = torch.optim.SGD(discriminator.parameters(), lr=0.1)
    srgan_step(generator, discriminator, g, d, pooled, low, real, weights=weights)

    opt_g = torch.optim.SGD(slow_g.parameters(), lr=0.1)
    opt_d = torch.optim.SGD(slow_d.parameters(), lr=0.1)
    fake = slow_g(low)
    parameters = list(slow_d.parameters())
    bce, ones = nn.BCEWithLogitsLoss(), torch.ones(4, 1, dtype=torch.float64)
    loss = bce(slow_d(real), ones) + bce(slow_d(fake.detach()), 0 * ones)
    for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        p.grad = gradient
    opt_d.step()
    parameters = list(slow_g.parameters())
    total = (
        0.7 * (fake - real).square().mean()
        + 0.2 * pooled(fake, real)
        + 0.1 * bce(slow_d(fake), ones)
    )
    for p, gradient in zip(parameters, torch.autograd.grad(total, parameters), strict=True):
        p.grad = gradient
    opt_g.step()
    for ours, slow in ((generator, slow_g), (discriminator, slow_d)):
        for a, b in zip(ours.parameters(), slow.parameters(), strict=True):
            torch.testing.assert_close(a, b, atol=1e-12, rtol=1e-9)


def test_without_adversarial_weight_the_discriminator_does_not_move_the_generator(small):
    generator, discriminator, g, d, low, real = small
    alone = copy.deepcopy(generator)
    optimizer = torch.optim.Adam(alone.parameters(), lr=1e-3)
    weights = LossWeights(content=0.0, adversarial=0.0)
    srgan_step(generator, discriminator, g, d, pooled, low, real, weights=weights)
    srresnet_step(alone, optimizer, low, real)
    for a, b in zip(generator.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_the_articles_loop_fails_in_todays_pytorch(small):
    """The chapter shows this error; if PyTorch ever allows it again, the chapter must change."""
    generator, discriminator, _, d, low, real = small
    fake = generator(low)
    judged = discriminator(fake)
    discriminator_loss(discriminator(real), judged).backward(retain_graph=True)
    d.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        adversarial_loss(judged).backward()


# -------------------------------------------------------------------------- experiments


def test_evaluation_of_bicubic_equals_the_reference(reference_dir):
    try:
        scores = evaluation.evaluate(lambda low: imresize(low, scale=4), "set5")
    except DataUnavailable as error:
        pytest.skip(str(error))
    expected = json.loads((reference_dir / "metrics_reference.json").read_text())
    for picture, found in scores.items():
        reference = expected["set5_bicubic_x4"][picture]
        for channel in ("y", "rgb"):
            assert found[f"psnr_{channel}"] == pytest.approx(reference[f"psnr_{channel}"], abs=0.01)
            assert found[f"ssim_{channel}"] == pytest.approx(
                reference[f"ssim_{channel}"], abs=0.0005
            )
    assert evaluation.averages(scores)["psnr_y"] == pytest.approx(
        expected["set5_bicubic_x4"]["mean"]["psnr_y"], abs=0.01
    )


def test_stored_weights_are_read_strictly():
    state = {k: v.half() for k, v in Generator().state_dict().items() if v.is_floating_point()}
    assert training.generator_from(state)(torch.rand(1, 3, 4, 4)).shape == (1, 3, 16, 16)
    with pytest.raises(RuntimeError, match=r"Missing key.*head\.0\.weight"):
        training.generator_from({k: v for k, v in state.items() if k != "head.0.weight"})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        training.generator_from(state | {"module.x": torch.zeros(1)})


def test_averaged_weights_lean_on_the_last_tenth_of_the_steps():
    network = nn.BatchNorm1d(1)
    average = copy.deepcopy(network)
    steps = torch.arange(1.0, 201.0)
    for index, value in enumerate(steps):
        with torch.no_grad():
            network.weight.fill_(value)
            network.running_mean.fill_(-value)
        network.num_batches_tracked.fill_(index)
        training.average_weights(average, network, index)
        if index == 0:
            assert average.weight.item() == 1.0
    # Written out, step t counts as t (t + 1) ... (t + 8).
    share = torch.stack([steps + k for k in range(9)]).double().log().sum(0).softmax(0)
    wanted = (share * steps).sum().item()
    assert average.weight.item() == pytest.approx(wanted, rel=1e-5)
    assert average.running_mean.item() == pytest.approx(-wanted, rel=1e-5)
    assert average.num_batches_tracked.item() == 199
    assert share[-20:].sum() > 0.6


def test_watch_steps_begin_and_end():
    assert training.watch_steps(60) == [0, 25, 50, 60]
    assert training.watch_steps(1) == [0, 1]


def test_the_articles_protocol_counts_every_pixel_unrounded(monkeypatch):
    """Against the same by hand, on a made-up set of one picture."""
    image = embedded("coffee")[..., :97, :130]
    monkeypatch.setattr(evaluation, "photographs", lambda group: {"set5/coffee.png": image})

    def upscale(low):
        return nn.functional.interpolate(low, scale_factor=4, mode="bilinear") + 0.0005

    found = evaluation.score_as_the_article(upscale)
    made, real = upscale(low_resolution(image, kernel="pillow")).clamp(0, 1), image[..., :96, :128]
    by_hand = -10 * ((made - real).double() ** 2).mean().log10().item()
    assert found["psnr_article"] == pytest.approx(by_hand, abs=1e-4)
    assert found["psnr_article"] != pytest.approx(
        psnr(made, real, protocol=Protocol("rgb", crop=0)).item(), abs=1e-4
    )


@pytest.mark.parametrize(
    "name",
    [
        "srgan/bicubic",
        "srgan/srresnet",
        "srgan/brief",
        "srgan/brief_gan",
        "srgan/srgan",
        "srgan/vgg54",
        "srgan/losses",
        "srgan/lattice",
    ],
)
def test_smoke_run_leaves_a_whole_record(name, tmp_path):
    try:
        locate("set5/baby.png", download=False)
        locate("bsds500/train/100075.jpg", download=False)
        if name not in {"srgan/bicubic", "srgan/srresnet", "srgan/brief"}:
            locate(VGG16_FILE, download=False)
            ledger.read("srgan/srresnet")
    except (DataUnavailable, ledger.LedgerError) as error:
        pytest.skip(str(error))
    experiment = EXPERIMENTS[name]
    folder = execute(experiment, "smoke", precision="32-true", folder=tmp_path / "run")
    record = ledger.read(name, folder=folder)
    assert record.steps == experiment.profiles["smoke"].steps
    assert {p.name for p in folder.iterdir()} >= set(record.artefacts)
    for file, digest in record.artefacts.items():
        assert ledger.sha256(folder / file) == digest
    measured = [record.metrics]
    if name in {"srgan/losses", "srgan/lattice"}:
        measured = [record.metrics[variant] for variant in record.config["variants"]]
    for found in measured:
        assert 5 < found["set5"]["psnr_y"] < 40
    if name == "srgan/srgan":
        assert set(record.curves) >= {"discriminator", "mse", "content", "adversarial"}


@pytest.mark.parametrize("name", ["brief", "srresnet", "brief_gan", "brief_vgg54", "srgan"])
def test_recorded_generators_do_what_their_record_says(name):
    """On a picture of the wheel: nearer than bicubic for SRResNet, finer for the GANs."""
    try:
        generator = training.recorded_generator(f"srgan/{name}")
    except ledger.LedgerError as error:
        pytest.skip(str(error))
    real = mod_crop(embedded("astronaut"), 4)[..., 100:356, 100:356]
    low = low_resolution(real)
    with torch.no_grad():
        made = generator(low).clamp(0, 1)
    bicubic = imresize(low, scale=4).clamp(0, 1)
    nearer = (psnr(made, real, protocol=Y) - psnr(bicubic, real, protocol=Y)).item()
    finer = (fine_energy(made) / fine_energy(bicubic)).item()
    method, bicubic_ = (
        ledger.read(f"srgan/{n}").metric("set5", "psnr_y") for n in (name, "bicubic")
    )
    assert nearer == pytest.approx(method - bicubic_, abs=1.5)
    if name in ("brief", "srresnet"):
        assert nearer > 1
    else:
        assert finer > 5
    assert psnr(low_resolution(made), low, protocol=Y) > 30
