"""Functions that a test writes where it needs them, beside those of the application."""

import contextlib
import inspect
import itertools
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from typing import Any

from reactor.runtime.contexts import MutationCtx
from reactor.runtime.functions import Function, Kind
from reactor.runtime.registry import AnyFunction, Registry

__all__ = ["Inline", "InlineRegistry"]

Inline = Callable[[MutationCtx], Awaitable[Any] | Any]
"""A function, or a coroutine function, of a mutation's `ctx`."""


class InlineRegistry(Registry):
    """The functions of an application, and those that run inline now. `aliases` are further paths of functions."""

    __slots__ = ("_aliases", "_inline", "_numbers")

    def __init__(self, functions: Iterable[AnyFunction], aliases: Mapping[str, str]) -> None:
        super().__init__(functions)
        self._aliases = aliases
        self._inline: dict[str, AnyFunction] = {}
        self._numbers = itertools.count(1)

    def find(self, path: str) -> AnyFunction | None:
        """See `Registry.find`."""
        return self._inline.get(path) or super().find(self._aliases.get(path, path))

    @contextlib.contextmanager
    def running(self, inline: Inline) -> Generator[str]:
        """Inside, the path that this gives is a mutation that runs `inline`."""

        async def run(ctx: MutationCtx) -> Any:
            value = inline(ctx)
            return await value if inspect.isawaitable(value) else value

        function: AnyFunction = Function(run, Kind.MUTATION)
        function.place("inline", f"run{next(self._numbers)}")
        self._inline[function.path] = function
        try:
            yield function.path
        finally:
            del self._inline[function.path]
