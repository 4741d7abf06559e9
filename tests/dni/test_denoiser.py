import torch

from tutorial_lib.dni import Denoiser, correlations


def test_denoiser_keeps_size_and_is_nearly_the_identity_at_the_start():
    torch.manual_seed(0)
    denoiser = Denoiser(channels=8, layers=3)
    picture = torch.rand(2, 3, 9, 6)
    assert denoiser(picture).shape == picture.shape
    assert (denoiser(picture) - picture).abs().max() < 0.2


def test_correlations_are_pearsons():
    torch.manual_seed(0)
    a, b = torch.randn(5, 3, 3, 3), torch.randn(4, 3, 3, 3)
    found = correlations(a, b)
    for i in range(5):
        for j in range(4):
            slow = torch.corrcoef(torch.stack([a[i].flatten(), b[j].flatten()]))[0, 1]
            torch.testing.assert_close(found[i, j], slow)
    torch.testing.assert_close(correlations(a, 3 * a + 2).diagonal(), torch.ones(5))
