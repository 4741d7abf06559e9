import pytest

from tutorial_lib import ledger
from tutorial_lib.data import DataUnavailable
from tutorial_lib.dni.experiments import EXPERIMENTS
from tutorial_lib.experiment import Run, execute

BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}


@pytest.mark.parametrize("name", [n for n in BY_NAME if n != "dni/esrgan"])
def test_the_published_record_is_what_the_profile_book_runs(name, tmp_path):
    record, config = ledger.read(name), BY_NAME[name].profiles["book"]
    assert (record.profile, record.changes) == ("book", {})
    assert record.steps == record.steps_planned == config.steps
    run = Run(name, "book", config, None, tmp_path, config.steps, "")
    assert record.config == run.settings()


@pytest.mark.parametrize("name", BY_NAME)
def test_every_profile_is_there(name):
    assert list(BY_NAME[name].profiles) == ["smoke", "quick", "book", "gpu", "article"]


def test_networks_that_are_not_there_are_an_error_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataUnavailable, match=r"RRDB_ESRGAN_x4\.pth is not there"):
        execute(BY_NAME["dni/esrgan"], "smoke", folder=tmp_path)
