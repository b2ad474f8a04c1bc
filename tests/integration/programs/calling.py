"""Calling other functions on the naive state, and failing."""

from __future__ import annotations

from typing import Any

from tests.integration.programs.documents import Fault, developer
from tests.integration.programs.frames import Operation
from tests.integration.programs.writing import Writing

__all__ = ["Calling"]


class Calling(Writing):
    """Every operation that there is. A new one is a method of the name that programs call it by, here or below."""

    def call(self, operation: Operation) -> Any:
        machine, function = self.machine, operation["function"]
        if function == "nobody":
            raise developer("FunctionNotFound", "Could not find function for 'programs:nobody'")
        self.refuse_kind(function, operation)
        machine.depth += 1
        limits = machine.limits
        try:
            if machine.depth > limits.nested_calls:
                raise developer("MaximumCallDepthExceeded", "call depth limit exceeded")
            machine.limits = limits.narrowed(operation.get("limits", {}), machine.used)
            more = {name: self.value(value) for name, value in operation["more"].items()}
            return machine.inside(function, {"program": operation["program"], **more}, operation.get("stale", False))
        finally:
            machine.depth -= 1
            machine.limits = limits

    def refuse_kind(self, function: str, operation: Operation) -> None:
        kind = "query" if function in ("look", "peek", "peekAt") else "mutation"
        if kind == "mutation" and not self.writes:
            raise developer("InvalidFunctionCall", "Cannot call a Mutation function from a Query function")
        if kind != operation["kind"]:
            raise developer("InvalidFunctionCall", f"it is defined as {kind.title()}")
        if operation.get("stale") and not self.writes:
            raise developer("InvalidFunctionCall", "use_stale_snapshot is for mutations")

    def fail(self, operation: Operation) -> None:
        if operation["with"] == "data":
            raise Fault("ConvexError", None, data=self.value(operation["data"]))
        raise Fault("ValueError", None, "broken on purpose")
