"""What a function returned, checked and encoded."""

import inspect
from collections.abc import Mapping
from typing import Any, cast

from reactor.database.query import Query
from reactor.errors import DeveloperError, InvalidValue, ReturnsValidationError
from reactor.runtime.calls import LARGEST_EXPANSION
from reactor.runtime.functions import Function
from reactor.runtime.limits import NEAR, FunctionLimits
from reactor.runtime.logs import Level, RunLog
from reactor.runtime.registry import with_extension
from reactor.values import Limits, ValidationFailure, encode, size_of
from reactor.values.validators import TableNames

__all__ = ["Results"]


class Results:
    """Checks and encodes results as the limits of functions have it."""

    __slots__ = ("_limits", "_near")

    def __init__(self, limits: FunctionLimits) -> None:
        self._limits = Limits(max_bytes=limits.result_bytes, max_depth=limits.value_depth, what="return value")
        self._near = limits.result_bytes * NEAR

    def encode(
        self, function: Function[..., Any], value: Any, tables: TableNames, log: RunLog, *, pending: bool = False
    ) -> bytes:
        """The result's encoded value. Raises DeveloperError when it is none, ReturnsValidationError when it is not
        what `returns` declares. `pending`: the time of the commit may stand in it, as its placeholder."""
        if function.flatten is not None:
            value = function.flatten(value)
        if function.returns is not None:
            try:
                function.returns.check(value, tables)
            except ValidationFailure as failure:
                _refuse_unfinished(function, value)
                raise ReturnsValidationError(str(failure)) from None
        try:
            raw = encode(value, limits=self._limits, pending=pending)
        except InvalidValue as error:
            _refuse_unfinished(function, value)
            code = "ResultTooLarge" if error.code == "ValueTooLargeError" else "FunctionReturnInvalidJson"
            raise DeveloperError(f"Function {with_extension(function)} {error}", code=code) from None
        if len(raw) * LARGEST_EXPANSION > self._near and (size := size_of(value)) > self._near:
            name, limit = with_extension(function), self._limits.max_bytes
            log.add(Level.WARN, f"ResultTooLarge: {name} returned {size} bytes (limit: {limit}).")
        return raw


def _refuse_unfinished(function: Function[..., Any], value: Any) -> None:
    """Raises DeveloperError when a result is no value because its author left out the last step."""
    name = with_extension(function)
    for item in _items(value):
        if isinstance(item, Query):
            raise DeveloperError(
                f"Function {name} returned a query that has not been run. Call a method that reads it and await that: "
                "collect(), take(n), first() or unique().",
                code="FunctionReturnInvalidJson",
            )
        if inspect.isawaitable(item):
            if inspect.iscoroutine(item):
                item.close()  # or Python complains as well
            raise DeveloperError(
                f"Function {name} returned something that was not awaited ({type(item).__name__}): put `await` before "
                "the call that made it.",
                code="FunctionReturnInvalidJson",
            )


def _items(value: Any) -> list[Any]:
    """The value and what stands directly in it: deeper such a mistake is told by its type alone."""
    if isinstance(value, Mapping):
        return [value, *cast("Mapping[Any, Any]", value).values()]
    return [value, *cast("list[Any]", value)] if isinstance(value, list | tuple) else [value]
