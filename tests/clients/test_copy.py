"""Clients go on when the data of their server have moved."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.test_pages import check as check_pages
from tests.crash.test_kill import check as check_ledger
from tests.crash.test_kill import write_a_while
from tests.support.copying import NEAR, Copying
from tests.support.postgres import Postgres
from tests.support.script import node
from tests.support.server import Server

pytestmark = pytest.mark.stores("sqlite", because="copies from and to the stores that it names")


@contextmanager
def moved(server: Server, log: Path, *options: str) -> Iterator[Copying]:
    """Copies beside a server; when the block is left it is stopped, and the copy comes to its end."""
    with Copying(log, *options) as copying:
        copying.until(NEAR)
        yield copying
        assert server.stop() == 0
        assert "Both sides are equal" in copying.end()


@pytest.mark.timeout(240)
def test_npm_writers_go_on_to_postgres_and_back(tmp_path: Path, postgres: Postgres, postgres_url: str):
    data, back = tmp_path / "data", tmp_path / "back"
    on_file = Server("bank", data)
    on_postgres = Server("bank", data, port=on_file.port, environment={"REACTOR_DATABASE": postgres_url})
    on_file_again = Server("bank", back, port=on_file.port)
    with on_file, node("writer.mjs", on_file.url, ledger="l", writers=3, inFlight=8) as script:
        write_a_while(script)
        with moved(on_file, tmp_path / "there.log", "--from", f"sqlite:{data}", "--to", postgres_url):
            write_a_while(script)
        with on_postgres:
            write_a_while(script)
            before = on_postgres.timestamp()
            options = ("--from", postgres_url, "--to", f"sqlite:{back}", "--data", str(data))
            with moved(on_postgres, tmp_path / "back.log", *options):
                write_a_while(script)
            with on_file_again:
                assert on_file_again.timestamp() >= before, "timestamps go on"
                write_a_while(script)
                script.order(rest=True)
                script.next("rested")
                entries = on_file_again.query("ledger:entries", ledger="l")
                count = on_file_again.query("ledger:count", ledger="l")
                script.order(leave=True)
                script.finish()
    check_ledger(entries, count, script)


@pytest.mark.timeout(180)
def test_npm_pages_go_on_in_a_copy(tmp_path: Path):
    data, there = tmp_path / "data", tmp_path / "there"
    server = Server("chat", data)
    copy = Server("chat", there, port=server.port)
    with server:
        server.mutation("pages:fill", channel="c", count=12)
        with node("pages_client.mjs", server.url, scene="staying", channel="c") as script:
            assert script.next("loaded")["count"] == 12
            with moved(server, tmp_path / "copy.log", "--from", f"sqlite:{data}", "--to", f"sqlite:{there}"):
                server.mutation("pages:put", channel="c", position=45)
            with copy:
                for position in (3, 46, 1000):
                    copy.mutation("pages:put", channel="c", position=position)
                script.order(count=16)
                shown = script.next("shown")["positions"]
                assert shown == sorted([*range(0, 120, 10), 3, 45, 46, 1000])
                script.order(done=True)
                script.finish()
    assert "InvalidCursor" not in copy.log, "pages were not loaded anew: their cursors are still good"
    for event in script.of("render"):
        check_pages(event["items"])
