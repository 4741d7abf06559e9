"""What is measured of pyramids, and what the chapter says of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from tutorial_lib.data import embedded
from tutorial_lib.lapstyle import (
    contour_share,
    false_share,
    laplacian_pyramid,
    layers,
    responses,
    width_in_octaves,
)
from tutorial_lib.lapstyle.pyramid_claims import cutoffs, left_of_stripes, pyramid_findings
from tutorial_lib.lapstyle.pyramid_measures import Responses

FORMS = ("classic", "bilinear")

both_forms = pytest.mark.parametrize("form", FORMS)


@pytest.mark.parametrize("size", [127, 64])
def test_rows_too_short_for_a_frequency_response_are_refused(size):
    with pytest.raises(ValueError, match="at least 128"):
        responses(levels=3, form="classic", size=size)


@both_forms
def test_layers_respond_as_bands(form):
    """Low-pass, then band-passes an octave apart, then a high-pass; together everything."""
    found = responses(levels=4, form=form)
    torch.testing.assert_close(found.amplitude.sum(0), torch.ones(257, dtype=torch.float64))
    assert found.amplitude[:4, 0].abs().max() < 1e-12
    assert found.amplitude[4, 0] == pytest.approx(1)
    peaks = [found.frequency[a.argmax()].item() for a in found.amplitude]
    assert peaks[0] > 0.49
    assert peaks[-1] == 0
    for finer, coarser in pairwise(peaks[:4]):
        assert coarser < finer
    for finer, coarser in pairwise(peaks[1:4]):
        assert coarser == pytest.approx(finer / 2, rel=0.1)


def test_responses_are_what_a_wave_comes_back_as():
    """The measured row of impulses against a plain wave, sent through and projected on itself."""
    wave = 40  # none of its aliases at two levels is itself
    x = torch.arange(512, dtype=torch.float64)
    row = torch.cos(2 * torch.pi * wave / 512 * x).view(1, 1, 1, -1)
    for form in FORMS:
        found = responses(levels=2, form=form)
        full = layers(laplacian_pyramid(row, levels=2, form=form), form=form)
        inside = slice(128, 384)  # whole periods, away from the borders
        for layer, amplitude, aliased in zip(
            full, found.amplitude[:, wave], found.aliased[:, wave], strict=True
        ):
            out, original = layer[..., inside], row[..., inside]
            same = (out * original).sum() / original.square().sum()
            assert same.item() == pytest.approx(amplitude.item(), abs=1e-9)
            rest = (out - same * original).square().mean() / original.square().mean()
            assert rest.sqrt().item() == pytest.approx(aliased.item(), abs=1e-6)


def test_halving_multiplies_a_wave_by_the_filters_cosines():
    """One level: the filter's cosines once for halving and once for doubling."""
    theta = torch.pi * torch.fft.rfftfreq(512, dtype=torch.float64)
    classic = responses(levels=1, form="classic").amplitude[1]
    torch.testing.assert_close(classic, theta.cos() ** 8)
    # Mean of two, then weights 1, 3, 3, 1: cos θ · cos³ θ.
    bilinear = responses(levels=1, form="bilinear").amplitude[1]
    torch.testing.assert_close(bilinear, theta.cos() ** 4)


def test_width_is_between_the_two_half_heights():
    """A triangle on the scale of frequencies, from 0.1 over 0.2 to 0.4."""
    frequency = torch.linspace(0, 0.5, 501, dtype=torch.float64)
    rise, fall = (frequency - 0.1) / 0.1, (0.4 - frequency) / 0.2
    triangle = 3 * torch.minimum(rise, fall).clamp(min=0)
    found = Responses(frequency, triangle[None], torch.zeros(1, 501))
    assert width_in_octaves(found, 0) == pytest.approx(1, abs=1e-6)  # 0.15 to 0.3


@both_forms
def test_only_a_band_pass_has_a_width(form):
    found = responses(levels=3, form=form)
    widths = [width_in_octaves(found, layer) for layer in (1, 2)]
    assert all(1.5 < width < 3 for width in widths)
    for layer in (0, 3):
        with pytest.raises(ValueError, match=f"layer {layer} is no band-pass"):
            width_in_octaves(found, layer)


def test_false_share_is_of_the_power():
    amplitude, aliased = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 5.0]])
    amplitude, aliased = (F.pad(x, (1, 0), value=9.0) for x in (amplitude, aliased))
    waves = Responses(torch.tensor([0.0, 0.1, 0.2]), amplitude, aliased)
    # 3² + 4² against 5²; the mean does not count.
    assert false_share(waves, 0) == pytest.approx(0.5)
    # The second wave has a quarter of the first one's power.
    assert false_share(waves, 0, falling=2) == pytest.approx((25 / 4) / (25 / 4 + 9 + 16 / 4))


@pytest.mark.parametrize(("falling", "expected"), [(0, (0.02, 0.35)), (2, (0.004, 0.146))])
def test_most_of_what_is_false_is_so_at_frequencies_that_photographs_have_little_of(
    falling, expected
):
    found = [
        false_share(responses(levels=3, form=form, size=2048), 1, falling=falling) for form in FORMS
    ]
    assert found == pytest.approx(expected, rel=0.05)


def test_the_power_of_photographs_falls_about_as_the_square_of_the_frequency():
    """Along rows, as `responses` measures; from 2 cycles a picture to half the finest waves."""
    exponents = []
    for name in ("astronaut", "cat", "coffee", "rocket"):
        grey = embedded(name).mean(1)[0, :, :256].double()
        window = torch.hann_window(256, dtype=torch.float64)
        power = torch.fft.rfft((grey - grey.mean(1, keepdim=True)) * window).abs().square().mean(0)
        use = slice(4, 64)
        x, y = torch.arange(129.0)[use].double().log(), power[use].log()
        exponents.append(-(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()))
    assert 1.5 < torch.stack(exponents).mean() < 3


def test_energy_lies_on_an_edge_and_nowhere_in_particular_in_noise():
    image = torch.zeros(1, 3, 64, 64)
    image[..., 30:] = 1
    image += 1e-3 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert contour_share(image) > 0.8
    noise = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    assert contour_share(noise) == pytest.approx(0.1, abs=0.05)


def test_stripes_that_the_half_picture_cannot_hold_are_best_smoothed_first():
    left = left_of_stripes()
    assert left["smoothed first"] < 0.05 < left["bilinear"] < left["dropped first"]


def test_cutoffs_halve():
    falls = cutoffs(responses(levels=3, form="classic", size=2048))
    assert len(falls) == 3
    assert all(b / a == pytest.approx(0.5, abs=0.06) for a, b in pairwise(falls))


def test_every_finding_has_an_answer():
    rows = pyramid_findings()
    assert len(rows) == 8
    assert all(list(row) == ["the article found", "we measured"] for row in rows)
    assert all(row["we measured"].endswith(".") for row in rows)
