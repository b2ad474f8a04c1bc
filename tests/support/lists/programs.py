"""Random programs for `lists:run`, and what they did in the words of a history."""

import random
from collections.abc import Iterator, Sequence
from itertools import count, repeat
from typing import Any

import msgspec

from tests.support.elle import Append, Op, Read, Undone

__all__ = ["Keys", "Program", "operations", "program"]

Step = list[Any]
"""As tests/apps/lists/functions/lists.py explains."""

_HOT, _COLD = 3, 40
_HOT_APPENDS, _COLD_APPENDS = 80, 15
"""A list that is long enough makes way for a new one, or reads would grow without end."""


class Program(msgspec.Struct, frozen=True):
    """The arguments of one call."""

    steps: list[Step]
    fails: bool


class Keys:
    """Few lists that everybody uses and many that somebody uses now and then; half are documents, half are ranges."""

    def __init__(self, random: random.Random) -> None:
        self.random = random
        self._numbers, self._values = count(), count(1)
        self._appends: dict[str, int] = {}
        self.hot = [self._new() for _ in range(_HOT)]
        self.cold = [self._new() for _ in range(_COLD)]

    def any(self) -> str:
        """A list to use."""
        return self.random.choice(self.hot if self.random.random() < 0.5 else self.cold)

    def value(self, key: str) -> int:
        """A value to append to a list."""
        self._appends[key] += 1
        for group, limit in ((self.hot, _HOT_APPENDS), (self.cold, _COLD_APPENDS)):
            if key in group and self._appends[key] >= limit:
                group[group.index(key)] = self._new()
        return next(self._values)

    def all(self) -> list[str]:
        """Every list that there ever was."""
        return list(self._appends)

    def _new(self) -> str:
        number = next(self._numbers)
        key = f"{'id'[number % 2]}{number}"
        self._appends[key] = 0
        return key


def program(keys: Keys) -> Program:
    """A few steps, some of them nested, some to be taken back; now and then all of them."""
    return Program(list(_steps(keys, keys.random.randint(1, 5), depth=0)), fails=keys.random.random() < 0.05)


def _steps(keys: Keys, number: int, depth: int) -> Iterator[Step]:
    for _ in range(number):
        key, luck = keys.any(), keys.random.random()
        if luck < 0.45:
            yield ["read", key]
        elif luck < 0.85 or depth == 3:
            yield ["append", key, keys.value(key)]
        else:
            ending = keys.random.choice(("kept", "undone"))
            yield ["nested", list(_steps(keys, keys.random.randint(1, 3), depth + 1)), ending]


def operations(steps: Sequence[Step], results: Sequence[Any] | None) -> Iterator[Op]:
    """What a program did; `results` None: nobody was told."""
    for step, result in zip(steps, repeat(None) if results is None else results, strict=results is not None):
        match step:
            case ["append", key, value]:
                yield Append(key, value)
            case ["read", key]:
                yield Read(key, result)
            case ["nested", inner, "kept"]:
                yield from operations(inner, result)
            case ["nested", inner, _]:
                yield Undone(list(operations(inner, result)))
            case _:
                raise ValueError(f"no such step: {step}")
