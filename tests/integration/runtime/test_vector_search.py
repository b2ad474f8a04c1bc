"""Functions that search by vectors: actions, live queries, and queries that are asked once."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from reactor import DeveloperError
from reactor.testing import Backend
from tests.support.server import APPS

X, Y, Z = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]


@pytest.fixture(params=["memory", "sqlite"])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    options: dict[str, Any] = {"data": tmp_path / "data"} if request.param == "sqlite" else {}
    async with Backend(APPS / "shelf", **options) as backend:
        yield backend


async def test_an_action_finds_ids_and_scores(shelf: Backend) -> None:
    first = await shelf.mutation("books:put", title="first", at=X)
    second = await shelf.mutation("books:put", title="second", at=[1.0, 1.0, 0.0], genre="poem")
    found = await shelf.action("books:find", at=[2.0, 0.0, 0.0], limit=5)
    assert found == [{"_id": first, "_score": 1.0}, {"_id": second, "_score": pytest.approx(2**-0.5)}]
    assert [each["_id"] for each in await shelf.action("books:find", at=X, genres=["poem", "play"])] == [second]
    await shelf.mutation("books:move", id=second, at=X)
    assert [each["_id"] for each in await shelf.action("books:find", at=X, genres=["poem", "play"])] == [second]
    await shelf.mutation("books:remove", id=first)
    assert await shelf.action("books:find", at=X) == [{"_id": second, "_score": 1.0}]


async def test_an_action_meets_the_errors(shelf: Backend) -> None:
    with pytest.raises(DeveloperError, match="Expected a vector with dimensions 3, .* one with 2 was given"):
        await shelf.action("books:find", at=[1.0, 0.0])
    with pytest.raises(DeveloperError, match="from 1 to 256, not 300"):
        await shelf.action("books:find", at=X, limit=300)


async def test_a_mutation_sees_its_own_writes_and_takes_them_back(shelf: Backend) -> None:
    await shelf.mutation("books:put", title="old", at=[1.0, 0.1, 0.0])
    assert await shelf.mutation("books:put_and_look", title="new", at=Y) == ["new"]
    with pytest.raises(ValueError, match="taken back"):
        await shelf.mutation("books:put_and_look", title="lost", at=Z, fail=True)
    assert sorted(await shelf.query("books:near", at=Z)) == ["new", "old"]


async def test_a_live_search_runs_again_when_its_answer_may_change(shelf: Backend) -> None:
    first = await shelf.mutation("books:put", title="first", at=X)
    second = await shelf.mutation("books:put", title="second", at=[1.0, 1.0, 0.0])
    third = await shelf.mutation("books:put", title="third", at=Y)
    async with shelf.subscribe("books:near", at=X, limit=2) as results:
        assert await results.next() == ["first", "second"]
        await shelf.mutation("books:note", text="of another table")
        await shelf.mutation("books:put", title="far", at=Z)
        await shelf.mutation("books:move", id=third, at=[0.1, 1.0, 0.0])
        await shelf.mutation("books:rename", id=third, title="the third")
        assert (results.pending, results.runs) == (0, 1)
        await shelf.mutation("books:move", id=third, at=[1.0, 0.1, 0.0])
        assert await results.next() == ["first", "the third"]
        await shelf.mutation("books:rename", id=first, title="the first")
        assert await results.next() == ["the first", "the third"]
        await shelf.mutation("books:remove", id=first)
        assert await results.next() == ["the third", "second"]
        await shelf.mutation("books:move", id=second, at=[-1.0, 0.0, 0.0])
        assert await results.next() == ["the third", "far"]


async def test_a_live_search_with_a_filter_hears_of_what_passes(shelf: Backend) -> None:
    async with shelf.subscribe("books:near", at=X, genre="poem") as results:
        assert await results.next() == []
        await shelf.mutation("books:put", title="prose", at=X, genre="novel")
        assert (results.pending, results.runs) == (0, 1)
        await shelf.mutation("books:put", title="verse", at=Z, genre="poem")
        assert await results.next() == ["verse"]


async def test_scores_do_not_flicker_when_other_vectors_come(shelf: Backend) -> None:
    await shelf.mutation("books:put", title="first", at=[0.1, 0.2, 0.3])
    async with shelf.subscribe("books:scores", at=[0.3, 0.2, 0.1], limit=1) as results:
        before = await results.next()
        await shelf.mutation("books:put_many", first=-700, count=700)
        assert await shelf.query("books:scores", at=[0.3, 0.2, 0.1], limit=1) == before
        assert results.pending == 0


async def test_queries_that_are_asked_once_are_up_to_date(tmp_path: Path) -> None:
    async with Backend(APPS / "shelf", result_cache_bytes=2**20) as shelf:
        for number in range(12):
            await shelf.mutation("books:put", title=f"{number}", at=[1.0, 1.0 - number / 20, 0.0])
            for _ in range(3):  # the third is answered from the cache
                assert (await shelf.query("books:near", at=X, limit=2))[0] == f"{number}"
            assert (await shelf.action("books:find_by_query", at=X))[0] == f"{number}"
