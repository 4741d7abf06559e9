"""What the chapter says in words of its records, read from them."""

from statistics import fmean

import pytest

from tutorial_lib import ledger
from tutorial_lib.deep_image_prior import reading

RECORDS = reading.records()
OTHERS = ledger.read("deep_image_prior/denoisers")
SIGMAS = (10, 25, 50, 100)


def first_at(record, case, level):
    """The first measured step at which the average came to so many decibels."""
    steps, values = reading.curve(record, case, "psnr_average")
    return next(s for s, v in zip(steps, values, strict=True) if v >= level)


def test_shuffled_pixels_and_noise_lie_flat_for_fifty_steps():
    speed = RECORDS["fitting_speed"]
    at_fifty = {}
    for case in ("photograph", "photograph_with_noise", "shuffled", "noise"):
        at_fifty[case] = dict(zip(*reading.missing(speed, case), strict=True))[50]
    assert at_fifty["photograph"] < 0.25
    assert min(at_fifty["shuffled"], at_fifty["noise"]) > 0.95
    ends = {case: reading.missing(speed, case)[1][-1] for case in at_fifty}
    assert ends["shuffled"] < ends["photograph_with_noise"]


def test_the_average_is_a_decibel_ahead_and_an_output_level():
    one = RECORDS["denoise"]
    found = one.metrics["seed0"]
    best = max(one.metric(n, "psnr") for n in ("non-local means", "total variation", "wavelet"))
    assert found["psnr_average"] - best == pytest.approx(1, abs=0.2)
    assert found["psnr"] == pytest.approx(best, abs=0.05)
    assert found["best_step"] == one.steps
    assert not found["stopped"]


def test_cbm3d_is_ahead_of_all_that_the_paper_reports_of_its_own():
    published = dict(reading.PUBLISHED_DENOISING)
    classic = published.pop("CBM3D")
    assert classic > max(published.values())
    assert published["averaged over the steps"] - published["the network's output"] > 1


def test_the_rule_speaks_after_the_best_step_in_four_fits_of_five():
    seeds = RECORDS["seeds"]
    found = [seeds.metrics[f"seed{seed}"] for seed in seeds.config["seeds"]]
    assert all(one["stopped"] for one in found)
    assert all(one["stopped_step"] < one["best_step"] for one in found)
    patience = seeds.config["patience"]
    assert sum(one["stopped_step"] + patience > one["best_step"] for one in found) == 4
    assert all(one["best_step"] > one["best_output_step"] for one in found)
    lost = [
        (one["best_psnr"] - one["psnr_average"], one["best_output_psnr"] - one["psnr"])
        for one in found
    ]
    assert all(average < output for average, output in lost)


def test_at_best_the_network_is_ahead_of_non_local_means_at_all_strengths():
    levels = RECORDS["noise_levels"]
    ahead = {}
    for sigma in SIGMAS:
        best = levels.metric(f"sigma{sigma}", "best_psnr")
        assert best > levels.metric(f"non-local means, sigma {sigma}", "psnr")
        ahead[sigma] = best - OTHERS.metric(f"trained, sigma {sigma}", "psnr")
        # The same noisy pictures and the same classic methods in both records.
        for name in ("non-local means", "total variation", "wavelet"):
            key = f"{name}, sigma {sigma}"
            assert OTHERS.metric(key, "psnr") == pytest.approx(levels.metric(key, "psnr"), abs=0.02)
    assert ahead[10] > 2
    assert 0 < ahead[50] < ahead[25] < 1
    assert ahead[100] < 0


def test_at_the_strongest_noises_the_kept_average_is_behind_non_local_means():
    levels = RECORDS["noise_levels"]
    behind = [
        sigma
        for sigma in SIGMAS
        if levels.metric(f"sigma{sigma}", "stopped_psnr")
        < levels.metric(f"non-local means, sigma {sigma}", "psnr")
    ]
    assert behind == [50, 100]
    calmest = levels.metric("sigma100", "stopped_step")
    assert calmest < 150
    # What remains of the first picture in a moving average.
    share = levels.config["averaging"] ** (calmest - 1)
    assert share == pytest.approx(1 / 4, abs=0.01)


