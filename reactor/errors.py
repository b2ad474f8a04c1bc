"""Every error Reactor raises on purpose.

Exception
├── ConvexError                  application error with data, thrown by functions, shown to clients whole
│   ├── InvalidCursor            the cursor of a page does not fit the query any more; clients begin again
│   └── CallRefused              a call was not let in; it did not run, and may be made again after a while
│       ├── RateLimited          the function is called too often
│       └── TooManyCalls         its caller has too many calls in progress
└── ReactorError                 everything of ours
    ├── DeveloperError           a function's or a caller's fault; catchable inside functions
    │   ├── InvalidValue         not a storable value: kind, size, depth, field name
    │   │   └── InvalidId        not the text of a document id
    │   ├── ArgumentValidationError
    │   ├── ReturnsValidationError
    │   ├── UniqueViolation      a second document with the same values in a unique index
    │   ├── NotInContext         `ctx` of this kind of function has no such member; an AttributeError as well
    │   ├── FunctionNotFound     no such function, or not for this caller
    │   ├── TokenRefused         a user's token that proves nothing here
    │   └── LoadError            functions/ or schema.py cannot be loaded
    ├── StoreError               the database file or server
    │   ├── StoreFull            no room on the disk; nothing was written
    │   ├── StoreLocked          another server has this data folder
    │   └── StoreVersion         written by a version with another file format
    ├── KeysUnavailable          an auth provider does not answer, so its tokens cannot be checked now
    ├── ProtocolError            a client broke the sync protocol
    └── SettingsError            a setting has an impossible value
BaseException
└── FunctionInterrupted          raised inside a query or mutation past its time; not for `except Exception`
"""

import math
from typing import Any

__all__ = [
    "ArgumentValidationError",
    "CallRefused",
    "ConvexError",
    "DeveloperError",
    "FunctionInterrupted",
    "FunctionNotFound",
    "InvalidCursor",
    "InvalidId",
    "InvalidValue",
    "KeysUnavailable",
    "LoadError",
    "NotInContext",
    "ProtocolError",
    "RateLimited",
    "ReactorError",
    "ReturnsValidationError",
    "SettingsError",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreVersion",
    "TokenRefused",
    "TooManyCalls",
    "UniqueViolation",
]


class ConvexError(Exception):
    """An application error whose `data` (any value) reaches the client, in production too.

    Raise it for what a user may see: `raise ConvexError({"code": "FULL"})`. Other exceptions reach
    clients of a production server only as "Server Error".
    """

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.data = data


class InvalidCursor(ConvexError):
    """A cursor of another query than the one that it is given to.

    The data is what the official hooks look for, to begin again with the first page.
    """

    def __init__(self, detail: str) -> None:
        super().__init__({"isConvexSystemError": True, "paginationError": "InvalidCursor"})
        self.detail = detail

    def __str__(self) -> str:
        return f"InvalidCursor: {self.detail}"


class CallRefused(ConvexError):
    """A call that was not let in. It did not run, so that it may be made again after `retry_after` seconds.

    The data reaches clients in production too: `kind` and `retryAfter` (milliseconds) are what helpers of the official
    component look for (get-convex/rate-limiter, src/client/index.ts), `retryAfterSeconds` is the same in whole seconds.
    """

    code: str

    def __init__(self, path: str, retry_after: float, why: str) -> None:
        self.path, self.retry_after, self._why = path, retry_after, why
        super().__init__(
            {
                "kind": self.code,
                "code": self.code,
                "name": path,
                "retryAfter": float(math.ceil(retry_after * 1000)),
                "retryAfterSeconds": float(math.ceil(retry_after)),
            }
        )

    def __str__(self) -> str:
        seconds = math.ceil(self.retry_after)
        return f"{self.code}: {self._why}. It did not run; call it again in {seconds} s."


class RateLimited(CallRefused):
    """A function is called more often than its `rate` allows."""

    code = "RateLimited"

    def __init__(self, path: str, retry_after: float) -> None:
        super().__init__(path, retry_after, f"{path} is called too often")


