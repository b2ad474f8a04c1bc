"""What only the SQLite file that processes share promises: its turns, its doorbell, its failed commits."""

import asyncio
import os
import shutil
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reactor.errors import StoreError
from reactor.store import sqlite, writer
from reactor.store.seam import Commit, IndexRecord, LogEntry, Point
from reactor.store.sharing import gate, news, shared_checkpoints, shared_writer, store
from reactor.store.sharing.gate import Gate
from reactor.store.sharing.store import SharedSqliteStore
from reactor.store.sqlite import SqliteStore
from reactor.store.statements import Statement
from tests.integration.store.rows import (
    BY_WORD,
    TABLE,
    commit,
    commit_and_advance,
    delete,
    entries,
    insert,
    key,
    newest,
    update,
    words,
)
from tests.integration.store.shared_rows import News, Revising, caught_up

Two = tuple[SharedSqliteStore, SharedSqliteStore]


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    made = SharedSqliteStore(tmp_path, node="a"), SharedSqliteStore(tmp_path, node="b")
    for each in made:
        await each.open()
    yield made
    for each in made:
        await each.close()


async def _timestamps(store: SharedSqliteStore) -> list[tuple[int, str]]:
    found = await caught_up(store)
    assert found is not None
    return [(entry.ts, entry.node) for entry in found]


def _after(last: int, found: list[LogEntry] | None) -> list[Commit]:
    return [commit(last + 1, insert(last + 1, b"w"))]


async def test_own_commits_are_told_as_others_read_them_in_the_log(two: Two) -> None:
    first, second = two
    made = Commit(4, [insert(1, b"a"), insert(2, b"b")], "system", None, [TABLE], [BY_WORD])
    await first.commit([made, commit(5, update(1, b"a", b"c"), delete(2, b"b"), request=7)])
    await caught_up_alike(first, second, 2)
    await first.commit([commit(6), commit(7, insert(3, b"d"))])
    await second.commit([], revise=lambda last, found: [])
    await second.commit([commit(8, insert(4, b"e"))], revise=_after)
    await caught_up_alike(first, second, 3)
    await first.commit([commit(9, insert(5, b"f"))], revise=_after)
    await caught_up_alike(first, second, 1)


async def caught_up_alike(first: SharedSqliteStore, second: SharedSqliteStore, count: int) -> None:
    own, read = await caught_up(first), await caught_up(second)
    assert own == read
    assert own is not None
    assert len(own) == count


async def test_what_is_on_the_way_is_told_before_it_can_be_read_unless_others_came_first(two: Two) -> None:
    first, second = two
    told: list[int] = []

    def on_the_way() -> None:
        snapshot = first.acquire()
        told.append(snapshot.ts)
        snapshot.release()

    await first.commit([commit(5, insert(1, b"a"))], on_the_way=on_the_way, revise=_after)
    assert told == [0]
    await caught_up(first)
    await second.commit([commit(6, insert(2, b"b"))], revise=_after)
    await first.commit([commit(7, insert(3, b"c"))], on_the_way=on_the_way, revise=_after)
    assert told == [0], "what the other one has written cannot be read yet"


# Opening


async def test_the_folder_is_nobody_elses(tmp_path: Path) -> None:
    made = SharedSqliteStore(tmp_path / "new" / "folder", node="a")
    await made.open()
    for folder in (tmp_path / "new" / "folder", tmp_path / "new" / "folder" / "shared"):
        assert folder.stat().st_mode & 0o077 == 0
    await made.close()
    assert sorted(os.listdir(tmp_path / "new" / "folder")) == ["reactor.db", "shared"]


