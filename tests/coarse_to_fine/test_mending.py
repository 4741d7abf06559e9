"""The recorded networks on a picture of one's own."""

from datetime import datetime

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine import TASKS, to_mosaic
from tutorial_lib.coarse_to_fine.live import panel
from tutorial_lib.coarse_to_fine.mending import mend, recorded_network, recorded_networks
from tutorial_lib.data import embedded
from tutorial_lib.metrics import imresize

CAT = embedded("chelsea")


def test_the_central_square_is_spoiled_and_mended(small):
    network = small().eval()
    made = mend(CAT, task="mosaic", networks={"one": network, "other": small(skips=False).eval()})
    assert list(made) == ["given", "one", "other", "wanted"]
    # 300 by 451 pixels: the square begins at column 75.
    wanted = imresize(CAT[..., 75:375], size=(32, 32)).clamp(0, 1)
    assert torch.equal(made["wanted"], wanted)
    assert torch.equal(made["given"], to_mosaic(wanted))
    torch.testing.assert_close(made["one"], network(to_mosaic(wanted)))
    assert not made["one"].requires_grad


def test_the_recorded_networks_are_better_than_what_they_are_given():
    networks = recorded_networks("colour")
    assert len(networks) == 6
    assert list(networks)[-1] == "taught by photographs"
    record = ledger.read("coarse_to_fine/colour_unet")
    assert recorded_network(record.experiment).sizes[-1] == record.config["top"]
    assert not networks["U-Net"].training
    assert not networks["U-Net"].every_input
    assert len(recorded_networks("mosaic")) == 5
    with pytest.raises(ledger.LedgerError, match="no record of coarse_to_fine/colour_vnet"):
        recorded_network("coarse_to_fine/colour_vnet")


def test_the_panel_mends_what_is_chosen_and_says_what_it_cannot_read(small):
    networks = {task: {"one": small().eval()} for task in TASKS}
    box = panel(networks, picture=CAT)
    (task, upload), answer = box.children[0].children, box.children[1]
    first = answer.value
    assert first.count("<img") == 3
    task.value = "mosaic"
    assert answer.value.count("<img") == 3
    assert answer.value != first
    file = {"name": "a", "type": "", "size": 3, "content": b"no!"}
    file["last_modified"] = datetime.now()
    upload.value = (file,)
    assert "is not an image" in answer.value
