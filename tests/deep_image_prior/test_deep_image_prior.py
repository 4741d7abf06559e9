import asyncio
import copy
import dataclasses
import datetime
import itertools
import math
import re

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.cli import app
from tutorial_lib.data import (
    DataUnavailable,
    embedded,
    group_names,
    locate,
    read_image,
    write_image,
)
from tutorial_lib.deep_image_prior import experiments as deep_image_prior
from tutorial_lib.deep_image_prior import restore as restoring
from tutorial_lib.deep_image_prior.classic import classics
from tutorial_lib.deep_image_prior.early_stopping import EarlyStopping, error_plane
from tutorial_lib.deep_image_prior.fitting import frame_steps, restore, watch_steps
from tutorial_lib.deep_image_prior.networks import (
    KEEP_EVERY,
    Average,
    Denoising,
    Inpainting,
    PriorNet,
    Settings,
    SkipNetwork,
    Snapshot,
    Step,
    SuperResolution,
    add_noise,
    compress_jpeg,
    draw_input,
    fit,
    mesh_input,
    random_mask,
    text_mask,
    two_lights,
)
from tutorial_lib.deep_image_prior.show import DAMAGES, RestorePanel
from tutorial_lib.experiment import execute
from tutorial_lib.metrics import Protocol, imresize, psnr

WHOLE = Protocol("rgb", crop=0)


def count(network):
    return sum(p.numel() for p in network.parameters())


def small_network(**options):
    return SkipNetwork(4, channels=(8, 8), skips=(2, 0), **options)


def begin(task, *, settings=None, seed=0, **options):
    """A small network with its optimiser and its fit."""
    torch.manual_seed(seed)
    network = small_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    z = draw_input(task.size, channels=4)
    return network, optimizer, fit(network, optimizer, task, z, settings=settings, **options)


@pytest.fixture
def photograph():
    return imresize(embedded("chelsea"), size=(40, 48)).clamp(0, 1)


# ----------------------------------------------------------------------------- networks


def test_parameter_counts_are_the_articles_and_the_papers():
    assert count(PriorNet()) == 2_884_819
    assert count(SkipNetwork()) == 2_217_831


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 2), (1, 1), (7, 100)])
@pytest.mark.parametrize("upsampling", ["bilinear", "nearest"])
def test_skip_network_keeps_any_size(size, upsampling):
    network = SkipNetwork(3, channels=(4,) * 5, skips=(2, 0, 2, 0, 2), upsampling=upsampling)
    # A level of one pixel has no statistics of its own to be normalised by.
    made = network.eval()(torch.rand(1, 3, *size))
    assert made.shape == (1, 3, *size)
    assert made.min() > 0
    assert made.max() < 1


@pytest.mark.parametrize("size", [(32, 64), (33, 47), (1, 1)])
def test_prior_net_keeps_any_size(size):
    made = PriorNet(latent=4).eval()(draw_input(size))
    assert made.shape == (1, 3, *size)
    assert made.min() > 0
    assert made.max() < 1


@pytest.mark.parametrize("network", [SkipNetwork(channels=(4,) * 5), PriorNet(latent=4)])
def test_pictures_too_small_to_be_fitted_are_refused(network):
    with pytest.raises(ValueError, match="20x32 pixels is too small for 5 levels: one side must"):
        network(draw_input((32, 20)))
    assert network(draw_input((33, 1))).shape == (1, 3, 33, 1)


def test_levels_and_skips_must_agree():
    with pytest.raises(ValueError, match="got 2 levels and 3 numbers"):
        SkipNetwork(channels=(8, 8), skips=(4, 4, 4))


def test_edges_are_mirrored():
    torch.manual_seed(0)
    network = SkipNetwork(2, channels=(4,), skips=(0,)).double().eval()
    first = network.down[0][0][0]
    x = torch.rand(1, 2, 6, 6, dtype=torch.float64)
    mirrored = nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
    expected = nn.functional.conv2d(mirrored, first.weight, first.bias, stride=2)
    torch.testing.assert_close(first(x), expected)


