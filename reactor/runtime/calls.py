"""A call as it arrives: which function, with which arguments, from whom."""

from typing import Any, cast

import msgspec

from reactor.errors import DeveloperError, InvalidValue
from reactor.runtime.functions import Function
from reactor.runtime.identity import ANONYMOUS, Identity
from reactor.runtime.limits import FunctionLimits
from reactor.runtime.registry import with_extension
from reactor.values import decode, size_of
from reactor.values.validators import only_argument

__all__ = ["Call", "decode_args"]

_LARGEST_EXPANSION = 9
"""No value is larger, counted as values are, than nine times its JSON text."""


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
