import itertools

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.optimize import linprog

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import DataUnavailable, embedded, locate, low_resolution, mod_crop
from tutorial_lib.experiment import execute
from tutorial_lib.metrics import imresize
from tutorial_lib.perception_distortion import bound as pd
from tutorial_lib.perception_distortion import experiments as recorded
from tutorial_lib.perception_distortion import scores as plane
from tutorial_lib.perception_distortion.text_page import LINES, readings, share_read, text_page
from tutorial_lib.vgg import VGG16_FILE


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def need(*names):
    try:
        for name in names:
            locate(name, download=False)
    except DataUnavailable as unavailable:
        pytest.skip(str(unavailable))


# --------------------------------------------------------------------------- Gaussian


def test_ends_of_the_scalar_bound():
    world = pd.scalar_world(noise=1.0)
    assert world.least_distortion == pytest.approx(1 / 2)
    assert world.worst_perception == pytest.approx(1 - 0.5**0.5)
    assert world.distortion(0) == pytest.approx(2 - 2**0.5)
    assert world.perception(world.least_distortion) == pytest.approx(world.worst_perception)
    assert world.perception(10) == 0


def test_the_gaussian_world_refuses_what_makes_no_sense():
    one = torch.ones(2)
    with pytest.raises(ValueError, match="one of each"):
        pd.GaussianWorld(deviation=one, gain=torch.ones(3), noise=1)
    with pytest.raises(ValueError, match="negative"):
        pd.GaussianWorld(deviation=-one, gain=one, noise=1)
    with pytest.raises(ValueError, match="noise must be positive"):
        pd.GaussianWorld(deviation=one, gain=one, noise=0)
    world = pd.scalar_world(noise=1)
    with pytest.raises(ValueError, match=r"the posterior mean has 0\.5"):
        world.perception(0.4)
    with pytest.raises(ValueError, match="not negative"):
        world.distortion(-0.1)


@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_no_linear_estimator_beats_the_bound(noise):
    """Brute force over X̂ = a Y + b W, with a noise of the estimator's own."""
    world = pd.scalar_world(noise=noise)
    a = torch.linspace(-0.5, 1.5, 801, dtype=torch.float64)[:, None]
    b = torch.linspace(0, 1, 101, dtype=torch.float64)
    distortion = (1 - a) ** 2 + (a * noise) ** 2 + b**2
    perception = ((a**2 * (1 + noise**2) + b**2).sqrt() - 1).abs()
    for limit in (0.0, 0.1, 0.3):
        found = distortion[perception <= limit + 5e-3].min().item()
        assert world.distortion(limit + 5e-3) <= found + 1e-9
        assert found == pytest.approx(world.distortion(limit), abs=1e-2)


@pytest.mark.parametrize("noise", [0.7, 1.5])
def test_no_estimator_at_all_beats_the_bound(noise):
    """A linear programme over all randomised estimators of a finely stepped Gaussian."""
    x = np.linspace(-3.6, 3.6, 31)
    y = np.linspace(-4, 4, 25) * (1 + noise**2) ** 0.5
    prior = np.exp(-(x**2) / 2)
    prior /= prior.sum()
    joint = prior[:, None] * np.exp(-(((y - x[:, None]) / noise) ** 2) / 2)
    joint *= (prior / joint.sum(axis=1))[:, None]
    square = (x[:, None] - x) ** 2
    m, n = len(x), len(y)
    price = (joint.T @ square).ravel()
    # Unknowns: the rule (n, m), and a transport plan (m, m) from the signal to the output.
    rule_sums = sparse.kron(sparse.eye(n), np.ones(m))
    plan_rows = sparse.kron(sparse.eye(m), np.ones(m))
    plan_columns = sparse.kron(np.ones(m), sparse.eye(m))
    output = sparse.kron(joint.sum(axis=0), sparse.eye(m))
    equal = sparse.bmat(
        [[rule_sums, None], [None, plan_rows], [output, -plan_columns]], format="csr"
    )
    world = pd.scalar_world(noise=noise)
    for limit in (0.05, world.worst_perception / 2):
        answer = linprog(
            np.concatenate([price, np.zeros(m * m)]),
            A_ub=sparse.csr_matrix(np.concatenate([np.zeros(n * m), square.ravel()])[None]),
            b_ub=[limit**2],
            A_eq=equal,
            b_eq=np.concatenate([np.ones(n), prior, np.zeros(m)]),
        )
        # The steps of the grid only add to what an estimator has to pay.
        assert -0.01 < answer.fun - world.distortion(limit) < 0.04


