"""`kill -9` while cron jobs and actions with retries run: nothing is repeated that must not be, and nothing is lost."""

from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import PROFILE
from tests.support.patience import until
from tests.support.server import Server

ROUNDS = 20 if PROFILE == "nightly" else 4
JOBS = 20


@pytest.mark.timeout(300)
def test_kills_neither_repeat_cron_jobs_nor_lose_retries(tmp_path: Path) -> None:
    with Server("crons", tmp_path / "data") as server:
        for number in range(ROUNDS):
            server.mutation("work:many", first=number * JOBS, count=JOBS)
            until(lambda some=number * 5: server.metrics()["reactor_jobs_run_total"] >= some % 15)
            server.kill()
            server.start()
        until(lambda: {job["state"]["kind"] for job in server.query("work:jobs")} <= {"success", "failed"})
        jobs, notes = server.query("work:jobs"), server.query("work:numbered")
    texts = Counter(text for text, _ in notes)
    for job in jobs:
        name, kind = job["args"][0]["name"], job["state"]["kind"]
        if job["name"].endswith(":act"):
            assert texts[name] <= 1, "no action twice that has not declared retries"
            assert kind == "success" or "Transient error" in job["state"]["error"]
        else:
            assert kind == "success", "what has retries left is tried again after a kill"
            assert texts[f"{name} ended"] >= 1
    assert len(jobs) == 2 * ROUNDS * JOBS
    for cron in ("tick", "cron action"):
        times = [at for text, at in notes if text == cron]
        assert 1 <= len(times) <= (times[-1] - times[0]) / 1000 + 2, "each time of a cron job once at most"
