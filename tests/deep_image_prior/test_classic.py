"""The classic and the trained methods that the network is compared with."""

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.data import add_noise, embedded
from tutorial_lib.deep_image_prior.classic import (
    classics,
    non_local_means,
    smooth_filling,
    total_variation,
    tuned,
    wavelet,
)
from tutorial_lib.deep_image_prior.scores import decibels
from tutorial_lib.deep_image_prior.trained import SOURCE, best_of, stored_denoisers
from tutorial_lib.dni import Denoiser
from tutorial_lib.experiment import execute
from tutorial_lib.metrics import imresize

METHODS = {
    "non-local means": (non_local_means, 1.0),
    "total variation": (total_variation, 1.4),
    "wavelet": (wavelet, 1.0),
}
"""By name: the method, and its middle strength in units of the noise."""


@pytest.fixture
def pair():
    """A small photograph and its noisy twin."""
    truth = imresize(embedded("coffee"), scale=1 / 8).clamp(0, 1)
    return add_noise(truth, generator=torch.Generator().manual_seed(0)), truth


def once(method, noisy, strength):
    """A denoiser at one strength, the plain way."""
    made = method(noisy[0].permute(1, 2, 0).numpy(), strength)
    return torch.from_numpy(made).permute(2, 0, 1)[None].float()


def test_tuning_takes_the_strength_that_comes_nearest_to_the_truth(pair):
    noisy, truth = pair
    target = truth[0].permute(1, 2, 0).numpy()

    def off_by(_, strength):
        return target + (strength - 0.4)

    _, score, strength = tuned(off_by, noisy, truth, [0.1, 0.3, 0.45, 0.9])
    assert strength == 0.45
    assert score == pytest.approx(decibels(truth + 0.05, truth), abs=1e-3)


# The middle is right for a method that is told the noise exactly; each is off in its own way.
@pytest.mark.parametrize("name", METHODS)
def test_classic_denoisers_are_better_than_at_either_end_of_their_range(name, pair):
    noisy, truth = pair
    level = 25 / 255
    numbers, pictures = classics(noisy, truth, level=level)
    method, middle = METHODS[name]
    found = numbers[name]
    made = pictures[name.replace(" ", "_").replace("-", "_")]
    assert decibels(made, truth) == pytest.approx(found["psnr"], abs=1e-3)
    ends = [decibels(once(method, noisy, share * middle * level), truth) for share in (0.3, 1.6)]
    # As good as at the best of a finer search, but for a tenth of a decibel.
    search = [0.3 + 0.1 * k for k in range(14)]
    finer = max(decibels(once(method, noisy, s * middle * level), truth) for s in search)
    assert found["psnr"] > max(ends)
    assert found["psnr"] > finer - 0.1
    assert found["psnr"] > decibels(noisy, truth) + 2


def test_smooth_filling_joins_the_edges_and_leaves_the_rest():
    slope = torch.linspace(0.2, 0.8, 16).expand(1, 3, 12, 16)
    mask = torch.ones(1, 1, 12, 16)
    mask[..., 4:8, 5:10] = 0
    made = smooth_filling(slope * mask, mask)
    torch.testing.assert_close(made, slope.contiguous(), rtol=0, atol=1e-4)
    assert torch.equal(made * mask, slope * mask)


def test_the_recorded_denoisers_are_those_of_the_chapter_on_interpolation(pair):
    noisy, truth = pair
    start = ledger.start(SOURCE)
    trained = stored_denoisers(start.path)
    assert set(trained) == {"run_1", "run_2", "noise_30", "noise_40", "noise_50", "noise_60"}
    name, score, made = best_of(trained, noisy, truth)
    assert score == decibels(made, truth)
    assert score > decibels(noisy, truth) + 2
    with torch.no_grad():
        others = {k: decibels(network(noisy), truth) for k, network in trained.items()}
    assert name == max(others, key=others.get)
    # Trained for the nearest noises, not for the strongest.
    assert name in {"run_1", "run_2", "noise_30"}
    assert isinstance(trained[name], Denoiser)
    assert not trained[name].training


def test_the_denoisers_leave_a_record_of_every_method(tmp_path, denoisers_experiment):
    folder = execute(denoisers_experiment, "smoke", folder=tmp_path / "run")
    record = ledger.read(denoisers_experiment.name, folder=folder)
    assert set(record.metrics) == {f"{name}, sigma 25" for name in [*METHODS, "trained", "damaged"]}
    noisy = record.metric("damaged, sigma 25", "psnr")
    for name in ("non-local means", "trained"):
        assert record.metric(f"{name}, sigma 25", "psnr") > noisy + 2
    assert list(record.start) == [SOURCE]
