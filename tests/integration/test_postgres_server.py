"""A server process whose documents are in PostgreSQL."""

import asyncio
import subprocess
import uuid
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE, until
from tests.support.postgres import Postgres, database_of, postgres_server
from tests.support.server import Server
from tests.support.sync_client import LOST, SyncClient

PASSWORD = "kept-to-itself"


@pytest.fixture
def server(postgres: Postgres, postgres_url: str, tmp_path: Path) -> Server:
    return _server(postgres, database_of(postgres_url), tmp_path / "data")


def _server(postgres: Postgres, database: str, data: Path) -> Server:
    url = postgres.url(database, password=PASSWORD, tcp=True)
    return Server("bank", data, environment={"REACTOR_DATABASE": url, "REACTOR_LOG_LEVEL": "debug"})


async def _add(client: SyncClient, writer: str, number: int) -> None:
    for sequence in range(number):
        response = await client.mutation("ledger:add", ledger="all", writer=writer, sequence=sequence)
        assert response.success, response


async def test_many_writers_and_one_counter_end_exact_and_outlive_a_kill(server: Server) -> None:
    with server:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(SyncClient(server.url)) for _ in range(16)]
            watcher = await stack.enter_async_context(SyncClient(server.url))
            count = await watcher.add("ledger:count", ledger="all")
            await asyncio.gather(*(_add(client, f"w{number}", 10) for number, client in enumerate(clients)))
            await watcher.until_result(count, 160)
        server.kill()
        server.start()
        assert server.query("ledger:count", ledger="all") == 160
        entries = server.query("ledger:entries", ledger="all")
        assert sorted((writer, sequence) for writer, sequence, _ in entries) == sorted(
            (f"w{number}", sequence) for number in range(16) for sequence in range(10)
        )
        assert server.stop() == 0
    assert PASSWORD not in server.log
    assert "database   postgresql://postgres@127.0.0.1:" in server.log


async def test_a_database_that_stops_and_comes_back_is_lived_through(tmp_path: Path) -> None:
    with (
        postgres_server() as postgres,
        postgres.database() as name,
        _server(postgres, name, tmp_path / "data") as server,
    ):
        async with SyncClient(server.url) as client:
            await _add(client, "before", 3)
            count = await client.add("ledger:count", ledger="all")
            await client.until_result(count, 3)
            adding = asyncio.ensure_future(_add_through_all(server.url, 40))
            await asyncio.to_thread(postgres.restart)
            await adding
            await client.until_result(count, 3 + 40)
            assert server.query("ledger:count", ledger="all") == 3 + 40
            assert len(server.query("ledger:entries", ledger="all")) == 3 + 40


async def _add_through_all(url: str, number: int) -> None:
    """Add entries as a client does that connects again and sends again what was not answered."""
    session, sequence = str(uuid.uuid4()), 0
    async with asyncio.timeout(PATIENCE * 2):
        while sequence < number:
            try:
                async with SyncClient(url, session=session) as client:
                    while sequence < number:
                        arguments = {"ledger": "all", "writer": "meanwhile", "sequence": sequence}
                        response = await client.request("Mutation", "ledger:add", arguments, request_id=sequence)
                        assert response.success, response
                        sequence += 1
            except LOST:
                continue


def _refused(server: Server) -> str:
    """Starts a server that cannot begin; gives what it prints."""
    process = server.launch()
    assert process.wait(PATIENCE) == 1
    until(lambda: server.log.strip())
    assert "Traceback" not in server.log
    assert PASSWORD not in server.log
    return " ".join(server.log.split())


async def test_a_database_has_many_servers(
    server: Server, postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    others = [_server(postgres, database_of(postgres_url), tmp_path / f"other{number}") for number in range(2)]
    with ExitStack() as running:
        servers = [running.enter_context(each) for each in (server, *others)]
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(SyncClient(each.url)) for each in servers]
            counts = [await client.add("ledger:count", ledger="all") for client in clients]
            await asyncio.gather(*(_add(client, f"w{number}", 10) for number, client in enumerate(clients)))
            for client, count in zip(clients, counts, strict=True):
                await client.until_result(count, 30)
            servers[0].kill()
            await _add(clients[1], "after", 5)
            await clients[2].until_result(counts[2], 35)
            servers[0].start()
            assert servers[0].query("ledger:count", ledger="all") == 35


def test_a_folder_has_one_server(server: Server, postgres: Postgres, postgres_url: str) -> None:
    with server:
        told = _refused(_server(postgres, database_of(postgres_url), server.data))
        assert "data folder" in told


def test_a_database_that_cannot_be_reached_is_told_in_a_line(postgres: Postgres, tmp_path: Path) -> None:
    told = _refused(_server(postgres, "nobodys", tmp_path / "data"))
    assert 'database "nobodys" does not exist' in told
    assert "make it with createdb" in told


def test_an_address_that_is_none_is_not_repeated(tmp_path: Path) -> None:
    server = Server("bank", tmp_path / "data", environment={"REACTOR_DATABASE": f"mysql://ann:{PASSWORD}@host/lists"})
    assert "database is a value that cannot be one (environment variable REACTOR_DATABASE)" in _refused(server)


def test_a_function_is_run_without_a_server(server: Server) -> None:
    program, _, app, *_ = server.arguments
    command = [program, "run", "ledger:add", '{"ledger": "all", "writer": "w", "sequence": 1}', "--dir", app]
    with server:
        ran = subprocess.run(
            [*command, "--data", str(server.data)], capture_output=True, text=True, env=server.process_environment
        )
        assert (ran.returncode, ran.stdout.strip()) == (0, "1"), ran.stderr
        server.stop()
        ran = subprocess.run(
            [*command, "--data", str(server.data)], capture_output=True, text=True, env=server.process_environment
        )
        assert (ran.returncode, ran.stdout.strip()) == (0, "2"), ran.stderr
        server.start()
        assert server.query("ledger:count", ledger="all") == 2
