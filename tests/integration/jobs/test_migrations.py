"""Migrations of documents on both stores: what they do to documents, and what is remembered of them."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from reactor.errors import DeveloperError
from reactor.jobs.migration_runs import MigrationRuns
from reactor.jobs.pace import Pace
from reactor.store.memory import MemoryStore
from reactor.testing import Backend
from tests.support.server import APPS

APP = APPS / "moves"
Open = Callable[..., Backend]


@pytest.fixture(params=["memory", "sqlite"])
def open_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Makes backends in turn on the same data."""
    options: dict[str, Any] = {"data": tmp_path / "data"} if request.param == "sqlite" else {"store": MemoryStore()}
    return lambda **more: Backend(APP, fresh=True, **options, **more)


@pytest.fixture
async def backend(open_backend: Open) -> AsyncIterator[Backend]:
    async with open_backend() as backend:
        yield backend


async def people(backend: Backend) -> list[dict[str, Any]]:
    async def read(ctx: Any) -> Any:
        return await ctx.db.query("people").collect()

    return await backend.run(read)


def make_bad(backend: Backend, *numbers: int) -> None:
    """`picky` fails at these people."""
    vars(backend.modules["migrations"])["BAD"] = set(numbers)


async def status(backend: Backend, name: str, **args: Any) -> dict[str, Any]:
    return next(row for row in await backend.query("_system/migrations:status", **args) if row["name"] == name)


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}


# What becomes of documents


async def test_every_document_is_given_to_the_migration_once(backend: Backend) -> None:
    await backend.mutation("people:add", count=500)
    [told] = await backend.migrate("visit")
    assert {person["visits"] for person in await people(backend)} == {1}
    assert (told["state"], told["processed"], told["changed"], told["total"]) == ("success", 500, 500, 500)


async def test_what_returns_none_is_left_as_it_is(backend: Backend) -> None:
    await backend.mutation("people:add", count=30)
    [first] = await backend.migrate("picky")
    before = await people(backend)
    [again] = await backend.migrate("picky", reset=True)
    assert await people(backend) == before
    assert (first["changed"], again["changed"], again["processed"]) == (30, 0, 30)


async def test_a_plain_function_will_do(backend: Backend) -> None:
    await backend.mutation("people:add", count=2)
    await backend.migrate("twins")
    assert [person["pad"] for person in await people(backend)] == [[0, 0], [1, 1]]


async def test_a_range_of_an_index_is_walked_along(backend: Backend) -> None:
    await backend.mutation("people:add", count=40)
    await backend.migrate("visit")
    await backend.mutation("people:add", count=25, first=40)
    [told] = await backend.migrate("first_visit")
    assert [person["visits"] for person in await people(backend)] == [1] * 40 + [100] * 25
    assert (told["total"], told["processed"]) == (25, 25)


async def test_what_a_migration_creates_in_its_own_table_is_not_given_to_it(backend: Backend) -> None:
    for number in range(50):
        await backend.mutation("people:note", text=f"{number}")
    [told] = await backend.migrate("split")
    texts = await backend.query("people:notes")
    assert sorted(texts) == sorted([f"{n}" for n in range(50)] + [f"{n} (copy)" for n in range(50)])
    assert told["processed"] == 50


async def test_a_migration_may_delete_its_documents(backend: Backend) -> None:
    for number in range(70):
        await backend.mutation("people:note", text=f"{number}")
    [told] = await backend.migrate("clear")
    assert await backend.query("people:notes") == []
    assert (told["processed"], told["changed"]) == (70, 70)


async def test_an_empty_table_is_done_at_once(backend: Backend) -> None:
    [told] = await backend.migrate("visit")
    assert (told["state"], told["processed"], told["total"]) == ("success", 0, 0)


