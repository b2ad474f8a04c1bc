"""`kill -9` while vectors are written: what is found is what is stored."""

import math
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support.patience import until
from tests.support.profile import NIGHTLY
from tests.support.server import Server

ROUNDS = 12 if NIGHTLY else 4
LOOKS = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 1.0, 3.0])


@pytest.mark.timeout(300)
def test_after_a_kill_a_search_finds_what_is_stored(tmp_path: Path) -> None:
    with Server("shelf", tmp_path / "data") as server:
        for number in range(ROUNDS):
            server.mutation("books:put_many", first=number * 50, count=50)
            assert len(server.query("books:scores", at=LOOKS[0], limit=256)) == min(256, len(server.query("books:all")))
            some = server.metrics()["reactor_commits_total"] + 2 + number
            writing = Thread(target=write_until_killed, args=(server,))
            writing.start()
            until(lambda some=some: server.metrics()["reactor_commits_total"] >= some)
            server.kill()
            writing.join()
            server.start()
            books = server.query("books:all")
            for look in LOOKS:
                check(server.query("books:scores", at=look, limit=200), books, look)


def write_until_killed(server: Server) -> None:
    with suppress(OSError, HTTPException):
        while True:
            server.mutation("books:put_many", first=0, count=3)


def check(found: list[dict[str, Any]], books: list[dict[str, Any]], look: list[float]) -> None:
    scores = {book["_id"]: cosine(book["at"], look) for book in books}
    best = sorted(scores.values(), reverse=True)[: len(found)]
    assert len(found) == min(200, len(books))
    assert [match["_score"] for match in found] == pytest.approx(best, abs=1e-6)
    assert [match["_score"] for match in found] == pytest.approx([scores[match["_id"]] for match in found], abs=1e-6)


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / math.hypot(*one) / math.hypot(*other)
