"""What only the SQLite store promises: its file, its lock, its write-ahead log."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from reactor.errors import StoreError, StoreLocked, StoreVersion
from reactor.store import checkpoints, file_format, lock, sqlite, writer
from reactor.store.file_format import APPLICATION_ID, FORMAT
from reactor.store.seam import Commit, IndexRecord
from reactor.store.snapshots import SqliteSnapshot
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
    newest,
    update,
    words,
)
from tests.support.patience import PATIENCE

# The format


def _change(folder: Path, sql: str) -> None:
    connection = sqlite3.connect(folder / "reactor.db")
    connection.execute(sql)
    connection.commit()
    connection.close()


async def _made(folder: Path) -> None:
    store = SqliteStore(folder)
    await store.open()
    await store.close()


async def test_the_file_says_whose_it_is(tmp_path: Path) -> None:
    await _made(tmp_path / "new" / "folder")
    connection = sqlite3.connect(tmp_path / "new" / "folder" / "reactor.db")
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    connection.close()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (f"PRAGMA user_version = {FORMAT + 1}", f"has file format {FORMAT + 1}.*supports 1 to {FORMAT}"),
        ("PRAGMA user_version = 0", "has file format 0"),
        ("PRAGMA application_id = 77", "another program"),
    ],
)
async def test_a_file_of_another_format_is_refused_untouched(tmp_path: Path, change: str, told: str) -> None:
    await _made(tmp_path)
    _change(tmp_path, change)
    before = (tmp_path / "reactor.db").read_bytes()
    store = SqliteStore(tmp_path)
    for _ in range(2):
        with pytest.raises(StoreVersion, match=told):
            await store.open()
    assert (tmp_path / "reactor.db").read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path) -> None:
    text = b"Dear diary, " * 1000
    (tmp_path / "reactor.db").write_bytes(text)
    with pytest.raises(StoreVersion, match="not a database"):
        await SqliteStore(tmp_path).open()
    assert (tmp_path / "reactor.db").read_bytes() == text


async def test_a_failed_start_waits_for_its_thread(tmp_path: Path) -> None:
    connection = writer.ThreadConnection(tmp_path / "reactor.db")
    loop, gate, released = asyncio.get_running_loop(), threading.Event(), False

    def release(turns: int) -> None:
        nonlocal released
        if turns:
            loop.call_soon(release, turns - 1)
        else:
            released = True
            gate.set()

    def fails() -> Any:
        connection._tx.put_nowait((None, gate.wait))  # stands before the thread's end
        loop.call_soon_threadsafe(release, 20)
        raise sqlite3.DatabaseError("not today")

    connection._connector = fails
    with pytest.raises(StoreError, match="not today"):
        await connection.start()
    assert released


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    _change(tmp_path, "CREATE TABLE recipes (name TEXT)")
    with pytest.raises(StoreVersion, match="another program"):
        await SqliteStore(tmp_path).open()


def test_migrating_equals_a_fresh_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = file_format.connect(tmp_path / "fresh.db", reader=False)
    file_format.prepare(fresh, tmp_path / "fresh.db")
    migrations = file_format._MIGRATIONS
    # As the first version would have installed it, then opened by this one.
    monkeypatch.setattr(file_format, "FORMAT", 1)
    migrated = file_format.connect(tmp_path / "migrated.db", reader=False)
    file_format._run(migrated, migrations[:1])
    monkeypatch.undo()
    file_format.prepare(migrated, tmp_path / "migrated.db")
    assert _dump(migrated) == _dump(fresh)
    assert [int(file.name[:3]) for file in migrations] == list(range(1, FORMAT + 1))
    fresh.close()
    migrated.close()


async def test_a_file_of_format_1_keeps_its_indexes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_format, "FORMAT", 1)
    connection = file_format.connect(tmp_path / "reactor.db", reader=False)
    connection.execute("PRAGMA journal_mode = WAL")
    file_format._run(connection, file_format._MIGRATIONS[:1])
    connection.execute("INSERT INTO tables VALUES (10001, 'words', 1, 2)")
    connection.execute("INSERT INTO indexes VALUES (3, 10001, 'by_word', '[\"word\"]', 0), (4, 10001, 'x', '[]', 1)")
    connection.close()
    monkeypatch.undo()
    store = SqliteStore(tmp_path)
    await store.open()
    assert (store.tables, store.indexes, store.shapes) == ([TABLE], [BY_WORD], {})
    await store.prune(log_before=0, outcomes_before=0, limit=9)
    await store.close()
    connection = sqlite3.connect(tmp_path / "reactor.db")
    assert connection.execute("SELECT id, is_unique, dropped FROM indexes").fetchall() == [(3, 0, 0)]
    connection.close()


def _dump(connection: sqlite3.Connection) -> list[object]:
    """All that is in a file. SQLite puts a column that was added on the line of the last one."""
    marks = [connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")]
    return [*marks, *(re.sub(r"\s*([,)])\s*", r"\1 ", line) for line in connection.iterdump())]


async def test_an_older_format_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await _made(tmp_path)
    later = tmp_path / "002_later.sql"
    later.write_text("CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT;")
    monkeypatch.setattr(file_format, "_MIGRATIONS", [*file_format._MIGRATIONS, later])
    monkeypatch.setattr(file_format, "FORMAT", FORMAT + 1)
    await _made(tmp_path)
    _change(tmp_path, "INSERT INTO later VALUES (1)")
    later.write_text("CREATE TABLE other (id INTEGER); CREATE TABLE broken (;")
    monkeypatch.setattr(file_format, "_MIGRATIONS", [*file_format._MIGRATIONS, later])
    monkeypatch.setattr(file_format, "FORMAT", FORMAT + 2)
    with pytest.raises(StoreError, match="syntax error"):
        await _made(tmp_path)
    connection = sqlite3.connect(tmp_path / "reactor.db")
    assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT + 1,)
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'other'").fetchone() == (0,)
    connection.close()


# The lock


async def test_a_second_server_is_refused_and_told_who_has_the_folder(tmp_path: Path) -> None:
    first, second = SqliteStore(tmp_path), SqliteStore(tmp_path)
    await first.open()
    with pytest.raises(StoreLocked, match=rf"{tmp_path}.*process {os.getpid()}"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()


HOLD_THE_LOCK = """
import sys
from pathlib import Path
from reactor.store.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.acquire()
print("has it", flush=True)
sys.stdin.read()
"""


def test_a_killed_owner_leaves_the_folder_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "has it\n"
        with pytest.raises(StoreLocked, match=f"process {owner.pid}"):
            asyncio.run(_made(tmp_path))
        owner.kill()
    asyncio.run(_made(tmp_path))


LEAVE_THE_LOCK = """
import subprocess, sys
from pathlib import Path
from reactor.store.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.acquire()
subprocess.Popen(["cat"], pass_fds=[lock.descriptor], stdin=int(sys.argv[2]))
"""


def test_what_the_owner_has_started_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    command = [sys.executable, "-c", LEAVE_THE_LOCK, str(tmp_path), str(ours)]
    with subprocess.Popen(command, pass_fds=[ours]) as owner:
        assert owner.wait() == 0
    os.close(ours)
    monkeypatch.setattr(lock, "_SECONDS_TO_END", 0.0)
    with pytest.raises(StoreLocked, match=f"process {owner.pid}"):
        asyncio.run(_made(tmp_path))
    monkeypatch.setattr(lock, "_SECONDS_TO_END", PATIENCE)
    os.close(theirs)  # ends it
    asyncio.run(_made(tmp_path))


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot make the folder"):
        await SqliteStore(tmp_path / "file" / "data").open()


# Failing commits


async def test_a_writer_from_outside_is_noticed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    _change(tmp_path, "UPDATE meta SET value = 3 WHERE key = 'last_ts'")
    with pytest.raises(StoreError, match="another program wrote"):
        await store.commit([commit(5, insert(1, b"a"))])
    async with newest(store) as snapshot:
        assert snapshot.ts == 0
    await store.close()


def _failing_commits(monkeypatch: pytest.MonkeyPatch, commit: Callable[[Callable[[], object]], object]) -> list[str]:
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
        writer, "connect", lambda file, **_: sqlite3.connect(file, isolation_level=None, factory=FailingConnection)
    )
    return once


async def test_a_commit_that_fails_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = _failing_commits(monkeypatch, lambda really: None)
    store = SqliteStore(tmp_path)
    await store.open()
    once.append("fail")
    with pytest.raises(StoreError, match="invented failure"):
        await store.commit([commit(5, insert(1, b"a"))])
    await commit_and_advance(store, commit(6, insert(2, b"b")))
    async with newest(store) as snapshot:
        assert await words(snapshot) == entries((b"b", 2))
    await store.close()


async def test_a_commit_that_fails_and_is_there_has_succeeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = _failing_commits(monkeypatch, lambda really: really())
    store = SqliteStore(tmp_path)
    await store.open()
    once.append("fail")
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    async with newest(store) as snapshot:
        assert await words(snapshot) == entries((b"a", 1))
    await store.close()


@pytest.mark.parametrize("overwritten", [True, False])
async def test_a_commit_whose_fsync_failed_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwritten: bool
) -> None:
    """Its pages are in the WAL, and only the index in shared memory does not know of them. A crash loses that index.

    Without the overwriting (the second case) the commit does come back, which shows that the test means something.
    """
    shared = tmp_path / "reactor.db-shm"

    def write_but_do_not_tell(really: Callable[[], object]) -> None:
        known = shared.read_bytes()
        really()
        with shared.open("r+b") as file:
            file.write(known)

    once = _failing_commits(monkeypatch, write_but_do_not_tell)
    if not overwritten:
        monkeypatch.setitem(sqlite.STATEMENTS, "overwrite_failed_commit", Statement("nothing", "", "SELECT 1"))
    store = SqliteStore(tmp_path)
    await store.open()
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    once.append("fail")
    with pytest.raises(StoreError, match="invented failure"):
        await store.commit([commit(6, insert(2, b"b"))])
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("reactor.db", "reactor.db-wal"):
        shutil.copy(tmp_path / name, crashed)
    await store.close()
    monkeypatch.undo()
    store = SqliteStore(crashed)
    await store.open()
    async with newest(store) as snapshot:
        assert snapshot.ts == (5 if overwritten else 6)
        assert await words(snapshot) == entries((b"a", 1), *([] if overwritten else [(b"b", 2)]))
    await store.close()


async def test_a_commit_nobody_waits_for_any_more_counts(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    task = asyncio.create_task(store.commit([commit(5, insert(1, b"a"))]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await commit_and_advance(store, commit(6, insert(2, b"b")))
    async with newest(store) as snapshot:
        assert await words(snapshot) == entries((b"a", 1), (b"b", 2))
    await store.close()


# Snapshots


async def test_a_snapshot_is_not_read_after_its_release(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    snapshot = store.acquire()
    snapshot.release()
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    with pytest.raises(StoreError, match="after its release"):
        await snapshot.get(["x"])
    await store.close()


async def test_closing_with_snapshots_held_is_no_trouble(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    older = store.acquire()
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    current = store.acquire()
    await store.close()
    older.release()
    current.release()
    assert sorted(os.listdir(tmp_path)) == ["lock", "reactor.db"]


END_BY_AN_ERROR = """
import asyncio, sys
from pathlib import Path
from reactor.store.sqlite import SqliteStore
async def main():
    await SqliteStore(Path(sys.argv[1])).open()
    raise SystemExit(7)
