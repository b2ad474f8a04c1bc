"""Derived indexes: a document may have none, one or many keys in them.

They are ordered spaces of byte keys like all indexes: so transactions, own writes, history, conflicts, live queries,
building beside the traffic and pruning treat them alike. What differs is that a write tells only of keys that come and
go. So a key has to hold whatever membership and order depend on, and who finds a document by it reads that as well.
"""

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from reactor.database.total_leaves import leaf_derivation
from reactor.schema import AGGREGATE
from reactor.search.postings import KIND as SEARCH
from reactor.search.postings import TextFields
from reactor.store.seam import IndexRecord
from reactor.vectors.fields import KIND as VECTOR
from reactor.vectors.fields import VectorFields

__all__ = ["DERIVATIONS", "Derivation", "DerivedIndex"]

Derivation: TypeAlias = Callable[[dict[str, Any]], Collection[bytes]]
"""From a document, with its system fields, to its keys: each ends in the encoded id, none occurs twice."""

DERIVATIONS: dict[str, Callable[[str, tuple[str, ...]], Derivation]] = {
    AGGREGATE: leaf_derivation,
    SEARCH: lambda _, fields: TextFields(fields).keys,
    VECTOR: lambda rest, fields: VectorFields.of_kind(rest, fields).keys,
}
"""By the first word of an index's kind: from the rest of the kind and the fields to the derivation."""


class DerivedIndex:
    """A derived index as writers keep it up. `record` is what the store knows of it; `kind` is the first word of its
    kind, and `rest` what follows."""

    __slots__ = ("derive", "fields", "id", "kind", "name", "record", "rest")

    def __init__(self, record: IndexRecord) -> None:
        self.record, self.id, self.name, self.fields = record, record.id, record.name, record.fields
        self.kind, _, self.rest = record.kind.partition(" ")
        self.derive = DERIVATIONS[self.kind](self.rest, record.fields)

    def keys_of(self, document: dict[str, Any]) -> frozenset[bytes]:
        """A document's keys."""
        return frozenset(self.derive(document))
