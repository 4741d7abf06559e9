import json
from statistics import fmean

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.dni import Denoiser, interpolate
from tutorial_lib.dni.denoisers import (
    FILTERS,
    denoising,
    filters_alike,
    in_place,
    middles,
    paired,
    recorded_denoisers,
)
from tutorial_lib.experiment import execute
from tutorial_lib.metrics import RGB, psnr


def pearson(a, b):
    """Mean correlation of two layers' filters, place by place, one at a time."""
    pairs = zip(a.flatten(1), b.flatten(1), strict=True)
    return fmean(torch.corrcoef(torch.stack(pair))[0, 1].item() for pair in pairs)


@pytest.fixture
def states():
    """Run 2 is run 1 in another order; noise 40 is the mean of run 1 and noise 60."""
    torch.manual_seed(0)
    first, last = (Denoiser().state_dict() for _ in range(2))
    second = {key: value.clone() for key, value in first.items()}
    second[FILTERS] = first[FILTERS].roll(1, dims=0)
    middle = interpolate(first, last, 0.5)
    return {"run 1": first, "run 2": second, "noise 40": middle, "noise 60": last}


def test_filters_are_compared_in_place_and_paired(states):
    found = filters_alike(states, noises=(20, 40, 60), alphas=(0.0, 0.25, 1.0))
    first = states["run 1"][FILTERS]
    for name, state in states.items():
        wanted = pearson(state[FILTERS], first)
        assert found["in the same place"][name] == pytest.approx(wanted, abs=1e-4)
    # Out of order, yet each has its like; what chance finds is far from that.
    assert found["best match"]["run 2"] == 1
    assert abs(found["in the same place"]["run 2"]) < 0.05
    assert 0 < found["best match"]["run 2, shuffled"] < 0.4


def test_filters_between_are_those_of_the_averaged_weights(states):
    alphas = (0.0, 0.25, 1.0)
    found = filters_alike(states, noises=(20, 40, 60), alphas=alphas)
    first, last = states["run 1"][FILTERS], states["noise 60"][FILTERS]
    path = [pearson(alpha * last + (1 - alpha) * first, first) for alpha in alphas]
    assert found["interpolated, with run 1"] == pytest.approx(path, abs=1e-4)
    assert path[1] < 0.98
    learned = found["interpolated, with the learned"]
    assert learned == {"run 1": 1, "noise 40": 1, "noise 60": 1}


def test_pairing_is_one_to_one():
    torch.manual_seed(0)
    one, other = torch.randn(2, 3, 1, 4, 4)
    both = torch.cat([one[:1], one[:1], one[2:]])
    # Both of the first two are most like filter 0, and only one of them can have it.
    assert in_place(both, both) == paired(both, both) == 1
    assert paired(both, one) < 1
    assert paired(one, other) == max(
        in_place(one[list(order)], other)
        for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    )


def test_denoisers_are_measured_on_noise_of_their_strength(states):
    torch.manual_seed(0)
    clean = [torch.rand(1, 3, 24, 24) for _ in range(2)]
    alphas = (0.0, 0.5, 1.0)
    found = denoising(states, clean, noises=(20, 40, 60), alphas=alphas)
    network = Denoiser().eval()
    network.load_state_dict(states["noise 40"])
    values = []
    for k, picture in enumerate(clean):
        noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(k))
        with torch.no_grad():
            made = network(picture + 40 / 255 * noise).clamp(0, 1)
        values.append(psnr(made, picture, protocol=RGB).item())
    assert found["trained for the noise"][40] == pytest.approx(fmean(values), abs=1e-4)
    # The middle one is the mean of the ends here.
    assert found["interpolated for the noise"] == found["trained for the noise"]
    assert list(found["trained for the most"].values()) != list(
        found["trained for the least"].values()
    )
    least = found["trained for the least"][20]
    assert found["two runs"][0] == found["two runs, aligned"][0] == found["carried on"][0] == least


def test_pictures_are_spread_and_cut_from_the_middle(needs):
    needs("dni/filters")
    found = middles("bsd100", count=30, side=16)
    assert [tuple(picture.shape) for picture in found] == [(1, 3, 16, 16)] * 30


def test_denoisers_are_trained_and_compared(needs, tmp_path):
    needs("dni/filters")
    folder = execute(EXPERIMENTS["dni/filters"], "smoke", folder=tmp_path)
    metrics = json.loads((folder / "record.json").read_text())["metrics"]
    place, best = metrics["in the same place"], metrics["best match"]
    assert place["run 1"] == 1
    # Two starts at random have nothing in common, and those carried on have not gone far.
    assert abs(place["run 2"]) < 0.05
    assert 0.1 < best["run 2"] < 0.4
    assert 0.5 < place["noise 60"] < 1 - 1e-4
    assert metrics["two runs"][0] == metrics["trained for the least"]["20"]
    # The order of channels does not change the other end.
    assert metrics["two runs"][1] == pytest.approx(metrics["two runs, aligned"][1], abs=1e-3)


def test_recorded_denoisers_are_those_that_were_measured():
    record = ledger.read("dni/filters")
    found = recorded_denoisers(record)
    assert list(found) == ["run 1", "run 2", "noise 30", "noise 40", "noise 50", "noise 60"]
    metrics = record.metrics
    alike = filters_alike(found, noises=record.config["noises"], alphas=metrics["alphas"])
    for name in ("in the same place", "best match", "interpolated, with run 1"):
        assert alike[name] == pytest.approx(metrics[name], abs=2e-4)