def test_a_wide_skip_carries_detail_that_no_skip_loses():
    torch.manual_seed(0)
    z = torch.rand(1, 4, 64, 64, requires_grad=True)
    reach = {}
    for skip in (0, 4):
        network = SkipNetwork(4, channels=(8,) * 2, skips=(skip, skip)).eval()
        grid = network(z)[0, :, ::2, ::2].sum() - network(z)[0, :, 1::2, ::2].sum()
        (gradient,) = torch.autograd.grad(grid, z)
        reach[skip] = gradient.abs().mean().item()
    assert reach[4] > reach[0]


def test_every_weight_is_reached_by_the_gradient(photograph):
    for network in (SkipNetwork(channels=(4,) * 3, skips=(2,) * 3), PriorNet(latent=4)):
        Denoising(photograph).loss(network(draw_input((40, 48)))).backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            # Normalisation takes away whatever is added before it.
            if parameter.ndim > 1:
                assert parameter.grad.abs().max() > 0, name


# ------------------------------------------------------------------------------- inputs


def test_z_is_uniform_up_to_a_tenth():
    z = draw_input((200, 200), generator=torch.Generator().manual_seed(0))
    assert z.shape == (1, 32, 200, 200)
    assert 0 <= z.min() < 1e-4
    assert 0.0999 < z.max() <= 0.1
    assert z.mean().item() == pytest.approx(0.05, abs=1e-4)


def test_mesh_counts_columns_and_rows():
    mesh = mesh_input((3, 5))
    assert mesh.shape == (1, 2, 3, 5)
    assert mesh[0, 0, 1].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert mesh[0, 1, :, 2].tolist() == [0, 0.5, 1]


# ------------------------------------------------------------------------------- damage


def test_noise_has_its_strength_and_is_clipped():
    grey = torch.full((1, 3, 200, 200), 0.5)
    noisy = add_noise(grey, sigma=25, generator=torch.Generator().manual_seed(0))
    assert (noisy - grey).std().item() == pytest.approx(25 / 255, rel=0.01)
    white = add_noise(torch.ones(1, 3, 50, 50), generator=torch.Generator().manual_seed(0))
    assert white.max() == 1
    assert white.mean() < 1


def test_jpeg_costs_more_at_lower_quality(photograph):
    coarse, fine = (compress_jpeg(photograph, quality=quality) for quality in (20, 95))
    assert coarse.shape == photograph.shape
    assert psnr(coarse, photograph, protocol=WHOLE) < psnr(fine, photograph, protocol=WHOLE) - 3


def test_random_mask_loses_the_share():
    mask = random_mask((200, 300), missing=0.3, generator=torch.Generator().manual_seed(0))
    assert mask.shape == (1, 1, 200, 300)
    assert set(mask.unique().tolist()) == {0, 1}
    assert mask.mean().item() == pytest.approx(0.7, abs=0.01)


def test_text_mask_covers_some_of_each_row_of_text():
    mask = text_mask((128, 200), rows=4)
    assert mask.shape == (1, 1, 128, 200)
    lost = 1 - mask
    assert 0.05 < lost.mean() < 0.4
    for row in range(4):
        assert lost[..., 32 * row : 32 * row + 32, :].sum() > 0


def test_two_lights_fall_differently_on_one_scene():
    white = torch.ones(1, 3, 41, 61)
    ambient, flash = two_lights(white)
    assert ambient[0, :, 20, 0].tolist() == pytest.approx([0.9, 0.65, 0.4])
    assert torch.all(ambient[..., 1:] < ambient[..., :-1])
    assert torch.all(flash[..., 20, 30] == 1)
    assert flash[..., 0, 0].max() < 0.5
    assert torch.all(two_lights(torch.zeros(1, 3, 8, 8))[1] == 0)


# -------------------------------------------------------------------------------- tasks


def test_losses_are_the_equations(photograph):
    x = torch.rand(1, 3, 40, 48)
    difference = (x - photograph).numpy()
    assert Denoising(photograph).loss(x).item() == pytest.approx((difference**2).mean(), rel=1e-5)

    mask = random_mask((40, 48), generator=torch.Generator().manual_seed(0))
    masked = (difference * mask.numpy()) ** 2
    assert Inpainting(photograph, mask).loss(x).item() == pytest.approx(masked.mean(), rel=1e-5)

    small = imresize(photograph, scale=1 / 4)
    shrunk = (imresize(x, scale=1 / 4) - small).square().mean()
    assert SuperResolution(small, 4).loss(x).item() == pytest.approx(shrunk.item(), rel=1e-5)
    assert SuperResolution(small, 4).loss(photograph).item() < 1e-12
    assert SuperResolution(small, 4).size == (40, 48)


