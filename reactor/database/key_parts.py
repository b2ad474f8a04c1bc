"""Parts of index keys: one field of a document, encoded."""

from collections.abc import Callable
from typing import Any

from reactor.values import UNSET, encode_value
from reactor.values.field_paths import field_getter

__all__ = ["KeyPart", "key_part"]

KeyPart = Callable[[dict[str, Any]], bytes]


def key_part(field: str) -> KeyPart:
    """A function that encodes one field, found by its dotted path; missing fields encode as missing."""
    first, *rest = field.split(".")
    if not rest:
        return lambda document: encode_value(document.get(first, UNSET))
    get = field_getter(field)
    return lambda document: encode_value(get(document))