asyncio.run(main())
"""


def test_a_store_left_open_does_not_keep_the_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", END_BY_AN_ERROR, str(tmp_path)]
    assert subprocess.run(command, timeout=30, capture_output=True).returncode == 7


# Indexes


async def test_what_an_unfinished_index_left_is_removed(tmp_path: Path) -> None:
    index = IndexRecord(9, TABLE.number, "unfinished", ("word",))
    store = SqliteStore(tmp_path)
    await store.open()
    await store.commit([Commit(4, [insert(1, b"a"), insert(2, b"b")], "system", None, [TABLE], [BY_WORD])])
    await store.fill_index(index, entries((b"x", 1), (b"y", 2)), as_of=4)
    await store.close()
    await store.open()
    assert (store.indexes, store.last_index) == ([BY_WORD], 9)
    assert await store.prune(log_before=0, outcomes_before=0, limit=99) == 3
    await commit_and_advance(store, commit(5))
    async with newest(store) as snapshot:
        assert await snapshot.scan(index.id, b"", b"\xff", reverse=False, limit=9) == []
        assert await words(snapshot) == entries((b"a", 1), (b"b", 2))
    assert await store.prune(log_before=0, outcomes_before=0, limit=99) == 0
    await store.close()


# The write-ahead log. A page and its header are 4120 bytes; a commit of the tests dirties fewer than 20.

PAGES = 32
BOUND = (4 * PAGES + 20) * 4120


def _wal_size(folder: Path) -> int:
    return (folder / "reactor.db-wal").stat().st_size


async def _write_much(store: SqliteStore, commits: int) -> None:
    await commit_and_advance(store, commit(1, insert(1, b"1")))
    for ts in range(2, commits):
        await commit_and_advance(store, commit(ts, update(1, b"%d" % (ts - 1), b"%d" % ts), insert(ts, b"x")))


async def test_the_wal_stays_small(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, wal_pages=PAGES)
    await store.open()
    await _write_much(store, 2000)
    assert _wal_size(tmp_path) < BOUND
    await store.close()


async def test_the_wal_stays_small_when_snapshots_are_always_held(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, wal_pages=PAGES)
    await store.open()
    writing = asyncio.create_task(_write_much(store, 1000))

    async def read_all_the_time() -> None:
        snapshot = store.acquire()
        while not writing.done():
            for _ in range(5):
                await asyncio.sleep(0)
            snapshot, old = store.acquire(), snapshot
            old.release()
        snapshot.release()

    await asyncio.gather(writing, read_all_the_time(), read_all_the_time())
    assert _wal_size(tmp_path) < BOUND
    await store.close()


async def test_commits_that_are_large_wait_for_a_slow_disk_and_not_for_readers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is larger than what is copied at a time. They used to go on past the copying, and the log grew for good."""
    monkeypatch.setattr(checkpoints, "_PATIENCE", 0)
    store = SqliteStore(tmp_path, wal_pages=4)
    await store.open()
    for ts in range(1, 60):
        await commit_and_advance(store, commit(ts, *[insert(1000 * ts + n, b"x" * 200) for n in range(50)]))
    assert _wal_size(tmp_path) < 60 * 4120
    assert "look for a slow query" not in caplog.text
    await store.close()


