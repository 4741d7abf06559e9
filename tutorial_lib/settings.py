"""Settings: what values they may have, and how they are given as text."""

from __future__ import annotations

import ast
import dataclasses
import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, get_args, get_type_hints


def at_least(config: Any, least: float, /, *names: str) -> None:
    """Refuse a configuration in which a number is too small.

    Parameters
    ----------
    config : dataclass
        Whose settings they are.
    least : float
        The smallest value allowed.
    *names : str
        Settings: numbers, or tuples of numbers. None is allowed where it is the setting's way to
        say that there is no limit.

    Raises
    ------
    ValueError
        If one is smaller, or no finite number.
    """
    for name in names:
        value = getattr(config, name)
        for number in value if isinstance(value, tuple) else (value,):
            # Written so that NaN is refused.
            if number is not None and not least <= number < float("inf"):
                raise ValueError(f"{name} must be at least {least:g}: got {value!r}")


def positive(config: Any, /, *names: str) -> None:
    """Refuse a configuration in which a number is not above zero; as :func:`at_least`."""
    for name in names:
        value = getattr(config, name)
        for number in value if isinstance(value, tuple) else (value,):
            if not 0 < number < float("inf"):
                raise ValueError(f"{name} must be above 0: got {value!r}")


def share(config: Any, /, *names: str) -> None:
    """Refuse a configuration in which a number, or one of several, is outside [0, 1]."""
    for name in names:
        value = getattr(config, name)
        for number in value if isinstance(value, tuple) else (value,):
            if not 0 <= number <= 1:
                raise ValueError(f"{name} must lie from 0 to 1: got {value!r}")


def not_empty(config: Any, /, *names: str) -> None:
    """Refuse a configuration in which a tuple is empty, or names something twice."""
    for name in names:
        value = getattr(config, name)
        if not value:
            raise ValueError(f"{name} must name at least one: got {value!r}")
        if len(set(value)) < len(value):
            raise ValueError(f"{name} names something twice: {value!r}")


def one_of(config: Any, allowed: Collection[str], /, *names: str) -> None:
    """Refuse a configuration in which a text, or one of several, is none of those allowed.

    Raises
    ------
    ValueError
        If so; names what was probably meant, or all.

    Examples
    --------
    >>> @dataclasses.dataclass
    ... class Config:
    ...     network: str = "paper"
    ...
    ...     def __post_init__(self):
    ...         one_of(self, ("paper", "slim"), "network")
    >>> Config("papr")
    Traceback (most recent call last):
        ...
    ValueError: network cannot be 'papr'; did you mean paper? There are: paper, slim
    """
    for name in names:
        value = getattr(config, name)
        for text in value if isinstance(value, tuple) else (value,):
            if text not in allowed:
                every = f"there are: {', '.join(allowed)}"
                near = nearest(str(text), allowed)
                hint = near if near == every else f"{near} T{every[1:]}"
                raise ValueError(f"{name} cannot be {text!r}; {hint}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Say what a wrong name was meant to be, for the end of a message.

    Parameters
    ----------
    name : str
        What there is not.
    known : iterable of str
        What there is.

    Examples
    --------
    >>> nearest("bok", ["smoke", "book"])
    'did you mean book?'
    >>> nearest("long", ["smoke", "book"])
    'there are: smoke, book'
    """
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(known)}"


def parse_changes(config: Any, changes: Mapping[str, str]) -> dict[str, Any]:
    """Read settings given as text, each as the type that the configuration has there.

    Raises
    ------
    ValueError
        If there is no such setting, or the text is not of its type. What values of the type make
        sense, the configuration itself knows.
    """
    found: dict[str, Any] = {}
    for name, text in changes.items():
        if name not in (known := dataclasses.asdict(config)) or name == "steps":
            near = nearest(name, [key for key in known if key != "steps"])
            raise ValueError(f"no setting {name!r}; {near}")
        kind = type(known[name])
        try:
            value = text if kind is str else ast.literal_eval(text)
            if kind is float and isinstance(value, int):
                value = float(value)
        except (SyntaxError, ValueError):
            value = text
        if not _fits(value, known[name], get_type_hints(type(config))[name]):
            raise ValueError(f"{name} is {known[name]!r} in this profile, not like {text!r}")
        if value != known[name]:
            found[name] = value
    return found


def _fits(value: Any, known: Any, hint: Any) -> bool:
    """Whether a value is of a setting's type; a truth value is no number."""
    if known is None or value is None:
        kinds = get_args(hint)
        return any(type(value) is kind for kind in kinds)
    if isinstance(known, tuple) and known and isinstance(value, tuple):
        # A whole number will do where the others are not.
        numbers = isinstance(known[0], float)
        return all(
            type(each) is type(known[0]) or (numbers and type(each) is int) for each in value
        )
    return type(value) is type(known)
