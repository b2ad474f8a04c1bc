"""Vectors in memory over time, held against a list of what was put in."""

import random
from typing import Any

import pytest

from reactor.vectors import space
from reactor.vectors.fields import VectorFields, filter_part
from reactor.vectors.nearest import nearest, unit
from reactor.vectors.space import Space, row_bytes

FIELDS = VectorFields(2, ("at", "genre"))
SECOND = 10**9


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "_BLOCK_BYTES", 16 * 8)


def found(of: Space, ts: int, genre: str | None = None) -> list[tuple[float, str]]:
    asked = None if genre is None else [(0, filter_part(genre))]
    return nearest(of.rows(ts, asked), unit([1.0, 0.0]), 1_000)


def book(rng: random.Random) -> dict[str, Any]:
    return {"at": [float(rng.randint(-9, 9)), float(rng.randint(-9, 9))], "genre": rng.choice(("novel", "poem"))}


@pytest.mark.parametrize("seed", range(8))
def test_each_moment_is_kept_as_long_as_promised(seed: int) -> None:
    rng = random.Random(seed)
    books = Space(FIELDS, 1, 0)
    documents: dict[str, dict[str, Any]] = {}
    moments: list[tuple[int, dict[str, dict[str, Any]]]] = []
    for ts in range(0, 300 * SECOND, SECOND):
        for _ in range(rng.randint(0, 4)):
            id = f"{rng.randint(0, 40):02d}"
            if id in documents and rng.random() < 0.4:
                del documents[id]
                books.put(id, None, ts)
            else:
                documents[id] = book(rng)
                books.put(id, documents[id], ts)
        moments.append((ts, dict(documents)))
        assert len(books) == len(documents)
        assert books.since <= max(0, ts - 30 * SECOND)
        for past, then in [moments[-1], *(rng.choice(moments[-30:]) for _ in range(2))]:
            check(books, past, then)
    assert books.since > 0, "rows that are long dead were given up"
    assert books.bytes < 40 * len(documents) * row_bytes(FIELDS) / 2


def check(books: Space, ts: int, documents: dict[str, dict[str, Any]]) -> None:
    fresh = Space(FIELDS, 1, 0)
    for id, document in documents.items():
        fresh.put(id, document, ts)
    for genre in (None, "novel", "play"):
        assert found(books, ts, genre) == found(fresh, ts, genre)


def test_what_did_not_change_makes_no_row() -> None:
    books = Space(FIELDS, 1, 0)
    for ts in range(50):
        books.put("a", {"at": [1.0, 2.0], "genre": "novel", "read": ts}, ts)
    assert books.bytes == row_bytes(FIELDS)


def test_a_document_that_loses_its_vector_goes() -> None:
    books = Space(FIELDS, 1, 0)
    books.put("a", {"at": [1.0, 2.0]}, 1)
    books.put("a", {"at": [1.0]}, 2)
    books.put("b", None, 2)
    assert ([id for _, id in found(books, 1)], found(books, 2), len(books)) == (["a"], [], 0)


def test_rows_that_a_search_holds_stay_as_they_were() -> None:
    books = Space(FIELDS, 1, 0)
    for number in range(40):
        books.put(f"{number:02d}", {"at": [1.0, number]}, 1)
    rows = books.rows(1, None)
    before = nearest(rows, unit([1.0, 0.0]), 1_000)
    for number in range(40):
        books.put(f"{number:02d}", {"at": [-1.0, number]}, 100 * SECOND)
    for number in range(40, 80):
        books.put(f"{number:02d}", {"at": [-1.0, number]}, 200 * SECOND)
    assert books.since > 0
    assert nearest(rows, unit([1.0, 0.0]), 1_000) == before
