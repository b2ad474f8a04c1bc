"""A call as it arrives: which function, with which arguments, from whom."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import msgspec

from reactor.database.limits import CallLimits
from reactor.errors import DeveloperError, InvalidValue
from reactor.runtime.functions import Function
from reactor.runtime.identity import ANONYMOUS, Identity
from reactor.runtime.limits import NEAR, FunctionLimits
from reactor.runtime.logs import Level, RunLog
from reactor.runtime.registry import with_extension
from reactor.values import decode, encode, encode_value, size_of
from reactor.values.validators import only_argument

__all__ = [
    "LARGEST_EXPANSION",
    "LONGEST_AGENT",
    "UNKNOWN",
    "Call",
    "Origin",
    "args_key",
    "decode_args",
    "encode_args",
    "named_arguments",
]

LARGEST_EXPANSION = 9
"""No value is larger, counted as values are, than nine times its JSON text."""

LONGEST_AGENT = 512
"""Characters kept of what a client calls itself."""

_SHORT_ARGS = 256


class Origin(msgspec.Struct, frozen=True):
    """Where a call came from: the address of the client, and how its program calls itself. None: not known."""

    ip: str | None = None
    user_agent: str | None = None


UNKNOWN = Origin()


class Call(msgspec.Struct):
    """A call from outside. `args` is the JSON text of the arguments: an object, or a list with one object.

    `client`/`request` are a socket client's UUID as text and its number for this call; `session` is the same UUID in
    16 bytes, given for mutations, which then run once for each number. `trusted`: made by a function, which may call
    internal ones. `shared`: the result may go to others as well. `request_id`: what errors of this call are known by,
    when it is known already. `origin`: the client's. `limits`: budgets of the transaction besides the usual ones.
    `job`: the id of the scheduled function that runs, also when others call on its behalf.
    """

    path: str
    args: bytes
    identity: Identity = ANONYMOUS
    client: str | None = None
    session: bytes | None = None
    request: int = 0
    request_id: str = ""
    trusted: bool = False
    shared: bool = False
    origin: Origin = UNKNOWN
    limits: CallLimits | None = None
    job: str | None = None


def decode_args(function: Function[..., Any], raw: bytes, limits: FunctionLimits, log: RunLog) -> dict[str, Any]:
    """The arguments' object. Raises DeveloperError naming the function, ArgumentValidationError for other shapes."""
    try:
        args: Any = decode(raw, limits=limits.args)
    except InvalidValue as error:
        raise DeveloperError(f"Invalid arguments for {with_extension(function)}: {error}", code="InvalidArgs") from None
    if len(raw) * LARGEST_EXPANSION > limits.args_bytes * NEAR:
        _check_size(function, size_of(args), limits.args_bytes, log)
    if args is None or args == [None]:
        return {}
    return only_argument(cast(list[Any], args) if isinstance(args, list) else [args])


def args_key(raw: bytes) -> bytes:
    """What is the same for equal arguments, however they are written, and for no others. Raises InvalidValue."""
    return _short_args_key(raw) if len(raw) <= _SHORT_ARGS else _args_key(raw)


def _args_key(raw: bytes) -> bytes:
    args: Any = decode(raw)
    if isinstance(args, list):
        positional = cast(list[Any], args)
        args = positional[0] if len(positional) == 1 else positional
    return encode_value({} if args is None else args)


# The same few texts come again and again, and looking at one takes half as long as answering from memory does.
_short_args_key = lru_cache(maxsize=4096)(_args_key)


def _check_size(function: Function[..., Any], size: int, limit: int, log: RunLog) -> None:
    name = with_extension(function)
    if size > limit:
        raise DeveloperError(
            f"Arguments for {name} are too large (actual: {size} bytes, limit: {limit} bytes). Send large data in "
            "pieces, or upload a file. The limit is the setting max_args_bytes.",
            code="ArgumentsTooLarge",
        )
    if size > limit * NEAR:
        log.add(Level.WARN, f"ArgumentsTooLarge: the arguments for {name} have {size} bytes (limit: {limit}).")


def encode_args(
    function: Function[..., Any], args: dict[str, Any], limits: FunctionLimits, *, pending: bool = False
) -> bytes:
    """Arguments that one function gives another. Raises DeveloperError naming the function when they are no values.

    `pending`: the time of the commit may stand in them, as its placeholder.
    """
    try:
        return encode(args, limits=limits.args, pending=pending)
    except InvalidValue as error:
        raise DeveloperError(f"Invalid arguments for {with_extension(function)}: {error}", code="InvalidArgs") from None


def named_arguments(args: Any, named: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call from a function: a dict, single ones by name, or both. Raises DeveloperError for else."""
    if args is None:
        return named
    if not isinstance(args, Mapping):
        raise DeveloperError(
            f"Arguments are given by name, or as one dict; {type(args).__name__} is neither. Write "
            "ctx.run_query(rooms.list, owner=id) or ctx.run_query(rooms.list, {'owner': id}).",
            code="InvalidArgs",
        )
    return {**args, **named}
