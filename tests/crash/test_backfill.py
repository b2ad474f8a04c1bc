"""`kill -9` while an index is being built: what was acknowledged is there, and the next start builds it whole."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.support.patience import until
from tests.support.server import APPS, Server

pytestmark = pytest.mark.stores("sqlite", because="looks into the SQLite file while an index is built")

DOCUMENTS, AT_A_TIME = 32_000, 4_000

MORE = """
from reactor import MutationCtx, QueryCtx, mutation, query


@mutation
async def fill(ctx: MutationCtx, first: int, count: int):
    for number in range(first, first + count):
        await ctx.db.insert("messages", {"channel": "c", "body": str(number)})


@query
async def with_body(ctx: QueryCtx, body: str):
    return len(await ctx.db.query("messages").with_index("by_body", lambda q: q.eq("body", body)).collect())
"""


class Entries:
    """The index entries in the database file, seen from outside."""

    def __init__(self, data: Path) -> None:
        self._file = data / "reactor.db"

    def _ask(self, sql: str) -> list[tuple[int, ...]]:
        connection = sqlite3.connect(self._file)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def unrecorded(self) -> dict[int, int]:
        """How many entries there are of indexes without a record."""
        known = "SELECT id FROM indexes UNION SELECT by_creation FROM tables"
        rows = self._ask(
            f"SELECT index_id, count(*) FROM index_entries WHERE index_id NOT IN ({known}) GROUP BY index_id"
        )
        return {row[0]: row[1] for row in rows}

    def of(self, name: str) -> int:
        (row,) = self._ask(
            f"SELECT count(*) FROM index_entries WHERE index_id = (SELECT id FROM indexes WHERE name = '{name}')"
        )
        return row[0]

    def documents(self) -> int:
        """Those of the application."""
        health = "(SELECT number FROM tables WHERE name = '_health')"
        return self._ask(f"SELECT count(*) FROM documents WHERE table_number <> {health}")[0][0]


def declare(app: Path, *, staged: bool = False) -> None:
    schema = app / "schema.py"
    flag = ", staged=True" if staged else ""
    text = (APPS / "chat" / "schema.py").read_text()
    schema.write_text(
        text.replace(
            '.index("by_channel", ["channel"])', f'.index("by_channel", ["channel"]).index("by_body", ["body"]{flag})'
        )
    )


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = Path(shutil.copytree(APPS / "chat", tmp_path / "app"))
    (app / "functions" / "more.py").write_text(MORE)
    return app


def fill(server: Server) -> None:
    for first in range(0, DOCUMENTS, AT_A_TIME):
        server.mutation("more:fill", first=first, count=AT_A_TIME)


def kill_in_the_middle(server: Server, entries: Entries) -> None:
    begun = set(entries.unrecorded())
    until(lambda: set(entries.unrecorded()) - begun, "entries of an index that is being built")
    server.kill()
    (built,) = set(entries.unrecorded()) - begun
    assert entries.unrecorded()[built] < entries.documents(), "it was in the middle"
    assert entries.of("by_body") == 0


@pytest.mark.timeout(180)
def test_a_kill_during_a_backfill_and_during_the_next_start(app: Path, tmp_path: Path):
    with Server(app, tmp_path / "data", command="dev") as server:
        fill(server)
        entries = Entries(server.data)
        declare(app)
        kill_in_the_middle(server, entries)
        server.launch()
        kill_in_the_middle(server, entries)
        server.start()
        assert entries.of("by_body") == entries.documents() == DOCUMENTS
        server.mutation("messages:send", channel="c", body="17")
        assert [server.query("more:with_body", body=body) for body in ("0", "17", "31999", "32000")] == [1, 2, 1, 0]


@pytest.mark.timeout(180)
def test_a_kill_while_a_staged_index_is_built(app: Path, tmp_path: Path):
    with Server(app, tmp_path / "data") as server:
        fill(server)
        entries = Entries(server.data)
        server.stop()
        declare(app, staged=True)
        server.start()
        acknowledged = 0
        while not entries.unrecorded():
            server.mutation("messages:send", channel="c", body="staged")
            acknowledged += 1
        kill_now = set(entries.unrecorded())
        server.kill()
        assert kill_now and entries.of("by_body") == 0
        server.start()
        until(lambda: entries.of("by_body") > 0, "the record of the index")
        assert entries.of("by_body") == entries.documents() == DOCUMENTS + acknowledged
        server.stop()
        declare(app)
        server.start()
        assert server.query("more:with_body", body="staged") == acknowledged
