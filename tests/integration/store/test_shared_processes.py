"""Real processes that share one SQLite file: they interleave as the system lets them, are killed, and are stopped."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor.store.seam import Commit
from reactor.store.sharing.store import SharedSqliteStore
from tests.integration.store.rows import doc_id, insert, newest
from tests.integration.store.shared_rows import COUNTER

ROOT = Path(__file__).parents[3]
CHILD = "tests.integration.store.shared_process"
NODES = ("a", "b", "c")


class Child:
    """A process, from outside. `acknowledged`: the commits that it has told of."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.acknowledged: list[int] = []

    def begin(self, do: str, **parameters: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **parameters}) + "\n")
        self._process.stdin.flush()

    def open(self, folder: Path, node: str, *, patience: float = 60.0, pages: int = 4096) -> None:
        self.begin("open", folder=str(folder), node=node, patience=patience, pages=pages)

    def line(self) -> Any:
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline() or '"ended"')
        assert told != "ended", "the process has failed: its error stands above"
        if isinstance(told, list) and len(told) == 2 and isinstance(told[1], str):
            self.acknowledged.append(told[0])
        return told

    def until_done(self) -> list[Any]:
        """All that it says before it has obeyed."""
        told: list[Any] = []
        while (line := self.line()) != "done":
            told.append(line)
        return told

    def acknowledges(self, count: int) -> None:
        """Wait until it has told of so many more commits."""
        until = len(self.acknowledged) + count
        while len(self.acknowledged) < until:
            self.line()

    def close(self) -> list[tuple[int, str]]:
        """Have it close the store; gives all commits that it has seen, in its order."""
        self.begin("close")
        return [(ts, node) for ts, node in self.until_done()[-1]]

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)
        if number == signal.SIGSTOP:
            os.waitpid(self._process.pid, os.WUNTRACED)

    def kill(self) -> None:
        """End it at once; what it had told is read all the same."""
        self._process.kill()
        assert self._process.stdout is not None
        for line in self._process.stdout.read().split("\n")[:-1]:
            told = json.loads(line)
            if isinstance(told, list):
                self.acknowledged.append(told[0])
        self.end()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


@contextmanager
def _children(count: int) -> Iterator[list[Child]]:
    children = [Child() for _ in range(count)]
    try:
        yield children
    finally:
        for child in children:
            child.end()


@pytest.fixture(scope="module")
def three() -> Iterator[list[Child]]:
    with _children(3) as children:
        yield children


async def _begun(folder: Path) -> None:
    """Make the file, with the counter in it."""
    store = SharedSqliteStore(folder, node="first")
    await store.open()
    await store.commit([Commit(1, [insert(COUNTER, b"0")], "begin")])
    await store.close()


async def _logged(folder: Path) -> list[tuple[int, str, str]]:
    """The whole log, held against the documents: nothing is half there."""
    store = SharedSqliteStore(folder, node="last")
    await store.open()
    async with newest(store) as snapshot:
        log = await snapshot.log(0, limit=10**6)
        ids = await snapshot.scan_ids("", "z", reverse=False, limit=10**6)
        assert set(ids) == {write.id for entry in log for write in entry.writes}
        counted = sum(entry.source == "count" for entry in log)
        assert await snapshot.get([doc_id(COUNTER)]) == {doc_id(COUNTER): b"%d" % counted}
    await store.close()
    timestamps = [entry.ts for entry in log]
    assert timestamps == sorted(set(timestamps))
    return [(entry.ts, entry.node, entry.source) for entry in log]


Step = tuple[str, int]
steps = st.one_of(st.just(("count", 1)), st.tuples(st.just("add"), st.integers(1, 5)))
plans = st.tuples(*(st.lists(steps, max_size=12) for _ in NODES))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
async def test_all_see_every_commit_once_and_in_one_order(
    three: list[Child], plan: tuple[list[Step], list[Step], list[Step]]
) -> None:
    total = 1 + sum(size for steps in plan for _, size in steps)
    with TemporaryDirectory() as name:
        folder = Path(name)
        await _begun(folder)
        for child, node in zip(three, NODES, strict=True):
            child.open(folder, node)
        for place, (child, steps) in enumerate(zip(three, plan, strict=True), 1):
            child.until_done()
            child.begin("run", plan=[(kind, _numbers(place, n, size)) for n, (kind, size) in enumerate(steps)])
            child.begin("follow", count=total)
        for child in three:
            child.until_done()
            child.until_done()
        seen = [child.close() for child in three]
        log = await _logged(folder)
    assert len(log) == total
    assert [len([node for _, node, _ in log if node == each]) for each in NODES] == [
        sum(size for _, size in steps) for steps in plan
    ]
    assert seen == [[(ts, node) for ts, node, _ in log]] * 3


