"""Results that are ready before their commit is: used for exactly the moment that they were made for."""

import asyncio
from typing import Any

import pytest

from reactor.database.overlay import Overlay
from reactor.live import ahead as ahead_module
from reactor.live.ahead import Ahead
from reactor.live.directory import Directory
from reactor.live.live_query import LiveQuery
from reactor.runtime.query_run import QueryRun, RunResult
from tests.unit.live.clients import Client, commit, reads, subscribe


class Snapshot:
    ts = 1

    def __init__(self) -> None:
        self.held = True

    def release(self) -> None:
        self.held = False


class World:
    """Queries that read their own path as a key; `runs` has the paths of those that ran ahead."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.snapshots: list[Snapshot] = []
        self.runs: list[str] = []
        self.waits = False
        self.ahead = Ahead(self, self.directory, self._run)  # type: ignore[arg-type]

    def acquire(self) -> Any:
        self.snapshots.append(Snapshot())
        return self.snapshots[-1]

    def query(self, path: str) -> LiveQuery:
        live = subscribe(self.directory, Client(), path).live
        reads(self.directory, live, path.encode())
        return live

    def look(self, *keys: bytes, ts: int = 5) -> None:
        self.ahead.look([commit(*keys, ts=ts)], Overlay())

    async def _run(self, query: LiveQuery, snapshot: Snapshot, overlay: Overlay) -> QueryRun:
        assert snapshot.held
        self.runs.append(query.path)
        if self.waits:
            await asyncio.sleep(0)
        return QueryRun(RunResult(b"1", None, []), [], False)


@pytest.fixture
def world() -> World:
    return World()


def test_what_a_commit_touches_is_run_and_used_once(world: World):
    first, second = world.query("a"), world.query("b")
    world.look(b"a")
    assert world.runs == ["a"]
    assert not world.snapshots[0].held
    assert world.ahead.take(second, 5) is None
    run = world.ahead.take(first, 5)
    assert run is not None
    assert run.result.value == b"1"
    assert world.ahead.take(first, 5) is None


@pytest.mark.parametrize("ts", [4, 6])
def test_a_result_is_of_no_use_at_another_moment(world: World, ts: int):
    query = world.query("a")
    world.look(b"a")
    assert world.ahead.take(query, ts) is None


def test_what_was_lost_or_overtaken_is_forgotten(world: World):
    first, second = world.query("a"), world.query("b")
    world.look(b"a", ts=5)
    world.look(b"b", ts=6)
    assert world.ahead.take(first, 5) is None
    assert world.ahead.take(first, 6) is None
    assert world.ahead.take(second, 6) is not None
    world.look(b"a", ts=7)
    world.look(b"nobody reads it", ts=8)
    assert world.ahead.take(first, 7) is None


def test_a_result_of_older_code_is_not_used(world: World):
    query = world.query("a")
    world.look(b"a")
    world.directory.all_dirty("code")
    assert world.ahead.take(query, 5) is None


def test_what_nobody_reads_takes_no_snapshot(world: World):
    world.query("a")
    world.look(b"x")
    assert world.snapshots == []


def test_a_run_that_waits_is_left_to_the_round(world: World):
    query = world.query("a")
    world.waits = True
    world.look(b"a")
    assert world.runs == ["a"]
    assert world.ahead.take(query, 5) is None


def test_when_time_is_up_the_rest_is_left_to_the_round(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ahead_module, "_SECONDS", -1.0)
    queries = [world.query(path) for path in "abc"]
    world.look(b"a", b"b", b"c")
    assert len(world.runs) == 1
    assert len([query for query in queries if world.ahead.take(query, 5) is not None]) == 1
