"""A campaign that takes longer than tests may: kills, odd files, and odd shapes.

    make soak                       everything, about an hour on two cores
    python scripts/soak.py --kills 4 --stops 3 --pictures 100 --shapes 200

Prints one line a part, and ends with status 1 if anything was lost or was not as it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image, features

from tutorial_lib.data import ImageError, read_image, read_original

EXPERIMENTS = (
    ("gan_basics/ring", 400),
    ("gan_basics/faces32", 12),
    ("srgan/srresnet", 8),
    ("coarse_to_fine/gan_ctf_each", 6),
    ("deep_image_prior/denoise", 60),
)
"""What is killed, and how many steps it is to have."""

SLOWEST, LARGEST = 10.0, 2 << 30
"""Seconds and bytes that a picture may take."""


# ------------------------------------------------------------------------------ kills


def command(name: str, folder: Path, *, steps: int, devices: int) -> list[str]:
    """Run an experiment's smallest profile for a number of steps."""
    options = ["--profile", "smoke", "--steps", str(steps), "--folder", str(folder)]
    options += ["--devices", str(devices), "--precision", "32-true"]
    return [sys.executable, "-m", "tutorial_lib", "run", name, *options]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """All weights of all trainings in a folder."""
    found = {}
    for path in sorted(folder.rglob("checkpoint.pt")):
        modules = torch.load(path, map_location="cpu", weights_only=True)["modules"]
        for module, state in modules.items():
            for key, value in state.items():
                found[f"{path.relative_to(folder)} {module} {key}"] = value
    return found


def kills(count: int, generator: random.Random) -> list[str]:
    """Kill runs at random moments, carry them on, and compare the weights with undisturbed ones."""
    wrong, done = list[str](), Counter[str]()
    whole: dict[tuple[str, int, int], tuple[dict[str, torch.Tensor], float]] = {}
    cases = [(name, steps, 1) for name, steps in EXPERIMENTS]
    # These levels come and go on one device only; these fits are of one picture.
    cases += [(name, steps, 2) for name, steps in EXPERIMENTS[:3]]
    with TemporaryDirectory() as place:
        for index in range(count):
            name, steps, devices = case = cases[index % len(cases)]
            if case not in whole:
                folder = Path(place) / f"whole{len(whole)}"
                began = time.monotonic()
                subprocess.run(
                    command(name, folder, steps=steps, devices=devices),
                    check=True,
                    capture_output=True,
                )
                whole[case] = weights(folder), time.monotonic() - began
            expected, seconds = whole[case]
            folder = Path(place) / "killed"
            shutil.rmtree(folder, ignore_errors=True)
            process = subprocess.Popen(
                command(name, folder, steps=steps, devices=devices),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            time.sleep(generator.uniform(0.3, 1.0) * seconds)
            killed = process.poll() is None
            if killed:
                process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(2 * (devices > 1))  # the children see that their parent is gone
            again = subprocess.run(
                command(name, folder, steps=steps, devices=devices), capture_output=True, text=True
            )
            found = weights(folder) if again.returncode == 0 else {}
            same = found.keys() == expected.keys() and all(
                torch.equal(value, expected[key]) for key, value in found.items()
            )
            left = list(folder.rglob("*.part"))
            done["killed" if killed else "over before the kill"] += 1
            if not same or left:
                wrong.append(f"{name}, {devices} processes: {again.stderr[-300:]!r} {left}")
    print(f"kills: {dict(done)}, {len(wrong)} not as undisturbed, {len(whole)} kinds of run")
    return wrong


def workers_of(pid: int) -> list[int]:
    """Processes that `pid` has spawned for its work, where the system tells (Linux)."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == pid and "spawn_main" in (path / "cmdline").read_text():
                found.append(int(path.name))
        except OSError:
            continue  # it has ended meanwhile
    return found


def stops(count: int, generator: random.Random) -> list[str]:
    """Send Ctrl-C to one or all of two processes at random moments: all end, with one message."""
    wrong, done = list[str](), Counter[str]()
    name, steps = EXPERIMENTS[0]
    with TemporaryDirectory() as place:
        for index in range(count):
            folder = Path(place) / f"{index}"
            process = subprocess.Popen(
                command(name, folder, steps=20 * steps, devices=2),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            while process.poll() is None and not list(folder.rglob("checkpoint.pt")):
                time.sleep(0.2)
            time.sleep(generator.uniform(0, 5))
            kind = ("one", "parent", "all")[index % 3]
            workers = workers_of(process.pid)
            for target in {
                "one": workers[-1:],
                "parent": [process.pid],
                "all": [process.pid, *workers],
            }[kind]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(target, signal.SIGINT)
            try:
                errors = process.communicate(timeout=120)[1]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                wrong.append(f"Ctrl-C to {kind}: not over after two minutes")
                continue
            done[f"{kind}: {process.returncode}"] += 1
            whole = process.returncode == 130 and errors.count("stopped after step") == 1
            if "Traceback" in errors or not (whole or process.returncode == 0):
                wrong.append(f"Ctrl-C to {kind}: {process.returncode} {errors[-300:]!r}")
    print(f"stops: {count} of two processes: {dict(done)}, {len(wrong)} otherwise")
    return wrong


# --------------------------------------------------------------------------- pictures


def originals() -> dict[str, bytes]:
    """One small picture in every format and mode that Pillow writes and reads here."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 56, 4), dtype=np.uint8)
    found = {}
    formats = ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "ICO", "TGA", "PCX", "DDS", "SGI", "IM"]
    for kind, feature in (("JPEG2000", "jpg_2000"), ("WEBP", "webp"), ("AVIF", "avif")):
        formats += [kind] if features.check(feature) else []
    Image.init()
    for kind in formats:
        for mode in ("RGB", "RGBA", "L", "P", "1", "I;16", "CMYK"):
            file = io.BytesIO()
            try:
                picture = Image.fromarray(pixels).convert("I" if mode == "I;16" else mode)
                if mode == "I;16":
                    picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 200)
                picture.save(file, kind)
            except (OSError, ValueError, KeyError, TypeError):
                continue
            found[f"{kind} {mode}"] = file.getvalue()
    return found