def _numbers(place: int, step: int, size: int) -> list[int]:
    return [place * 10_000 + step * 10 + number for number in range(size)]


def test_a_new_file_is_made_by_whoever_comes_first(three: list[Child], tmp_path: Path) -> None:
    for round in range(3):
        for child, node in zip(three, NODES, strict=True):
            child.open(tmp_path / f"{round}", node)
        for child in three:
            child.until_done()
        assert [child.close() for child in three] == [[], [], []]


@pytest.mark.parametrize("seed", range(3))
async def test_who_is_killed_halves_nothing_and_blocks_nobody(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    await _begun(tmp_path)
    with _children(3) as children:
        for place, child in enumerate(children, 1):
            child.open(tmp_path, f"n{place}", pages=32)
            child.until_done()
            child.begin("write", first=place * 100_000)
        killed: list[Child] = []
        for round in range(4):
            victim = children.pop(0)
            victim.acknowledges(chance.randint(1, 40))
            victim.kill()
            killed.append(victim)
            for child in children:
                child.acknowledges(10)
            children.append(Child())
            children[-1].open(tmp_path, f"later{round}", pages=32)
            children[-1].until_done()
            children[-1].begin("write", first=(10 + round) * 100_000)
        for child in children:
            child.begin("stop")
            child.until_done()
        log = await _logged(tmp_path)
        for child in children:
            child.begin("follow", count=len(log))
            child.until_done()
            assert child.close() == [(ts, node) for ts, node, _ in log]
        acknowledged = [ts for child in (*children, *killed) for ts in child.acknowledged]
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) <= {ts for ts, _, _ in log}


async def test_who_is_stopped_while_it_keeps_the_turn_is_passed_by(tmp_path: Path) -> None:
    await _begun(tmp_path)
    with _children(2) as (first, second):
        for child, node in ((first, "a"), (second, "b")):
            child.open(tmp_path, node, patience=0.2)
            child.until_done()
        first.begin("hold", number=7)
        assert first.line() == "held"
        first.signal(signal.SIGSTOP)
        second.begin("run", plan=[("add", [1, 2]), ("count", [])])
        second.until_done()
        assert second.acknowledged == [2, 3, 4]
        first.signal(signal.SIGCONT)
        first.begin("go on")
        first.until_done()
        assert first.acknowledged == [5]
        second.begin("follow", count=5)
        second.until_done()
        assert first.close() == second.close() == [(1, "first"), (2, "b"), (3, "b"), (4, "b"), (5, "a")]


PAGES = 32
BOUND = (2 * 4 * PAGES + 60) * 4120


async def test_the_wal_stays_small(tmp_path: Path) -> None:
    """All write all the time, so each has a commit on its way when the others are to pin anew.

    Some of twelve looks may find it larger, but not half of them: whom the machine gives no time for a while keeps the
    others' pages.
    """
    await _begun(tmp_path)
    with _children(3) as children:
        for place, child in enumerate(children, 1):
            child.open(tmp_path, NODES[place - 1], pages=PAGES)
            child.until_done()
            child.begin("write", first=place * 100_000)
        sizes: list[int] = []
        for _ in range(12):
            for child in children:
                child.acknowledges(15)
            sizes.append((tmp_path / "reactor.db-wal").stat().st_size)
        for child in children:
            child.begin("stop")
            child.until_done()
            child.close()
    assert median(sizes) < BOUND, sizes


async def test_who_is_stopped_costs_room_and_not_the_commits_of_others(tmp_path: Path) -> None:
    await _begun(tmp_path)
    wal = tmp_path / "reactor.db-wal"
    with _children(2) as (first, second):
        for child, node in ((first, "a"), (second, "b")):
            child.open(tmp_path, node, pages=PAGES)
            child.until_done()
        first.signal(signal.SIGSTOP)
        second.begin("write", first=100_000)
        while wal.stat().st_size < BOUND:
            second.acknowledges(20)
        first.signal(signal.SIGCONT)
        second.begin("stop")
        second.until_done()
        first.begin("follow", count=1 + len(second.acknowledged))
        first.until_done()
        first.begin("accompany")
        second.begin("write", first=200_000)
        while wal.stat().st_size >= BOUND:  # it is cut when it begins anew, which may have been already
            second.acknowledges(20)
        second.begin("stop")
        second.until_done()
        first.begin("stop")
        first.until_done()
        first.begin("follow", count=1 + len(second.acknowledged))
        first.until_done()
        assert first.close() == second.close()
