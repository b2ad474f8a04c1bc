"""`kill -9` of nodes that share a database while scheduled functions run: exactly once and at most once, as for one."""

from collections import Counter
from pathlib import Path

import pytest

from tests.support.nodes import Nodes
from tests.support.patience import PATIENCE, until
from tests.support.postgres import postgres_server
from tests.support.profile import NIGHTLY

pytestmark = pytest.mark.stores("sqlite", because="chooses its store itself")

ROUNDS = 20 if NIGHTLY else 3
MUTATIONS, ACTIONS = 150, 40
SETTINGS = {"REACTOR_NODE_SILENT_SECONDS": "2"}


@pytest.mark.timeout(1800 if NIGHTLY else 400)
def test_kills_of_leaders_neither_lose_nor_repeat_scheduled_functions(tmp_path: Path) -> None:
    with postgres_server() as postgres, Nodes("jobs", tmp_path, postgres, 3, SETTINGS) as nodes:
        for number in range(ROUNDS):
            [leader] = [node for node in nodes.all if node.metrics()["reactor_leads"]]
            other = next(node for node in nodes.all if node is not leader)
            other.mutation("jobs:many", count=MUTATIONS, first=number * MUTATIONS)
            other.mutation("jobs:schedule_acts", count=ACTIONS, first=number * ACTIONS)
            ran = leader.metrics()["reactor_jobs_run_total"]
            until(
                lambda leader=leader, more=ran + 10 * (number + 1): leader.metrics()["reactor_jobs_run_total"] >= more
            )
            leader.kill()
            # The others go on without it, however long it takes to come back.
            until(
                lambda leader=leader: any(node.metrics()["reactor_leads"] for node in nodes.all if node is not leader)
            )
            leader.start()
            until(lambda: sum(node.metrics()["reactor_leads"] for node in nodes.all) == 1)
        first = nodes[0]
        until(lambda: set(first.query("jobs:states")) <= {"success", "failed"}, within=ROUNDS * PATIENCE)
        texts, starts, ends = (first.query(f"jobs:{name}") for name in ("texts", "starts", "ends"))
    assert Counter(texts) == Counter(str(number) for number in range(ROUNDS * MUTATIONS)), "each mutation exactly once"
    assert max(Counter(starts).values()) == 1, "no action twice"
    succeeded = {number for number, state, _ in ends if state == "success"}
    assert succeeded <= set(starts), "an action that is recorded as done was done"
    assert len(ends) == ROUNDS * ACTIONS
    assert all("Transient error" in error for _, state, error in ends if state == "failed")
