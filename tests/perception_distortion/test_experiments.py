import pytest

from tutorial_lib import ledger
from tutorial_lib.data import DataUnavailable, embedded, locate, low_resolution, mod_crop
from tutorial_lib.experiment import execute
from tutorial_lib.metrics import imresize
from tutorial_lib.perception_distortion import points, reading
from tutorial_lib.perception_distortion.experiments import EXPERIMENTS
from tutorial_lib.srgan import evaluation
from tutorial_lib.vgg import VGG16_FILE

BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}


def need(*names):
    try:
        for name in names:
            locate(name, download=False)
    except DataUnavailable as unavailable:
        pytest.skip(str(unavailable))


def test_scores_of_a_picture_and_of_the_truth():
    need(points.PRISTINE)
    real = mod_crop(embedded("astronaut"), 4)[..., :256, :256]
    true = evaluation.measure(real, real, points.TRUE)
    assert set(true) == {"mse_pirm", "niqe", "niqe_pirm"}
    assert true["mse_pirm"] == 0
    made = imresize(low_resolution(real), scale=4).clamp(0, 1)
    found = evaluation.measure(made, real, points.MEASURED)
    assert found["niqe"] > true["niqe"]
    assert 15 < found["psnr_y"] < 40


def test_summary_takes_the_root_of_the_mean():
    scores = {"a": {"mse_pirm": 1.0, "niqe": 2.0}, "b": {"mse_pirm": 49.0, "niqe": 4.0}}
    assert points.summary(scores) == {"rmse": 5.0, "niqe": 3.0}


def test_every_coefficient_has_its_experiment():
    for coefficient in reading.COEFFICIENTS:
        for profile in ("book", "gpu"):
            config = BY_NAME[f"perception_distortion/adv_{coefficient}"].profiles[profile]
            assert config.adversarial == float(coefficient)
            assert config.content == 2e-6
    for name in (*reading.CONTENT, *reading.METHODS):
        assert f"perception_distortion/{name}" in BY_NAME


@pytest.mark.parametrize("name", ["bicubic", "photographs"])
def test_a_point_is_measured_and_recorded(name, tmp_path, monkeypatch):
    """On a set of one picture: its scores, its squares, and the page."""
    need(points.PRISTINE, "set14/baboon.png", "set14/zebra.png", "bsds500/val/101085.jpg")
    one = {"astronaut": embedded("astronaut")[..., :256, :256]}
    for module in (points, evaluation):
        monkeypatch.setattr(module, "photographs", lambda group: one)
    experiment = BY_NAME[f"perception_distortion/{name}"]
    folder = execute(experiment, "book", changes={"test_sets": "('set14',)"}, folder=tmp_path)
    record = ledger.read(experiment.name, folder=folder)
    found = record.metrics["set14"]
    known = ["rmse", "psnr_y", "ssim_y", "niqe", "niqe_pirm"]
    true = name == "photographs"
    assert list(found) == (["rmse", "niqe", "niqe_pirm"] if true else known)
    assert (found["rmse"] == 0) is true
    assert (record.metrics["page"]["read"] == 1) is true
    squares = {f"{shown}.webp" for shown in (*points.SHOWN, "page", "photograph")}
    more = {points.PRISTINE} if true else set()
    assert set(record.artefacts) == squares | more | {"scores.csv", "readings.txt"}


def test_sweep_runs_and_records(tmp_path):
    """Without an adversary no discriminator is trained."""
    need("bsds500/train/100075.jpg", points.PRISTINE, VGG16_FILE, "set14/baboon.png")
    changes = {"test_sets": "()", "keep_weights": "True"}
    experiment = BY_NAME["perception_distortion/adv_0"]
    folder = execute(experiment, "smoke", steps=1, changes=changes, folder=tmp_path)
    record = ledger.read(experiment.name, folder=folder)
    assert "content" in record.curves
    assert "discriminator" not in record.curves
    assert "weights.safetensors" in record.artefacts
    assert record.curves["niqe"]["step"] == record.curves["rmse, latest"]["step"]
    assert 0 < record.metrics["page"]["read"] <= 1
    weights = ledger.read("srgan/brief").artefacts["weights.safetensors"]
    assert record.start == {"srgan/brief": weights}


@pytest.mark.parametrize("name", ["brief", "srresnet", "srgan"])
def test_points_are_those_of_the_networks_as_recorded(name):
    """After another training of SRGAN is published, its point has to be measured again."""
    try:
        record = ledger.read(f"perception_distortion/{name}")
    except ledger.LedgerError as error:
        pytest.skip(str(error))
    assert record.protocol["network"] == points.provenance(f"srgan/{name}")
