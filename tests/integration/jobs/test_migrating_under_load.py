"""A large migration while others write: nobody is left out, nobody is visited twice, and clients are served."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from reactor.app.parts import Parts
from reactor.errors import StoreError
from reactor.runtime.calls import Call
from reactor.runtime.migrations import LARGEST_BATCH
from tests.integration.database.world import Gate
from tests.integration.sync.engine import Client, engine
from tests.support.profile import NIGHTLY

PEOPLE, AT_A_TIME = 100_000 if NIGHTLY else 30_000, 10_000


async def mutation(parts: Parts, path: str, **args: Any) -> Any:
    answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    parts.mutations.submit(Call(path, json.dumps(args).encode(), trusted=True), answered.set_result)
    result = await answered
    assert result.failure is None, result.failure.text
    return json.loads(result.value)


async def query(parts: Parts, path: str, **args: Any) -> Any:
    return json.loads((await parts.queries.answer(Call(path, json.dumps(args).encode()))).value)


async def visits(parts: Parts) -> Counter[str]:
    counts: Counter[str] = Counter()
    cursor = None
    while True:
        page = await query(parts, "people:visits", cursor=cursor)
        counts.update(page["counts"])
        cursor = page["cursor"]
        if cursor is None:
            return counts


@pytest.mark.timeout(240)
async def test_many_documents_while_others_write(tmp_path: Path) -> None:
    async with engine(tmp_path, "moves") as parts:
        for first in range(0, PEOPLE, AT_A_TIME):
            await mutation(parts, "people:add", count=AT_A_TIME, first=first)
        client = Client(parts)
        await client.add(0, "people:states")
        await client.add(1, "people:newest")
        parts.migrator.start()
        await mutation(parts, "migrations:visit")
        written = 0
        while (await query(parts, "people:states"))["visit"] in ("pending", "inProgress"):
            await mutation(parts, "people:add", first=PEOPLE + written)
            written += 1
        counts = await visits(parts)
        # The last of those that wrote may have come after the end, and is told apart by the status.
        [told] = [row for row in await status(parts) if row["name"] == "visit"]
        assert counts["1"] == told["processed"] == PEOPLE + written - told["newer"]
        assert counts["0"] == told["newer"] <= 1
        assert set(counts) <= {"0", "1"}
        assert written > 20, "others wrote meanwhile"
        # What is in memory at once is a batch, and no batch is large.
        assert parts.migration_runs.documents == told["processed"] <= parts.migration_runs.batches * LARGEST_BATCH
        await client.until(lambda: client.value(0)["visit"] == "success")


async def test_a_disk_that_fails_makes_it_wait_and_nothing_is_done_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reactor.jobs.backoff.FIRST_SECONDS", 0.01)
    async with engine(tmp_path, "moves") as parts:
        await mutation(parts, "people:add", count=3_000)
        await mutation(parts, "migrations:visit")
        client = Client(parts)
        await client.add(0, "people:progress")
        gate = Gate(parts.store)
        monkeypatch.setattr(parts.database.committer, "_store", gate)
        parts.migrator.start()
        await client.until(lambda: client.value(0)[0]["processed"] > 0)
        gate.failures += [StoreError("no disk")] * 3
        await client.until(lambda: client.value(0)[0]["state"] == "success")
        assert not gate.failures
        assert await visits(parts) == {"1": 3_000}


async def status(parts: Parts) -> list[dict[str, Any]]:
    result = await parts.queries.answer(Call("_system/migrations:status", b'{"newer":true}', trusted=True))
    return json.loads(result.value)


async def test_it_begins_by_itself_when_it_is_asked_for_and_stops_when_canceled(tmp_path: Path) -> None:
    async with engine(tmp_path, "moves") as parts:
        await mutation(parts, "people:add", count=9_000)
        parts.migrator.start()
        client = Client(parts)
        await client.add(0, "people:progress")
        await mutation(parts, "migrations:visit")
        await client.until(lambda: client.value(0) and client.value(0)[0]["processed"] > 0)
        assert await mutation(parts, "_system/migrations:cancel") in (["visit"], [])
        [row] = await query(parts, "people:progress")
        assert row["state"] in ("canceled", "success")
        stopped = row["processed"]
        assert (await visits(parts))["1"] == stopped
        await mutation(parts, "migrations:visit")
        await client.until(lambda: client.value(0)[0]["state"] == "success")
        assert await visits(parts) == {"1": 9_000}
