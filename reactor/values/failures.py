"""Why a value does not match a validator: the message layouts that clients know.

Layout and wording of the reasons follow get-convex/convex-backend, crates/common/src/schemas/validator.rs. A failure
is rendered only when it is raised: a union tries its members in turn and forgets why each of them refused.
"""

from collections.abc import Callable
from typing import Protocol

from ..errors import DeveloperError
from .kinds import Value
from .rendering import render_text, render_value

__all__ = ["Failure", "ValidationFailure"]


class ValidationFailure(DeveloperError):
    """A value that does not match a validator; the message is the whole explanation, in several lines."""

    code = "ValidationFailure"


class Rendered(Protocol):
    """What can show itself in builder notation."""

    def render(self) -> str: ...


class Failure:
    """A reason at a path (`.a[0]`, empty at the root), written out on demand."""

    __slots__ = ("_write", "path")

    def __init__(self, path: str, write: Callable[[str], str]) -> None:
        self.path = path
        self._write = write

    def text(self) -> str:
        """The message, in several lines."""
        return self._write(f"Path: {self.path}" if self.path else "")

    def error(self) -> ValidationFailure:
        """The message as an exception to raise."""
        return ValidationFailure(self.text())


def mismatch(value: Value, validator: Rendered, path: str) -> Failure:
    return Failure(path, lambda context: _told("Value does not match validator.", context, "Value", value, validator))


def missing_field(name: str, value: Value, validator: Rendered, path: str) -> Failure:
    reason = (
        f"Object is missing the required field `{name}`. "
        "Consider wrapping the field validator in `v.optional(...)` if this is expected."
    )
    return Failure(path, lambda context: _told(reason, context, "Object", value, validator))


def extra_field(name: object, value: Value, validator: Rendered, path: str) -> Failure:
    reason = f"Object contains extra field `{name}` that is not in the validator."
    return Failure(path, lambda context: _told(reason, context, "Object", value, validator))


def literal_mismatch(value: Value, literal: Value, path: str) -> Failure:
    def write(context: str) -> str:
        wanted = f"`v.literal({render_value(literal)})`"
        return f"`{render_value(value)}` does not match literal validator {wanted}.{context}"

    return Failure(path, write)


def foreign_id(text: str, found: str, expected: str, path: str) -> Failure:
    """An id of table `found`; system tables are not named, since their names are nothing a caller can use."""
    origin = "a system table" if found.startswith("_") else f"table `{found}`"

    def write(context: str) -> str:
        wanted = f"the table name in validator `v.id({render_text(expected)})`"
        return f"Found ID {render_text(text)} from {origin}, which does not match {wanted}.{context}"

    return Failure(path, write)


def _told(reason: str, context: str, label: str, value: Value, validator: Rendered) -> str:
    return f"{reason}\n{context}\n{label}: {render_value(value)}\nValidator: {validator.render()}"
