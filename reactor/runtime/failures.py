"""What a caller gets to know about a run that failed.

A message has the layout that official clients and their users know
(get-convex/convex-backend, crates/application/src/redaction.rs and crates/common/src/errors.rs):

    [Request ID: 44b1f86d4e489ffd] Server Error
    Uncaught ValueError: no such room
        at find (functions/rooms.py:12)

In production only the first line leaves the server. Data of a ConvexError always does.
"""

import asyncio
import hashlib
import logging
import os
import traceback
from typing import Any, cast

import msgspec

from reactor.errors import (
    CallRefused,
    ConvexError,
    DeveloperError,
    FunctionInterrupted,
    InvalidCursor,
    InvalidValue,
    ReactorError,
)
from reactor.runtime.frames import is_library, is_own, stack_lines
from reactor.values import encode

__all__ = [
    "LONGEST_MESSAGE",
    "Failure",
    "arriving",
    "check_data",
    "describe",
    "failure_kind",
    "is_failure",
    "request_id",
    "request_id_of",
]

LONGEST_MESSAGE = 64 * 1024
"""Bytes of UTF-8 in the text of an error, stack lines not counted."""

_STACK_BELOW = "__reactor_stack__"
"""Attribute of an exception that came from a run of its own: the lines of its stack there."""

_log = logging.getLogger(__name__)


class Failure(msgspec.Struct, frozen=True):
    """A failed run.

    `message` is for the caller. `data` is a ConvexError's data as Convex JSON; None means that there is none, `b"null"`
    that it is null. `text` is what happened in full, without the request id; it stays in the server when redacted.
    `error` is the exception, without its frames.
    """

    message: str
    data: bytes | None
    request_id: str
    text: str
    error: BaseException


def request_id() -> str:
    """A new id for the messages of one run: 16 hex digits."""
    return os.urandom(8).hex()


def request_id_of(session: str, request: int) -> str:
    """The id for a mutation or action of a session (a UUID in lower case): the same whenever it is sent again."""
    return hashlib.sha256(f"{session}|{request}".encode()).hexdigest()[:16]


def describe(error: BaseException, request_id: str, *, redact: bool = False) -> Failure:
    """Put a function's exception into words; with `redact` (production) the caller gets the first line alone."""
    error = _only_cause(error)
    text, data = _text_and_data(error)
    stack = getattr(error, _STACK_BELOW, "") + stack_lines(error.__traceback__)
    text = f"{_capped(text)}\n{_speakable(stack)}"
    first = f"[Request ID: {request_id}] Server Error"
    _report_own(error)
    return Failure(first if redact else f"{first}\n{text}", data, request_id, text, _without_frames(error))


def is_failure(error: BaseException) -> bool:
    """Whether something that a function raised fails its run. If not it ends the server's own work, and is to go on.

    A cancellation is a failure unless somebody cancels the task that runs the function.
    """
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or not task.cancelling()
    return not isinstance(error, KeyboardInterrupt | GeneratorExit)


def arriving(failure: Failure) -> Exception:
    """The exception that an action gets for the failed run of a function that it called; it may catch every one."""
    error = failure.error
    text, _, stack = failure.text.partition("\n")
    if not isinstance(error, Exception):
        error = DeveloperError(text, code=error.code if isinstance(error, FunctionInterrupted) else None)
    elif isinstance(error, ConvexError) and failure.data is None:
        error = DeveloperError(text, code=_BAD_DATA)
    setattr(error, _STACK_BELOW, stack)
    return error


def check_data(error: ConvexError) -> None:
    """Raises DeveloperError in place of a ConvexError whose data is no value, so that nobody gets to see such data."""
    text, data = _application_error(error.data)
    if data is None:
        raise DeveloperError(text, code=_BAD_DATA) from error


_BAD_DATA = "InvalidConvexErrorData"


def failure_kind(error: BaseException) -> str:
    """What counts of failures call it: a code, or how else it came about."""
    if isinstance(error, CallRefused):
        return error.code
    if isinstance(error, ConvexError):
        return "ConvexError"
    code = getattr(error, "code", None) if isinstance(error, DeveloperError | FunctionInterrupted) else None
    return code or ("Reactor" if isinstance(error, ReactorError) else "exception")


def _report_own(error: BaseException) -> None:
    # Callers see the application's frames only. What went wrong inside of Reactor needs ours.
    if isinstance(error, ReactorError | ConvexError | FunctionInterrupted):
        return
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    innermost = next((file for file in reversed(files) if not is_library(file)), "")
    if is_own(innermost):
        _log.error("An unexpected error inside of Reactor", exc_info=error)


def _without_frames(error: BaseException) -> BaseException:
    """The frames would keep everything alive that the run had in hand, its snapshot for one."""
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error


def _only_cause(error: BaseException) -> BaseException:
    # A task group wraps even a single exception; what the author raised in it is what the caller should get.
    while (inner := _only_member(error)) is not None:
        error = inner
    return error


def _only_member(error: BaseException) -> BaseException | None:
    if not isinstance(error, BaseExceptionGroup):
        return None
    members = cast("BaseExceptionGroup[BaseException]", error).exceptions
    return next(iter(members)) if len(members) == 1 else None


def _text_and_data(error: BaseException) -> tuple[str, bytes | None]:
    if isinstance(error, InvalidCursor | CallRefused):
        return str(error), encode(error.data)
    if isinstance(error, ConvexError):
        return _application_error(error.data)
    text = _str(error)
    if isinstance(error, ReactorError | FunctionInterrupted):
        return text, None
    name = type(error).__name__
    return f"Uncaught {name}: {text}" if text else f"Uncaught {name}", None


def _application_error(data: Any) -> tuple[str, bytes | None]:
    try:
        encoded = encode(data, where="ConvexError data")
    except InvalidValue as error:
        return f"ConvexError with invalid data: {error}", None
    return f"Uncaught ConvexError: {data if isinstance(data, str) else encoded.decode()}", encoded


def _str(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # its own __str__ is user code
        return f"(no text: its __str__ raised {type(broken).__name__})"


def _capped(text: str) -> str:
    return text.encode("utf-8", "replace")[:LONGEST_MESSAGE].decode("utf-8", "ignore")


def _speakable(text: str) -> str:
    # A lone surrogate has no UTF-8, and messages go out as JSON.
    return text.encode("utf-8", "replace").decode()
