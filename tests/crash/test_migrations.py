"""`kill -9` in the middle of a migration: it goes on by itself, and every document is given to it exactly once."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import until
from tests.support.profile import NIGHTLY
from tests.support.server import Server

ROUNDS = 20 if NIGHTLY else 3
PEOPLE, AT_A_TIME = 60_000 if NIGHTLY else 30_000, 5_000


def progress(server: Server) -> dict[str, Any]:
    return next(iter(server.query("people:progress")), {"state": "", "processed": 0})


def went_on(now: dict[str, Any], before: float) -> bool:
    return now["processed"] > before or now["state"] == "success"


def visits(server: Server) -> Counter[str]:
    counts: Counter[str] = Counter()
    cursor = None
    while True:
        page = server.query("people:visits", cursor=cursor)
        counts.update(page["counts"])
        cursor = page["cursor"]
        if cursor is None:
            return counts


@pytest.mark.timeout(300)
def test_kills_neither_repeat_nor_leave_out_a_document(tmp_path: Path) -> None:
    key = "local|0123456789abcdef"
    with Server("moves", tmp_path / "data", environment={"REACTOR_ADMIN_KEY": key}) as server:
        for first in range(0, PEOPLE, AT_A_TIME):
            server.mutation("people:add", count=AT_A_TIME, first=first)
        server.mutation("people:ask")
        seen = 0
        for number in range(ROUNDS):
            before = progress(server)["processed"]
            until(lambda before=before: went_on(progress(server), before))
            server.mutation("people:add", first=PEOPLE + number)
            seen += progress(server)["state"] == "inProgress"
            server.kill()
            server.start()
        until(lambda: progress(server)["state"] == "success", within=120)
        assert visits(server) == {"1": PEOPLE + ROUNDS}
        assert progress(server)["processed"] == PEOPLE + ROUNDS
        assert seen > 1, "the server was killed in the middle of it"
        until(lambda: {row["state"] for row in server.query("people:progress")} == {"success"}, within=120)
