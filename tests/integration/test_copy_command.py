"""`reactor copy` from the outside: what moves, what is said, and what is refused."""

import hashlib
from pathlib import Path

import httpx
import pytest

from tests.support.copying import NEAR, Copying
from tests.support.postgres import Postgres, database_of
from tests.support.server import Server
from tests.support.sync_client import SyncClient

pytestmark = pytest.mark.stores("sqlite", because="copies from and to the stores that it names")

PASSWORD = "kept-to-itself"


def key_of(data: Path) -> str:
    return (data / "admin_key").read_text()


def upload(server: Server, content: bytes) -> str:
    response = httpx.post(server.mutation("pictures:upload_url"), content=content)
    assert response.status_code == 200, response.text
    return response.json()["storageId"]


def test_files_keys_and_links_come_along(tmp_path: Path) -> None:
    data, there = tmp_path / "data", tmp_path / "there"
    server = Server("gallery", data)
    copy = Server("gallery", there, port=server.port)
    (data / "shared").mkdir(parents=True)
    (data / "shared" / "turn").touch()
    (data / "nodes").mkdir()
    (data / "nodes" / "one").touch()
    with server:
        early = upload(server, b"early")
        link = server.query("pictures:url", file=early)
        with Copying(
            tmp_path / "copy.log", "--dir", str(server.app), "--data", str(data), "--to", f"sqlite:{there}"
        ) as run:
            run.until(NEAR)
            late = upload(server, b"late" * 1_000_000)
            server.stop()
            said = run.end()
    assert f"Start on it with:  reactor start --data {there}" in said
    assert (there / "admin_key").stat().st_mode & 0o777 == 0o600
    assert (there / "files").stat().st_mode & 0o777 == 0o700
    assert key_of(there) == key_of(data)
    assert {path.name for path in there.iterdir()} == {"admin_key", "files", "lock", "reactor.db"}
    with copy:
        assert httpx.get(link).content == b"early", "an address of a file from before"
        assert sorted(copy.query("pictures:rows")) == sorted([early, late])
        content = httpx.get(copy.query("pictures:url", file=late)).content
        assert hashlib.sha256(content).digest() == hashlib.sha256(b"late" * 1_000_000).digest()


async def test_outcomes_and_history_come_along(tmp_path: Path, postgres: Postgres, postgres_url: str) -> None:
    data = tmp_path / "data"
    url = postgres.url(database_of(postgres_url), password=PASSWORD, tcp=True)
    server = Server("bank", data)
    copy = Server("bank", data, environment={"REACTOR_DATABASE": url})
    with server:
        async with SyncClient(server.url) as client:
            add = {"ledger": "all", "writer": "w", "sequence": 1}
            first = await client.request("Mutation", "ledger:add", add, request_id=7)
        moment = server.post("/api/query_ts", b"")[1]["ts"]
        server.mutation("ledger:add", ledger="all", writer="w", sequence=2)
        entries = server.query("ledger:entries", ledger="all")
        server.stop()
    with Copying(tmp_path / "copy.log", "--from", f"sqlite:{data}", environment={"REACTOR_COPY_TO": url}) as run:
        said = run.end()
    assert "REACTOR_DATABASE=... reactor start" in said
    with copy:
        async with SyncClient(copy.url, session=client.session) as again:
            assert await again.request("Mutation", "ledger:add", add, request_id=7) == first
        assert copy.query("ledger:entries", ledger="all") == entries
        body = {"path": "ledger:count", "args": {"ledger": "all"}, "ts": moment, "format": "convex_encoded_json"}
        status, answer = copy.post("/api/query_at_ts", body)
        assert (status, answer["value"]) == (200, 1)
        with Copying(tmp_path / "again.log", "--from", f"sqlite:{data}", "--to", url) as run:
            assert "is in use by" in " ".join(run.end(1).split())
    assert PASSWORD not in said + run.said + copy.log


def test_without_waiting_it_says_what_to_do(tmp_path: Path) -> None:
    data, there = tmp_path / "data", tmp_path / "there"
    options = ("--from", f"sqlite:{data}", "--to", f"sqlite:{there}")
    server, copy = Server("bank", data), Server("bank", there)
    with server:
        server.mutation("ledger:add", ledger="all", writer="w", sequence=1)
        with Copying(tmp_path / "one.log", *options, "--no-wait") as run:
            assert f"Stop whatever serves sqlite:{data}, then give the same command again." in run.end()
        process = copy.launch()
        assert process.wait(60) == 1
        assert "is a copy that is not complete" in " ".join(copy.log.split())
        server.mutation("ledger:add", ledger="all", writer="w", sequence=2)
        server.kill()
    with Copying(tmp_path / "two.log", *options, "--no-check") as run:
        assert "The copy is complete.\n" in run.end()
    with copy:
        assert copy.query("ledger:count", ledger="all") == 2


def test_several_workers_are_followed_and_take_the_copy_on(tmp_path: Path) -> None:
    data, there = tmp_path / "data", tmp_path / "there"
    server = Server("bank", data, options=["--workers", "2"])
    copy = Server("bank", there, options=["--workers", "2"])
    with server:
        server.mutation("ledger:add", ledger="all", writer="w", sequence=0)
        with Copying(tmp_path / "copy.log", "--from", f"sqlite:{data}", "--to", f"sqlite:{there}") as run:
            run.until(NEAR)
            for sequence in range(1, 20):
                server.mutation("ledger:add", ledger="all", writer="w", sequence=sequence)
            assert run.process.poll() is None, "workers hold the lock of their folder"
            server.stop()
            run.end()
    assert {path.name for path in there.iterdir()} == {"admin_key", "files", "lock", "reactor.db"}
    with copy:
        copy.mutation("ledger:add", ledger="all", writer="w", sequence=20)
        assert [sequence for _, sequence, _ in copy.query("ledger:entries", ledger="all")] == list(range(21))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--to", "mysql://ann:kept-to-itself@host/x"], "--to is no address of a database. Write it like sqlite:"),
        (["--from", "sqlite:here", "--to", "sqlite:here"], "--from and --to are the same place"),
        (["--from", "sqlite:nowhere", "--to", "sqlite:there"], "there is no database in"),
        (["--to", "sqlite:there", "--to-data", "other"], "--to-data goes with --to postgresql://... only"),
        (
            ["--to", "postgresql://ann:kept-to-itself@127.0.0.1:1/x"],
            "connecting failed at postgresql://ann@127.0.0.1:1/x",
        ),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line(tmp_path: Path, options: list[str], said: str) -> None:
    data = tmp_path / ".reactor"
    with Server("bank", data):
        pass
    with Copying(tmp_path / "copy.log", *options) as run:
        told = " ".join(run.end(1).split())
    assert said in told
    assert PASSWORD not in told


def test_a_key_of_the_targets_own_is_not_written_over(tmp_path: Path) -> None:
    data, there = tmp_path / "data", tmp_path / "there"
    with Server("bank", data):
        pass
    there.mkdir()
    (there / "admin_key").write_text("another")
    with Copying(tmp_path / "copy.log", "--from", f"sqlite:{data}", "--to", f"sqlite:{there}") as run:
        assert "is another key than" in " ".join(run.end(1).split())
    assert key_of(there) == "another"
