"""`kill -9` while scheduled functions run: every mutation took effect exactly once, every action at most once."""

from collections import Counter
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE, until
from tests.support.profile import NIGHTLY
from tests.support.server import Server

ROUNDS = 20 if NIGHTLY else 4
MUTATIONS, ACTIONS = 150, 40


@pytest.mark.timeout(900 if NIGHTLY else 300)
def test_kills_neither_lose_nor_repeat_scheduled_functions(tmp_path: Path) -> None:
    with Server("jobs", tmp_path / "data") as server:
        for number in range(ROUNDS):
            server.mutation("jobs:many", count=MUTATIONS, first=number * MUTATIONS)
            server.mutation("jobs:schedule_acts", count=ACTIONS, first=number * ACTIONS)
            some = (number % 4) * (MUTATIONS + ACTIONS) // 4
            until(lambda some=some: server.metrics()["reactor_jobs_run_total"] >= some)
            server.kill()
            server.start()
        until(lambda: set(server.query("jobs:states")) <= {"success", "failed"}, within=ROUNDS * PATIENCE)
        texts, starts = server.query("jobs:texts"), server.query("jobs:starts")
        ends = server.query("jobs:ends")
    assert Counter(texts) == Counter(str(number) for number in range(ROUNDS * MUTATIONS)), "each mutation exactly once"
    assert max(Counter(starts).values()) == 1, "no action twice"
    succeeded = {number for number, state, _ in ends if state == "success"}
    assert succeeded <= set(starts), "an action that is recorded as done was done"
    assert len(ends) == ROUNDS * ACTIONS
    assert all("Transient error" in error for _, state, error in ends if state == "failed")
