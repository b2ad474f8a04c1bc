"""Names: of fields inside values, and identifiers for what a schema declares.

(get-convex/convex-backend, crates/value/src/field_name.rs.)
"""

import re

from .identifiers import identifier_fault

__all__ = ["is_identifier", "known_names", "name_fault", "remember_name"]

_FIELD_NAME = re.compile(r"(?!\$)[ -~]{0,1024}")

known_names: set[str] = set()
"""Field names found legal before, to pass over whole documents at once.

It only ever holds legal names, and a lost or repeated entry costs a moment, so threads need no lock.
"""

_MOST_NAMES = 8192
_LONGEST_KNOWN = 64


def is_identifier(name: str) -> bool:
    """Whether `name` may name a table, an index, or a field in a validator.

    That is: at most 64 letters, digits and underscores, not beginning with a digit, not underscores alone.
    """
    return identifier_fault(name) is None


def name_fault(name: object) -> str | None:
    """Why `name` cannot be a field name, with the remedy; None when it can.

    Names are printable ASCII, at most 1024 characters, and do not start with `$`; the empty name is legal.
    """
    if not isinstance(name, str):
        return f"the key {name!r:.80} is of type {type(name).__name__}: keys of objects are strings, use str(key)"
    if _FIELD_NAME.fullmatch(name):
        return None
    if len(name) > 1024:
        return (
            f"the field name {name[:40]!r}… has {len(name)} characters: at most 1024 are allowed, store it as a value"
        )
    if name.startswith("$"):
        return f"the field name {name!r:.80} starts with '$', which is reserved: rename it"
    return f"the field name {name!r:.80} is not printable ASCII: store such text as a value, not as a key"


def remember_name(name: str) -> None:
    """Adds a legal name to `known_names`, which starts afresh when full: clients may send any number of names."""
    if len(known_names) >= _MOST_NAMES:
        known_names.clear()
    if len(name) <= _LONGEST_KNOWN:
        known_names.add(name)
