"""A disk without room: nothing is half written, reading goes on, and writing too as soon as there is room again."""

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reactor.errors import StoreFull
from reactor.store.sqlite import SqliteStore
from tests.integration.store.rows import SESSION, commit, doc_id, insert, newest, words

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB, half of it taken by the file `ballast`."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount") or "mount"
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting a small tmpfs needs root and the right to mount: {done.stderr.strip()}")
    (disk / "ballast").write_bytes(bytes(2 * MIB))
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as a quota would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def _fill(store: SqliteStore, ts: int) -> int:
    """Commits until there is no room; returns the last timestamp that was acknowledged."""
    for _ in range(1000):
        batch = [commit(ts + more, insert(ts + more, b"x" * 10_000), request=ts + more) for more in range(1, 9)]
        try:
            await store.commit(batch)
        except StoreFull as error:
            assert "free some space" in str(error)
            return ts
        ts = batch[-1].ts
        store.advance(ts)
    raise AssertionError("the disk is larger than expected")


async def _check(store: SqliteStore, last: int) -> None:
    async with newest(store) as snapshot:
        assert snapshot.ts == last
        ids = await snapshot.scan_ids("", "z", reverse=False, limit=10**6)
        assert ids == [doc_id(ts) for ts in range(1, last + 1)]
        assert len(await words(snapshot, limit=10**6)) == last
        assert await snapshot.last_request(SESSION) == (last or -1)


@pytest.mark.parametrize("wal_pages", [16, 4096])
async def test_a_full_disk(small_disk: Path, wal_pages: int) -> None:
    store = SqliteStore(small_disk / "data", wal_pages=wal_pages)
    await store.open()
    last = await _fill(store, 0)
    assert await _fill(store, last) == last
    await _check(store, last)
    (small_disk / "ballast").unlink()
    further = await _fill(store, last)
    assert further > last
    await _check(store, further)
    await store.close()
    await store.open()
    await _check(store, further)
    await store.close()


async def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    with files_limited_to(MIB):
        last = await _fill(store, 0)
        await _check(store, last)
    with files_limited_to(2 * MIB):
        further = await _fill(store, last)
    assert further > last
    await _check(store, further)
    await store.close()
    await store.open()
    await _check(store, further)
    await store.close()


async def test_no_room_for_a_new_database(small_disk: Path) -> None:
    (small_disk / "more").write_bytes(bytes(2 * MIB - 12_288))
    store = SqliteStore(small_disk / "data")
    with pytest.raises(StoreFull):
        await store.open()
    (small_disk / "ballast").unlink()
    await store.open()
    await store.close()
