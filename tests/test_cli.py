import shutil

import pytest
from typer.testing import CliRunner

from tutorial_lib import cli, ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.cli import app, files_of, stamp_files


def tutorial(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_help_teaches_the_first_command():
    result = tutorial("--help")
    assert result.exit_code == 0
    assert "tutorial run srgan/srresnet --profile smoke" in result.stdout
    for command in ("list", "run", "results", "fetch", "stamp"):
        assert command in result.stdout


def test_list_names_every_experiment_and_profile():
    shown = tutorial("list").stdout
    for name, experiment in EXPERIMENTS.items():
        assert name in shown
        assert experiment.summary in shown
    for profile in ("smoke", "quick", "book", "article"):
        assert profile in shown


def test_unknown_experiment_lists_those_there_are():
    result = tutorial("run", "srgan/none")
    assert result.exit_code == 1
    assert "there is no experiment 'srgan/none'; there are: " in result.stderr
    assert "srgan/srresnet" in result.stderr
    assert "Traceback" not in result.stderr


def test_results_without_records(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    result = tutorial("results")
    assert result.exit_code == 1
    assert f"no records in {tmp_path}" in result.stderr


def test_results_print_every_published_record():
    shown = tutorial("results").stdout
    for record in ledger.records():
        assert f"{record.experiment} · {record.profile}" in shown


def test_fetch_refuses_an_unknown_chapter():
    result = tutorial("fetch", "cooking")
    assert result.exit_code == 1
    assert "no chapter cooking; there are: " in result.stderr


def test_fetch_asks_for_a_chapters_files_once(monkeypatch):
    asked = []
    monkeypatch.setattr(cli, "fetch", lambda names: asked.extend(names) or asked)
    result = tutorial("fetch", "srgan")
    assert result.exit_code == 0
    assert len(asked) == len(set(asked)) == 400 + 5 + 14 + 100 + 2
    assert "520 files are here" in result.stdout


def test_files_of_an_experiment_without_needs():
    assert files_of([e for e in EXPERIMENTS.values() if not e.needs]) == []


@pytest.fixture
def checkout(tmp_path):
    root = ledger.root()
    if root is None:
        pytest.skip("not in a checkout")
    shutil.copy(root / "_config.yml", tmp_path)
    (tmp_path / "scripts").mkdir()
    shutil.copy(root / "scripts" / "setup_cell.py", tmp_path / "scripts")
    (tmp_path / "notebooks").mkdir()
    for path in (root / "notebooks").glob("*.ipynb"):
        shutil.copy(path, tmp_path / "notebooks")
    return tmp_path


def contents(folder):
    return {p: p.read_text("utf-8") for p in folder.rglob("*") if p.is_file()}


def test_stamp_writes_the_address_everywhere_and_back(checkout):
    before = contents(checkout)
    changed = stamp_files(checkout, "https://github.com/someone/a.book-2")
    assert {"_config.yml", "scripts/setup_cell.py"} <= set(changed)
    after = contents(checkout)
    assert not any("OWNER/REPOSITORY" in text for text in after.values())
    for path in checkout.glob("notebooks/*.ipynb"):
        assert "colab.research.google.com/github/someone/a.book-2/blob/main" in after[path]
        assert "git+https://github.com/someone/a.book-2" in after[path]
    assert stamp_files(checkout, None) == []
    stamp_files(checkout, "https://github.com/OWNER/REPOSITORY/")
    assert contents(checkout) == before


@pytest.mark.parametrize("address", ["github.com/a/b", "https://github.com/a", "https://x.org/a/b"])
def test_stamp_refuses_what_is_no_address(checkout, address):
    before = contents(checkout)
    with pytest.raises(ValueError, match="is not of the form"):
        stamp_files(checkout, address)
    assert contents(checkout) == before
