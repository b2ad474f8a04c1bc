"""Leaves of an aggregate: the one key of each document in it, which holds the document's number."""

from typing import Any

from reactor.database.key_parts import key_part
from reactor.database.totals import NO_NUMBER, pack_number
from reactor.errors import DeveloperError
from reactor.search.postings import LENGTHS, length_of
from reactor.values import CommitTs, encode_value
from reactor.values.field_paths import field_getter

__all__ = ["LEAF", "leaf_derivation", "number_in"]

LEAF = b"\x01"
"""Leaves begin with this byte; what is above them with a greater one."""

_WIDTH = len(NO_NUMBER)


def leaf_derivation(sum: str, fields: tuple[str, ...]) -> Any:
    """The derivation of leaves: values of `fields`, number, id."""
    if sum.startswith(LENGTHS):
        return _lengths(sum.removeprefix(LENGTHS).partition(" ")[0])
    parts = [key_part(field) for field in fields]
    getters = [field_getter(field) for field in (*fields, *([sum] if sum else []))]
    number = field_getter(sum) if sum else None

    def leaves(document: dict[str, Any]) -> tuple[bytes]:
        for get in getters:
            if isinstance(get(document), CommitTs):
                raise _not_known_yet()
        packed = pack_number(number(document)) if number is not None else NO_NUMBER
        return (b"".join([LEAF, *[part(document) for part in parts], packed, encode_value(document["_id"])]),)

    return leaves


def _lengths(path: str) -> Any:
    """The derivation for texts, whose number is that of their words; other documents have no leaf."""
    text = field_getter(path)

    def leaves(document: dict[str, Any]) -> tuple[bytes, ...]:
        length = length_of(text(document))
        return () if length is None else (LEAF + pack_number(length) + encode_value(document["_id"]),)

    return leaves


def number_in(leaf: bytes) -> bytes:
    """The packed number in a leaf, with or without its first byte."""
    end = leaf.rindex(b"\x10")  # an id begins with it, and has no other
    return leaf[end - _WIDTH : end]


def _not_known_yet() -> DeveloperError:
    return DeveloperError(
        "A field that an aggregate groups by or adds up cannot hold ctx.db.vars.commit_ts: its value is not known "
        "before the commit. Store ctx.now there, or leave the field out of the aggregate.",
        code="AggregateOfCommitTs",
    )
