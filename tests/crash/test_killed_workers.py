"""`kill -9` of one worker after another under load: what was acknowledged is there, and nothing ran twice."""

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.support.crew import Crew
from tests.support.profile import NIGHTLY
from tests.support.script import Script, node

ROUNDS = 24 if NIGHTLY else 5
ACKNOWLEDGED_PER_ROUND = 40
WRITERS = 6


@pytest.mark.timeout(900 if NIGHTLY else 240)
def test_kills_of_workers_lose_nothing_and_repeat_nothing(tmp_path: Path):
    chosen = random.Random(6)
    with (
        Crew(tmp_path / "data", 3, app="bank") as crew,
        node("writer.mjs", crew.url, ledger="l", writers=WRITERS, inFlight=6) as script,
    ):
        for _ in range(ROUNDS):
            for _ in range(ACKNOWLEDGED_PER_ROUND):
                script.next("acknowledged")
            crew.kill_worker(chosen.choice(sorted(crew.workers())))
            script.order(hold=True)  # or there would be more to look through than a query may give
            crew.until_all_serve()
            script.order(goOn=True)
        script.order(rest=True)
        script.next("rested")
        entries = crew.query("ledger:entries", ledger="l")
        count = crew.query("ledger:count", ledger="l")
        assert crew.metrics()["reactor_worker_restarts_total"] == ROUNDS
        script.order(leave=True)
        script.finish()
    check(entries, count, script)


def check(entries: list[tuple[str, float, float]], count: float, script: Script) -> None:
    acknowledged = script.of("acknowledged")
    written = Counter((writer, sequence) for writer, sequence, _ in entries)
    assert set(written.values()) == {1}, "nothing twice"
    assert {(event["writer"], event["sequence"]) for event in acknowledged} == set(written), "and nothing lost"
    answers = sorted(acknowledged, key=lambda event: event["count"])
    assert [event["count"] for event in answers] == list(range(1, int(count) + 1)), "one order of all, without a gap"
    for number in range(WRITERS):
        own = [event["sequence"] for event in answers if event["writer"] == f"writer {number}"]
        assert own == list(range(len(own))), "a client's mutations take effect in the order of its calls"
