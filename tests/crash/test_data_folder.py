"""The data folder: full, taken, or written by somebody else."""

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.server import Server
from tests.support.sync_client import SyncClient

pytestmark = pytest.mark.stores("sqlite", "shared", because="breaks the SQLite file, its lock and its disk")

MEBIBYTE = 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs a small file system: run the tests as root to let them mount one")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"needs the right to mount a file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder: Path) -> Path:
    """Leave no room: a file that takes all of it."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        size = MEBIBYTE
        while size:
            try:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)
            except OSError:
                size //= 2
    return filler


def padded(number: int) -> str:
    return str(number) + " " * 100_000


async def write_until_refused(client: SyncClient) -> tuple[int, str]:
    """Write until there is no room; gives how many writes were acknowledged, and the error."""
    for number in range(1000):
        response = await client.mutation("ledger:add", ledger="l", writer="w", sequence=number, padding=padded(0))
        if not response.success:
            return number, response.result
    raise AssertionError("the disk never became full")


async def test_a_full_disk_fails_mutations_whole_and_service_resumes(small_disk: Path):
    with Server("bank", small_disk / "data", command="dev") as server:
        async with SyncClient(server.url) as client:
            query = await client.add("ledger:count", ledger="l")
            filler = fill(small_disk)
            written, error = await write_until_refused(client)
            assert "full" in error
            await client.until_result(query, written)
            async with SyncClient(server.url) as reader:
                entries = await reader.add("ledger:entries", ledger="l")
                assert len(reader.results[entries]) == written, "reads go on, and nothing is half written"
            filler.unlink()
            response = await client.mutation("ledger:add", ledger="l", writer="w", sequence=written)
            assert (response.success, response.result) == (True, written + 1)
            await client.until_result(query, written + 1)
        server.kill()
        server.start()
        assert (
            len(server.query("ledger:entries", ledger="l")) == server.query("ledger:count", ledger="l") == written + 1
        )


def refusal(server: Server) -> str:
    """Start a server that must refuse to; gives what it printed."""
    process = server.launch()
    try:
        assert process.wait(PATIENCE) != 0
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in server.log, server.log
    return " ".join(server.log.split())


def test_a_second_server_on_the_same_folder_refuses(tmp_path: Path):
    with Server("chat", tmp_path / "data") as first:
        said = refusal(Server("chat", tmp_path / "data"))
        assert "in use by another server" in said
        assert "--data" in said, "the remedy is named"
        first.mutation("messages:send", channel="c", body="undisturbed")
    with Server("chat", tmp_path / "data") as next_one:
        assert next_one.query("messages:bodies", channel="c") == ["undisturbed"]


def test_a_killed_servers_folder_is_free(tmp_path: Path):
    with Server("chat", tmp_path / "data") as first:
        first.kill()
        with Server("chat", tmp_path / "data") as second:
            assert second.query("messages:bodies", channel="c") == []


def database_of(data: Path) -> Path:
    """The database file in a data folder."""
    return next(file for file in data.iterdir() if file.is_file() and file.read_bytes()[:15] == b"SQLite format 3")


@pytest.mark.parametrize(
    ("pragma", "said"), [("user_version = 4711", "4711"), ("application_id = 7", "another program")]
)
def test_a_database_of_another_version_or_program_is_refused_untouched(tmp_path: Path, pragma: str, said: str):
    with Server("chat", tmp_path / "data") as server:
        server.mutation("messages:send", channel="c", body="kept")
    file = database_of(tmp_path / "data")
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA {pragma}")
    before = file.read_bytes()
    assert said in refusal(Server("chat", tmp_path / "data"))
    assert file.read_bytes() == before


def test_something_that_is_no_database_is_refused_untouched(tmp_path: Path):
    with Server("chat", tmp_path / "data"):
        pass
    file = database_of(tmp_path / "data")
    file.write_bytes(b"This is my diary. " * 1000)
    assert "not a database" in refusal(Server("chat", tmp_path / "data"))
    assert file.read_bytes() == b"This is my diary. " * 1000
