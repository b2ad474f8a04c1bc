"""Scheduled functions of several nodes whose leader is killed: each mutation once, each action at most once."""

from collections import Counter
from pathlib import Path

import pytest

from tests.support.nodes import Nodes
from tests.support.patience import PATIENCE, until
from tests.support.postgres import Postgres
from tests.support.profile import NIGHTLY
from tests.support.server import Server

ROUNDS = 20 if NIGHTLY else 3
MUTATIONS, ACTIONS = 100, 20
SETTINGS = {"REACTOR_NODE_SILENT_SECONDS": "1"}
"""How long a dead node is waited for; the usual ten seconds would make this a test of patience."""


@pytest.mark.timeout(1_800 if NIGHTLY else 240)
def test_whoever_dies_its_jobs_are_done_once_by_those_who_live(postgres: Postgres, tmp_path: Path) -> None:
    with Nodes("jobs", tmp_path, postgres, 2, SETTINGS) as nodes:
        for number in range(ROUNDS):
            dying, living = nodes[number % 2], nodes[(number + 1) % 2]
            living.mutation("jobs:many", count=MUTATIONS, first=number * MUTATIONS)
            living.mutation("jobs:schedule_acts", count=ACTIONS, first=number * ACTIONS)
            ran = (number % 4) * (MUTATIONS + ACTIONS) // 4
            so_far = number * (MUTATIONS + ACTIONS)
            until(lambda done=so_far + ran: _done(living) >= done, "some of the jobs", within=2 * PATIENCE)
            dying.kill()
            until(lambda: _done(living) == so_far + MUTATIONS + ACTIONS, "the others' work", within=3 * PATIENCE)
            dying.start()
        texts, starts = nodes[0].query("jobs:texts"), nodes[1].query("jobs:starts")
        ends = nodes[0].query("jobs:ends")
    assert Counter(texts) == Counter(str(number) for number in range(ROUNDS * MUTATIONS)), "each mutation exactly once"
    assert max(Counter(starts).values()) == 1, "no action twice"
    succeeded = {number for number, state, _ in ends if state == "success"}
    assert succeeded <= set(starts), "an action that is recorded as done was done"
    assert len(ends) == ROUNDS * ACTIONS


def _done(node: Server) -> int:
    return sum(state in ("success", "failed") for state in node.query("jobs:states"))
