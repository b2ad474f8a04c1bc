"""Somebody who calls functions in a test."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from reactor.runtime.contexts import Reference
from reactor.runtime.functions import Kind
from reactor.runtime.identity import Identity
from reactor.testing.engine import Engine
from reactor.testing.identities import user_attributes
from reactor.testing.inline import Inline
from reactor.testing.results import Results

__all__ = ["Caller"]


class Caller:
    """Calls functions of a backend, always as the same identity.

    A function is named as everywhere: by itself (`messages.send`) or by its path (`"messages:send"`). Arguments follow
    by name, as one dict, or both. Results are Python values, as a client of this language gets them; what a function
    raised is raised again, with a note of the place in its file.
    """

    def __init__(self, ready: Callable[[], Awaitable[Engine]], numbers: Iterator[int], identity: Identity) -> None:
        self._ready, self._numbers, self._identity = ready, numbers, identity

    @property
    def identity(self) -> dict[str, Any] | None:
        """What functions get from `ctx.auth.get_user_identity()`; None: nobody is signed in."""
        return None if self._identity.attributes is None else dict(self._identity.attributes)

    # Other callers

    def as_user(self, claims: dict[str, Any] | None = None, /, **named: Any) -> "Caller":
        """Somebody who is signed in: `as_user(name="Ada", email_verified=True)`, or with one dict.

        `subject`, `issuer` and `tokenIdentifier` are made up where they are not given, so each call makes somebody
        else. The names of standard claims may be in snake_case; other claims are taken as they are.
        """
        attributes = user_attributes(next(self._numbers), {**(claims or {}), **named})
        return Caller(self._ready, self._numbers, Identity(attributes, is_admin=self._identity.is_admin))

    def as_client(self) -> "Caller":
        """The same identity as a client from outside, who may not call internal functions."""
        return Caller(self._ready, self._numbers, Identity(self._identity.attributes))

    # Calls

    async def query(self, function: Reference, args: dict[str, Any] | None = None, /, **named: Any) -> Any:
        """Run a query on the newest state and give its result.

        Raises what it raises; DeveloperError and its kinds where a client would get an error: FunctionNotFound,
        ArgumentValidationError, or for a function of another kind.
        """
        return await self._call(Kind.QUERY, function, args, named)

    async def mutation(self, function: Reference, args: dict[str, Any] | None = None, /, **named: Any) -> Any:
        """Run a mutation and give its result. It is committed, and live queries have seen it, when this returns.

        Raises as `query`, and then nothing of it was written.
        """
        return await self._call(Kind.MUTATION, function, args, named)

    async def action(self, function: Reference, args: dict[str, Any] | None = None, /, **named: Any) -> Any:
        """Run an action and give its result. Raises as `query`."""
        return await self._call(Kind.ACTION, function, args, named)

    async def run(self, inline: Inline, /) -> Any:
        """Run `inline(ctx)` as a mutation: `await backend.run(lambda ctx: ctx.db.insert("users", {...}))`.

        For setting up data and for looking at it. The result is a value, as that of every function; schema and limits
        hold. Raises as `mutation`.
        """
        return await (await self._ready()).run(inline, self._identity)

    def subscribe(self, function: Reference, args: dict[str, Any] | None = None, /, **named: Any) -> Results:
        """Watch a query: `async with backend.subscribe("messages:newest", channel="x") as results`."""
        return Results(self._ready, function, {**(args or {}), **named}, self._identity)

    # Inside

    async def _call(self, kind: Kind, function: Reference, args: dict[str, Any] | None, named: dict[str, Any]) -> Any:
        engine = await self._ready()
        return await engine.call(kind, function, {**(args or {}), **named}, self._identity)
