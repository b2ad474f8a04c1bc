"""The naive model of a table: a dict of documents, sorted anew by comparing values for every read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cmp_to_key
from typing import Any, NamedTuple

from reactor.values import UNSET, Int64, compare, encode, same

__all__ = ["INDEXES", "Condition", "Model", "NoAnswer", "Read", "Scan", "change_of", "concerns"]

Document = dict[str, Any]
Key = tuple[Any, ...]

INDEXES: dict[str, tuple[str, ...]] = {
    "by_id": ("_id",),
    "by_creation_time": ("_creationTime", "_id"),
    "by_a": ("a", "_creationTime", "_id"),
    "by_ab": ("a", "b", "_creationTime", "_id"),
    "by_deep": ("a.x", "b", "_creationTime", "_id"),
}


class NoAnswer(Exception):
    """A condition has no answer for a document; the number of documents that stood before it in the range."""


class Condition(NamedTuple):
    """A filter: whether `field`, plus 1 if `plus`, sorts after `value`. Only float64 can be added to."""

    field: str
    value: Any
    plus: bool

    def passes(self, document: Document) -> bool:
        """Raises NoAnswer where there is none."""
        found = document.get(self.field, UNSET)
        if self.plus:
            if isinstance(found, bool | Int64) or not isinstance(found, int | float):
                raise NoAnswer
            found = found + 1.0
        return compare(found, self.value) > 0

    def may_pass(self, document: Document) -> bool:
        """Whether a reader could have been given the document, or an error because of it."""
        try:
            return self.passes(document)
        except NoAnswer:
            return True


class Scan(NamedTuple):
    """A range of an index: equalities, then bounds (value, inclusive) on the next field; and a filter over it."""

    index: str  # pyright: ignore[reportIncompatibleMethodOverride] - a field, as in KeyRange
    equal: Sequence[Any] = ()
    lower: tuple[Any, bool] | None = None
    upper: tuple[Any, bool] | None = None
    reverse: bool = False
    condition: Condition | None = None

    def holds(self, key: Key) -> bool:
        """Whether a key lies in the range."""
        fixed = len(self.equal)
        if any(compare(have, want) for have, want in zip(key, self.equal, strict=False)):
            return False
        if self.lower is not None and compare(key[fixed], self.lower[0]) < (0 if self.lower[1] else 1):
            return False
        return self.upper is None or compare(key[fixed], self.upper[0]) < (1 if self.upper[1] else 0)


class Read(NamedTuple):
    """What was consumed of a scan: up to and with `last`; None stands for all of it."""

    scan: Scan
    last: Key | None

    def concerns(self, key: Key) -> bool:
        """Whether a change at `key` lies in what was read."""
        if not self.scan.holds(key):
            return False
        return self.last is None or compare_keys(key, self.last) * (-1 if self.scan.reverse else 1) <= 0

    def concerns_version(self, document: Document) -> bool:
        """Whether a document that came or went lies in what was read, and may have been let through."""
        condition = self.scan.condition
        return self.concerns(key_of(document, self.scan.index)) and (condition is None or condition.may_pass(document))


class Change(NamedTuple):
    """A document before and after a commit."""

    old: Document | None
    new: Document | None


class Model:
    """Documents by id, and what was read of them."""

    def __init__(self, documents: dict[str, Document] | None = None) -> None:
        self.documents = dict(documents or {})
        self.reads: list[Read] = []

    def get(self, id: str) -> Document | None:
        self.reads.append(Read(Scan("by_id", (id,)), None))
        return self.documents.get(id)

    def insert(self, document: Document) -> None:
        self.documents[document["_id"]] = _without_unset(document)

    def patch(self, id: str, changes: Document) -> bool:
        """False when there is no such document."""
        return self.replace(id, {**(self.documents.get(id) or {}), **changes})

    def replace(self, id: str, fields: Document) -> bool:
        old = self.get(id)
        if old is None:
            return False
        new = _without_unset({**fields, "_id": id, "_creationTime": old["_creationTime"]})
        if not same(old, new):  # else it stays as it is spelled: 1 and 1.0 are one number
            self.documents[id] = new
        return True

    def delete(self, id: str) -> bool:
        found = self.get(id) is not None
        self.documents.pop(id, None)
        return found

    def take(self, scan: Scan, limit: int | None, last: Key | None = None) -> list[Document]:
        """The first of a range behind a key that pass, all of them without a limit. Raises NoAnswer."""
        if limit == 0:
            return []
        found: list[Document] = []
        for document in self.after(scan, last):
            # What was not let through was read all the same.
            self.reads.append(Read(scan, key_of(document, scan.index)))
            if scan.condition is None or scan.condition.passes(document):
                found.append(document)
                if len(found) == limit:
                    return found
        self.reads.append(Read(scan, None))
        return found

    def after(self, scan: Scan, last: Key | None) -> list[Document]:
        """What of a range comes after a key, without being recorded."""
        sign = -1 if scan.reverse else 1
        found = [
            (key, document)
            for document in self.documents.values()
            if scan.holds(key := key_of(document, scan.index)) and (last is None or compare_keys(key, last) * sign > 0)
        ]
        found.sort(key=cmp_to_key(lambda a, b: compare_keys(a[0], b[0]) * sign))
        return [document for _, document in found]


def key_of(document: Document, index: str) -> Key:
    """A document's place in an index."""
    return tuple(_value(document, field.split(".")) for field in INDEXES[index])


def compare_keys(a: Key, b: Key) -> int:
    """Field by field."""
    return next((order for x, y in zip(a, b, strict=True) if (order := compare(x, y))), 0)


def change_of(before: dict[str, Document], after: dict[str, Document]) -> list[Change]:
    """What a commit that turns one state into another changes, by the bytes that are stored."""
    changes = [Change(before.get(id), after.get(id)) for id in before | after]
    return [change for change in changes if _stored(change.old) != _stored(change.new)]


def concerns(reads: Iterable[Read], changes: Iterable[Change]) -> bool:
    """Whether a commit changes, in any index, a place that was read, of a document that the filter lets through."""
    versions = [document for change in changes for document in change if document is not None]
    return any(read.concerns_version(document) for read in reads for document in versions)


def _value(document: Any, path: list[str]) -> Any:
    for step in path:
        document = document.get(step, UNSET) if isinstance(document, dict) else UNSET
    return document


def _stored(document: Document | None) -> bytes | None:
    return None if document is None else encode(document)


def _without_unset(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not UNSET}