async def test_batches_keep_within_the_limits_of_a_transaction(open_backend: Open) -> None:
    async with open_backend(max_documents_written=9, max_documents_read=40, max_read_ranges=12) as backend:
        for first in range(0, 90, 9):
            await backend.mutation("people:add", count=9, first=first)
        [told] = await backend.migrate("visit")

        async def count(ctx: Any) -> Any:
            return await ctx.db.query("people").with_index("by_visits", lambda q: q.eq("visits", 1)).count()

        assert await backend.run(count) == 90
        engine: Any = backend._engine  # pyright: ignore[reportPrivateUsage]
        assert engine._parts.runner.failures == {}, "a batch that was too large is no failure"
    assert told["processed"] == 90


# Failures


async def test_a_document_that_fails_stops_the_migration_and_is_named(backend: Backend) -> None:
    await backend.mutation("people:add", count=100)
    make_bad(backend, 47)
    bad = (await people(backend))[47]["_id"]
    with pytest.raises(DeveloperError, match=rf'`picky` failed at document "{bad}": .*person 47 will not do') as caught:
        await backend.migrate("picky")
    assert caught.value.code == "MigrationFailed"
    told = await status(backend, "picky")
    assert told["error"]["document"] == bad
    assert "functions/migrations.py" in told["error"]["message"]
    # The batch of the bad one was taken back as a whole, and those before it stay.
    named = [person for person in await people(backend) if "name" in person]
    assert len(named) == told["processed"] <= 47