class TooManyCalls(CallRefused):
    """One user, or one address, has as many calls in progress as `max_caller_calls` allows."""

    code = "TooManyCalls"

    def __init__(self, path: str, most: int) -> None:
        why = f"{path} was called while {most} calls of the same caller were in progress (setting max_caller_calls)"
        super().__init__(path, 1.0, why)


class ReactorError(Exception):
    """Base of all errors that Reactor itself raises."""


class DeveloperError(ReactorError):
    """A mistake in a function or in a call; `code` is a short name in CamelCase, or None."""

    code: str | None = None

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class InvalidValue(DeveloperError):
    """Something that is no value: a wrong kind, too large, too deep, or an illegal field name."""

    code = "InvalidValue"


class InvalidId(InvalidValue):
    """Text that is not a document id."""

    code = "InvalidId"


class ArgumentValidationError(DeveloperError):
    """Arguments that do not match the function's validator."""

    code = "InvalidArgs"

    def __init__(self, detail: str) -> None:
        super().__init__(f"ArgumentValidationError: {detail}")


class ReturnsValidationError(DeveloperError):
    """A result that does not match the function's `returns` validator."""

    code = "InvalidReturns"

    def __init__(self, detail: str) -> None:
        super().__init__(f"ReturnsValidationError: {detail}")


class UniqueViolation(DeveloperError):
    """A document would be the second one with the same values in a unique index. Nothing of it was written.

    `table` and `index` are names, `fields` those of the index, and `document_id` is the document that has the values.
    """

    code = "UniqueViolation"

    def __init__(self, table: str, index: str, fields: tuple[str, ...], document_id: str) -> None:
        named = ", ".join(f"`{field}`" for field in fields)
        one = len(fields) == 1
        super().__init__(
            f'Index {table}.{index} is unique, and document "{document_id}" has the same '
            f"{'value' if one else 'values'} in {named}. Choose {'another one' if one else 'others'}, or change or "
            "delete that document first."
        )
        self.table, self.index, self.fields, self.document_id = table, index, fields, document_id


class FunctionNotFound(DeveloperError):
    """No such function, or one that this caller may not see: the two are told apart by nobody."""

    code = "FunctionNotFound"


class NotInContext(DeveloperError, AttributeError):
    """`ctx` does not have this member in this kind of function; the message says where it is."""

    code = "InvalidFunctionCall"


class TokenRefused(DeveloperError):
    """A user's token was refused.

    `summary` is what any client may know; the text adds `detail`: the check that failed, with the values that it met.
    """

    def __init__(self, summary: str, detail: str = "", *, code: str = "Unauthenticated") -> None:
        super().__init__(f"{summary}: {detail}" if detail else summary, code=code)
        self.summary = summary

    def redacted(self) -> "TokenRefused":
        """The same without the detail."""
        return TokenRefused(self.summary, code=self.code or "Unauthenticated")


class LoadError(DeveloperError):
    """The application's modules or schema cannot be loaded; the message names file and cause."""

    code = "LoadError"


class StoreError(ReactorError):
    """The database could not do what was asked; nothing of the failed commit was written."""


class StoreFull(StoreError):
    """The disk is full: nothing was written. Make room; mutations then work again without a restart."""


class StoreLocked(StoreError):
    """Another server has this data folder open."""


class StoreVersion(StoreError):
    """The database was written in a file format that this version cannot read."""


class KeysUnavailable(ReactorError):
    """The keys of a token's auth provider cannot be fetched now: whether the token is good is not known."""


class ProtocolError(ReactorError):
    """A client broke the sync protocol; the session ends."""


class SettingsError(ReactorError):
    """A setting has a value that cannot be; the message names the setting, the value and what is allowed."""


class FunctionInterrupted(BaseException):
    """Raised inside a function whose time is up: `code` is UserTimeout (it computed) or SystemTimeout (it waited).

    Not an `Exception`, so that `except Exception` in user code does not keep a runaway function alive. Whatever else
    the function does about it, it fails. An action that called it gets a DeveloperError with the same text and code.
    """

    code: str = "UserTimeout"

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