def test_restoring_gain_runs_along_the_bound():
    world = pd.texture_world(32, blur=1.5, noise=0.2)
    seen = (world.gain * world.deviation).square() + world.noise**2
    for share in (0.0, 0.3, 0.7, 1.0):
        gain = world.restoring_gain(share)
        error = (gain * world.gain - 1).square() * world.deviation.square()
        distortion = (error + (gain * world.noise).square()).mean().item()
        made = gain * seen.sqrt()
        perception = (made - world.deviation).square().mean().sqrt().item()
        assert distortion == pytest.approx(world.distortion(perception))
        assert perception == pytest.approx((1 - share) * world.worst_perception, abs=1e-9)


def test_textures_do_what_the_formula_says():
    world = pd.texture_world(64, blur=1.5, noise=0.2)
    source, errors, variances = generator(), [], []
    for _ in range(60):
        picture, observation = pd.draw_texture(world, generator=source)
        made = pd.filtered(observation, world.restoring_gain(1.0))
        errors.append((made - picture).square().mean().item())
        variances.append(torch.fft.fft2(made, norm="ortho").abs().square())
    assert np.mean(errors) == pytest.approx(world.distortion(0), rel=0.1)
    made = torch.stack(variances).mean(0)
    low, high = world.deviation > 0.5, world.deviation < 0.3
    high[0, 0] = False
    for part in (low, high):
        ratio = made[part].sum() / world.deviation[part].square().sum()
        assert ratio.item() == pytest.approx(1, abs=0.15)


def test_perfect_perception_never_costs_more_than_twice():
    for noise, blur in itertools.product((0.01, 0.3, 3.0), (0.5, 3.0)):
        world = pd.texture_world(16, blur=blur, noise=noise)
        assert world.least_distortion < world.distortion(0) <= 2 * world.least_distortion


def test_kl_is_the_integral():
    x = np.linspace(-12, 12, 200_001)
    for deviation in (0.5, 0.9, 1.7):
        p = np.exp(-(x**2) / 2) / (2 * np.pi) ** 0.5
        log_ratio = -(x**2) / 2 + (x / deviation) ** 2 / 2 + np.log(deviation)
        assert pd.gaussian_kl(deviation) == pytest.approx(np.trapezoid(p * log_ratio, x), abs=1e-6)


# --------------------------------------------------------------------------- discrete


def test_discrete_bound_against_brute_force():
    """Two levels, two observations: all rules on a grid."""
    joint = np.array([[0.5, 0.2], [0.1, 0.2]])
    cost = 1 - np.eye(2)
    share = np.linspace(0, 1, 201)
    first, second = np.meshgrid(share, share, indexing="ij")  # how often 1 is said to each
    wrong = 0.5 * first + 0.2 * second + 0.1 * (1 - first) + 0.2 * (1 - second)
    off = np.abs(0.6 * first + 0.4 * second - 0.3)
    for limit in (0.3, 0.35, 0.5):
        best = pd.best_perception(joint, cost, distortion=limit)
        assert best.perception == pytest.approx(off[wrong <= limit + 1e-9].min(), abs=5e-3)
        assert best.distortion <= limit + 1e-9
        np.testing.assert_allclose(best.rule.sum(axis=1), 1)
        np.testing.assert_allclose(joint.sum(axis=0) @ best.rule, best.output, atol=1e-9)


def test_discrete_bound_falls_and_is_convex():
    joint, cost = pd.ink_world()
    least = pd.least_cost(joint, cost)
    limits = np.linspace(least, 2 * least, 11)
    values = [pd.best_perception(joint, cost, distortion=d).perception for d in limits]
    assert values[0] > 0.2
    assert values[-1] == pytest.approx(0, abs=1e-9)
    assert (np.diff(values) <= 1e-9).all()
    assert (np.diff(values, n=2) >= -1e-9).all()


def test_posterior_sampling_has_twice_the_least_squared_error():
    joint, _ = pd.ink_world()
    levels, seen = np.arange(9.0), joint.sum(axis=0)
    posterior = joint / seen
    mean = levels @ posterior
    least = (joint * (levels[:, None] - mean) ** 2).sum()
    sampled = sum(
        seen[k] * (posterior[:, k] @ (levels[:, None] - levels) ** 2 @ posterior[:, k])
        for k in range(len(seen))
    )
    assert sampled == pytest.approx(2 * least)


def test_discrete_bound_refuses_what_makes_no_sense():
    joint, cost = pd.ink_world()
    with pytest.raises(ValueError, match="the least is"):
        pd.best_perception(joint, cost, distortion=pd.least_cost(joint, cost) - 0.1)
    with pytest.raises(ValueError, match="sum to one"):
        pd.best_perception(2 * joint, cost, distortion=9)
    with pytest.raises(ValueError, match="cost of shape"):
        pd.best_perception(joint, cost[:3], distortion=9)


