"""Whether what the engine gives is what the model gives, where the model has names for what only the engine knows."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from reactor.errors import ConvexError
from reactor.values import COMMIT_TS, Int64, same
from tests.integration.programs.documents import Cursor, Fault

__all__ = ["Agreement", "told"]


class Agreement:
    """Compares, and remembers which time and which cursor of the engine's is meant by the model's."""

    def __init__(self) -> None:
        self.creations: dict[float, float] = {}
        """Creation times of the engine by those of the model."""
        self.cursors: list[tuple[str, Cursor]] = []
        self.commit: int | None = None
        """The time of the commit that is being compared, once it is known."""

    def check(self, found: Any, expected: Any, where: str, *, settled: bool = True) -> None:
        """Raises AssertionError. `settled`: the commit's time stands in what was found, no placeholder."""
        if isinstance(expected, Fault):
            self._check_fault(found, expected, where)
        elif isinstance(expected, Cursor):
            assert isinstance(found, str), f"{where}: {found!r} is no cursor"
            self.cursors.append((found, expected))
        elif expected is COMMIT_TS and settled:
            self._check_commit(found, where)
        elif isinstance(expected, dict) and isinstance(found, dict):
            self._check_fields(found, expected, where, settled)
        elif isinstance(expected, list) and isinstance(found, list):
            assert len(found) == len(expected), f"{where}: {found!r} and not {expected!r}"
            for at, (one, other) in enumerate(zip(found, expected, strict=True)):
                self.check(one, other, f"{where}[{at}]", settled=settled)
        else:
            assert same(found, expected), f"{where}: {found!r} and not {expected!r}"

    def check_creations(self, stored: Iterable[float]) -> None:
        """Of what is `stored`, by the model's creation times, later inserts have later times. Raises AssertionError."""
        times = [self.creations[time] for time in sorted(stored)]
        assert all(one < other for one, other in pairwise(times)), times

    def _check_fields(self, found: dict[str, Any], expected: dict[str, Any], where: str, settled: bool) -> None:
        assert found.keys() == expected.keys(), f"{where}: {found!r} and not {expected!r}"
        for name, value in expected.items():
            if name == "_creationTime":
                known = self.creations.setdefault(value, found[name])
                assert known == found[name], f"{where}: created at {found[name]!r} and not {known!r}"
            elif name == "splitCursor":
                assert (found[name] is not None) == value, f"{where}: the middle is {found[name]!r}"
            else:
                self.check(found[name], value, f"{where}.{name}", settled=settled)

    def _check_commit(self, found: Any, where: str) -> None:
        assert isinstance(found, Int64), f"{where}: {found!r} is no time of a commit"
        self.commit = self.commit or int(found)
        assert int(found) == self.commit, f"{where}: {found!r} and not {self.commit}"

    def _check_fault(self, found: Any, expected: Fault, where: str) -> None:
        assert isinstance(found, dict) and "class" in found, f"{where}: {found!r} and not {expected!r}"
        assert (found["class"], found["code"]) == (expected.kind, expected.code), (
            f"{where}: {found} and not {expected!r}"
        )
        assert all(part in found["text"] for part in expected.parts), f"{where}: {found} and not {expected!r}"
        if expected.kind in ("ConvexError", "InvalidCursor"):
            assert same(found["data"], expected.data), f"{where}: {found} and not {expected!r}"


def told(error: Exception) -> dict[str, Any]:
    """An error as the functions under test tell of one."""
    found = {"class": type(error).__name__, "code": getattr(error, "code", None), "text": str(error)}
    return {**found, "data": error.data} if isinstance(error, ConvexError) else found
