"""Rounds of the game in the page's JavaScript against the library's, in processor time."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
import torch
from game_in_node import FILES, NODE, SCRIPTS

from tutorial_lib.gan_basics.live import LiveGame

ROUNDS = 200

TIMED = """
const fs = require("fs"), vm = require("vm");
const [loss, rounds, ...paths] = process.argv.slice(1);
for (const path of paths) vm.runInThisContext(fs.readFileSync(path, "utf8"), path);
const game = vm.runInThisContext(`(loss) => {
    const situation = startingSituation();
    situation.choices.loss = loss;
    return new LiveGame(situation);
}`)(loss);
const timed = (act, times) => {
    for (let i = 0; i < times; i++) act();
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) act();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6 / times;
};
console.log(JSON.stringify([timed(() => game.play(), +rounds), timed(() => game.look(), 20)]));
"""


@pytest.mark.parametrize("loss", ["non-saturating", "wasserstein"])
def test_rounds_a_second(loss: str) -> None:
    torch.set_num_threads(1)
    paths = [SCRIPTS / f"{name}.js" for name in FILES]
    command = [NODE, "-e", TIMED, loss, str(ROUNDS), *paths]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    page, look = json.loads(done.stdout)
    game = LiveGame("ring", loss=loss)
    for _ in range(ROUNDS):
        game.play()
    before = time.process_time()
    for _ in range(ROUNDS):
        game.play()
    library = (time.process_time() - before) / ROUNDS
    print(
        f"{loss}: {1 / page:.0f} rounds/s in JavaScript, {1 / library:.0f} in PyTorch on a thread; "
        f"a look takes {1000 * look:.0f} ms"
    )
    assert page < 10 * library
