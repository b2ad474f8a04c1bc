"""Nodes on one PostgreSQL, and everything that may happen to them: what all clients saw still has one serial order."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.elle import Outcome, Report, check
from tests.support.lists import EXCUSE, Faults, Load
from tests.support.nodes import Nodes
from tests.support.postgres import Postgres, postgres_server
from tests.support.profile import NIGHTLY
from tests.support.report import keep_report

PROGRAMS, ROUNDS = (110_000, 12) if NIGHTLY else (2_000, 1)
LONGEST = 12.0 if NIGHTLY else 1.0
"""Seconds of a fault: in long runs longer than a node may be silent before others take over its work."""


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """One that a test may stop."""
    with postgres_server() as server:
        yield server


@pytest.mark.timeout(10_800 if NIGHTLY else 240)
@pytest.mark.parametrize("count", [1, 3])
async def test_what_clients_of_all_nodes_saw_is_serializable(
    own_postgres: Postgres, tmp_path: Path, count: int
) -> None:
    with Nodes("lists", tmp_path, own_postgres, count) as nodes:
        load = Load(nodes.all, seed=count, writers=12, lanes=3, callers=4, watchers=2 * count, excuse=EXCUSE)
        faults = Faults(nodes, load, programs=PROGRAMS // ROUNDS, seconds=LONGEST)
        async with load.working():
            for _ in range(ROUNDS):
                await faults.all()
    report = check(load.history)
    keep_report(f"serializability-{count}-nodes", told(report, load, faults))
    assert load.recording.surprises == []
    assert report.names == set(), str(report)
    assert_worth_a_check(load, report.dependencies)
    assert set(faults.happened.values()) == {ROUNDS}


def told(report: Report, load: Load, faults: Faults) -> str:
    """The report of the checker, and what it is about."""
    kinds = Counter(transaction.outcome.value for transaction in load.history)
    lines = [
        str(report),
        f"faults: {faults.happened}",
        f"transactions by outcome, as their clients know it: {dict(kinds)}",
        f"mutations answered on another connection than the first: {load.recording.resent}",
        f"calls that a node refused because its database was out of reach: {load.recording.excused}",
    ]
    return "\n".join(lines)


def assert_worth_a_check(load: Load, dependencies: dict[str, int]) -> None:
    """Nothing is proved by clients that have nothing to do with one another, or to whom nothing happens."""
    history = load.history
    assert min(dependencies.values()) > PROGRAMS / 2
    assert {transaction.outcome for transaction in history} == set(Outcome)
    assert load.recording.resent > 0
    by_kind = Counter(transaction.client.split()[0] for transaction in history)
    assert min(by_kind[kind] for kind in ("writer", "caller", "watcher")) > PROGRAMS // 50, by_kind
