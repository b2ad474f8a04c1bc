"""A call as it arrives: which function, with which arguments, from whom."""

from functools import lru_cache
from typing import Any, cast

import msgspec

from reactor.errors import DeveloperError, InvalidValue
from reactor.runtime.functions import Function
from reactor.runtime.identity import ANONYMOUS, Identity
from reactor.runtime.limits import FunctionLimits
from reactor.runtime.registry import with_extension
from reactor.values import decode, encode_value, size_of
from reactor.values.validators import only_argument

__all__ = ["Call", "args_key", "decode_args"]

_LARGEST_EXPANSION = 9
"""No value is larger, counted as values are, than nine times its JSON text."""

_SHORT_ARGS = 256


class Call(msgspec.Struct):
    """A call from outside. `args` is the JSON text of the arguments: an object, or a list with one object.

    `client`/`request` are a socket client's UUID as text and its number for this call; `session` is the same UUID in
    16 bytes, given for mutations, which then run once for each number. `trusted`: made by a function, which may call
    internal ones. `shared`: the result may go to others as well. `request_id`: what errors of this call are known by,
    when it is known already.
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


def decode_args(function: Function[..., Any], raw: bytes, limits: FunctionLimits) -> dict[str, Any]:
    """The arguments' object. Raises DeveloperError naming the function, ArgumentValidationError for other shapes."""
    try:
        args: Any = decode(raw, limits=limits.args)
    except InvalidValue as error:
        raise DeveloperError(f"Invalid arguments for {with_extension(function)}: {error}", code="InvalidArgs") from None
    max_bytes = limits.args_bytes
    if len(raw) * _LARGEST_EXPANSION > max_bytes and (size := size_of(args)) > max_bytes:
        raise DeveloperError(
            f"Arguments for {with_extension(function)} are too large (actual: {size} bytes, limit: "
            f"{max_bytes} bytes). Send large data in pieces, or upload a file.",
            code="ArgumentsTooLarge",
        )
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