def test_weak_noise_takes_long():
    levels = RECORDS["noise_levels"]
    level = first_at(levels, "sigma10", levels.metric("sigma10", "damaged_psnr"))
    assert level > levels.steps / 3
    assert levels.metric("sigma10", "best_step") == levels.steps


def test_letters_are_passed_at_a_quarter_and_random_pixels_early():
    filled = RECORDS["inpaint"]
    text = first_at(filled, "text", filled.metric("biharmonic, text", "psnr"))
    assert text / filled.steps == pytest.approx(0.25, abs=0.05)
    random = first_at(filled, "random", filled.metric("biharmonic, random", "psnr"))
    assert random < filled.steps / 10
    last = filled.metric("random", "psnr_average")
    assert last < filled.metric("biharmonic, random", "psnr")
    assert filled.metric("random", "stopped_step") > 0.9 * filled.steps


def test_the_lead_on_set5_is_less_than_averaging_brought():
    large = RECORDS["super_resolution"]
    names = ("baby", "bird", "butterfly", "head", "woman")
    lead = fmean(large.metric(n, "psnr_y") for n in names)
    lead -= reading.PUBLISHED_SET5["Deep Image Prior"]
    gain = fmean(large.metric(n, "psnr_average") - large.metric(n, "psnr") for n in names)
    assert 0 < lead < gain
    bicubic = fmean(large.metric(f"bicubic, {n}", "psnr_y") for n in names)
    assert bicubic == pytest.approx(reading.PUBLISHED_SET5["bicubic"], abs=0.02)


def test_the_butterfly_gains_more_than_both_zebras_and_skin_nothing():
    large = RECORDS["super_resolution"]

    def gain(name):
        return large.metric(name, "psnr_average") - large.metric(f"bicubic, {name}", "psnr")

    assert gain("butterfly") > gain("x4") + gain("x8") > 0
    assert gain("baby") < 0
    assert gain("head") < 0
    for name in ("x4", "x8"):
        smooth = large.metric(f"bicubic, {name}", "ssim")
        assert large.metric(name, "ssim_average") > smooth
    again, before = large.metrics["denoised"], large.metrics["x4"]
    assert again["psnr_average"] == pytest.approx(before["psnr_average"], abs=0.02)
    assert again["ssim_average"] < before["ssim_average"]


def test_jpeg_is_level_with_non_local_means_and_the_small_network_behind_the_file():
    blocks = RECORDS["jpeg"]
    found = blocks.metrics["large"]
    assert found["psnr_average"] == pytest.approx(blocks.metric("non-local means", "psnr"), abs=0.1)
    assert found["best_step"] == blocks.steps
    assert blocks.metric("small", "psnr_average") < found["damaged_psnr"] < found["psnr_average"]


def test_only_with_the_hint_the_cup_leaves_non_local_means_behind():
    hinted = RECORDS["guided"]
    classic = hinted.metric("non-local means", "psnr")
    assert hinted.metric("noise", "psnr_average") < classic
    assert hinted.metric("flash", "psnr_average") > classic + 3


def test_half_the_bits_cost_less_than_another_seed():
    bits, seeds = RECORDS["precision"], RECORDS["seeds"]
    apart = bits.metric("32-true, seed0", "best_psnr") - bits.metric(
        "bf16-mixed, seed0", "best_psnr"
    )
    best = [seeds.metric(f"seed{seed}", "best_psnr") for seed in seeds.config["seeds"]]
    assert abs(apart) < 0.1 < max(best) - min(best)


def test_only_two_networks_have_their_best_behind_them():
    shape = RECORDS["architecture"]
    done = {case for case, found in shape.metrics.items() if found["best_step"] < shape.steps}
    assert done == {"wide_skips", "nearest"}
    worst = min(shape.metrics, key=lambda case: shape.metric(case, "best_psnr"))
    assert worst == "no_skips"
