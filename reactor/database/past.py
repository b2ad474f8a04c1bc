"""The past as an overlay: what a newer snapshot must be read with to show an older moment."""

import asyncio

from reactor.database.catalog import Catalog
from reactor.database.documents import Document
from reactor.database.overlay import Overlay
from reactor.errors import DeveloperError
from reactor.store.seam import Snapshot, Write

__all__ = ["past"]

_PAGE = 256
_MOST_DOCUMENTS = 50_000


async def past(snapshot: Snapshot, ts: int, catalog: Catalog) -> Overlay:
    """Changes that turn the state of `snapshot` back into that of `ts` (nanoseconds), for reading with `catalog`.

    Raises DeveloperError (code OutOfRetention) when the log does not reach back that far, or too much changed since.
    """
    if ts < await snapshot.history_start():
        raise _out_of_reach(ts, "is older than the history that is kept. Keep more with the setting history_seconds")
    overlay = Overlay()
    writes = list((await _first_writes(snapshot, ts)).values())
    for start in range(0, len(writes), _PAGE):
        await _undo(writes[start : start + _PAGE], snapshot, catalog, overlay)
    return overlay


async def _first_writes(snapshot: Snapshot, ts: int) -> dict[str, Write]:
    """The first write after `ts` of each document that was written since: what it replaced is the state of `ts`."""
    first: dict[str, Write] = {}
    after = ts
    while page := await snapshot.log(after, limit=_PAGE):
        for entry in page:
            for write in entry.writes:
                first.setdefault(write.id, write)
        if len(first) > _MOST_DOCUMENTS:
            raise _out_of_reach(ts, f"lies too far back: more than {_MOST_DOCUMENTS} documents have changed since")
        after = page[-1].ts
        await asyncio.sleep(0)  # the log may be long, and others are served meanwhile
    return first


async def _undo(writes: list[Write], snapshot: Snapshot, catalog: Catalog, overlay: Overlay) -> None:
    # Keys are made from the documents, since the log's are of the indexes that there were at the time.
    newest = await snapshot.get([write.id for write in writes])
    for write in writes:
        table = catalog.by_number(write.table)
        assert table is not None, "tables are never dropped"
        then, now = Document(write.id, write.old), Document(write.id, newest.get(write.id))
        overlay.replace(table, now, then)


def _out_of_reach(ts: int, why: str) -> DeveloperError:
    return DeveloperError(
        f"The timestamp {ts} {why}, or fetch a newer timestamp from /api/query_ts.", code="OutOfRetention"
    )