def mutated(data: bytes, generator: random.Random) -> tuple[str, bytes]:
    """Do one kind of harm to a file."""
    kind = generator.choice(["cut", "bits", "zeros", "doubled", "huge", "swapped", "empty end"])
    changed = bytearray(data)
    at = generator.randrange(len(data))
    if kind == "cut":
        changed = changed[:at]
    elif kind == "bits":
        for _ in range(generator.randint(1, 20)):
            changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
    elif kind == "zeros":
        changed[at : at + 40] = bytes(len(changed[at : at + 40]))
    elif kind == "doubled":
        changed = changed[:at] + changed[max(0, at - 100) :]
    elif kind == "huge":
        # Somewhere in the header, where the sizes are.
        place = generator.randrange(min(64, len(changed)))
        changed[place : place + 4] = b"\x7f\xff\xff\xff"[: len(changed) - place]
    elif kind == "swapped":
        other = generator.randrange(len(data))
        changed[at], changed[other] = changed[other], changed[at]
    else:
        changed += bytes(generator.randint(1, 1000))
    return kind, bytes(changed)


def pictures(count: int, generator: random.Random) -> list[str]:
    """Read harmed files; each is read, or refused in one sentence or two."""
    wrong, done, slowest = [], Counter[str](), 0.0
    sources = list(originals().items())
    suffixes = (".png", ".jpg", ".webp", ".tiff", ".gif", ".txt", "")
    with TemporaryDirectory() as place:
        for index in range(count):
            name, data = sources[index % len(sources)]
            kind, changed = mutated(data, generator)
            path = Path(place) / f"picture{generator.choice(suffixes)}"
            path.write_bytes(changed)
            for read in (read_image, read_original):
                began = time.monotonic()
                try:
                    read(path)
                    done["read"] += 1
                except ImageError as error:
                    done["refused"] += 1
                    if "\n" in str(error) or path.name not in str(error):
                        wrong.append(f"{name}, {kind}: {error}")
                except Exception as error:
                    wrong.append(f"{name}, {kind}: {type(error).__name__}: {error}")
                slowest = max(slowest, time.monotonic() - began)
            path.unlink()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if slowest > SLOWEST or peak > LARGEST:
        wrong.append(f"slowest {slowest:.1f} s, largest {peak >> 20} MiB")
    formats = len({name.split()[0] for name, _ in sources})
    print(
        f"pictures: {count} files of {formats} formats, each by two readers: {dict(done)}, "
        f"{len(wrong)} otherwise; slowest {slowest:.2f} s, process {peak >> 20} MiB"
    )
    return wrong


# ----------------------------------------------------------------------------- shapes


def shapes(count: int, generator: random.Random) -> list[str]:
    """Call public functions with random shapes and values; each answers, or says what is wrong."""
    from tutorial_lib import data, metrics
    from tutorial_lib.lapstyle import pyramid

    def image() -> torch.Tensor:
        sides = [generator.choice([0, 1, 2, 3, 5, 8, 16, 31]) for _ in range(2)]
        number, channels = generator.choice([0, 1, 2]), generator.choice([0, 1, 3, 4])
        kind = generator.choice([torch.float32, torch.float64, torch.float16, torch.uint8])
        made = torch.rand(number, channels, *sides)
        if generator.random() < 0.2 and made.numel():
            made.view(-1)[0] = generator.choice([float("nan"), float("inf"), -1.0, 2.0])
        return (255 * made).nan_to_num(0).to(kind) if kind == torch.uint8 else made.to(kind)

    calls = {
        "psnr": lambda: metrics.psnr(image(), image(), protocol=metrics.RGB),
        "ssim": lambda: metrics.ssim(image(), image(), protocol=metrics.Y),
        "rmse": lambda: metrics.rmse(image(), image(), protocol=metrics.PIRM),
        "niqe": lambda: metrics.niqe(image()),
        "to_y": lambda: metrics.to_y(image()),
        "imresize": lambda: metrics.imresize(
            image(), scale=generator.choice([0.25, 0.5, 2, 0, -1])
        ),
        "to_uint8": lambda: data.to_uint8(image()),
        "from_uint8": lambda: data.from_uint8(image()),
        "mod_crop": lambda: data.mod_crop(image(), generator.choice([1, 4])),
        "low_resolution": lambda: data.low_resolution(image()),
        "pyramid": lambda: pyramid.laplacian_pyramid(
            image(),
            levels=generator.choice([0, 1, 3]),
            form=generator.choice(["bilinear", "classic"]),
        ),
    }
    wrong, done = [], Counter[str]()
    for index in range(count):
        name = list(calls)[index % len(calls)]
        try:
            calls[name]()
            done["answered"] += 1
        except (ValueError, TypeError):
            done["refused"] += 1
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__}: {error}")
    print(f"shapes: {count} calls of {len(calls)} functions: {dict(done)}, {len(wrong)} otherwise")
    return wrong


def main() -> None:
    """Do what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--stops", type=int, default=12)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--shapes", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wrong = []
    for part, count in (
        (pictures, options.pictures),
        (shapes, options.shapes),
        (kills, options.kills),
        (stops, options.stops),
    ):
        if count:
            wrong += part(count, random.Random(options.seed))
    for line in wrong:
        print(f"  {line}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
