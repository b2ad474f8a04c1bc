"""What is particular to a folder."""

import asyncio
import os
import resource
import signal
import stat
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reactor.errors import StoreError, StoreFull
from reactor.files.link_key import link_key
from reactor.files.local import LocalFiles
from reactor.files.threads import shut_down, threads
from tests.integration.files.test_contract import name, names, put

MIB = 2**20


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalFiles]:
    store = LocalFiles(tmp_path / "files")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def little_room() -> Iterator[None]:
    """Files cannot grow beyond 300 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


async def test_nobody_else_may_read(local: LocalFiles, tmp_path: Path) -> None:
    await put(local, 1, b"x")
    folder = tmp_path / "files"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {"files": 0o700, "arriving": 0o700, "key": 0o600, name(1): 0o600}


async def test_what_was_arriving_when_a_server_died_is_gone(tmp_path: Path) -> None:
    arriving = tmp_path / "files" / "arriving"
    arriving.mkdir(parents=True)
    (arriving / "half").write_bytes(b"half a file")
    store = LocalFiles(tmp_path / "files")
    await store.open()
    assert list(arriving.iterdir()) == []
    await store.close()


async def test_a_process_that_begins_spares_what_another_one_is_writing(local: LocalFiles, tmp_path: Path) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield bytes(2 * MIB)  # large enough to be written at once
        begun.set()
        await go_on.wait()
        yield b"the rest"

    arriving = tmp_path / "files" / "arriving"
    writing = asyncio.create_task(local.put(name(1), pieces(), lambda _: None))
    await begun.wait()
    (arriving / "half").write_bytes(b"of one that has died")
    other = LocalFiles(tmp_path / "files")
    await other.open()
    assert len(list(arriving.iterdir())) == 1
    assert other.key == local.key
    go_on.set()
    stored = await writing
    opened = await other.read(name(1))
    assert opened is not None
    assert opened.size == stored.size == 2 * MIB + 8
    opened.close()
    await other.close()
    assert list(arriving.iterdir()) == []


async def test_a_file_that_is_read_may_be_deleted(local: LocalFiles) -> None:
    await put(local, 1, b"ab", b"cd")
    opened = await local.read(name(1))
    assert opened is not None
    await local.delete([name(1)])
    assert b"".join([piece async for piece in opened.pieces(1, 2)]) == b"bc"
    opened.close()


@pytest.mark.parametrize("bad", ["../key", "key", "arriving", "", "a/b", "UPPER" * 7, f"{name(1)}/x", f"{name(1)}\n"])
async def test_a_name_that_is_no_id_is_never_a_path(local: LocalFiles, bad: str) -> None:
    with pytest.raises(ValueError, match="no name of a file"):
        await local.read(bad)
    with pytest.raises(ValueError, match="no name of a file"):
        await local.delete([bad])


async def test_a_full_disk_is_an_error_that_says_so_and_leaves_nothing(local: LocalFiles, little_room: None) -> None:
    with pytest.raises(StoreFull, match="no room on the disk"):
        await put(local, 1, b"x" * 400_000)
    assert await names(local) == set()
    await put(local, 2, b"x" * 200_000)
    assert await names(local) == {name(2)}


async def test_a_key_that_was_cut_is_refused(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "key").write_bytes(b"short")
    store = LocalFiles(tmp_path / "files")
    with pytest.raises(StoreError, match="not the key of links"):
        await store.open()


async def test_all_that_begin_at_once_have_one_key(tmp_path: Path) -> None:
    """Each makes links that the others have to know."""
    count = 8
    for folder in (tmp_path / str(number) for number in range(10)):
        folder.mkdir()
        together = threading.Barrier(count)

        def begin(file: Path, together: threading.Barrier = together) -> bytes:
            together.wait()
            return link_key(file)

        with ThreadPoolExecutor(count) as pool:
            keys = set(pool.map(begin, [folder / "key"] * count))
        assert keys == {(folder / "key").read_bytes()}


async def test_a_file_that_was_cut_is_not_given_as_whole(local: LocalFiles, tmp_path: Path) -> None:
    await put(local, 1, b"x" * 1000)
    opened = await local.read(name(1))
    assert opened is not None
    (tmp_path / "files" / name(1)).write_bytes(b"x")
    with pytest.raises(StoreError, match="shorter than it was"):
        _ = [piece async for piece in opened.pieces(0, 1000)]
    opened.close()


async def test_a_store_that_is_closed_takes_nothing(tmp_path: Path) -> None:
    store = LocalFiles(tmp_path / "files")
    await store.open()
    await store.close()
    with pytest.raises(StoreError, match="stopping"):
        await put(store, 1, b"x")


async def test_a_large_file_becomes_durable_a_little_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the commits of the database wait behind a gigabyte."""
    files, sizes = LocalFiles(tmp_path / "files"), list[int]()

    def watch(call: str) -> None:
        flush = getattr(os, call)

        def watched(descriptor: int) -> None:
            sizes.append(os.fstat(descriptor).st_size)
            flush(descriptor)

        monkeypatch.setattr(os, call, watched)

    await files.open()
    for call in ("fdatasync", "fsync"):
        if hasattr(os, call):
            watch(call)
    await put(files, 1, *[b"x" * (MIB // 4)] * 10)
    await files.close()
    assert sizes[:3] == [MIB, 2 * MIB, 2.5 * MIB]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
async def test_threads_of_files_leave_the_processor_to_others() -> None:
    pool = threads(1)
    nice = await asyncio.get_running_loop().run_in_executor(pool, lambda: os.nice(0))
    await shut_down(pool)
    assert nice > os.nice(0)