async def test_a_file_of_a_lone_server_is_shared_and_is_a_lone_servers_again(tmp_path: Path) -> None:
    alone = SqliteStore(tmp_path)
    await alone.open()
    await commit_and_advance(alone, Commit(4, [insert(1, b"a")], "system", None, [TABLE], [BY_WORD]), commit(5))
    await alone.close()
    shared = SharedSqliteStore(tmp_path, node="a")
    await shared.open()
    assert (shared.tables, shared.indexes) == ([TABLE], [BY_WORD])
    await shared.commit([commit(6), commit(7, insert(2, b"b"))])
    await shared.close()
    await alone.open()
    await commit_and_advance(alone, commit(8), commit(9, insert(3, b"c")))
    async with newest(alone) as snapshot:
        found = [(entry.ts, entry.node) for entry in await snapshot.log(0, limit=9)]
        assert await words(snapshot) == entries((b"a", 1), (b"b", 2), (b"c", 3))
    assert found == [(4, ""), (6, "a"), (7, "a"), (9, "")]
    await alone.close()


async def test_numbers_of_unfinished_indexes_are_given_by_nobody(tmp_path: Path) -> None:
    """A lone server died while it built one: no process may take its number, whenever it was opened."""
    alone = SqliteStore(tmp_path)
    await alone.open()
    writes = [insert(1, b"a")]
    writes[0].points.append(Point(9, None, key(b"x", 1)))
    await commit_and_advance(alone, Commit(4, writes, "system", None, [TABLE], [BY_WORD]))
    await alone.close()
    first, second = SharedSqliteStore(tmp_path, node="a"), SharedSqliteStore(tmp_path, node="b")
    await first.open()
    assert await first.prune(log_before=0, outcomes_before=0, limit=99) == 2
    await second.open()
    assert (first.last_index, second.last_index) == (9, 9)
    snapshot, _ = await second.catch_up()
    assert (await snapshot.records()).last_index == 9
    snapshot.release()
    await first.close()
    await second.close()


async def test_an_index_that_is_being_built_is_not_removed_by_who_comes(two: Two, tmp_path: Path) -> None:
    building = IndexRecord(8, TABLE.number, "by_length", ("length",), complete=False)
    await two[0].commit([Commit(4, [insert(1, b"a")], "system", None, [TABLE], [BY_WORD, building])])
    await two[0].fill_index(building, entries((b"1", 1)), as_of=4)
    late = SharedSqliteStore(tmp_path, node="c")
    await late.open()
    await late.prune(log_before=0, outcomes_before=0, limit=99)
    snapshot, _ = await two[1].catch_up()
    assert await snapshot.scan(8, b"", b"\xff", reverse=False, limit=9) == entries((b"1", 1))
    snapshot.release()
    await late.close()


# Turns


