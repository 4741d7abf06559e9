import errno
import json
import shutil

import pytest
from typer.testing import CliRunner

from tutorial_lib import cli, ledger, provenance
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.cli import app, chapters, files_of
from tutorial_lib.data import only_one
from tutorial_lib.experiment import runs_folder
from tutorial_lib.stamp import stamp_files
from tutorial_lib.training import PROFILES, PURPOSE


def tutorial(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_help_teaches_the_first_command():
    result = tutorial("--help")
    assert result.exit_code == 0
    assert "tutorial run srgan/srresnet --profile smoke" in result.stdout
    for command in (
        "list",
        "run",
        "results",
        "fetch",
        "stamp",
        "stylise",
        "restore",
        "upscale",
    ):
        assert command in result.stdout


def test_list_is_a_line_for_each_experiment():
    lines = tutorial("list").stdout.splitlines()
    for name, experiment in EXPERIMENTS.items():
        (line,) = [line for line in lines if line.split(" ")[0] == name]
        assert line.endswith(experiment.summary)
    assert len(lines) == len(EXPERIMENTS) + 1 + len(PROFILES)
    for profile, line in zip(PROFILES, lines[-len(PROFILES) :], strict=True):
        assert line.strip() == f"{profile}: {PURPOSE[profile]}"


@pytest.mark.parametrize("chapter", chapters())
def test_list_of_a_chapter_fits_on_a_screen(chapter):
    lines = tutorial("list", chapter).stdout.splitlines()
    mine = [e for name, e in EXPERIMENTS.items() if name.partition("/")[0] == chapter]
    assert len(lines) <= max(40, 1 + len(mine))
    summaries = [e.summary for e in mine if f"    {e.summary}" in lines]
    assert len(summaries) == (len(mine) if 1 + 2 * len(mine) <= 40 else 0)
    assert max(map(len, lines)) <= 100
    assert lines[0].split() == ["steps", *PROFILES, "recorded"]
    recorded = {record.experiment: record for record in ledger.records()}
    for name, experiment in EXPERIMENTS.items():
        rows = [line.split() for line in lines if line.split()[0] == name]
        if name.partition("/")[0] != chapter:
            assert not rows
            continue
        steps = [experiment.profiles[profile].steps for profile in PROFILES]
        record = recorded.get(name)
        expected = [f"{count:,}" if count else "–" for count in steps]
        expected += [record.profile, f"{record.steps:,}"] if record else ["nothing"]
        assert rows == [[name, *expected]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "srgan/srresnt"], "no experiment 'srgan/srresnt'; did you mean srgan/srresnet"),
        (["results", "srgan/srgn"], "no experiment 'srgan/srgn'; did you mean srgan/srgan"),
        (["run", "cooking"], "there is no experiment 'cooking'; there are: gan_basics/ring"),
        (["run", "srgan/srresnet", "--profile", "bok"], "profile 'bok'; did you mean book?"),
        (["list", "lapstile"], "there is no chapter 'lapstile'; did you mean lapstyle?"),
        (["results", "dnl"], "there is no chapter 'dnl'; did you mean dni?"),
        (["fetch", "sgran"], "there is no chapter 'sgran'; did you mean srgan?"),
        (["fetch", "cooking"], "there is no chapter 'cooking'; there are: gan_basics, srgan"),
    ],
)
def test_a_wrong_name_gets_the_nearest_right_ones(arguments, message):
    result = tutorial(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """What would have been run, on a changed tree."""
    begun = []

    def execute(experiment, profile, **_):
        begun.append((experiment.name, profile))
        raise ValueError("ran")

    monkeypatch.setattr(cli, "execute", execute)
    monkeypatch.setattr(provenance, "commit", lambda: "0123abc" + provenance.CHANGED)
    return begun


def test_a_run_of_a_changed_tree_says_so_before_it_starts(runs):
    stderr = tutorial("run", "srgan/bicubic", "--profile", "book").stderr
    warning, ran = stderr.splitlines()
    assert warning == f"cannot be published: {ledger.UNCLEAN}"
    assert ran == "ran"
    assert "changes" not in tutorial("run", "srgan/bicubic", "--profile", "smoke").stderr
    assert len(runs) == 2


def test_a_run_to_be_published_does_not_begin_on_a_changed_tree(runs):
    result = tutorial("run", "srgan/bicubic", "--profile", "book", "--publish")
    assert result.exit_code == 1
    assert result.stderr.strip() == f"not begun: {ledger.UNCLEAN}"
    assert not runs


def test_a_run_of_a_clean_tree_says_nothing(runs, monkeypatch):
    monkeypatch.setattr(provenance, "commit", lambda: "0123abc")
    assert tutorial("run", "srgan/bicubic", "--profile", "book").stderr.strip() == "ran"


def test_results_without_records(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    result = tutorial("results")
    assert result.exit_code == 1
    assert f"no records in {tmp_path}" in result.stderr


def test_results_print_every_published_record():
    shown = tutorial("results").stdout
    for record in ledger.records():
        assert f"{record.experiment} · {record.profile}" in shown


def test_results_of_a_chapter_and_of_an_experiment():
    shown = tutorial("results", "dni").stdout
    for record in ledger.records():
        title = f"{record.experiment} · {record.profile}"
        assert (title in shown) == record.experiment.startswith("dni/")
    assert tutorial("results", "dni/path").stdout.startswith("dni/path · ")


def test_results_as_json_are_the_records():
    for name in (None, "srgan", "srgan/bicubic"):
        found = json.loads(tutorial("results", *([name] if name else []), "--json").stdout)
        expected = [
            r for r in ledger.records() if not name or f"{r.experiment}/".startswith(f"{name}/")
        ]
        assert sorted(row["experiment"] for row in found) == [r.experiment for r in expected]
        for row in found:
            assert ledger.Record(**row) == ledger.read(row["experiment"])


def test_results_of_what_is_not_recorded_yet(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    result = tutorial("results", "srgan")
    assert result.exit_code == 1
    assert f"no records in {tmp_path / 'srgan'}" in result.stderr
    assert "no record of srgan/srgan" in tutorial("results", "srgan/srgan").stderr


def test_fetch_asks_for_a_chapters_files_once(monkeypatch):
    asked = []
    monkeypatch.setattr(cli, "fetch", lambda names: asked.extend(names) or asked)
    result = tutorial("fetch", "srgan")
    assert result.exit_code == 0
    assert len(asked) == len(set(asked)) == 400 + 5 + 14 + 100 + 2
    assert "521 files are here" in result.stdout


def test_files_of_an_experiment_without_needs():
    assert files_of([e for e in EXPERIMENTS.values() if not e.needs]) == []


@pytest.fixture
def checkout(tmp_path):
    root = provenance.root()
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


@pytest.mark.parametrize("name", ["nope", "nope/nope"])
def test_no_record_is_promised_of_what_there_is_not(name):
    with pytest.raises(ledger.LedgerError) as raised:
        ledger.read(name)
    assert "tutorial run nope" not in str(raised.value)
    result = tutorial("results", name)
    assert result.exit_code == 1
    assert "tutorial run" not in result.stderr


@pytest.mark.parametrize("variable", ["TUTORIAL_LIB_RUNS", "TUTORIAL_LIB_RESULTS"])
def test_a_tilde_is_the_users_folder(monkeypatch, tmp_path, variable):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, "~/here")
    found = {"TUTORIAL_LIB_RUNS": runs_folder, "TUTORIAL_LIB_RESULTS": ledger.results_folder}
    assert found[variable]() == tmp_path / "here"


def test_a_run_into_a_file_is_refused_before_it_begins(tmp_path):
    (tmp_path / "file").write_text("precious")
    result = tutorial("run", "gan_basics/ring", "--profile", "smoke", "--folder", tmp_path / "file")
    assert result.exit_code == 1
    assert "file is a file: a run needs a folder" in result.stderr
    assert (tmp_path / "file").read_text() == "precious"


def test_a_run_where_nothing_can_be_written_is_refused_before_it_begins(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    folder = tmp_path / "run"
    result = tutorial("run", "gan_basics/ring", "--profile", "smoke", "--folder", folder)
    assert result.exit_code == 1
    assert "cannot write there: No space left on device" in result.stderr
    assert "Traceback" not in result.stderr


def test_two_runs_do_not_share_a_folder(tmp_path, monkeypatch):
    with only_one(tmp_path, what="another run", remedy="x"):
        result = tutorial("run", "gan_basics/ring", "--profile", "smoke", "--folder", tmp_path)
    assert result.exit_code == 1
    assert "is in use by another run (process" in result.stderr
    assert "--folder" in result.stderr


def test_a_changed_run_has_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("TUTORIAL_LIB_RUNS", str(tmp_path))
    for change in ([], ["--set", "batch=4"], ["--set", "batch=5"]):
        result = tutorial("run", "gan_basics/ring", "--profile", "smoke", *change)
        assert result.exit_code == 0, result.stderr
    names = sorted(path.name for path in (tmp_path / "gan_basics" / "ring").iterdir())
    assert names[0] == "smoke"
    assert [name.rpartition("-")[0] for name in names[1:]] == ["smoke,batch=4", "smoke,batch=5"]
