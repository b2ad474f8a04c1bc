"""Fields of documents by their dotted path: `address.city` is the field `city` of the object in `address`."""

from collections.abc import Callable
from typing import Any, cast

from .kinds import UNSET

__all__ = ["field_getter"]


def field_getter(path: str) -> Callable[[dict[str, Any]], Any]:
    """A function that gives a document's field, UNSET where it is missing or does not stand in an object."""
    first, *rest = path.split(".")
    if not rest:
        return lambda document: document.get(first, UNSET)
    steps = (first, *rest)

    def nested(document: dict[str, Any]) -> Any:
        value: Any = document
        for step in steps:
            if not isinstance(value, dict):
                return UNSET
            value = cast(dict[str, Any], value).get(step, UNSET)
        return value

    return nested