async def test_it_goes_on_where_it_failed(backend: Backend) -> None:
    await backend.mutation("people:add", count=100)
    make_bad(backend, 47)
    with pytest.raises(DeveloperError):
        await backend.migrate("picky")
    make_bad(backend)
    [told] = await backend.migrate("picky")
    assert (told["state"], told["processed"], told["changed"]) == ("success", 100, 100)
    assert "error" not in told


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wrong", "A migration returns a dict of changes, or None to leave the document; not str"),
        ("careless", r"`ctx\.db\.patch\(\.\.\.\)` was called and not awaited"),
        ("lost", "is for the table `nowhere`, and there is none"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
async def test_mistakes_are_told(backend: Backend, name: str, text: str) -> None:
    await backend.mutation("people:note", text="x")
    with pytest.raises(DeveloperError, match=text):
        await backend.migrate(name)


async def test_a_failure_stops_those_behind_it(backend: Backend) -> None:
    await backend.mutation("people:add", count=3)
    make_bad(backend, 1)
    with pytest.raises(DeveloperError, match="picky"):
        await backend.migrate("visit", "picky", "twins")
    states = await backend.query("people:states")
    assert states == {"visit": "success", "picky": "failed", "twins": "canceled"}


# What is remembered


async def test_what_succeeded_is_not_run_again_unless_it_is_reset(backend: Backend) -> None:
    await backend.mutation("people:add", count=5)
    await backend.migrate("visit")
    assert await backend.mutation("_system/migrations:start", names=["visit"]) == [{"name": "visit", "answer": "done"}]
    await backend.migrate("visit")
    assert {person["visits"] for person in await people(backend)} == {1}
    [told] = await backend.migrate("visit", reset=True)
    assert {person["visits"] for person in await people(backend)} == {2}
    assert [run["processed"] for run in told["runs"]] == [5]


async def test_the_status_knows_what_never_ran_in_the_order_of_the_code(backend: Backend) -> None:
    told = await backend.query("_system/migrations:status")
    names = ["visit", "picky", "twins", "first_visit", "split", "clear", "wrong", "careless", "lost"]
    assert [row["name"] for row in told] == names
    assert {row["state"] for row in told} == {"never"}


async def test_documents_created_since_are_counted_and_can_be_caught_up(backend: Backend) -> None:
    await backend.mutation("people:add", count=5)
    await backend.migrate("visit")
    assert (await status(backend, "visit", newer=True))["newer"] == 0
    await backend.mutation("people:add", count=3, first=5)
    assert (await status(backend, "visit", newer=True))["newer"] == 3
    await backend.mutation("_system/migrations:start", names=["visit"], catchUp=True)
    await backend.migrate("visit")
    assert [person["visits"] for person in await people(backend)] == [1] * 8
    told = await status(backend, "visit", newer=True)
    assert (told["processed"], told["newer"]) == (8, 0)


CODE = """
from reactor import mutation, migration

@mutation
async def add(ctx):
    await ctx.db.insert("words", {{}})

@migration(table="words"{options})
async def spell(ctx, word):
    # {comment}
    return {{"spelling": "{spelling}"}}
"""


def write_code(folder: Path, *, options: str = "", comment: str = "", spelling: str = "old") -> None:
    (folder / "functions").mkdir(exist_ok=True)
    text = CODE.format(options=options, comment=comment, spelling=spelling)
    (folder / "functions" / "words.py").write_text(text)


@pytest.mark.parametrize(
    ("change", "answer"),
    [({"spelling": "new"}, "changed"), ({"comment": "why"}, "done"), ({"options": ", batch_size=3"}, "done")],
)
async def test_other_code_under_the_name_is_reported_and_not_run(
    tmp_path: Path, change: dict[str, str], answer: str
) -> None:
    write_code(tmp_path)
    async with Backend(tmp_path, data=tmp_path / "data", fresh=True) as backend:
        await backend.mutation("words:add")
        await backend.migrate("spell")
    write_code(tmp_path, **change)
    async with Backend(tmp_path, data=tmp_path / "data", fresh=True) as backend:
        assert await backend.mutation("_system/migrations:start", names=["spell"]) == [
            {"name": "spell", "answer": answer}
        ]
        assert (await status(backend, "spell"))["codeChanged"] is (answer == "changed")
        assert (await status(backend, "spell"))["state"] == "success"


async def test_code_that_changes_under_way_stops_the_migration(tmp_path: Path) -> None:
    write_code(tmp_path)
    async with Backend(tmp_path, data=tmp_path / "data", fresh=True) as backend:
        for _ in range(40):
            await backend.mutation("words:add")
        await one_batch(backend, "spell")
    write_code(tmp_path, spelling="new")
    async with Backend(tmp_path, data=tmp_path / "data", fresh=True) as backend:
        with pytest.raises(DeveloperError, match="Its code changed while it ran"):
            await backend.migrate("spell")
        [told] = await backend.migrate("spell")
        assert (told["state"], told["processed"]) == ("success", 40)


async def test_a_migration_that_left_the_code_stops(tmp_path: Path) -> None:
    write_code(tmp_path)
    async with Backend(tmp_path, data=tmp_path / "data", fresh=True) as backend:
        await backend.mutation("_system/migrations:start", names=["spell"])
    (tmp_path / "functions" / "words.py").write_text("")
    async with Backend(tmp_path, data=tmp_path / "data", fresh=True) as backend:
        await backend.migrate()
        told = await status(backend, "spell")
        assert (told["state"], told["inCode"]) == ("failed", False)
        assert "no migration of this name in the code any more" in told["error"]["message"]
        assert await backend.mutation("_system/migrations:reset", names=["spell"]) == ["spell"]


async def test_a_series_from_code_runs_in_its_order(backend: Backend) -> None:
    await backend.mutation("people:add", count=4)
    assert await backend.mutation("people:ask") == "pending"
    assert await backend.query("people:states") == dict.fromkeys(("visit", "picky", "twins"), "pending")
    await backend.migrate("visit")
    assert await backend.query("people:states") == dict.fromkeys(("visit", "picky", "twins"), "success")


async def test_what_waits_can_be_canceled_and_goes_on_when_asked_again(backend: Backend) -> None:
    await backend.mutation("people:add", count=4)
    await backend.mutation("people:ask")
    assert await backend.mutation("_system/migrations:cancel", names=["picky"]) == ["picky", "twins"]
    await backend.migrate("visit")
    assert await backend.query("people:states") == {"visit": "success", "picky": "canceled", "twins": "canceled"}
    await backend.migrate("picky", "twins")
    assert set((await backend.query("people:states")).values()) == {"success"}


async def test_what_is_under_way_cannot_be_reset(backend: Backend) -> None:
    await backend.mutation("people:ask")
    for name in ("_system/migrations:reset", "_system/migrations:start"):
        more = {"reset": True} if name.endswith("start") else {}
        with pytest.raises(DeveloperError, match="`visit` is under way") as caught:
            await backend.mutation(name, {"names": ["visit"], **more})
        assert caught.value.code == "MigrationUnderWay"


@pytest.mark.parametrize("name", ["nope", "other:visit"])
async def test_an_unknown_name_lists_those_there_are(backend: Backend, name: str) -> None:
    with pytest.raises(DeveloperError, match="There are: visit, picky, twins") as caught:
        await backend.mutation("_system/migrations:start", names=[name])
    assert caught.value.code == "MigrationNotFound"


async def one_batch(backend: Backend, name: str) -> None:
    """As if the server ended after the first batch."""
    await backend.mutation("_system/migrations:start", names=[name])
    engine: Any = backend._engine  # pyright: ignore[reportPrivateUsage]
    runs: MigrationRuns = engine._parts.migration_runs
    waiting = await runs.next()
    assert waiting is not None
    await runs.begin(waiting)
    begun = await runs.next()
    assert begun is not None
    assert await runs.step(begun, Pace())


async def test_an_interrupted_migration_goes_on_with_the_next_server(open_backend: Open) -> None:
    async with open_backend() as backend:
        await backend.mutation("people:add", count=60)
        await one_batch(backend, "visit")
    async with open_backend() as backend:
        part = await status(backend, "visit")
        assert part["state"] == "inProgress"
        assert 0 < part["processed"] < 60
        await backend.migrate("visit")
        assert {person["visits"] for person in await people(backend)} == {1}


async def test_live_queries_see_progress_and_results(backend: Backend) -> None:
    await backend.mutation("people:add", count=100)
    async with backend.subscribe("people:progress") as progress, backend.subscribe("people:newest") as newest:
        await backend.migrate("visit")
        assert progress.current[0]["state"] == "success"
        assert progress.current[0]["processed"] == 100
        assert newest.current["visits"] == 1


# Dry runs


async def test_a_dry_run_shows_changes_and_writes_nothing(backend: Backend) -> None:
    await backend.mutation("people:add", count=20)
    before = await people(backend)
    tried = await backend.dry_run("visit", limit=8)
    assert (tried["processed"], tried["changed"], tried["done"], tried["error"]) == (8, 8, False, None)
    assert [example["after"]["visits"] for example in tried["examples"]] == [1] * 5
    assert [without(example["after"], "visits") for example in tried["examples"]] == before[:5]
    assert await people(backend) == before
    assert await backend.query("people:states") == {}


async def test_a_dry_run_shows_a_deletion_and_a_failure(backend: Backend) -> None:
    await backend.mutation("people:note", text="x")
    assert (await backend.dry_run("clear"))["examples"][0]["after"] is None
    tried = await backend.dry_run("wrong")
    assert "returns a dict of changes" in tried["error"]["message"]
    assert tried["error"]["document"] is not None
    assert await backend.query("people:notes") == ["x"]


async def test_dry_runs_go_through_a_whole_table_by_their_cursor(backend: Backend) -> None:
    await backend.mutation("people:add", count=25)
    seen, cursor, done = 0, None, False
    while not done:
        tried = await backend.mutation("_system/migrations:dryRun", name="visit", most=10, cursor=cursor)
        seen, cursor, done = seen + tried["processed"], tried["cursor"], tried["done"]
    assert seen == 25


async def test_clients_may_neither_ask_nor_look(backend: Backend) -> None:
    client = backend.as_client()
    for call in (
        client.mutation("migrations:visit"),
        client.mutation("_system/migrations:start", names=["visit"]),
        client.query("_system/migrations:status"),
        client.mutation("_system/migrations:cancel"),
    ):
        with pytest.raises(DeveloperError, match="Could not find public function"):
            await call