async def test_who_keeps_the_turn_for_too_long_loses_it(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LIMIT", 0.01)
    first, second = two
    revising = Revising(_after)
    async with first.exclusive():
        await second.commit([commit(1, insert(1, b"a"))])  # waits until the turn is lost
        await first.commit([commit(1, insert(1, b"b"))], revise=revising)
    assert revising.told == [(1, [1])]
    assert await _timestamps(second) == [(1, "b"), (2, "a")]


async def test_who_hangs_with_the_turn_is_passed_by_and_not_waited_for_again(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_PATIENCE", 0.05)
    hanging = Gate(tmp_path / "shared")
    hanging.open()
    entry = hanging.enter()
    await two[0].commit([commit(1, insert(1, b"a"))])
    monkeypatch.setattr(gate, "_PATIENCE", 10_000)
    await caught_up(two[0])
    await two[0].commit([commit(2, insert(2, b"b"))])
    async with two[0].exclusive():
        await caught_up(two[0])
        await two[0].commit([commit(3, insert(3, b"c"))])
    hanging.leave(entry)
    await caught_up(two[0])
    async with two[0].exclusive():
        assert not _is_free(tmp_path)
    hanging.close()


def _is_free(folder: Path) -> bool:
    other = Gate(folder / "shared")
    other.open()
    other.hurried = True
    entry = other.enter()
    other.close()
    return entry != 0


@pytest.mark.parametrize("turns", range(4))
async def test_a_commit_that_is_given_up_leaves_the_turn(two: Two, tmp_path: Path, turns: int) -> None:
    first, second = two
    await first.commit([commit(1, insert(1, b"a"))])
    task = asyncio.create_task(second.commit([commit(1, insert(2, b"b"))], revise=_after))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await caught_up(second)
    await second.prune(log_before=0, outcomes_before=0, limit=1)  # stands behind it in the thread
    assert _is_free(tmp_path)


async def test_entering_that_is_given_up_leaves_the_turn(two: Two, tmp_path: Path) -> None:
    first, second = two

    async def enter() -> None:
        async with second.exclusive():
            raise AssertionError("the first has the turn")

    async with first.exclusive():
        task = asyncio.create_task(enter())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await second.prune(log_before=0, outcomes_before=0, limit=1)
    assert _is_free(tmp_path)


async def test_the_schemas_turn_ends_with_an_error_too(two: Two) -> None:
    with pytest.raises(LookupError):
        async with two[0].schema_turn():
            raise LookupError
    async with two[1].schema_turn():
        pass


async def test_another_program_that_writes_is_waited_for(two: Two, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "reactor.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(two[0].commit([commit(1, insert(1, b"a"))]))
    assert await _timestamps(two[1]) == []
    assert not writing.done()
    other.execute("COMMIT")
    other.close()
    await writing
    assert await _timestamps(two[1]) == [(1, "a")]


async def test_another_program_that_writes_for_ever_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_writer, "_BUSY_MS", 20)
    first = SharedSqliteStore(tmp_path, node="a")
    await first.open()
    other = sqlite3.connect(tmp_path / "reactor.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program has the database locked"):
        await first.commit([commit(1, insert(1, b"a"))])
    other.execute("COMMIT")
    other.close()
    await first.commit([commit(2, insert(1, b"a"))])
    assert await _timestamps(first) == [(2, "a")]
    await first.close()


# Catching up


async def test_what_was_missed_may_be_long(two: Two) -> None:
    first, second = two
    for ts in range(1, 1_000, 100):
        await first.commit([commit(ts + n, insert(ts + n, b"w")) for n in range(100)])
        await caught_up(first)
    revising = Revising(_after)
    await second.commit([commit(1, insert(1, b"x"))], revise=revising)
    assert revising.told == [(1_000, list(range(1, 1_001)))]
    assert await _timestamps(second) == [*((ts, "a") for ts in range(1, 1_001)), (1_001, "b")]


async def test_only_what_was_caught_up_with_is_shown(two: Two) -> None:
    await two[0].commit([commit(5, insert(1, b"a"))])
    with pytest.raises(StoreError, match="catch up first"):
        two[0].advance(5)
    snapshot, _ = await two[0].catch_up()
    await two[0].commit([commit(6, insert(2, b"b"))], revise=lambda last, found: [commit(6, insert(2, b"b"))])
    with pytest.raises(StoreError, match="catch up first"):
        two[0].advance(6)
    two[0].advance(5)
    snapshot.release()
    async with newest(two[0]) as seen:
        assert await words(seen) == entries((b"a", 1))


async def test_what_was_looked_at_and_never_shown_is_given_back(two: Two, tmp_path: Path) -> None:
    for ts in range(1, 20):
        await two[0].commit([commit(ts, insert(ts, b"w"))], revise=_after)
        snapshot, _ = await two[1].catch_up()
        snapshot.release()
        with pytest.raises(StoreError, match="after its release"):
            await two[1].catch_up()
            await snapshot.get(["x"])
        await caught_up(two[0])
    assert len(await _timestamps(two[1])) == 19


# The doorbell


async def _hears(first: SharedSqliteStore, second: SharedSqliteStore) -> None:
    heard = News(second)
    async with newest(first) as snapshot:
        ts = snapshot.ts + 1
    await first.commit([commit(ts, insert(ts, b"w"))])
    await heard.heard()
    await caught_up(second)
    await caught_up(first)


async def test_a_ring_is_heard_without_looking(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "_LOOK_SECONDS", 10_000)
    for each in two:
        each._news._look_again()
    for _ in range(3):
        await _hears(*two)
        await _hears(*reversed(two))


def _bells(folder: Path) -> Path:
    """Where sockets lie: a test's folder may have too long a path for them."""
    note = folder / "shared" / "bells.txt"
    return Path(note.read_text()) if note.exists() else folder / "shared" / "bells"


async def test_who_has_lost_its_socket_hears_all_the_same(two: Two, tmp_path: Path) -> None:
    bells = _bells(tmp_path)
    for bell in bells.iterdir():
        bell.unlink()
    await _hears(*two)
    shutil.rmtree(bells)
    await _hears(*reversed(two))


async def test_a_path_that_is_too_long_for_sockets_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "_LOOK_SECONDS", 10_000)
    folder = tmp_path / ("long" * 40)
    for _ in range(2):
        first, second = SharedSqliteStore(folder, node="a"), SharedSqliteStore(folder, node="b")
        await first.open()
        await second.open()
        bells = _bells(folder)
        assert folder not in bells.parents
        assert os.stat(bells).st_mode & 0o077 == 0
        assert len(os.listdir(bells)) == 2
        await _hears(first, second)
        await first.close()
        assert len(os.listdir(bells)) == 1
        await second.close()
        assert not bells.exists()


async def test_sockets_of_the_dead_are_removed(two: Two, tmp_path: Path) -> None:
    bells = _bells(tmp_path)
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as dead:
        dead.bind(str(bells / "dead"))
    await _hears(*two)
    assert len(os.listdir(bells)) == 2


async def test_a_bell_that_nobody_listens_to_stops_nobody(two: Two, tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as deaf:
        deaf.bind(str(_bells(tmp_path) / "deaf"))
        for _ in range(50):  # more than its queue takes
            await _hears(*two)


# Failing commits


def _failing_commits(monkeypatch: pytest.MonkeyPatch, commit: Callable[[partial[object]], object]) -> list[str]:
    """Has `commit` called with the real COMMIT, once, when something was put into the list that is returned."""
    once: list[str] = []

    class FailingConnection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql == "COMMIT" and once:
                once.clear()
                commit(partial(super().execute, sql))
                raise sqlite3.OperationalError("invented failure")
            return super().execute(sql, *parameters)

    monkeypatch.setattr(
        writer,
        "connect",
        lambda file, reader, cache=None: sqlite3.connect(file, isolation_level=None, factory=FailingConnection),
    )
    return once


@pytest.mark.parametrize("really", [True, False])
async def test_whether_a_commit_that_failed_is_there_tells_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, really: bool
) -> None:
    once = _failing_commits(monkeypatch, lambda commit: commit() if really else None)
    first, second = SharedSqliteStore(tmp_path, node="a"), SharedSqliteStore(tmp_path, node="b")
    await first.open()
    await second.open()
    once.append("fail")
    failed = False
    try:
        await first.commit([commit(5, insert(1, b"a"))])
    except StoreError as error:
        failed = "invented failure" in str(error)
    assert failed is not really
    assert _is_free(tmp_path)
    await second.commit([commit(5, insert(2, b"b"))], revise=_after)
    assert await _timestamps(second) == ([(5, "a"), (6, "b")] if really else [(5, "b")])
    await first.close()
    await second.close()


async def test_anothers_commit_of_the_same_time_is_not_taken_for_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def others_come_first(really: partial[object]) -> None:
        really.func("ROLLBACK")
        with closing(sqlite3.connect(tmp_path / "reactor.db")) as other:
            other.execute("INSERT INTO commit_log (ts, source, writes, node) VALUES (5, 'other', x'90', 'b')")
            other.execute("UPDATE meta SET value = 5 WHERE key = 'last_ts'")
            other.commit()

    once = _failing_commits(monkeypatch, others_come_first)
    first = SharedSqliteStore(tmp_path, node="a")
    await first.open()
    once.append("fail")
    with pytest.raises(StoreError, match="invented failure"):
        await first.commit([commit(5, insert(1, b"a"))])
    assert await _timestamps(first) == [(5, "b")]
    await first.close()


@pytest.mark.parametrize("overwritten", [True, False])
async def test_a_commit_whose_fsync_failed_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwritten: bool
) -> None:
    """As for a lone server. The second case shows that the test means something."""
    index = tmp_path / "reactor.db-shm"

    def write_but_do_not_tell(really: Callable[[], object]) -> None:
        known = index.read_bytes()
        really()
        with index.open("r+b") as file:
            file.write(known)

    once = _failing_commits(monkeypatch, write_but_do_not_tell)
    if not overwritten:
        monkeypatch.setitem(sqlite.STATEMENTS, "overwrite_failed_commit", Statement("nothing", "", "SELECT 1"))
    first = SharedSqliteStore(tmp_path, node="a")
    await first.open()
    await first.commit([commit(5, insert(1, b"a"))])
    await caught_up(first)
    once.append("fail")
    with pytest.raises(StoreError, match="invented failure"):
        await first.commit([commit(6, insert(2, b"b"))])
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("reactor.db", "reactor.db-wal"):
        shutil.copy(tmp_path / name, crashed)
    await first.close()
    monkeypatch.undo()
    found = SharedSqliteStore(crashed, node="b")
    await found.open()
    async with newest(found) as snapshot:
        assert snapshot.ts == (5 if overwritten else 6)
    await found.close()


