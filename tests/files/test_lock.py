"""One process at a time in a folder, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tutorial_lib.files import InUse, only_one, write_atomically

HOLD = """
import sys
from pathlib import Path
from tutorial_lib.files import only_one

with only_one(Path(sys.argv[1]), what="painting", remedy="wait"):
    (Path(sys.argv[1]) / ".tutorial-0123456789abcdef.part").write_text("half")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_is_told_who_is_there_and_what_to_do(tmp_path, holder):
    expected = rf"in use by painting \(process {holder.pid} on .*\): later"
    for _ in range(2):  # asking changes nothing
        with (
            pytest.raises(InUse, match=expected),
            only_one(tmp_path, what="x", remedy="later"),
        ):
            pass
    holder.communicate("")
    with only_one(tmp_path, what="x", remedy="later"):
        assert sorted(p.name for p in tmp_path.iterdir()) == [".in-use", ".in-use.txt"]
    assert list(tmp_path.iterdir()) == []


def test_a_killed_holder_leaves_no_lock_and_its_half_file_is_removed(tmp_path, holder):
    (tmp_path / ".mine.part").write_text("not the library's")
    holder.kill()
    holder.wait()
    assert (tmp_path / ".tutorial-0123456789abcdef.part").exists()
    with only_one(tmp_path, what="x", remedy="later"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == [".mine.part"]


def test_one_of_many_at_a_time(tmp_path):
    """Many threads ask again and again; never are two of them inside."""
    inside, most, refused = [], [], []

    def work():
        for _ in range(30):
            try:
                with only_one(tmp_path, what="x", remedy="y"):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
            except InUse:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert len(most) + len(refused) == 180
    assert list(tmp_path.iterdir()) == []


def test_temporary_names_are_random_and_short(tmp_path):
    seen = []
    path = tmp_path / ("n" * 250 + ".png")
    for _ in range(2):
        write_atomically(path, lambda part: seen.append(part) or part.write_text("whole"))
    assert path.read_text() == "whole"
    first, second = seen
    assert first != second
    assert str(os.getpid()) not in first.name
    assert len(first.name) < 40
    assert [Path(p) for p in tmp_path.iterdir()] == [path]
