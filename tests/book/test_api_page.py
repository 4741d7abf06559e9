"""The page of the library lists all of it."""

from pathlib import Path

from api_page import modules, section
from chapters import listed

LIBRARY = Path(__file__).resolve().parents[2] / "tutorial_lib"


def test_every_module_has_a_section():
    files = [path.relative_to(LIBRARY.parent).with_suffix("") for path in LIBRARY.rglob("*.py")]
    names = {".".join(path.parts).removesuffix(".__init__") for path in files}
    found = list(modules())
    assert len(found) == len(set(found))
    assert set(found) == names - {"tutorial_lib", "tutorial_lib.cli"}


def test_chapters_come_first_and_before_their_parts():
    found = list(modules())
    packages = [name for name in found if name.count(".") == 1]
    chapters = [f"tutorial_lib.{chapter.name}" for chapter in listed()]
    assert packages[: len(chapters)] == chapters
    assert found[1].startswith(f"{chapters[0]}.")


def test_a_package_says_what_can_be_imported_and_a_module_lists_what_it_defines():
    package, module = section("tutorial_lib.files"), section("tutorial_lib.files.lookup")
    assert package.startswith("## tutorial_lib.files\n")
    assert ":py:obj:`~tutorial_lib.files.locate`" in package
    assert ":members:" not in package
    assert module.startswith("### tutorial_lib.files.lookup\n")
    assert ":members:" in module
