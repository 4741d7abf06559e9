"""Every configuration validates itself, before anything is read."""

from __future__ import annotations

import dataclasses

import pytest
from typer.testing import CliRunner

from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.cli import app
from tutorial_lib.experiment import parse_changes
from tutorial_lib.settings import at_least, not_empty, one_of, positive, share

CONFIGS = {type(c): c for e in EXPERIMENTS.values() for c in e.profiles.values()}
CASES = [
    pytest.param(config, field.name, id=f"{kind.__module__}.{kind.__name__}-{field.name}")
    for kind, config in CONFIGS.items()
    for field in dataclasses.fields(kind)
    if field.name != "steps"
]

MAY_BE_EMPTY = {"frames", "names", "squares", "games", "test_sets"}
"""Tuples that may be empty; of games there are always some, and no text can name one."""

READ_LATER = {"start", "end", "photographs", "corners"}
"""Names of files, folders and records, which are looked for when the run begins."""

NOTHING = {"frozen", "start", "test_set"}
"""Texts that may be empty."""


@pytest.mark.parametrize(("config", "name"), CASES)
def test_no_setting_takes_nonsense(config, name):
    value = getattr(config, name)
    wrong = []
    if isinstance(value, bool):
        return
    if isinstance(value, int) or (value is None and name in ("limit", "count", "others")):
        wrong = [-1]
    elif isinstance(value, float):
        wrong = [-1.0, float("nan"), float("inf")]
    elif isinstance(value, str) and name not in READ_LATER:
        wrong = ["atricle"] if name in NOTHING else ["atricle", ""]
    elif isinstance(value, tuple) and name not in READ_LATER:
        wrong = [] if name in MAY_BE_EMPTY else [()]
        if value and isinstance(value[0], str):
            wrong.append(("atricle",))
        elif value and isinstance(value[0], int | float):
            wrong.append((-1, *value[1:]))
    for each in wrong:
        with pytest.raises(ValueError, match=r"(?s)."):
            dataclasses.replace(config, **{name: each})


@pytest.mark.parametrize(
    ("experiment", "change", "message"),
    [
        ("deep_image_prior/denoise", "network=atricle", "did you mean article? There are: paper"),
        ("deep_image_prior/denoise", "shrink=0", "shrink must be at least 1: got 0"),
        ("deep_image_prior/denoise", "window=0", "window must be at least 1: got 0"),
        ("deep_image_prior/seeds", "seeds=()", "seeds must name at least one: got ()"),
        ("deep_image_prior/inpaint", "holes=('hat',)", "there are: text, region, random, sample"),
        ("srgan/srresnet", "batch=0", "batch must be at least 1: got 0"),
        ("srgan/srresnet", "batch=-1", "batch must be at least 1: got -1"),
        ("srgan/srresnet", "batch=True", "batch is 16 in this profile, not like 'True'"),
        ("srgan/srresnet", "limit=-1", "limit must be at least 1: got -1"),
        ("srgan/srresnet", "limit=many", "limit is None in this profile, not like 'many'"),
        ("srgan/srgan", "features=last7", "features is last1 to last5"),
        ("coarse_to_fine/colour_unet", "task=color", "did you mean colour?"),
        ("deep_image_prior/seeds", "seeds=('a',)", "seeds is (0, 1, 2, 3, 4) in this profile"),
        ("gan_basics/ring", "distribution=rnig", "did you mean ring?"),
    ],
)
def test_the_command_says_what_may_be(tmp_path, experiment, change, message):
    folder = tmp_path / "run"
    options = ["--profile", "gpu", "--set", change, "--folder", str(folder)]
    result = CliRunner().invoke(app, ["run", experiment, *options])
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not folder.exists()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_setting_can_be_given_as_it_is(name):
    for config in EXPERIMENTS[name].profiles.values():
        texts = {
            k: str(v) for k, v in vars(config).items() if k not in ("steps", "games", "judges")
        }
        assert parse_changes(config, texts) == {}


@dataclasses.dataclass(frozen=True)
class Numbers:
    count: int = 1
    rates: tuple[float, ...] = (0.5,)
    kinds: tuple[str, ...] = ("a",)


def test_the_checks_one_by_one():
    good = Numbers()
    at_least(good, 1, "count")
    positive(good, "count", "rates")
    share(good, "rates")
    not_empty(good, "rates", "kinds")
    one_of(good, ("a", "b"), "kinds")
    with pytest.raises(ValueError, match="count must be at least 2: got 1"):
        at_least(good, 2, "count")
    with pytest.raises(ValueError, match="rates must be above 0"):
        positive(Numbers(rates=(0.5, 0.0)), "rates")
    with pytest.raises(ValueError, match="rates must lie from 0 to 1"):
        share(Numbers(rates=(0.5, 1.5)), "rates")
    with pytest.raises(ValueError, match="kinds names something twice"):
        not_empty(Numbers(kinds=("a", "a")), "kinds")
    with pytest.raises(ValueError, match="kinds cannot be 'c'; there are: a, b"):
        one_of(Numbers(kinds=("a", "c")), ("a", "b"), "kinds")
