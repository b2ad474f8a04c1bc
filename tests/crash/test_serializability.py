"""Clients of all kinds, kills, restarts and reloads: what everybody saw has one serial order, and real time holds."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.support.elle import Outcome, Undone, check
from tests.support.lists import Load
from tests.support.profile import BRIEF, NIGHTLY
from tests.support.server import APPS, Server

PROGRAMS, KILLS = (100_000, 20) if NIGHTLY else (1_000, 1) if BRIEF else (3_000, 1)
PORTION = PROGRAMS // KILLS // 4


@pytest.mark.stores("sqlite", "postgres", because="`reactor dev` is one process; test_workers.py has several")
@pytest.mark.timeout(3_600 if NIGHTLY else 240)
async def test_what_clients_saw_is_strictly_serializable(tmp_path: Path) -> None:
    app = shutil.copytree(APPS / "lists", tmp_path / "app")
    with Server(app, tmp_path / "data", command="dev") as server:
        load = Load([server], seed=1, writers=12, lanes=3, callers=4, watchers=3)
        async with load.working():
            for _ in range(KILLS):
                await load.more(PORTION)
                await load.reload()
                await load.more(PORTION)
                await load.kill()
                await load.more(PORTION)
                await load.restart()
                await load.more(PORTION)
            hits = (await asyncio.to_thread(server.metrics)).by("reactor_result_hits_total", "from")
    assert load.recording.surprises == []
    report = check(load.history)
    assert report.names == set(), str(report)
    assert_worth_a_check(load, report.dependencies)
    assert {"live", "cache"} <= hits.keys(), hits


def assert_worth_a_check(load: Load, dependencies: dict[str, int]) -> None:
    """Nothing is proved by clients that have nothing to do with one another, or to whom nothing happens."""
    history = load.history
    assert min(dependencies.values()) > PROGRAMS
    assert {transaction.outcome for transaction in history} == set(Outcome)
    assert any(isinstance(op, Undone) for transaction in history for op in transaction.ops)
    assert load.recording.resent > 0
    by_kind = {kind: sum(t.client.startswith(kind) for t in history) for kind in ("writer", "caller", "watcher")}
    assert min(by_kind.values()) > PROGRAMS // 50, by_kind
