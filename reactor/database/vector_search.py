"""A vector search in a transaction: the documents whose vectors are nearest to one.

It sees what the transaction sees: the vectors in memory at its snapshot's moment, under the documents that its own and
other undurable writes changed. What was read is the range of keys that was asked for; when the search found as many as
it may, a change there matters only if a vector scores at least as much as the last one found.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypedDict, cast

from reactor.database.catalog import refuse_unfinished
from reactor.database.derived import DerivedIndex
from reactor.database.documents import Document
from reactor.database.filters import Filter
from reactor.database.past import past
from reactor.database.ranges import OpenScan
from reactor.database.system_tables import is_system_name
from reactor.database.transaction import Transaction
from reactor.database.vector_filter import VectorCondition, VectorFilter, asked_for
from reactor.errors import DeveloperError, StoreError
from reactor.values import table_of
from reactor.vectors.fields import EVERYTHING, KIND, VectorFields, numbers, value_range

if TYPE_CHECKING:
    from reactor.vectors.nearest import Rows, Vectors
    from reactor.vectors.space import Asked, Directions, Space

__all__ = ["MOST_RESULTS", "FilterFunction", "VectorMatch", "vector_search"]

MOST_RESULTS = 256

FilterFunction = Callable[[VectorFilter], VectorCondition]


class VectorMatch(TypedDict):
    """A document that a vector search found: its id, and the cosine similarity from -1 to 1."""

    _id: str
    _score: float


async def vector_search(
    tx: Transaction, table: str, name: str, vector: Sequence[float], limit: float, filter: FilterFunction | None
) -> list[VectorMatch]:
    """The documents nearest to `vector`, the best first, equal ones by id. See `DatabaseReader.vector_search`."""
    index = vector_index_of(tx, table, name)
    fields = VectorFields.of_kind(index.rest, index.record.fields)
    asked = asked_for(f"{table}.{name}", fields.filters, filter)
    search = _Search(tx, index, fields, _query(vector, fields.dimensions), _whole(limit), asked)
    try:
        found = await search.run()
    except StoreError as error:
        tx.fault = error
        raise
    return [{"_id": id, "_score": score} for score, id in found]


class _Search:
    def __init__(
        self,
        tx: Transaction,
        index: DerivedIndex,
        fields: VectorFields,
        query: "Vectors",
        limit: int,
        asked: "list[Asked] | None",
    ) -> None:
        self._tx, self._index, self._fields, self._query, self._limit = tx, index, fields, query, limit
        self._asked = asked
        self._ranges = EVERYTHING if asked is None else [value_range(*each) for each in asked]

    async def run(self) -> list[tuple[float, str]]:
        tx = self._tx
        scans = [tx.open_scan(self._index, *bounds, reverse=False) for bounds in self._ranges]
        for scan in scans:
            assert scan is not None
            scan.exhausted = True
        assert tx.vectors is not None, "a database keeps vectors"
        space = await tx.vectors.at(self._index, tx.snapshot)
        found = await self._nearest(space)
        if len(found) == self._limit:
            self._narrow(cast("list[OpenScan]", scans), space.directions, found[-1][0])
        return found

    async def _nearest(self, space: "Space") -> list[tuple[float, str]]:
        tx = self._tx
        assert tx.vectors is not None
        ts, changed = tx.snapshot.ts, tx.changed(self._index, self._ranges)
        if space.since > ts:
            ts, older = await _older(tx, space)
            changed = older | changed
        rows, own = space.rows(ts, self._asked), self._own(changed)
        size = sum(each.vectors.size for each in (*rows, *own))
        return await tx.vectors.run(size, partial(_best, rows, own, changed.keys(), self._query, self._limit))

    def _own(self, changed: Mapping[str, Document]) -> "list[Rows]":
        """The vectors of documents that are not, or not so, in memory."""
        from reactor.vectors.nearest import Rows, stack

        found = {
            id: vector
            for id, document in changed.items()
            if document.raw is not None and (vector := self._wanted(document.value())) is not None
        }
        return [Rows(stack(found.values()), list(found), None)] if found else []

    def _wanted(self, document: dict[str, Any]) -> Sequence[float] | None:
        """The vector of a document that the filter lets through, None for another one."""
        vector = self._fields.vector(document)
        if vector is None or self._asked is None:
            return vector
        parts = self._fields.parts(document)
        return vector if any(parts[field] == part for field, part in self._asked) else None

    def _narrow(self, scans: "list[OpenScan]", directions: "Directions", last: float) -> None:
        """Only vectors that score at least as much as the last one found matter to who read this."""
        from reactor.vectors.nearest import margin

        lowest = last - 2 * margin(self._query)
        form = blake2b(self._query.tobytes(), digest_size=16).digest() + repr(last).encode()
        reaches = Filter((partial(_reaches, directions, self._query, lowest),), b"vector" + form)
        for scan in scans:
            scan.filter = reaches


async def _older(tx: Transaction, space: "Space") -> tuple[int, dict[str, Document]]:
    """A moment that the space knows, and what has to be changed in it to make it the transaction's."""
    assert tx.vectors is not None
    newest = tx.vectors.acquire()
    try:
        overlay = await past(newest, tx.snapshot.ts, tx.catalog)
        return newest.ts, {id: each for id, each in overlay.documents.items() if table_of(id) == space.table}
    finally:
        newest.release()


