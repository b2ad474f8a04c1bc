"""What a new snapshot has in memory: small tables as they are at its moment, and which indexes have long entries."""

from collections.abc import Iterable, Sequence

from reactor.store.postgres.columns import LONGEST
from reactor.store.postgres.resident import Resident
from reactor.store.postgres.snapshot import PostgresSnapshot
from reactor.store.seam import CATALOG_INDEX, LogEntry, Point
from reactor.values import successor

__all__ = ["bring_up", "read_resident"]

_PAGE = 1_000


async def bring_up(
    snapshot: PostgresSnapshot, residents: dict[int, Resident], entries: Sequence[LogEntry] | None
) -> None:
    """Bring what the snapshot before had to this one's moment. `entries`: the commits between, None when some of them
    are forgotten."""
    # An index that another server has filled shows in no commit but in the one that completes it.
    if entries is None or any(point.index == CATALOG_INDEX for entry in entries for point in entry.points):
        snapshot.long |= await snapshot.indexes_with_long()
    else:
        for entry in entries:
            snapshot.long |= _long(entry.points).union(*(_long(write.points) for write in entry.writes))
    snapshot.residents = {}  # so that they are read from the database
    snapshot.residents = {index: await _next(snapshot, each, entries) for index, each in residents.items()}


async def read_resident(snapshot: PostgresSnapshot, table: int, index: int) -> Resident:
    """A small table, as it is at the moment of a snapshot."""
    entries: list[tuple[bytes, str]] = []
    lower, upper = b"", b"\xff"
    while page := await snapshot.scan(index, lower, upper, reverse=False, limit=_PAGE):
        entries += page
        lower = successor(page[-1][0])
    documents = await snapshot.get([id for _, id in entries])
    return Resident(table, index, documents, entries)


async def _next(snapshot: PostgresSnapshot, resident: Resident, entries: Sequence[LogEntry] | None) -> Resident:
    if entries is None:
        return await read_resident(snapshot, resident.table, resident.index)
    written = resident.touched(entries)
    return resident.after(entries, written, await snapshot.get(written)) if written else resident


def _long(points: Iterable[Point]) -> set[int]:
    """Indexes that get a long entry."""
    return {point.index for point in points if point.new is not None and len(point.new) > LONGEST}
