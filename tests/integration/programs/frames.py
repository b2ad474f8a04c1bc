"""One call of a function on the naive state: a program that is gone through."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reactor.values import COMMIT_TS, UNSET, Int64
from tests.integration.programs.documents import Fault, State

if TYPE_CHECKING:
    from tests.integration.programs.machine import Machine

__all__ = ["NO_VALUE", "Frame", "Operation"]

Operation = dict[str, Any]

NO_VALUE = "what is no value"


class Frame:
    """One call of a function: its operations one after the other."""

    def __init__(self, machine: Machine, args: dict[str, Any], *, writes: bool, top: bool) -> None:
        self.machine, self.args, self.writes, self.top = machine, args, writes, top
        self.events: list[Any] = []
        self.paged = False

    @property
    def state(self) -> State:
        return self.machine.state

    def run(self) -> Any:
        for operation in self.args["program"]["operations"]:
            self.step(operation)
        return self.ended(self.args["program"].get("ending"))

    def step(self, operation: Operation) -> None:
        do: Callable[[Operation], Any] = getattr(self, operation["do"])
        try:
            value = do(operation)
        except Fault as fault:
            self.tell(operation, fault)
            if not operation.get("caught"):
                raise
            self.events.append(fault)
        else:
            self.tell(operation, value)
            self.events.append(value)

    def tell(self, operation: Operation, outcome: Any) -> None:
        # Queries are run as often as the engine likes, so they have no record.
        if self.writes:
            self.machine.events.append((operation["do"], outcome))

    def ended(self, ending: str | None) -> dict[str, Any]:
        if ending == "refused":
            return {"events": 5}
        if ending == "no value":
            return {"events": [NO_VALUE]}
        if ending == "time":
            self.events.append(COMMIT_TS)
        return {"events": self.events} | {name: self.args[name] for name in ("carried",) if name in self.args}

    def value(self, given: Any) -> Any:
        if isinstance(given, list):
            return [self.value(item) for item in given]
        if not isinstance(given, dict):
            return given
        if "the" not in given:
            return {name: value for name, value in self.fields(given).items() if value is not UNSET}
        if given["the"] == "id":
            ids = [*self.machine.given.ids, *self.machine.born]
            known = [id for id in ids if self.state.table_of(id) == given["of"]] if "of" in given else []
            known = known or ids
            return known[-1 - given["which"] % len(known)] if known else "none yet"
        return UNSET if given["the"] == "unset" else COMMIT_TS if self.writes else Int64(7)

    def fields(self, given: dict[str, Any]) -> dict[str, Any]:
        """What is given as a document: UNSET may stand in it, and deeper inside is the same as nothing."""
        return {name: self.value(item) for name, item in given.items()}
