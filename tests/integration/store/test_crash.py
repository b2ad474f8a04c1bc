"""What a killed process leaves behind."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from reactor.store.sqlite import SqliteStore
from tests.integration.store.commits_until_killed import COUNTER
from tests.integration.store.rows import SESSION, doc_id, newest, words

ROOT = Path(__file__).parents[3]
CHILD = "tests.integration.store.commits_until_killed"


@pytest.mark.parametrize("seed", range(3))
async def test_kill_9_loses_nothing_acknowledged_and_halves_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(4):
        acknowledged = _run_and_kill(tmp_path, after=chance.randint(1, 60))
        await _check(tmp_path, acknowledged)


def _run_and_kill(folder: Path, *, after: int) -> int:
    """Runs the child until it has acknowledged so many batches; returns the last timestamp it acknowledged."""
    with subprocess.Popen(
        [sys.executable, "-m", CHILD, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        assert child.stdout is not None
        for _ in range(after):
            child.stdout.readline()
        child.kill()
        # The pipe may hold more than was read: all of it had been acknowledged.
        lines = child.stdout.read().split("\n")
    whole = [int(line) for line in lines[:-1] if line]
    return whole[-1] if whole else 0


async def _check(folder: Path, acknowledged: int) -> None:
    store = SqliteStore(folder)
    await store.open()
    async with newest(store) as snapshot:
        last = snapshot.ts
        assert last >= acknowledged
        everything = {doc_id(ts) for ts in range(2, last + 1)}
        found = await snapshot.scan_ids("", "z", reverse=False, limit=10**6)
        assert set(found) == {doc_id(COUNTER), *everything}
        assert {id for _, id in await words(snapshot, limit=10**6)} == set(found)
        assert await snapshot.get([doc_id(COUNTER)]) == {doc_id(COUNTER): b"%d" % last}
        assert [entry.ts for entry in await snapshot.log(0, limit=10**6)] == list(range(1, last + 1))
        assert await snapshot.last_request(SESSION) == (last if last > 1 else -1)
    await store.close()
