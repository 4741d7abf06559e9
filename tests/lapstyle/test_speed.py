"""Memory is one form's own."""

import torch

from tutorial_lib.lapstyle.speed import SpeedConfig, peak_memory


def test_a_larger_picture_needs_more_memory_and_a_later_one_no_more_than_it_needs(
    tmp_path, monkeypatch
):
    """In one process the peak of the large picture would be counted for the small one, too."""
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    config, device = SpeedConfig(), torch.device("cpu")
    large = peak_memory(config, "plain", (512, 512), device)
    small = peak_memory(config, "plain", (64, 64), device)
    assert 100 < small < large - 50
