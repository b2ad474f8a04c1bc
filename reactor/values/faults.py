"""What both walks over values share: an error that knows its place, and the limits that hold at every container."""

from ..errors import InvalidValue
from .names import known_names, name_fault, remember_name
from .sizes import Limits

__all__ = ["PathError", "Walk", "too_deep"]


class PathError(Exception):
    """Something that is no value; the path to it grows from the inside out while the walk unwinds."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.path = ""

    def inside(self, step: str | int) -> "PathError":
        """The same error, one container further out."""
        shown = f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{step!r:.80}]"
        self.path = shown + self.path
        return self

    def located(self, limits: Limits, where: str) -> InvalidValue:
        """The error for the developer; `where` stands for a more exact subject than `limits.what`."""
        place = f" (at {self.path})" if self.path else ""
        return InvalidValue(f"{where or limits.what} invalid: {self.detail}{place}")


def too_deep(limits: Limits) -> PathError:
    """The error for a value with more than `limits.max_depth` levels."""
    return PathError(
        f"nested deeper than {limits.max_depth} levels: flatten it, or store its parts as documents of their own"
    )


class Walk:
    """What a walk watches: depth, lengths, names, and how many items there are in all.

    The last keeps a value that holds the same list many times over, level by level, from growing without end.
    """

    __slots__ = ("left", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left = limits.max_bytes

    def enter_object(self, length: int, depth: int) -> None:
        """Checks an object of `length` fields with `depth` levels left for it; raises PathError."""
        if length > self.limits.max_fields:
            raise PathError(f"an object of {length} fields, at most {self.limits.max_fields} are allowed: use an array")
        self._enter(length, depth)

    def enter_array(self, length: int, depth: int) -> None:
        """Checks an array of `length` elements with `depth` levels left for it; raises PathError."""
        if length > self.limits.max_array:
            raise PathError(
                f"an array of {length} elements, at most {self.limits.max_array} are allowed: "
                "spread them over several documents, or return them in pages"
            )
        self._enter(length, depth)

    def _enter(self, length: int, depth: int) -> None:
        if depth <= 0:
            raise too_deep(self.limits)
        self.left -= length
        if self.left < 0:
            raise PathError(f"more than {self.limits.max_bytes} items: split it")

    def check_name(self, name: object) -> None:
        """Raises PathError for an illegal field name."""
        if name in known_names:
            return
        if fault := name_fault(name):
            raise PathError(fault)
        remember_name(str(name))
