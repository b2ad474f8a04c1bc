"""The list of calls that must be awaited."""

import pytest

from reactor.database.made_calls import MadeCall, frame, note, unended
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError
from tests.unit.database.test_transaction import begun


async def test_a_call_stays_until_it_has_ended() -> None:
    db = DatabaseWriter(begun())
    id = await db.insert("words", {"word": "a"})
    assert unended(db.made_calls) == []
    call = db.patch(id, {"word": "b"})
    failing = db.patch("nonsense", {"word": "b"})
    assert [made[0] for made in unended(db.made_calls)] == [call, failing]
    with pytest.raises(DeveloperError):
        await failing
    assert [made[0] for made in unended(db.made_calls)] == [call]
    await call
    assert unended(db.made_calls) == []


async def test_a_long_list_keeps_what_has_not_ended() -> None:
    async def nothing() -> None:
        return None

    made: list[MadeCall] = []
    waiting = nothing()
    note(made, waiting, frame(0))
    for _ in range(2000):
        call = nothing()
        note(made, call, frame(0))
        await call
    assert len(made) <= 256
    assert [call for call, _, _ in unended(made)] == [waiting]
    waiting.close()