def test_nothing_pulls_inside_a_hole(photograph):
    mask = text_mask((40, 48))
    x = torch.rand(1, 3, 40, 48, requires_grad=True)
    Inpainting(photograph, mask).loss(x).backward()
    assert (x.grad * (1 - mask)).abs().max() == 0
    assert ((x.grad != 0) | (mask == 0)).all()


def test_inpainting_leaves_what_is_known(photograph):
    mask = text_mask((40, 48))
    made = Inpainting(photograph, mask).restored(torch.zeros(1, 3, 40, 48))
    assert torch.equal(made, photograph * mask)


def test_masks_that_make_no_sense_are_refused(photograph):
    with pytest.raises(ValueError, match="the mask has 8x8 pixels, the picture 48x40"):
        Inpainting(photograph, torch.ones(1, 1, 8, 8))
    with pytest.raises(ValueError, match="nothing is lost; 0 \\(black\\) marks"):
        Inpainting(photograph, torch.ones(1, 1, 40, 48))
    with pytest.raises(ValueError, match="everything is lost"):
        Inpainting(photograph, torch.zeros(1, 1, 40, 48))


def test_shrinking_inside_the_loss_has_the_right_gradient():
    task = SuperResolution(torch.rand(1, 3, 3, 2, dtype=torch.float64), 4)
    x = torch.rand(1, 3, 12, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(task.loss, (x,))


# ---------------------------------------------------------------------------------- fit


def test_fit_is_the_obvious_loop(photograph):
    task = Denoising(photograph)
    settings = Settings(averaging=0.9)
    network, optimizer, steps = begin(task, settings=settings)
    plain = copy.deepcopy(network)
    z = draw_input(task.size, channels=4, generator=torch.Generator().manual_seed(5))
    steps = fit(network, optimizer, task, z, settings=settings)
    adam = torch.optim.Adam(plain.parameters(), lr=0.01)

    torch.manual_seed(1)
    ours = [next(steps) for _ in range(5)]
    torch.manual_seed(1)
    average = None
    for step in range(5):
        output = plain(z + torch.randn_like(z) / 30)
        loss = nn.functional.mse_loss(output, photograph)
        adam.zero_grad()
        loss.backward()
        adam.step()
        picture = output.detach()
        average = picture if average is None else 0.9 * average + 0.1 * picture
        assert ours[step].step == step + 1
        assert ours[step].loss == pytest.approx(loss.item(), rel=1e-5)
        torch.testing.assert_close(ours[step].output, picture)
    torch.testing.assert_close(ours[-1].average, average)


def test_the_articles_jitter_is_uniform(photograph):
    seen = []
    z = torch.zeros(1, 4, 40, 48)
    network = small_network()
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    optimizer = torch.optim.Adam(network.parameters())
    next(fit(network, optimizer, Denoising(photograph), z, settings=Settings(uniform=True)))
    next(fit(network, optimizer, Denoising(photograph), z))
    uniform, normal = seen
    assert uniform.min() >= 0
    assert uniform.max() <= 1 / 30
    assert uniform.mean().item() == pytest.approx(1 / 60, rel=0.05)
    assert normal.min() < -0.05
    assert normal.std().item() == pytest.approx(1 / 30, rel=0.05)


def test_a_jump_restores_weights_and_optimiser_and_makes_no_step(photograph):
    network, optimizer, steps = begin(Denoising(photograph))
    for _ in range(KEEP_EVERY):
        next(steps)
    # The state before step 21 is the next one kept.
    kept = copy.deepcopy(network.state_dict()), copy.deepcopy(optimizer.state_dict())
    for _ in range(5):
        good = next(steps)
    moved = (good.average.clone(), [p.clone() for p in network.parameters()])
    with torch.no_grad():
        network.colours.weight.mul_(-1000)
    bad = next(steps)
    assert bad.went_back
    assert bad.loss > 3 * good.loss
    assert torch.equal(bad.average, moved[0])
    for name, value in network.state_dict().items():
        if "running" not in name and "num_batches" not in name:
            assert torch.equal(value, kept[0][name]), name
    for key, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            assert torch.equal(value, kept[1]["state"][key][name]), (key, name)
    after = next(steps)
    assert not after.went_back
    assert after.loss < bad.loss / 3


def test_the_kept_state_outlives_going_back_twice(photograph):
    network, _, steps = begin(Denoising(photograph))
    for _ in range(3):
        next(steps)
    for _ in range(2):
        with torch.no_grad():
            network.colours.weight.fill_(float("nan"))
        assert next(steps).went_back
        assert all(p.isfinite().all() for p in network.parameters())
        assert not next(steps).went_back
        assert all(p.isfinite().all() for p in network.parameters())


def test_a_step_that_always_jumps_is_taken_shorter(photograph):
    class Bowl(nn.Module):
        """The picture itself; z is not looked at."""

        def __init__(self):
            super().__init__()
            self.picture = nn.Parameter(torch.zeros_like(photograph))

        def forward(self, z):
            return self.picture

    bowl = Bowl()
    # A full step leads to the far side and twice as far from the bottom; half a one, downward.
    rate = 1.5 * photograph.numel()
    optimizer = torch.optim.SGD(bowl.parameters(), lr=rate)
    seen, rates = [], []
    for now in itertools.islice(fit(bowl, optimizer, Denoising(photograph), photograph), 25):
        seen.append(now)
        rates.append(optimizer.param_groups[0]["lr"] / rate)
    assert [now.step for now in seen if now.went_back] == [2, 4, 22, 24]
    assert rates == [1] * 3 + [0.5] * 17 + [1] * 3 + [0.5] * 2
    assert seen[20].loss == pytest.approx(seen[0].loss / 4**16)


def test_a_fit_without_going_back_goes_on(photograph):
    network, _, steps = begin(Denoising(photograph), settings=Settings(jump=math.inf))
    next(steps)
    with torch.no_grad():
        network.colours.weight.mul_(-1000)
    assert not next(steps).went_back


def test_snapshot_is_a_copy():
    network = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    snapshot = Snapshot(network, optimizer, 1.0)
    before = network.weight.detach().clone()
    for _ in range(3):
        optimizer.step()
        assert not torch.equal(network.weight, before)
        snapshot.restore(network, optimizer)
        assert torch.equal(network.weight, before)
        assert optimizer.state[network.weight]["step"] == 1


def test_average_starts_with_the_first_picture():
    average = Average((1, 1), share=0.75)
    values = [average.update(torch.full((1, 3, 1, 1), v))[0, 0].item() for v in (1.0, 0.0, 1.0)]
    assert values == pytest.approx([1, 0.75, 0.8125])


def test_noise_is_taken_off_a_picture():
    truth = imresize(embedded("astronaut")[..., :256, 100:356], scale=1 / 4).clamp(0, 1)
    noisy = add_noise(truth, sigma=50, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    network = SkipNetwork(8, channels=(16, 16, 16), skips=(4, 4, 4))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    steps = fit(network, optimizer, Denoising(noisy), draw_input((64, 64), channels=8))
    last = next(itertools.islice(steps, 200, None))
    gain = psnr(last.average, truth, protocol=WHOLE) - psnr(noisy, truth, protocol=WHOLE)
    assert gain > 3


# ------------------------------------------------------------------------ when to stop


def pictures(steps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(steps, 1, 3, 4, 5, generator=generator)


def test_windowed_variance_is_numpys():
    outputs = pictures(30)
    stopping = EarlyStopping((4, 5), window=7)
    for step, output in enumerate(outputs, start=1):
        stopping.update(output, output)
        if step < 7:
            assert stopping.variance == math.inf
        else:
            window = outputs[step - 7 : step].numpy()
            assert stopping.variance == pytest.approx(window.var(axis=0).mean(), rel=2e-3)


def test_the_rule_stops_after_the_quietest_window_and_keeps_its_picture():
    outputs = pictures(60)
    unrest = (torch.arange(60) - 30).abs().float() / 30
    outputs = 0.5 + (outputs - 0.5) * unrest.view(-1, 1, 1, 1, 1)
    stopping = EarlyStopping((4, 5), window=5, patience=10)
    told = [stopping.update(o, torch.full_like(o, i / 100)) for i, o in enumerate(outputs, start=1)]
    windows = [outputs[i - 5 : i].var(dim=0, correction=0).mean() for i in range(5, 61)]
    best = 5 + int(torch.stack(windows).argmin())
    assert stopping.best_step == best
    assert told.index(True) + 1 == best + 10
    assert all(told[best + 9 :])
    assert stopping.best.mean().item() == pytest.approx(best / 100)
    assert stopping.stopped


def test_what_comes_after_the_stop_changes_nothing():
    stopping = EarlyStopping((4, 5), window=2, patience=2)
    for output in pictures(6):
        stopping.update(output, output)
    assert stopping.stopped
    chosen = stopping.best_step, stopping.best.clone()
    still = torch.zeros(1, 3, 4, 5)
    for _ in range(3):
        stopping.update(still, still)
    assert stopping.variance == pytest.approx(0, abs=1e-9)
    assert stopping.best_step == chosen[0]
    assert torch.equal(stopping.best, chosen[1])


def test_the_rule_may_look_at_some_pixels_only():
    outputs = pictures(8)
    stopping = EarlyStopping((4, 5), window=8, stride=2)
    for output in outputs:
        stopping.update(output, output)
    expected = outputs[..., ::2, ::2].numpy().var(axis=0).mean()
    assert stopping.variance == pytest.approx(expected, rel=2e-3)
    assert stopping.best.shape == (1, 3, 4, 5)


def test_the_rule_goes_on_from_its_state():
    outputs = pictures(20)
    whole, first, second = (EarlyStopping((4, 5), window=6) for _ in range(3))
    for output in outputs:
        whole.update(output, output)
    for output in outputs[:11]:
        first.update(output, output)
    second.load_state_dict(first.state_dict())
    for output in outputs[11:]:
        second.update(output, output)
    assert second.best_step == whole.best_step
    assert second.variance == whole.variance


def test_error_plane_measures_psnr(photograph):
    noisy = add_noise(photograph, generator=torch.Generator().manual_seed(0))
    x = torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(1))
    along, across = error_plane(x, truth=photograph, observed=noisy)
    size = (noisy - photograph).square().mean()
    rms = ((along**2 + across**2) * size).item()
    exact = Protocol("rgb", crop=0, rounding=False)
    expected = psnr(x, photograph, protocol=exact).item()
    assert -10 * math.log10(rms) == pytest.approx(expected, abs=1e-3)
    assert error_plane(noisy, truth=photograph, observed=noisy) == pytest.approx((1, 0), abs=1e-6)


# -------------------------------------------------------------------------- experiments


def test_shuffling_keeps_the_pixels(photograph):
    mixed = deep_image_prior.shuffled(photograph)
    assert mixed.shape == photograph.shape
    assert not torch.equal(mixed, photograph)

    def colours(image):
        return sorted(map(tuple, image.flatten(2)[0].T.tolist()))

    assert colours(mixed) == colours(photograph)


def test_frames_and_measurements_end_with_the_last_step():
    for steps in (1, 3, 100, 1000):
        for moments in (watch_steps(steps), frame_steps(steps)):
            assert moments[0] == 0
            assert moments[-1] == steps
            assert moments == sorted(set(moments))


def test_restore_yields_pictures_of_the_right_size(photograph):
    task = SuperResolution(imresize(photograph, scale=1 / 4).clamp(0, 1), 4)
    steps = restore(task, network=SkipNetwork(channels=(8, 8), skips=(4, 4)))
    first, second = itertools.islice(steps, 2)
    assert first.output.shape == (1, 3, 40, 48)
    assert second.step == 2


@pytest.mark.parametrize("name", [n for n in EXPERIMENTS if n.startswith("deep_image_prior/")])
def test_smoke_run_leaves_a_whole_record(name, tmp_path):
    experiment = EXPERIMENTS[name]
    try:
        for need in experiment.needs:
            for file in group_names(need) if need == "set5" else [need]:
                locate(file, download=False)
    except DataUnavailable as error:
        pytest.skip(str(error))
    folder = execute(experiment, "smoke", folder=tmp_path / "run")
    record = ledger.read(name, folder=folder)
    assert {p.name for p in folder.iterdir()} >= set(record.artefacts)
    fitted = [found for found in record.metrics.values() if "steps_per_second" in found]
    assert fitted
    assert all(found["loss"] < 0.5 for found in fitted)
    assert all(5 < found["psnr"] < 40 for found in fitted if "psnr" in found)


def test_a_stopped_experiment_goes_on_exactly(tmp_path):
    experiment = dataclasses.replace(
        EXPERIMENTS["deep_image_prior/jpeg"],
        run=lambda run: deep_image_prior.run_denoise(run),
    )
    changes = {"picture": "chelsea", "shrink": "12"}
    options = {"changes": changes, "precision": "32-true"}
    whole = execute(experiment, "smoke", steps=6, folder=tmp_path / "whole", **options)
    execute(experiment, "smoke", steps=3, folder=tmp_path / "parts", **options)
    parts = execute(experiment, "smoke", steps=6, folder=tmp_path / "parts", **options)
    for name in ("seed0_000006.webp", "seed0_average.webp", "seed0_stopped.webp"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes(), name


def test_classic_denoisers_are_tuned():
    truth = imresize(embedded("coffee"), scale=1 / 8).clamp(0, 1)
    noisy = add_noise(truth, generator=torch.Generator().manual_seed(0))
    numbers, made = classics(noisy, truth, level=25 / 255)
    assert set(made) == {"non_local_means", "total_variation", "wavelet"}
    base = psnr(noisy, truth, protocol=WHOLE).item()
    for name, values in numbers.items():
        assert values["psnr"] > base + 2, name


# ----------------------------------------------------------------------- the command


@pytest.fixture
def photo(tmp_path, photograph):
    return write_image(tmp_path / "photo.png", photograph)


def tutorial(*arguments):
    return CliRunner().invoke(app, ["restore", *map(str, arguments)])


def quickly(*arguments):
    return tutorial(*arguments, "--network", "small", "--steps", 2)


@pytest.mark.parametrize("task", ["denoise", "jpeg"])
def test_command_restores_a_file(photo, tmp_path, task):
    result = quickly(photo, "--task", task, "-o", tmp_path / "out.png")
    assert result.exit_code == 0, result.stderr
    assert f"restored: {tmp_path / 'out.png'}" in result.stdout
    assert read_image(tmp_path / "out.png").shape == (1, 3, 40, 48)


def test_command_enlarges(photo, tmp_path):
    options = "--task", "super-resolution", "--scale", 2, "-o", tmp_path / "out.jpg"
    assert quickly(photo, *options).exit_code == 0
    assert read_image(tmp_path / "out.jpg").shape == (1, 3, 80, 96)


def test_command_fills_only_the_hole(photo, photograph, tmp_path):
    mask = torch.ones(1, 3, 40, 48)
    mask[..., 10:20, 10:30] = 0
    write_image(tmp_path / "mask.png", mask)
    out = tmp_path / "out.png"
    result = quickly(photo, "--task", "inpaint", "--mask", tmp_path / "mask.png", "-o", out)
    assert result.exit_code == 0, result.stderr
    assert "filling 10.4 % of the picture" in result.stdout
    changed = (read_image(out) - read_image(photo)).abs().amax(1)[0] > 0
    assert changed[10:20, 10:30].float().mean() > 0.9
    assert changed.sum() == changed[10:20, 10:30].sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "inpaint"], "inpaint needs a mask: --mask FILE, black where"),
        (["--task", "denoise", "--mask", "PHOTO"], "denoise takes no mask: only inpaint does"),
        (["--task", "denoise", "--steps", "0"], "steps must be at least 1: got 0"),
        (["--task", "super-resolution", "--scale", "1"], "scale must be at least 2: got 1"),
        (
            ["--task", "super-resolution", "--scale", "50"],
            "smaller first, to 64 % of its sides",
        ),
        (["--task", "denoise", "-o", "out.gif"], "the name must end in .png, .jpg or .webp"),
        (["--task", "denoise", "-o", "none/out.png"], "there is no folder none"),
        (["--task", "denoise", "-o", "PHOTO"], "exists: choose another name, or pass --overwrite"),
    ],
)
def test_command_says_what_is_wrong_before_it_works(photo, tmp_path, options, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = [str(photo) if option == "PHOTO" else option for option in options]
    if "-o" not in options:
        options += ["-o", "out.png"]
    before = sorted(tmp_path.iterdir())
    result = tutorial(photo, *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_command_names_a_file_that_is_no_picture(tmp_path):
    (tmp_path / "photo.jpg").write_text("words")
    result = tutorial(tmp_path / "photo.jpg", "--task", "denoise", "-o", tmp_path / "out.png")
    assert result.exit_code == 1
    assert "is not an image that can be read" in result.stderr


def interrupted_after(count):
    def steps(task, **_):
        for step in range(1, count + 1):
            grey = torch.full((1, 3, *task.size), step / 10)
            yield Step(step, 0.1, torch.zeros_like(grey), grey, False)
        raise KeyboardInterrupt

    return steps


def test_interrupting_keeps_the_result_so_far(photo, tmp_path, monkeypatch):
    monkeypatch.setattr(restoring, "restore", interrupted_after(5))
    result = tutorial(photo, "--task", "denoise", "-o", tmp_path / "out.png")
    assert result.exit_code == 0
    assert "stopped after step 5" in result.stdout
    assert read_image(tmp_path / "out.png").mean().item() == pytest.approx(0.5, abs=0.003)


def test_interrupting_before_anything_writes_nothing(photo, tmp_path, monkeypatch):
    monkeypatch.setattr(restoring, "restore", interrupted_after(0))
    result = tutorial(photo, "--task", "denoise", "-o", tmp_path / "out.png")
    assert result.exit_code == 130
    assert "nothing was written" in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_denoising_keeps_its_calmest_moment(photo, tmp_path, monkeypatch):
    def steps(task, **_):
        generator = torch.Generator().manual_seed(0)
        for step in itertools.count(1):
            unrest = abs(step - 150) / 1000
            noise = torch.randn(1, 3, *task.size, generator=generator)
            yield Step(step, 0.1, 0.5 + unrest * noise, torch.full_like(noise, step / 500), False)

    monkeypatch.setattr(restoring, "restore", steps)
    out = tmp_path / "out.png"
    result = tutorial(photo, "--task", "denoise", "-o", out, "--patience", 40)
    assert result.exit_code == 0
    # The calmest window of 100 steps is the one around step 150.
    assert "calmest about step 199" in result.stdout or "about step 200" in result.stdout
    assert read_image(out).mean().item() == pytest.approx(0.4, abs=0.005)


# -------------------------------------------------------------------------------- live


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_panel_restores_every_kind_of_damage(damage):
    panel = RestorePanel(side=48)
    panel.picture.value = "coffee"
    panel.damage.value = damage
    assert panel.result is None
    now = panel.advance(0)
    assert now.step == 1
    assert panel.result.shape == panel.truth.shape == (1, 3, 32, 48)
    assert panel.advance(0).step == 2


def test_panel_starts_anew_for_another_picture_and_keeps_a_stopped_one():
    panel = RestorePanel(side=48)
    panel.advance(0)
    kept = panel.result
    panel.stop.click()
    assert panel.result is kept
    panel.picture.value = "rocket"
    assert panel.result is None
    assert panel.advance(0).step == 1


def test_panel_runs_and_stops():
    async def play():
        panel = RestorePanel(side=48, steps=10_000)
        panel.start.click()
        while panel.bar.value == 0:
            await asyncio.sleep(0.01)
        running = panel.status.value
        panel.stop.click()
        done = panel.bar.value
        await asyncio.sleep(0.05)
        return panel, running, done

    panel, running, done = asyncio.run(play())
    assert re.match(r"step \d+: output [\d.]+ dB, average [\d.]+ dB, \d+ steps/s", running)
    assert panel.bar.value == done
    assert panel.result is not None
    assert not panel.start.disabled
    assert "data:image/webp" in panel.image.value


def uploaded(content):
    """A file as the browser hands it to the panel."""
    moment = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    kind = {"name": "photo.png", "type": "image/png", "size": len(content)}
    return kind | {"content": memoryview(content), "last_modified": moment}


def test_panel_takes_the_readers_own_picture(photo):
    panel = RestorePanel(side=40)
    panel.upload.value = (uploaded(photo.read_bytes()),)
    assert panel.truth.shape == (1, 3, 32, 40)
    panel.upload.value = (uploaded(b"words"),)
    assert "is not an image" in panel.status.value
