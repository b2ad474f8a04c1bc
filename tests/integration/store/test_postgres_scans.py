"""What a snapshot of PostgreSQL has scanned it need not ask for again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reactor.errors import StoreError
from reactor.store.postgres.snapshot import PostgresSnapshot
from reactor.store.postgres.store import PostgresStore
from tests.integration.store.rows import BY_WORD, commit, commit_and_advance, entries, insert


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The scans that have gone to PostgreSQL."""
    asked: list[tuple[Any, ...]] = []
    ask = PostgresSnapshot._keys

    async def noting(self: PostgresSnapshot, *bounds: Any, **how: Any) -> list[bytes]:
        asked.append(bounds)
        return await ask(self, *bounds, **how)

    monkeypatch.setattr(PostgresSnapshot, "_keys", noting)
    return asked


@contextmanager
def now(store: PostgresStore) -> Iterator[PostgresSnapshot]:
    snapshot = store.acquire()
    assert isinstance(snapshot, PostgresSnapshot)
    try:
        yield snapshot
    finally:
        snapshot.release()


async def scan(snapshot: PostgresSnapshot, lower: bytes = b"", *, limit: int = 10, reverse: bool = False) -> Any:
    return await snapshot.scan(BY_WORD.id, lower, b"\xff", reverse=reverse, limit=limit)


async def test_it_is_asked_for_once_in_a_moment(postgres_store: PostgresStore, asked: list[Any]) -> None:
    await commit_and_advance(postgres_store, commit(1, insert(1, b"ape"), insert(2, b"bee")))
    with now(postgres_store) as snapshot:
        first = await scan(snapshot)
        assert first == entries((b"ape", 1), (b"bee", 2))
        first.clear()  # it is the caller's own
        assert await scan(snapshot) == entries((b"ape", 1), (b"bee", 2))
        assert len(asked) == 1
        assert await scan(snapshot, reverse=True) == entries((b"bee", 2), (b"ape", 1))
        assert await scan(snapshot, limit=1) == entries((b"ape", 1))
        assert len(asked) == 3


async def test_the_next_moment_has_its_own(postgres_store: PostgresStore, asked: list[Any]) -> None:
    await commit_and_advance(postgres_store, commit(1, insert(1, b"ape")))
    with now(postgres_store) as old:
        assert await scan(old) == entries((b"ape", 1))
        await commit_and_advance(postgres_store, commit(2, insert(2, b"bee")))
        with now(postgres_store) as new:
            assert await scan(new) == entries((b"ape", 1), (b"bee", 2))
        assert await scan(old) == entries((b"ape", 1))
        assert len(asked) == 2


async def test_what_is_remembered_has_a_limit(postgres_store: PostgresStore, asked: list[Any]) -> None:
    await commit_and_advance(postgres_store, commit(1, *(insert(number, b"ape") for number in range(100))))
    with now(postgres_store) as snapshot:
        for _ in range(2):
            assert len(await scan(snapshot, limit=65)) == 65
        assert len(asked) == 2  # too many to be kept
        for number in range(300):
            await scan(snapshot, b"ape" + number.to_bytes(2, "big"), limit=20)
        assert sum(1 + len(found) for found in snapshot._known.values()) <= 4_096
        assert snapshot._size <= 4_096


async def test_long_bounds_and_long_keys_are_not_remembered(postgres_store: PostgresStore, asked: list[Any]) -> None:
    await commit_and_advance(postgres_store, commit(1, insert(1, b"ape")))
    with now(postgres_store) as snapshot:
        for _ in range(2):
            assert await scan(snapshot, b"\x01" * 1_100) == entries((b"ape", 1))
        assert len(asked) == 2
    await commit_and_advance(postgres_store, commit(2, insert(2, b"b" * 5_000)))
    with now(postgres_store) as snapshot:
        for _ in range(2):
            assert await scan(snapshot) == entries((b"ape", 1), (b"b" * 5_000, 2))
        assert len(asked) == 4


async def test_a_released_one_tells_nothing(postgres_store: PostgresStore) -> None:
    await commit_and_advance(postgres_store, commit(1, insert(1, b"ape")))
    with now(postgres_store) as snapshot:
        await scan(snapshot)
    with pytest.raises(StoreError, match="after its release"):
        await scan(snapshot)