async def test_a_snapshot_held_for_ever_does_not_stop_commits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = SqliteStore(tmp_path, wal_pages=PAGES)
    await store.open()
    held = store.acquire()
    await _write_much(store, 400)
    assert await words(held) == []
    assert _wal_size(tmp_path) > BOUND
    # A commit waited each time the log had doubled, and no more often.
    assert 1 <= caplog.text.count("look for a slow query") <= 6
    held.release()
    await commit_and_advance(store, commit(401, insert(401, b"x")))
    for ts in range(402, 600):
        await commit_and_advance(store, commit(ts, insert(ts, b"x")))
    assert _wal_size(tmp_path) < BOUND
    await store.close()


async def test_upkeep_does_not_grow_the_wal(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, wal_pages=PAGES)
    await store.open()
    index = IndexRecord(9, TABLE.number, "big", ("word",))
    await commit_and_advance(store, commit(1, *(insert(number, b"x") for number in range(500))))
    for page in range(40):
        many = ((b"%d" % (page * 500 + number) * 20, number) for number in range(500))
        await store.fill_index(index, entries(*many), as_of=1)
    assert _wal_size(tmp_path) < BOUND
    await store.close()
    assert not (tmp_path / "reactor.db-wal").exists()


# Statements


@pytest.mark.parametrize("name", sorted(sqlite.STATEMENTS))
async def test_no_statement_goes_through_a_whole_table(tmp_path: Path, name: str) -> None:
    """However many rows it is for: what a commit takes must not grow with what is stored."""
    store = SqliteStore(tmp_path)
    await store.open()
    await store.close()
    statement = sqlite.STATEMENTS[name]
    with closing(sqlite3.connect(tmp_path / "reactor.db")) as connection:
        for sql in [statement.sized(rows) for rows in (1, 2, 5, 64)] if statement.width else [statement.sql]:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?")).fetchall()
            scans = [line for *_, line in plan if re.match("SCAN (documents|index_entries|commit_log|outcomes)", line)]
            assert scans == []


async def test_entries_that_go_are_all_gone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    await commit_and_advance(store, commit(1, *[insert(number, b"x") for number in range(300)]))
    await commit_and_advance(store, commit(2, *[delete(number, b"x") for number in range(0, 300, 2)]))
    snapshot = store.acquire()
    left = await snapshot.scan_ids("", "~", reverse=False, limit=1_000)
    found = await snapshot.scan(BY_WORD.id, b"", b"\xff", reverse=False, limit=1_000)
    assert len(left) == 150
    assert sorted(id for _, id in found) == left
    snapshot.release()
    await store.close()


async def test_pages_in_memory_are_bounded(tmp_path: Path) -> None:
    """SQLite counts kibibytes as negative numbers."""
    store = SqliteStore(tmp_path, page_cache=2**20)
    await store.open()
    reader = cast(SqliteSnapshot, store.acquire())._connection
    assert reader is not None
    assert reader.execute("PRAGMA cache_size").fetchone() == (-256,)
    kept = await store._writer.run(lambda connection: connection.execute("PRAGMA cache_size").fetchone())
    assert kept == (-1024,)
    await store.close()
