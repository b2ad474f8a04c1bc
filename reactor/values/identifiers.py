"""Identifiers: the names that fields, tables, indexes and parameters may have, and their two spellings."""

import re

__all__ = ["camel_case", "identifier_fault"]

MAX_LENGTH = 64

_IDENTIFIER = re.compile(rf"(?=_*[A-Za-z0-9])[A-Za-z_][A-Za-z0-9_]{{0,{MAX_LENGTH - 1}}}")
_JOINT = re.compile(r"(?<=[A-Za-z0-9])_+([A-Za-z0-9])")


def identifier_fault(name: object) -> str | None:
    """What is wrong with `name` as an identifier, with the remedy; None when nothing is.

    Identifiers are ASCII letters, digits and `_`, start with a letter or `_`, are not only underscores and have at
    most 64 characters (get-convex/convex-backend, crates/value/src/identifier.rs).
    """
    if isinstance(name, str) and _IDENTIFIER.fullmatch(name):
        return None
    if not isinstance(name, str):
        return f"is of type {type(name).__name__}: write a string"
    if len(name) > MAX_LENGTH:
        return f"has {len(name)} characters: use at most {MAX_LENGTH}"
    return "is no identifier: use ASCII letters, digits and `_`, begin with a letter or `_`, and not only underscores"


def camel_case(name: str) -> str:
    """A snake_case name as clients spell it: `user_id` is `userId`.

    Leading underscores stay. Trailing ones, by which Python avoids its keywords, go: `from_` is `from`.
    """
    return _JOINT.sub(lambda joint: joint[1].upper(), name.rstrip("_") or name)
