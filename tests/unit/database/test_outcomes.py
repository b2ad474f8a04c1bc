from typing import Any

from reactor.database.catalog import Catalog, Numbering
from reactor.database.documents import DocumentCache
from reactor.database.limits import TransactionLimits
from reactor.database.outcomes import Outcomes
from reactor.database.overlay import Overlay
from reactor.database.transaction import Transaction
from reactor.schema import define_schema
from reactor.store.memory import MemorySnapshot
from reactor.store.seam import Commit, Outcome

ADA, BOB = b"ada's session id", b"bob's session id"


class Counted(MemorySnapshot):
    """A snapshot that counts what it is asked."""

    def __init__(self, *recorded: Outcome) -> None:
        super().__init__()
        self.asked: list[Any] = []
        for ts, outcome in enumerate(recorded, 1):
            self.apply(Commit(ts, [], "tests", outcome))

    async def outcome(self, session: bytes, request: int) -> Outcome | None:
        self.asked.append((session, request))
        return await super().outcome(session, request)

    async def last_request(self, session: bytes) -> int:
        self.asked.append(session)
        return await super().last_request(session)


def outcome(session: bytes, request: int, ts: int = 0) -> Outcome:
    return Outcome(session, request, b'"result"', [], ts)


def on(snapshot: Counted, *below: Outcome) -> Transaction:
    overlay = Overlay()
    overlay.outcomes.update(((each.session, each.request), each) for each in below)
    catalog = Catalog(Numbering([], [], 0), define_schema({}))
    return Transaction(snapshot, catalog, DocumentCache(0), TransactionLimits(), now=0.0, below=[overlay])


async def test_growing_numbers_ask_the_store_once() -> None:
    outcomes, snapshot = Outcomes(), Counted()
    for request in (0, 1, 2, 7):
        assert await outcomes.find(ADA, request, on(snapshot)) is None
    assert snapshot.asked == [ADA]
    assert await outcomes.find(BOB, 0, on(snapshot)) is None
    assert snapshot.asked == [ADA, BOB]


async def test_what_is_recorded_is_found() -> None:
    outcomes, snapshot = Outcomes(), Counted(outcome(ADA, 3), outcome(ADA, 5))
    assert await outcomes.find(ADA, 5, on(snapshot)) == outcome(ADA, 5, 2)
    assert await outcomes.find(ADA, 3, on(snapshot)) == outcome(ADA, 3, 1)
    assert await outcomes.find(ADA, 4, on(snapshot)) is None
    assert await outcomes.find(ADA, 6, on(snapshot)) is None
    assert await outcomes.find(BOB, 5, on(snapshot)) is None


async def test_what_is_decided_is_found_as_long_as_it_lies_below() -> None:
    outcomes, snapshot = Outcomes(), Counted()
    assert await outcomes.find(ADA, 0, on(snapshot)) is None
    decided = outcome(ADA, 0)
    assert await outcomes.find(ADA, 0, on(snapshot, decided)) is decided
    # Its group was lost.
    assert await outcomes.find(ADA, 0, on(snapshot)) is None
    assert await outcomes.find(BOB, 0, on(snapshot, decided)) is None
