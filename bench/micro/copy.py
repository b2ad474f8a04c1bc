"""Rows a second of `reactor copy`, beside those of a bare transfer of the same rows.

    python -m bench.micro.copy [DOCUMENTS]         in the repository's folder; `make test` installs what it needs

Documents have 200 stored bytes and entries in three indexes. Bare is what the driver of the target takes for rows that
are in memory already, in one transaction: `executemany` of SQLite with its flush to the disk, COPY of PostgreSQL. A
copy reads them as well, and `checked` also compares both sides. Prints one JSON object of rows a second, and ratios to
bare. PostgreSQL runs without fsync, so its figures are of its processors, not of the disk.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from reactor.store.copying.copier import Copier
from reactor.store.copying.opening import source_at, target_at
from reactor.store.copying.places import place_at
from reactor.store.file_format import connect, prepare
from tests.support.postgres import Postgres, postgres_server

TABLE, INDEXES = 10_001, (2, 3, 4)
ROWS_EACH = 1 + len(INDEXES)

Rows = tuple[list[tuple[str, int, int, bytes]], list[tuple[int, bytes]]]

INSERT_DOCUMENTS = "INSERT INTO documents (id, table_number, ts, value) VALUES (?, ?, ?, ?)"
INSERT_ENTRIES = "INSERT INTO index_entries (index_id, key) VALUES (?, ?)"


class Silent:
    """Watches a copy without a word."""

    def stage(self, name: str, total: int | None) -> None: ...

    def did(self, rows: int, size: int) -> None: ...

    def near(self) -> None: ...

    def pruned(self) -> None: ...


def rows_of(documents: int) -> Rows:
    ids = [f"{number:032d}" for number in range(documents)]
    values = [b'{"n":%d,"text":"' % number + b"t" * 180 + b'"}' for number in range(documents)]
    entries = [
        (index, b"\x10k%07d\x00\x10%s\x00" % (number, id.encode()))
        for index in INDEXES
        for number, id in enumerate(ids)
    ]
    return [(id, TABLE, number + 1, value) for number, (id, value) in enumerate(zip(ids, values, strict=True))], entries


def fill(file: Path, rows: Rows) -> float:
    """A database of these rows, written bare; gives the seconds that writing took."""
    file.parent.mkdir(parents=True)
    connection = connect(file, reader=False)
    prepare(connection, file)
    began = time.perf_counter()
    connection.execute("BEGIN")
    connection.executemany(INSERT_DOCUMENTS, rows[0])
    connection.executemany(INSERT_ENTRIES, rows[1])
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    taken = time.perf_counter() - began
    connection.execute("INSERT INTO tables VALUES (?, 'words', 1, ?)", (TABLE, INDEXES[0]))
    for index in INDEXES[1:]:
        connection.execute(
            "INSERT INTO indexes (id, table_number, name, fields) VALUES (?, ?, ?, '[\"f\"]')",
            (index, TABLE, str(index)),
        )
    connection.execute("UPDATE meta SET value = ? WHERE key = 'last_ts'", (len(rows[0]),))
    connection.close()
    return taken


async def bare_copy(url: str, rows: Rows) -> float:
    connection = await asyncpg.connect(url)
    await connection.execute(
        'CREATE TABLE documents (id text COLLATE "C" PRIMARY KEY, table_number bigint NOT NULL, ts bigint NOT NULL, '
        "value bytea NOT NULL); CREATE TABLE index_entries (index_id bigint NOT NULL, key bytea NOT NULL, "
        "PRIMARY KEY (index_id, key))"
    )
    began = time.perf_counter()
    async with connection.transaction():
        await connection.copy_records_to_table("documents", records=rows[0])
        await connection.copy_records_to_table("index_entries", records=rows[1])
    taken = time.perf_counter() - began
    await connection.close()
    return taken


async def copy(source: str, target: str, *, checked: bool) -> float:
    theirs, ours = source_at(place_at(source, "source")), target_at(place_at(target, "target"))
    began = time.perf_counter()
    try:
        await theirs.open()
        progress = await ours.open(theirs.place, again=False)
        running = Copier(theirs, ours, progress, Silent(), pause=_never)
        await running.run(wait=True, checked=checked)
        await running.complete()
    finally:
        await ours.close()
        await theirs.close()
    return time.perf_counter() - began


async def _never() -> None:
    raise AssertionError("nobody serves the source")


def main(documents: int) -> dict[str, Any]:
    rows = rows_of(documents)
    number = documents * ROWS_EACH
    with tempfile.TemporaryDirectory() as name, postgres_server() as postgres:
        folder = Path(name)
        here = f"sqlite:{folder / 'here'}"
        bare = {"sqlite": fill(folder / "here" / "reactor.db", rows), "postgres": _in_database(postgres, rows)}
        results: dict[str, Any] = {
            "rows": number,
            "bare": {kind: round(number / taken) for kind, taken in bare.items()},
        }
        postgres.sql("CREATE DATABASE there")
        postgres.sql("CREATE DATABASE checked")
        ways = {
            "sqlite to sqlite": (here, f"sqlite:{folder / 'one'}", f"sqlite:{folder / 'two'}", "sqlite"),
            "sqlite to postgres": (here, postgres.url("there"), postgres.url("checked"), "postgres"),
            "postgres to sqlite": (postgres.url("there"), f"sqlite:{folder / 'a'}", f"sqlite:{folder / 'b'}", "sqlite"),
        }
        for way, (source, first, second, kind) in ways.items():
            plain = asyncio.run(copy(source, first, checked=False))
            checked = asyncio.run(copy(source, second, checked=True))
            results[way] = {
                "rows a second": round(number / plain),
                "ratio to bare": round(bare[kind] / plain, 2),
                "checked": round(number / checked),
            }
    return results


def _in_database(postgres: Postgres, rows: Rows) -> float:
    with postgres.database() as name:
        return asyncio.run(bare_copy(postgres.url(name), rows))


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000), indent=2))
