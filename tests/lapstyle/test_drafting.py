import numpy as np
import pytest
import torch

from tutorial_lib.lapstyle import SKIPS, adain, moments, style_statistics, stylised_maps


def test_adain_gives_the_styles_moments():
    content, style = torch.rand(2, 5, 6, 7) * 3, torch.rand(1, 5, 4, 4) + 2
    made = adain(content, *moments(style))
    for ours, theirs in zip(moments(made), moments(style), strict=True):
        torch.testing.assert_close(ours, theirs.expand_as(ours), atol=1e-4, rtol=1e-4)


def test_strength_blends_the_maps(encoder):
    maps = encoder(torch.rand(1, 3, 32, 32))
    style = style_statistics(encoder, torch.rand(1, 3, 32, 48).square())
    whole, none, half = (stylised_maps(maps, style, strength=s) for s in (1.0, 0.0, 0.5))
    for name in SKIPS:
        torch.testing.assert_close(none[name], maps[name])
        torch.testing.assert_close(half[name], (maps[name] + whole[name]) / 2)
        assert not torch.allclose(whole[name], maps[name], atol=1e-3)


@pytest.mark.parametrize("case", ["a", "b"])
def test_adain_equals_the_reference(case, reference_dir):
    arrays = np.load(reference_dir / "lapstyle_reference.npz")
    content, style, expected = (
        torch.from_numpy(arrays[f"{case}_{x}"]) for x in ("pred", "target", "adain")
    )
    torch.testing.assert_close(adain(content, *moments(style)), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("strength", [-0.1, 7, float("nan")])
def test_a_strength_that_is_no_share_is_refused(strength):
    maps = {name: torch.rand(1, 4, 4, 4) for name in SKIPS}
    style = {name: moments(m) for name, m in maps.items()}
    with pytest.raises(ValueError, match="strength must lie between 0 and 1, got"):
        stylised_maps(maps, style, strength=strength)