def _best(
    rows: "Sequence[Rows]", own: "Sequence[Rows]", changed: Collection[str], query: "Vectors", limit: int
) -> list[tuple[float, str]]:
    from reactor.vectors.nearest import nearest

    # Of those in memory some may have changed, and then so many more have to be found.
    found = [match for match in nearest(rows, query, limit + len(changed)) if match[1] not in changed]
    return sorted(found + nearest(own, query, limit), key=lambda match: (-match[0], match[1]))[:limit]


def _reaches(directions: "Directions", query: "Vectors", lowest: float, document: dict[str, Any]) -> bool:
    vector = directions.of(document)
    # Called for every live search at every write, so in single precision: `lowest` has room for what that is wrong by.
    return vector is not None and float(vector.dot(query)) >= lowest


def vector_index_of(tx: Transaction, table: str, name: str) -> DerivedIndex:
    """A vector index by name. Raises DeveloperError when there is none, or none that can be read yet."""
    info = None if is_system_name(table) else tx.table(table)
    index = None if info is None else info.searches.get(name)
    if index is not None and index.kind == KIND:
        return index
    if info is not None:
        refuse_unfinished(info, name)
    known = ", ".join(sorted(each.name for each in info.searches.values() if each.kind == KIND)) if info else ""
    raise DeveloperError(
        f"Index {table}.{name} not found among the vector indexes of this table (it has: {known or 'none'}). "
        f'Declare it in schema.py: .vector_index("{name}", vector_field=..., dimensions=...).',
        code="IndexNotFound",
    )


def _query(vector: Any, dimensions: int) -> "Vectors":
    from reactor.vectors.nearest import unit

    given = vector.tolist() if hasattr(vector, "tolist") else vector
    if not isinstance(given, list | tuple) or not given:
        raise DeveloperError(
            f"A vector search needs a vector: a list of {dimensions} numbers, not {given!r:.80}.", code="InvalidVector"
        )
    elements = list(cast("Sequence[Any]", given))
    if len(elements) != dimensions:
        raise DeveloperError(
            f"Expected a vector with dimensions {dimensions}, as the index declares, but one with {len(elements)} was "
            "given. Make it with the model that made the stored vectors.",
            code="IncorrectVectorDimensions",
        )
    found = numbers(elements, dimensions)
    if found is None:
        raise DeveloperError(
            "The vector of a search consists of finite numbers (no Int64, no booleans, neither NaN nor infinite): make "
            "each a float.",
            code="InvalidVector",
        )
    return unit(found)


def _whole(limit: Any) -> int:
    # Numbers from clients are floats as often as not.
    whole = limit.is_integer() if isinstance(limit, float) else type(limit) is int
    if not whole or not 1 <= limit <= MOST_RESULTS:
        raise DeveloperError(
            f"The limit of a vector search is a whole number from 1 to {MOST_RESULTS}, not {limit!r:.40}.",
            code="InvalidVectorLimit",
        )
    return int(limit)
