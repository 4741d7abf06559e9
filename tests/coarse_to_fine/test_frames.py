"""When trainings keep their pictures, and which of them are found again."""

import dataclasses

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine.frames import frame_epochs, kept_epochs, stage_end
from tutorial_lib.coarse_to_fine.recipe import Config


def test_frames_are_kept_at_every_stages_end():
    config = Config(top=64, epochs=24, count=64, batch=32)
    assert {0, 1, 2, 6, 12, 18, 24} <= set(frame_epochs(config))
    assert frame_epochs(dataclasses.replace(config, epochs=3)) == [0, 1, 2, 3]


def test_kept_epochs_are_those_whose_pictures_are_beside_the_record():
    record = ledger.read("coarse_to_fine/colour_ctf_each")
    kept = kept_epochs(record)
    assert [f"epoch_{epoch:03d}.webp" for epoch in kept] == sorted(
        name for name in record.artefacts if name.startswith("epoch_")
    )
    assert [stage_end(record, stage) for stage in (1, 2, 3, 4)] == [6, 12, 18, 24]
    fewer = {name: digest for name, digest in record.artefacts.items() if "012" not in name}
    record = dataclasses.replace(record, artefacts=fewer)
    assert 12 not in kept_epochs(record)
    assert stage_end(record, 2) == 10
