"""The page of the library: what it lists, and what it leaves to others."""

from api_page import COMMANDS, FILES, modules
from chapters import listed


def test_each_chapter_and_each_shared_package_is_listed_once():
    found = list(modules())
    assert len(found) == len(set(found))
    assert {f"tutorial_lib.{chapter.name}" for chapter in listed()} <= set(found)
    assert {f"tutorial_lib.{name}" for name in ("data", "metrics", "show", "training")} <= set(
        found
    )


def test_a_package_that_says_what_it_exports_stands_for_its_parts():
    assert not [name for name in modules() if name.count(".") > 1]
    # What data passes on is listed there; the command has its own --help.
    assert not {COMMANDS, FILES} & set(modules())