def test_lower_envelope_is_below_every_point_and_mixture():
    rng = np.random.default_rng(0)
    for _ in range(20):
        points = [tuple(point) for point in rng.random((12, 2))]
        best = pd.lower_envelope(points)
        x, y = np.array(points)[best].T
        assert (np.diff(x) > 0).all()
        assert (np.diff(y) < 0).all()
        for (ax, ay), (bx, by) in itertools.combinations(points, 2):
            for t in (0.0, 0.25, 0.5, 1.0):
                px, py = ax + t * (bx - ax), ay + t * (by - ay)
                assert py >= np.interp(px, x, y) - 1e-12
    with pytest.raises(ValueError, match="no points"):
        pd.lower_envelope([])


# ----------------------------------------------------------------------- page of text


def test_page_is_read_whole_and_letters_do_not_overlap():
    page, letters = text_page()
    wanted = "".join(line.replace(" ", "") for line, _ in LINES)
    assert readings(page, letters) == wanted
    assert share_read(page, letters) == 1
    ink = torch.ones_like(page)
    for letter in letters:
        box = (
            slice(letter.top, letter.top + letter.height),
            slice(letter.left, letter.left + letter.width),
        )
        assert (ink[..., *box] == 1).all()
        ink[..., *box] = 0
    assert (page[ink == 1] == page.max()).all()


def test_reading_ignores_contrast_and_suffers_from_blur():
    page, letters = text_page()
    assert share_read(0.6 + 0.1 * page, letters) == 1
    blurred = imresize(imresize(page, scale=1 / 4), scale=4).clamp(0, 1)
    worse = imresize(imresize(page, scale=1 / 8), scale=8).clamp(0, 1)
    assert 1 > share_read(blurred, letters) > share_read(worse, letters)
    assert share_read(torch.full_like(page, 0.5), letters) < 0.1


# ------------------------------------------------------------------------ experiments


def test_scores_of_a_picture_and_of_the_truth():
    need(recorded.PRISTINE)
    real = mod_crop(embedded("astronaut"), 4)[..., :256, :256]
    true = plane.scores_of(real, real)
    assert set(true) == {"mse_pirm", "niqe", "niqe_pirm"}
    assert true["mse_pirm"] == 0
    made = imresize(low_resolution(real), scale=4).clamp(0, 1)
    found = plane.scores_of(made, real)
    assert found["niqe"] > true["niqe"]
    assert 15 < found["psnr_y"] < 40


def test_summary_takes_the_root_of_the_mean():
    scores = {"a": {"mse_pirm": 1.0, "niqe": 2.0}, "b": {"mse_pirm": 49.0, "niqe": 4.0}}
    assert plane.summary(scores) == {"rmse": 5.0, "niqe": 3.0}


def test_every_coefficient_has_its_experiment():
    for coefficient in recorded.COEFFICIENTS:
        config = EXPERIMENTS[f"perception_distortion/adv_{coefficient}"].profiles["book"]
        assert config.adversarial == float(coefficient)
        assert config.content == 2e-6
    for name in (*recorded.CONTENT, *recorded.METHODS):
        assert f"perception_distortion/{name}" in EXPERIMENTS


def test_sweep_runs_and_records(tmp_path):
    """With an adversary the step is SRGAN's own; without one it is this chapter's."""
    need("bsds500/train/100075.jpg", recorded.PRISTINE, VGG16_FILE, "set14/baboon.png")
    changes = {"test_sets": "()", "keep_weights": "True"}
    experiment = EXPERIMENTS["perception_distortion/adv_0"]
    folder = execute(experiment, "smoke", steps=1, changes=changes, folder=tmp_path)
    record = ledger.read(experiment.name, folder=folder)
    assert "content" in record.curves
    assert "discriminator" not in record.curves
    assert "weights.safetensors" in record.artefacts
    assert record.curves["niqe"]["step"] == record.curves["rmse, latest"]["step"]
    assert 0 < record.metrics["page"]["read"] <= 1


@pytest.mark.parametrize("name", ["srresnet", "srgan"])
def test_points_are_those_of_the_networks_as_recorded(name):
    """After another training of SRGAN is published, its point has to be measured again."""
    try:
        record = ledger.read(f"perception_distortion/{name}")
    except ledger.LedgerError as error:
        pytest.skip(str(error))
    assert record.protocol["network"] == plane.provenance(f"srgan/{name}")


@pytest.mark.parametrize("name", [f"adv_{c}" for c in recorded.COEFFICIENTS] + ["bicubic"])
def test_records_agree_with_their_pictures_scores(name):
    try:
        record = ledger.read(f"perception_distortion/{name}")
    except ledger.LedgerError as error:
        pytest.skip(str(error))
    for group, count in (("set14", 14), ("bsd100", 100)):
        errors = plane.recorded_scores(record, group, "mse_pirm")
        assert len(errors) == count
        assert record.metric(group, "rmse") == pytest.approx(
            np.mean(list(errors.values())) ** 0.5, abs=1e-3
        )
