"""Workers on one SQLite file, some of them killed and paused: what all clients saw still has one serial order."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.support.crew import Crew
from tests.support.elle import Outcome, check
from tests.support.lists import Load
from tests.support.profile import NIGHTLY
from tests.support.report import keep_report

WORKERS = 3
PROGRAMS, ROUNDS = (110_000, 20) if NIGHTLY else (2_000, 1)
PORTION = PROGRAMS // ROUNDS // 5
LONGEST = 12.0 if NIGHTLY else 1.0


@pytest.mark.timeout(10_800 if NIGHTLY else 240)
async def test_what_clients_of_all_workers_saw_is_serializable(tmp_path: Path) -> None:
    with Crew(tmp_path / "data", WORKERS, app="lists") as server:
        load = Load([server], seed=7, writers=12, lanes=3, callers=6, watchers=6, several=True)
        async with load.working():
            for _ in range(ROUNDS):
                await load.more(PORTION)
                await killed(load, server)
                await load.more(PORTION)
                await paused(load, server)
                await load.more(PORTION)
                await load.kill()
                await load.more(PORTION)
                await load.restart()
    report = check(load.history)
    keep_report(f"serializability-{WORKERS}-workers", str(report))
    assert load.recording.surprises == []
    assert report.names == set(), str(report)
    assert min(report.dependencies.values()) > PROGRAMS / 2
    assert {transaction.outcome for transaction in load.history} == set(Outcome)
    assert load.recording.resent > 0


async def killed(load: Load, server: Crew) -> None:
    """One worker dies, and another one takes its place while the rest go on."""
    await asyncio.to_thread(server.kill_worker, load.random.choice(sorted(server.workers())))
    await load.some(PORTION, at_most=LONGEST)
    await asyncio.to_thread(server.until_all_serve)


async def paused(load: Load, server: Crew) -> None:
    """One worker stands still for a while, and some of its clients do not wait for it."""
    chosen = load.random.choice(sorted(server.workers()))
    os.kill(chosen, signal.SIGSTOP)
    try:
        load.doors.lose_patience(server.url, 0.3)
        await load.some(PORTION, at_most=LONGEST)
    finally:
        os.kill(chosen, signal.SIGCONT)
