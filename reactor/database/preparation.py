"""From a transaction that ended to the commit that makes it durable."""

from reactor.database.catalog import TableInfo
from reactor.database.documents import Document
from reactor.database.overlay import Overlay
from reactor.database.ranges import Touch
from reactor.database.transaction import Transaction
from reactor.store.seam import CATALOG_INDEX, Commit, Outcome, Point, Write
from reactor.values import encode_value, settle

__all__ = ["prepare"]


def prepare(tx: Transaction, ts: int, source: str, outcome: Outcome | None) -> tuple[Commit, list[Touch]] | None:
    """The commit at `ts` of what a transaction wrote, and the keys that it touches.

    What stands for the commit's time, in own writes and outcome, becomes `ts`. None when there is nothing to record: no
    table, no outcome, and every document as it was before.
    """
    touches: list[Touch] = []
    writes: list[Write] = []
    own = tx.writes()
    if outcome is not None:
        outcome.result = settle(outcome.result, ts)
    if own is not None:
        _settle(tx, own, ts)
        for id, new in own.documents.items():
            table, old = tx.before[id]
            if old.raw != new.raw:
                writes.append(_write(table, old, new, touches))
    tables = list(own.tables.values()) if own is not None else []
    touches += ((CATALOG_INDEX, table.name.encode(), ()) for table in tables)
    entries = _entries(tx, own) if own is not None and tx.aggregates else []
    if not writes and not tables and outcome is None and not entries:
        return None
    return Commit(ts, writes, source, outcome, tables, entries=entries), touches


def _entries(tx: Transaction, own: Overlay) -> list[Point]:
    """What came and went in aggregates besides documents' keys, which are there too and do no harm twice."""
    points: list[Point] = []
    for index in sorted(tx.aggregates):
        changed: dict[bytes, bool] = {}
        own.changes(index, b"", b"\xff", changed)
        points += [Point(index, None, key) if there else Point(index, key, None) for key, there in changed.items()]
    return points


def _settle(tx: Transaction, own: Overlay, ts: int) -> None:
    for id in tx.pending:
        document = own.documents.get(id)
        # It may have been deleted, or a nested mutation have been taken back, or the field been written over.
        if document is not None and document.raw is not None:
            table, _ = tx.before[id]
            settled = Document(id, settle(document.raw, ts))
            own.replace(table, document, settled)


def _write(table: TableInfo, old: Document, new: Document, touches: list[Touch]) -> Write:
    """A document's change with its points; the keys that it touches are added to `touches`."""
    before, after = old.keys(table), new.keys(table)
    # Who reads by a filter asks about those versions of the document that have the key.
    were: tuple[Document, ...] = (old,) if before else ()
    are: tuple[Document, ...] = (new,) if after else ()
    both = were + are
    touches.append((table.by_id.id, encode_value(new.id), both))
    points: list[Point] = []
    for position, index in enumerate(table.ordered_ids):
        was = before[position] if before else None
        becomes = after[position] if after else None
        if was == becomes and index in table.filling:
            was = None  # the entry may not be there yet, and whoever fills the index leaves out what was written since
        points.append(Point(index, was, becomes))
        if was == becomes and was is not None:
            touches.append((index, was, both))
            continue
        if was is not None:
            touches.append((index, was, were))
        if becomes is not None:
            touches.append((index, becomes, are))
    if table.derived:
        _derive(table, old, new, points, touches)
    return Write(new.id, table.number, old.raw, new.raw, points)


def _derive(table: TableInfo, old: Document, new: Document, points: list[Point], touches: list[Touch]) -> None:
    for index, were, are in zip(table.derived, old.derived_keys(table), new.derived_keys(table), strict=True):
        gone, come = sorted(were - are), sorted(are if index.id in table.filling else are - were)
        points += [Point(index.id, key, None) for key in gone]
        points += [Point(index.id, None, key) for key in come]
        touches += [(index.id, key, (old,)) for key in gone]
        touches += [(index.id, key, (new,)) for key in come]
