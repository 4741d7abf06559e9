"""Put all that a workshop needs without a network into one archive, `_build/offline.zip`.

In it: the site, the chapters' notebooks, the workshop kit, the library as a wheel, the list of the
packages that it needs, and those data files whose licences allow passing them on. The rest of the
data is listed, with the command that fetches it. `make offline` builds the site and the kit first.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from tutorial_lib.data import DataUnavailable, locate

ROOT = Path(__file__).resolve().parent.parent
ARCHIVE = ROOT / "_build" / "offline.zip"
TOP = "book"
OPEN_LICENCE = re.compile(r"CC BY [34]|CC0|public-domain|Apache-2\.0")
NOT_SERVED = {".map", ".inv", ".buildinfo"}
NOTEBOOK_TOOLS = ("ipykernel", "jupyterlab")
BROUGHT_BY_TORCH = re.compile(r"(nvidia|cuda|triton)\b")  # differ from system to system

README = """\
{title}

Nothing here needs a network but the two steps marked *.

  site/index.html         the book: open it in a browser
  workshop/               notebooks with blanks and with solutions, slides, machine check
  notebooks/              the chapters with their results
  wheels/                 the library; packages.txt lists what it needs, as tested
  data/                   the data files that may be passed on; data/README.txt tells the rest

Before the workshop, on a machine with a network and the participants' kind of system:

  *  python -m pip download --dest wheels --requirement packages.txt

In the room, Python {python} or newer:

  python -m venv env
  env/bin/python -m pip install --no-index --find-links wheels tutorial-lib jupyterlab
  TUTORIAL_LIB_DATA=data env/bin/jupyter lab workshop/participants

On Windows the folder is env\\Scripts instead of env/bin, and the variable is set with `set` before.

  *  Without the download above, `pip install wheels/*.whl` takes the packages from the network.
"""


def packages(*roots: str) -> Iterator[str]:
    """What these distributions need, as `name==version`, at the versions of this environment."""
    waiting, seen = list(roots), set()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in seen or BROUGHT_BY_TORCH.match(name):
            continue
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # a marker of another system
        seen.add(name)
        waiting += found.requires or []
        if name != "tutorial-lib":
            # A local version, such as +cu126, is not on the public index.
            yield f"{name}=={found.version.partition('+')[0]}"


def wheel(folder: Path) -> Path:
    """Build the library's wheel."""
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "build", "--wheel", "--quiet", "--out-dir", folder, ROOT], check=True)
    return next(folder.glob("*.whl"))


def data_files() -> tuple[list[tuple[str, Path]], list[dict[str, str]]]:
    """The data files to pass on, with their names, and the registry's rows of the others."""
    registry = ROOT / "tutorial_lib" / "files" / "registry.csv"
    kept, left = [], []
    for row in csv.DictReader(registry.read_text(encoding="utf-8").splitlines()):
        if OPEN_LICENCE.search(row["credit"]):
            try:
                kept.append((row["path"], locate(row["path"], download=False)))
                continue
            except DataUnavailable:
                pass
        left.append(row)
    return kept, left


def data_readme(kept: list[tuple[str, Path]], left: list[dict[str, str]]) -> str:
    """What is in the folder of data, and how to get the rest."""
    groups: dict[str, int] = {}
    for row in left:
        groups[row["credit"]] = groups.get(row["credit"], 0) + 1
    lines = ["Here:", *(f"  {name}" for name, _ in kept), ""]
    lines += ["Not here, as no licence lets us pass them on or they were not at hand:"]
    lines += [f"  {count} files: {credit}" for credit, count in groups.items()]
    lines += [
        "",
        "Only trainings need these. With a network, `tutorial fetch` gets and checks them;",
    ]
    lines += ["laid out as in tutorial_lib/files/registry.csv, they can be put into this folder."]
    return "\n".join(lines) + "\n"


def contents() -> Iterator[tuple[str, Path]]:
    """Files that are taken as they are, with their names in the archive."""
    site, kit = ROOT / "_build" / "html", ROOT / "_build" / "workshop"
    for folder, name in ((site, "site"), (kit, "workshop"), (ROOT / "notebooks", "notebooks")):
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            hidden = any(part.startswith((".", "_sources", "__pycache__")) for part in inside.parts)
            if path.is_file() and not hidden and path.suffix not in NOT_SERVED:
                yield f"{name}/{inside.as_posix()}", path
    yield "LICENSE", ROOT / "LICENSE"


def main() -> None:
    """Write the archive under its name once it is whole."""
    for part, command in (("html/index.html", "make book"), ("workshop", "make workshop")):
        if not (ROOT / "_build" / part).exists():
            raise SystemExit(f"_build/{part} is missing: `{command}` makes it")
    kept, left = data_files()
    unfinished = ARCHIVE.with_suffix(".part")
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        built = wheel(Path(folder))
        archive.write(built, f"{TOP}/wheels/{built.name}")
        for name, path in [*contents(), *((f"data/{name}", path) for name, path in kept)]:
            archive.write(path, f"{TOP}/{name}")
        texts = {
            "README.txt": README.format(title="Image Generation and Restoration", python="3.11"),
            "packages.txt": "\n".join(sorted(packages("tutorial-lib", *NOTEBOOK_TOOLS))) + "\n",
            "data/README.txt": data_readme(kept, left),
        }
        for name, text in texts.items():
            archive.writestr(f"{TOP}/{name}", text)
    unfinished.replace(ARCHIVE)
    print(f"{ARCHIVE.relative_to(ROOT)}: {ARCHIVE.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
