"""Functions on the naive state: what a program gives, what it leaves, what it read, and which errors it meets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from reactor.values import UNSET
from tests.integration.programs.budgets import Limits, Usage
from tests.integration.programs.calling import Calling
from tests.integration.programs.documents import Cursor, Fault, Read, Scan, State, developer
from tests.integration.programs.frames import NO_VALUE

__all__ = ["Known", "Machine"]


class Known(NamedTuple):
    """What a call is given from outside: ids and cursors that programs may name."""

    ids: list[str]
    cursors: list[Cursor]


class Machine:
    """One call from outside: state, budgets, and what there is to tell of it. `births` are the ids that inserts get."""

    def __init__(
        self, state: State, limits: Limits, given: Known, births: Iterator[str] | None = None, end: Cursor | None = None
    ) -> None:
        self.first, self.state, self.limits, self.given = state, state.copy(), limits, given
        self.births, self.born = births, list[str]()
        self.reads: list[Read] = []
        self.events: list[tuple[str, Any]] = []
        self.used, self.depth = Usage(), 0
        self.end = end
        """Where the page of a live query ends, if that is known."""
        self.ended: Cursor | None = None

    def call(self, function: str, args: dict[str, Any]) -> Any:
        """What a function gives. Raises Fault."""
        if function in ("stepAt", "peekAt"):
            self._check_home(args.get("at", UNSET), "ArgumentValidationError", "InvalidArgs")
            args = {**args, "carried": args["at"]}
        if not isinstance(args["program"], dict):
            raise Fault("ArgumentValidationError", "InvalidArgs", "Path: .program")
        frame = Calling(self, args, writes=function in ("run", "step", "stepAt", "found"), top=self.depth == 0)
        result = frame.insert({"table": "new0", "fields": {}}) if function == "found" else frame.run()
        return self._checked(function, args, result)

    def inside(self, function: str, args: dict[str, Any], stale: bool) -> Any:
        """What a function gives that another one calls; if it fails, nothing of it is left. Raises Fault."""
        before, reads = self.state, self.reads
        self.state = before.copy()
        if stale:
            self.state, self.reads = self.first.copy(), []
        kept = False
        try:
            result = self.call(function, args)
            kept = not stale
            return result
        finally:
            if not kept:
                self.state = before
            if stale:
                self.reads = reads

    def _checked(self, function: str, args: dict[str, Any], result: Any) -> Any:
        if function == "found":
            self._check_home(result, "ReturnsValidationError", "InvalidReturns")
        elif result["events"] == 5:
            raise Fault("ReturnsValidationError", "InvalidReturns", "Path: .events")
        elif result["events"] == [NO_VALUE]:
            raise developer("FunctionReturnInvalidJson", "is not a supported value")
        return result

    def _check_home(self, id: Any, kind: str, code: str) -> None:
        known = isinstance(id, str) and id in self.state.homes
        if known and "new0" not in self.state.tables:
            self.reads.append(Read(Scan("new0", "by_id", False, (), None), None, absent=True))
        if not known or self.state.table_of(id) != "new0":
            raise Fault(kind, code, f"{kind}: ")