# The write-ahead log


async def test_who_waits_with_a_commit_gives_it_up_for_the_others(two: Two, tmp_path: Path) -> None:
    first, second = two
    other = Gate(tmp_path / "shared")
    other.open()
    await first.commit([commit(1, insert(1, b"a"))])
    await caught_up(first)
    entry = other.enter()
    revising = Revising(lambda last, found: [])
    waiting = asyncio.create_task(second.commit([commit(1, insert(2, b"b"))], revise=revising))
    fresh = asyncio.create_task(first.commit([commit(2, insert(2, b"b"))], revise=revising))
    first._news.ask_for_renewal()
    await waiting
    assert revising.told == [(1, None)]
    assert await _timestamps(second) == [(1, "a")]
    assert not fresh.done()  # it stands where all are to stand
    other.leave(entry)
    await fresh
    assert revising.told == [(1, None)]
    other.close()


async def test_what_reads_nothing_goes_on_waiting(two: Two, tmp_path: Path) -> None:
    first, second = two
    other = Gate(tmp_path / "shared")
    other.open()
    await first.commit([commit(1, insert(1, b"a"))])
    entry = other.enter()
    asked = asyncio.Event()

    def again(last: int, found: list[LogEntry] | None) -> list[Commit]:
        asked.set()
        return _after(last, found)

    waiting = asyncio.create_task(second.commit([commit(1, insert(2, b"b"))], revise=again))
    first._news.ask_for_renewal()
    await asked.wait()
    other.leave(entry)
    await waiting
    assert await _timestamps(second) == [(1, "a"), (2, "b")]
    other.close()


