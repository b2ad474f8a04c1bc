"""What several processes have committed, as one of them comes to know it from the log."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from reactor.database.committed import Committed
from reactor.database.documents import Document
from reactor.database.overlay import Overlay
from reactor.database.ranges import Touch
from reactor.database.touched import Touched, keys_of, keys_of_write
from reactor.database.wanted import everything
from reactor.store.seam import (
    CATALOG_INDEX,
    OUTCOME_INDEX,
    SESSION_BYTES,
    CaughtUp,
    Commit,
    LogEntry,
    Point,
    Records,
    Snapshot,
    Write,
)
from reactor.values import encode_value

__all__ = ["Step", "step_to"]

_PAGE = 1_000


class Step(NamedTuple):
    """From the visible state to a newer one.

    `overlay`   the changes, but for documents that are `unread`
    `log`       the commits, own ones included, in their order
    `news`      what is told of them
    `others`    the entries of commits that are not own ones
    `touched`   what those touched
    `sessions`  clients that had mutations in them
    `records`   tables and indexes, if these have changed
    `unread`    ids of documents that others wrote and nobody here has asked for
    `forgotten` some of the log was forgotten before it was read: what was known of any document may be wrong
    """

    ts: int
    overlay: Overlay
    log: Sequence[Commit | LogEntry]
    news: list[Committed]
    others: list[LogEntry]
    touched: Touched
    sessions: set[bytes]
    records: Records | None
    unread: Set[str]
    forgotten: bool


async def step_to(
    caught: CaughtUp,
    own: Mapping[int, Committed],
    changes: Overlay,
    by_id: Mapping[int, int],
    is_wanted: Callable[[Write], bool],
) -> Step:
    """Understand what was caught up with. `own` are news of own commits by ts, and `changes` all that these changed;
    `by_id` numbers the index by id of each table that is known. What was written and is not wanted stays unread. Raises
    StoreError.
    """
    snapshot, entries = caught
    others = [entry for entry in entries or () if entry.ts not in own]
    records = await snapshot.records() if entries is None or any(map(_is_of_catalog, entries)) else None
    if entries is not None and not others:
        return Step(snapshot.ts, changes, entries, list(own.values()), [], Touched(), set(), records, set(), False)
    if records is not None:
        by_id = {table.number: table.by_id for table in records.tables}
        is_wanted = everything  # whoever looks at tables and indexes that change may need it
    touched = Touched()
    touched.everything = entries is None
    for entry in others:
        touched.add(keys_of(entry, by_id))
    wanted, unread = _divided(others, changes, is_wanted)
    newest = await _newest(snapshot, wanted)
    overlay, news = _in_order(entries or [], own, newest, by_id)
    # Of what only own commits wrote, the versions at hand are known in more ways than their bytes.
    overlay.documents.update((id, each) for id, each in changes.documents.items() if id not in newest)
    sessions, forgotten = _sessions(others), entries is None
    return Step(snapshot.ts, overlay, entries or [], news, others, touched, sessions, records, unread, forgotten)


def _divided(
    entries: Iterable[LogEntry], changes: Overlay, is_wanted: Callable[[Write], bool]
) -> tuple[list[str], set[str]]:
    """Ids of the documents that are to be read, and of the others."""
    wanted: dict[str, None] = {}
    unread: set[str] = set()
    for entry in entries:
        for write in entry.writes:
            if write.id in changes.documents or is_wanted(write):
                wanted[write.id] = None
            else:
                unread.add(write.id)
    return list(wanted), unread.difference(wanted)


def _is_of_catalog(entry: LogEntry) -> bool:
    return any(point.index == CATALOG_INDEX for point in entry.points)


def _sessions(entries: Iterable[LogEntry]) -> set[bytes]:
    points = (point for entry in entries for point in entry.points)
    return {point.new[:SESSION_BYTES] for point in points if point.index == OUTCOME_INDEX and point.new is not None}


async def _newest(snapshot: Snapshot, ids: Sequence[str]) -> dict[str, Document]:
    """Documents that were written, as they are now."""
    found: dict[str, bytes] = {}
    for start in range(0, len(ids), _PAGE):
        found.update(await snapshot.get(ids[start : start + _PAGE]))
    return {id: Document(id, found.get(id)) for id in ids}


def _in_order(
    entries: Sequence[LogEntry], own: Mapping[int, Committed], newest: Mapping[str, Document], by_id: Mapping[int, int]
) -> tuple[Overlay, list[Committed]]:
    overlay = Overlay()
    overlay.documents.update(newest)
    for entry in entries:
        for write in entry.writes:
            _move(overlay, write.points)
        _move(overlay, entry.points)
    news: list[Committed] = []
    later = dict(newest)
    for entry in reversed(entries):
        mine = own.get(entry.ts)
        news.append(Committed(entry.ts, entry.source, _touches(entry, later, by_id)) if mine is None else mine)
        for write in entry.writes:
            if write.id in later:
                later[write.id] = Document(write.id, write.old)
    return overlay, news[::-1]


def _move(overlay: Overlay, points: Iterable[Point]) -> None:
    for point in points:
        if point.index > CATALOG_INDEX and point.old != point.new:
            if point.old is not None:
                overlay.set_entry(point.index, point.old, there=False)
            if point.new is not None:
                overlay.set_entry(point.index, point.new, there=True)


def _touches(entry: LogEntry, later: Mapping[str, Document], by_id: Mapping[int, int]) -> list[Touch]:
    """As `prepare` makes them of the commit, with `later` versions of what it wrote: what it left, that is."""
    touches: list[Touch] = []
    for write in entry.writes:
        _touch(write, later.get(write.id), by_id, touches)
    for point in entry.points:
        if point.index >= CATALOG_INDEX:
            touches += ((point.index, key, ()) for key in (point.old, point.new) if key is not None)
    return touches


def _touch(write: Write, new: Document | None, by_id: Mapping[int, int], touches: list[Touch]) -> None:
    if new is None:
        touches += ((index, key, None) for index, key in keys_of_write(write, by_id))
        return
    were = () if write.old is None else (Document(write.id, write.old),)
    are = () if new.raw is None else (new,)
    if write.table in by_id:
        touches.append((by_id[write.table], encode_value(write.id), were + are))
    for point in write.points:
        was, becomes = point.old, point.new
        if was == becomes and was is not None:
            touches.append((point.index, was, were + are))
            continue
        if was is not None:
            touches.append((point.index, was, were))
        if becomes is not None:
            touches.append((point.index, becomes, are))
