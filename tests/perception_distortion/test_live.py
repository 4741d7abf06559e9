import pytest
import torch

from tutorial_lib.perception_distortion import live
from tutorial_lib.perception_distortion.live import CoefficientPanel
from tutorial_lib.show import Picture


@pytest.fixture
def shown(monkeypatch):
    """What the panel would draw, with networks that make grey and white."""
    loaded, drawn = [], []

    def network(name):
        loaded.append(name)
        level = {"grey": 0.5, "white": 1.5}[name]
        return lambda low: torch.full((1, 3, 4 * low.shape[2], 4 * low.shape[3]), level)

    def grid(pictures, *, alt):
        drawn.append(pictures)
        return Picture(" ".join(pictures), alt)

    monkeypatch.setattr(live, "recorded_generator", network)
    monkeypatch.setattr(live, "grid", grid)
    return loaded, drawn


def test_panel_draws_the_chosen_network_and_loads_each_once(shown):
    loaded, drawn = shown
    panel = CoefficientPanel({"0": "grey", "1e-3": "white"}, side=64)
    assert loaded == ["grey"]
    panel.coefficient.value = "1e-3"
    panel.coefficient.value = "0"
    assert loaded == ["grey", "white"]
    levels = [next(iter(pictures.values())).mean().item() for pictures in drawn]
    assert levels == [0.5, 1.0, 0.5]
    assert panel.output.value.startswith("0: RMSE ")


def test_panel_moves_over_the_photograph(shown):
    _, drawn = shown
    panel = CoefficientPanel({"0": "grey"}, side=64)
    panel.down.value, panel.right.value = 100, 0
    panel.photograph.value = "coffee"
    squares = [pictures["photograph"] for pictures in drawn]
    assert {tuple(square.shape) for square in squares} == {(1, 3, 64, 64)}
    image = live.embedded("coffee")
    torch.testing.assert_close(squares[-1], image[..., -64:, :64])
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()