PAGES = 32
BOUND = (2 * 4 * PAGES + 60) * 4120


async def test_the_wal_stays_small_beside_who_only_reads(tmp_path: Path) -> None:
    first, second = (SharedSqliteStore(tmp_path, node=node, wal_pages=PAGES) for node in "ab")
    await first.open()
    await second.open()
    heard = News(second)
    for ts in range(1, 400):
        await first.commit([commit(ts, insert(ts, b"w"))])
        await caught_up(first)
        await heard.heard()
        await caught_up(second)
    assert (tmp_path / "reactor.db-wal").stat().st_size < BOUND
    await first.close()
    await second.close()


async def test_a_snapshot_held_for_ever_does_not_stop_commits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_checkpoints, "_PATIENCE", 0.02)
    first, second = (SharedSqliteStore(tmp_path, node=node, wal_pages=PAGES) for node in "ab")
    await first.open()
    await second.open()
    held = second.acquire()
    for ts in range(1, 300):
        await first.commit([commit(ts, insert(ts, b"w"))])
        await caught_up(first)
    assert await words(held) == []
    assert (tmp_path / "reactor.db-wal").stat().st_size > BOUND
    assert 1 <= caplog.text.count("look for a slow query") <= 6
    held.release()
    await first.close()
    await second.close()
