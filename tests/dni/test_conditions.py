import json
import math

import pytest
import torch
from torch import nn

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.dni import Interpolator, interpolate
from tutorial_lib.dni.conditions import ConditionsConfig, apart, psnr_between
from tutorial_lib.experiment import execute
from tutorial_lib.srgan import Generator
from tutorial_lib.srgan.evaluation import averages, evaluate
from tutorial_lib.training import reestimate_statistics


def test_distance_and_cosine_are_those_of_the_convolutions_alone():
    one, other = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)), nn.Conv2d(2, 3, 3)
    a = {"conv": one[0].weight.detach(), "scale": one[1].weight.detach()}
    b = {"conv": other.weight.detach(), "scale": torch.full((3,), 100.0)}
    x, y = a["conv"].flatten(), b["conv"].flatten()
    length = (x.norm() + y.norm()) / 2
    assert apart(a, b) == {
        "distance": pytest.approx(((x - y).norm() / length).item(), abs=1e-4),
        "cosine": pytest.approx((x @ y / x.norm() / y.norm()).item(), abs=1e-4),
    }


def test_every_setting_is_read_by_the_training_or_by_the_measuring():
    config = ConditionsConfig(
        steps=7, batch=3, patch=32, learning_rate=0.1, warm_up=5, cosine=False, limit=9
    )
    training = config.training()
    for name in ("steps", "batch", "patch", "learning_rate", "warm_up", "cosine", "limit"):
        assert getattr(training, name) == getattr(config, name)
    assert (training.start, training.average, training.statistics) == ("", False, 0)


def test_between_two_networks_statistics_are_averaged_or_made_anew(needs):
    needs("dni/conditions")
    states = []
    for seed in range(2):
        torch.manual_seed(seed)
        network = Generator(channels=4, blocks=1)
        with torch.no_grad():
            for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm2d)):
                # The last of a block begins at zero, and hides what stands before it.
                norm.weight.fill_(10)
                norm.running_mean.normal_()
        states.append(network.state_dict())
    batches = [torch.rand(2, 3, 12, 12) for _ in range(2)]
    move = Interpolator(network := Generator(channels=4, blocks=1).eval(), states)
    found = psnr_between(move, network, alphas=(0.25, 0.75), batches=batches)

    alone = Generator(channels=4, blocks=1).eval()
    for k, alpha in enumerate((0.25, 0.75)):
        alone.load_state_dict(interpolate(*states, alpha))
        values = [averages(evaluate(alone, "set5"))["psnr_y"]]
        reestimate_statistics(alone, batches)
        values.append(averages(evaluate(alone, "set5"))["psnr_y"])
        assert abs(values[0] - values[1]) > 0.01
        assert [found["interpolated"][k], found["re-estimated"][k]] == pytest.approx(
            values, abs=1e-3
        )


def test_pairs_are_trained_and_measured(needs, tmp_path):
    needs("dni/conditions")
    # At the full rate from the first step, so that two of them go a way that can be measured.
    changes = {"alphas": "(0.0, 1.0)", "warm_up": "0"}
    folder = execute(EXPERIMENTS["dni/conditions"], "smoke", changes=changes, folder=tmp_path)
    metrics = json.loads((folder / "record.json").read_text())["metrics"]
    one, two = metrics["one start"], metrics["two starts"]
    # Independent vectors of so many numbers stand at a right angle, √2 of their length apart.
    assert abs(two["cosine"]) < 0.01
    assert two["distance"] == pytest.approx(math.sqrt(2), abs=0.01)
    # Adam's first steps move each weight by about the rate: 4e-4, then half of it.
    assert 0.005 < one["distance"] < 0.1
    # Both pairs leave from the same network, and arrive at different ones.
    assert one["interpolated"][0] == two["interpolated"][0]
    assert one["interpolated"][1] != two["interpolated"][1]
    # At its ends the recorded pair is as good as its records say.
    srgan = metrics["SRResNet and SRGAN"]["interpolated"]
    for name, found in zip(("brief", "brief_gan"), srgan, strict=True):
        wanted = ledger.read(f"srgan/{name}").metric("set5", "psnr_y")
        assert found == pytest.approx(wanted, abs=2e-3)
    assert {"one_start_01.webp", "two_starts_00.webp"} <= {p.name for p in folder.iterdir()}
