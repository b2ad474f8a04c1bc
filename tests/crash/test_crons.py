"""`kill -9` while crons, scheduled mutations and retried actions run: nothing is lost, and no effect repeated."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import PATIENCE, until
from tests.support.profile import NIGHTLY
from tests.support.server import Server

ROUNDS = 20 if NIGHTLY else 4
JOBS = 20


@pytest.mark.timeout(900 if NIGHTLY else 300)
def test_kills_neither_repeat_cron_jobs_nor_lose_retries(tmp_path: Path) -> None:
    with Server("crons", tmp_path / "data") as server:
        for number in range(ROUNDS):
            server.mutation("work:many", first=number * JOBS, count=JOBS)
            until(lambda some=number * 5: server.metrics()["reactor_jobs_run_total"] >= some % 15)
            server.kill()
            server.start()
        until(lambda: server.query("work:unfinished") == 0, within=ROUNDS * PATIENCE)
        jobs, notes = server.query("work:jobs"), server.query("work:numbered")
    texts = Counter(text for text, _ in notes)
    for job in jobs:
        check(job, texts)
    assert len(jobs) == 3 * ROUNDS * JOBS
    for cron in ("tick", "cron action"):
        times = [at for text, at in notes if text == cron]
        assert 1 <= len(times) <= (times[-1] - times[0]) / 1000 + 2, "each time of a cron job once at most"


def check(job: dict[str, Any], texts: Counter[str]) -> None:
    """One scheduled function has left the notes that its end and its attempts allow."""
    kind, args = job["state"]["kind"], job["args"][0]
    if job["name"].endswith(":note"):
        assert (kind, texts[args["text"]]) == ("success", 1), "a mutation takes effect exactly once"
        return
    name = args["name"]
    if job["name"].endswith(":act"):
        assert texts[name] <= 1, "no action twice that has not declared retries"
        assert kind == "success" or "Transient error" in job["state"]["error"]
        return
    assert kind == "success", "what has retries left is tried again after a kill"
    assert texts[f"{name} ended"] >= 1
    assert texts[f"{name} began"] <= job["attempts"]["failed"] + 1, "each attempt begins once at most"
