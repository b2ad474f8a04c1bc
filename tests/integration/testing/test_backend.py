"""Calls of a backend: the real engine, in memory and on a file."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reactor import (
    ActionCtx,
    ConvexError,
    DeveloperError,
    MutationCtx,
    QueryCtx,
    ReactorError,
    action,
    define_schema,
    mutation,
    query,
)
from reactor.errors import (
    ArgumentValidationError,
    FunctionInterrupted,
    FunctionNotFound,
    InvalidValue,
    LoadError,
    SettingsError,
)
from reactor.testing import Backend, MemoryStore
from tests.support.server import APPS, Server

Clubs = Callable[..., Backend]


# Calls


async def test_functions_are_called_by_path_and_by_themselves(club: Clubs):
    async with club() as backend:
        visits = backend.modules["visits"]
        assert await backend.mutation("visits:add", room="hall", n=2) == 2
        assert await backend.mutation(visits.add, {"room": "hall", "n": 3}) == 3
        assert await backend.mutation("visits.js:add", {"room": "hall"}, n=4) == 4
        assert await backend.query(visits.list, room="hall") == [2, 3, 4]
        assert await backend.query("visits:leastTen", {"room": "hall"}) == [2, 3, 4]


async def test_actions_call_functions_in_transactions_of_their_own(club: Clubs):
    async with club() as backend:
        assert await backend.action("members:enter", room="hall") == [5]
        assert await backend.query("visits:list", room="hall") == [5]


async def test_actions_may_wait_for_each_other(club: Clubs):
    async with club() as backend:
        waiting = asyncio.ensure_future(backend.action("members:wait_for", name="ada and bob"))
        assert await backend.action("members:meet", name="ada and bob") == "came to ada and bob"
        assert await waiting == "met ada and bob"


async def test_a_failed_mutation_leaves_nothing(club: Clubs):
    async with club() as backend:
        with pytest.raises(ConvexError) as refused:
            await backend.mutation("visits:add_and_refuse", room="hall")
        assert refused.value.data == {"code": "FULL"}
        assert refused.value.__notes__ == ["raised at add_and_refuse (functions/visits.py:59)"]
        with pytest.raises(ValueError, match="the mutation failed"):
            await backend.mutation("visits:add_and_fail", room="hall")
        assert await backend.query("visits:list", room="hall") == []


async def test_failures_of_queries_and_actions_are_what_they_were(club: Clubs):
    async with club() as backend:
        with pytest.raises(ValueError, match="the query failed"):
            await backend.query("visits:fails")
        with pytest.raises(ConvexError) as refused:
            await backend.action("members:refuse")
        assert refused.value.data == ["no", 1]


CALLS: list[tuple[str, str, dict[str, Any], type[Exception]]] = [
    ("query", "visits:nowhere", {}, FunctionNotFound),
    ("mutation", "no:such", {}, FunctionNotFound),
    ("query", "members:secret", {}, FunctionNotFound),
    ("query", "visits:list", {}, ArgumentValidationError),
    ("query", "visits:list", {"room": 5}, ArgumentValidationError),
    ("mutation", "visits:add", {"room": "x", "m": 1}, ArgumentValidationError),
    ("query", "visits:add", {"room": "x"}, DeveloperError),
    ("action", "visits:add", {"room": "x"}, DeveloperError),
    ("query", "visits:fails", {}, ValueError),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with Server("club", tmp_path_factory.mktemp("club") / "data", command="dev") as server:
        yield server


@pytest.mark.parametrize(("kind", "path", "args", "error"), CALLS)
async def test_errors_have_the_texts_that_clients_get(
    server: Server, kind: str, path: str, args: dict[str, Any], error: type[Exception]
):
    _, answer = server.post(f"/api/{kind}", {"path": path, "args": args})
    async with Backend(APPS / "club") as backend:
        with pytest.raises(error) as raised:
            await getattr(backend.as_client(), kind)(path, args)
    over_the_wire = answer["errorMessage"].partition("Server Error\n")[2]
    assert str(raised.value) in over_the_wire
    assert over_the_wire.startswith((str(raised.value), f"Uncaught {error.__name__}: "))


async def test_a_path_that_is_none_is_refused():
    async with Backend(APPS / "club") as backend:
        with pytest.raises(DeveloperError, match="not a valid path"):
            await backend.query("a:b:c")


async def test_what_is_no_function_is_refused_with_the_remedy():
    def plain(ctx: QueryCtx) -> None:
        """Not decorated."""

    @query
    def of_another(ctx: QueryCtx) -> None:
        """Of no application."""

    async with Backend(APPS / "club") as backend:
        with pytest.raises(DeveloperError, match="Is a decorator such as @query missing"):
            await backend.query(plain)  # pyright: ignore[reportArgumentType] - the mistake to be told
        with pytest.raises(FunctionNotFound, match=r"is no function of this backend, which serves .*club"):
            await backend.query(of_another)


async def test_what_is_no_value_is_refused():
    async with Backend(APPS / "club") as backend:
        with pytest.raises(InvalidValue):
            await backend.query("visits:list", room=object())


async def test_many_calls_at_once(club: Clubs):
    async with club() as backend:
        await asyncio.gather(*(backend.mutation("visits:add", room="hall", n=n) for n in range(100)))
        assert sorted(await backend.query("visits:list", room="hall")) == list(range(100))


async def test_a_call_that_is_given_up_does_no_harm(club: Clubs):
    async with club() as backend:
        waiting = asyncio.ensure_future(backend.action("members:wait_for", name=str(uuid.uuid4())))
        writing = asyncio.ensure_future(backend.mutation("visits:add", room="hall"))
        await asyncio.sleep(0)
        assert waiting.cancel()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await backend.mutation("visits:add", room="other")
        assert await backend.query("visits:list", room="other") == [1]


# Who calls


async def test_users_are_made_up_and_told_apart(club: Clubs):
    async with club() as backend:
        ada, bob = backend.as_user(name="Ada"), backend.as_user({"name": "Bob"}, subject="bob")
        assert ada.identity is not None
        assert await backend.query("members:me") is None
        assert await ada.query("members:me") == ada.identity["tokenIdentifier"]
        assert await ada.mutation("members:who_writes") == ada.identity["tokenIdentifier"]
        assert await bob.query("members:me") == "https://reactor.test|bob"
        assert await backend.as_user().query("members:me") != await backend.as_user().query("members:me")


async def test_functions_get_every_claim():
    @query
    async def who(ctx: QueryCtx):
        return await ctx.auth.get_user_identity()

    async with Backend(functions=[who]) as backend:
        claims = await backend.as_user({"org.role": "x"}, email_verified=True, subject="s", issuer="i").query(who)
    assert claims == {
        "subject": "s",
        "issuer": "i",
        "tokenIdentifier": "i|s",
        "emailVerified": True,
        "org.role": "x",
    }


async def test_tests_are_trusted_and_clients_are_not(club: Clubs):
    async with club() as backend:
        user = backend.as_user(name="Ada")
        for trusted in (backend, user):
            assert await trusted.query("members:secret") == "the secret"
            assert await trusted.mutation("members:hidden") == "hidden"
        for client in (backend.as_client(), user.as_client(), backend.as_client().as_user()):
            with pytest.raises(FunctionNotFound):
                await client.query("members:secret")
            assert await client.query("members:open_secret") == "the secret"
        assert await user.as_client().query("members:me") == await user.query("members:me")


# Inline code


async def test_inline_code_is_a_mutation(club: Clubs):
    async with club() as backend:
        id = await backend.run(lambda ctx: ctx.db.insert("visits", {"room": "hall", "n": 1}))

        async def double(ctx: MutationCtx):
            document = await ctx.db.get(id)
            assert document is not None
            await ctx.db.patch(id, {"n": document["n"] * 2})
            return await ctx.run_query("visits:total", room="hall")

        assert await backend.run(double) == 2
        assert await backend.run(lambda ctx: ctx.now) == backend.clock.now
        assert await backend.run(lambda ctx: None) is None


async def test_inline_code_that_fails_leaves_nothing(club: Clubs):
    async def fail(ctx: MutationCtx):
        await ctx.db.insert("visits", {"room": "hall", "n": 1})
        raise KeyError("on purpose")

    async with club() as backend:
        with pytest.raises(KeyError, match="on purpose") as raised:
            await backend.run(fail)
        assert raised.value.__notes__[0].startswith("raised at fail (")
        assert await backend.query("visits:list", room="hall") == []


async def test_inline_code_is_held_to_the_schema_and_has_an_identity():
    async with Backend(APPS / "club") as backend:
        with pytest.raises(DeveloperError, match="does not match the schema"):
            await backend.run(lambda ctx: ctx.db.insert("visits", {"room": 5}))
        user = backend.as_user(subject="ada").as_client()
        claims = await user.run(lambda ctx: ctx.auth.get_user_identity())
        assert claims == user.identity


async def test_inline_code_may_run_many_at_once():
    async with Backend(APPS / "club") as backend:
        doubled = await asyncio.gather(*(backend.run(lambda ctx, n=n: n * 2) for n in range(20)))
        assert doubled == [n * 2 for n in range(20)]


# Limits and settings


async def test_limits_hold_and_can_be_set():
    async with Backend(APPS / "club", max_documents_read=2) as backend:
        for _ in range(3):
            await backend.mutation("visits:add", room="hall")
        with pytest.raises(DeveloperError, match=r"Too many documents read .*limit: 2") as raised:
            await backend.query("visits:list", room="hall")
        assert raised.value.code == "TooManyDocumentsRead"
        assert await backend.query("visits:list", room="other") == []


async def test_a_function_that_computes_for_ever_is_interrupted():
    async with Backend(APPS / "faults", function_cpu_seconds=0.05) as backend:
        with pytest.raises(FunctionInterrupted, match=r"maximum duration: 0\.05s"):
            await backend.query("faults:loops_for_ever")
        assert (await backend.query("faults:healthy"))["text"] == "well"


async def test_settings_are_those_of_the_folder_and_not_of_the_environment(
    write_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    folder = write_app(
        functions__a="from reactor import query\n\n@query\ndef size(ctx, text):\n    return len(text)\n",
    )
    (folder / "pyproject.toml").write_text('[tool.reactor]\nmax_args_bytes = "2 KiB"\n')
    monkeypatch.setenv("REACTOR_MAX_ARGS_BYTES", "1 KiB")
    async with Backend(folder) as backend:
        assert await backend.query("a:size", text="x" * 1500) == 1500
        with pytest.raises(DeveloperError, match=r"too large .*limit: 2048"):
            await backend.query("a:size", text="x" * 3000)
    async with Backend(folder, max_args_bytes="4 KiB") as backend:
        assert await backend.query("a:size", text="x" * 3000) == 3000


def test_what_cannot_be_is_told_at_once():
    with pytest.raises(SettingsError, match="max_documents_read"):
        Backend(APPS / "club", max_document_read=1)
    with pytest.raises(TypeError, match="not both"):
        Backend(APPS / "club", functions=[])
    with pytest.raises(TypeError, match="schema="):
        Backend(APPS / "club", schema=define_schema({}))
    with pytest.raises(TypeError, match="not both"):
        Backend(APPS / "club", data="x", store=MemoryStore())


async def test_a_folder_without_functions_is_told(tmp_path: Path):
    with pytest.raises(LoadError, match="has no folder `functions`"):
        async with Backend(tmp_path):
            pass


# Beginning and end


async def test_each_backend_has_data_of_its_own():
    async with Backend(APPS / "club") as one, Backend(APPS / "club") as other:
        await one.mutation("visits:add", room="hall")
        assert await other.query("visits:list", room="hall") == []
        assert await one.query("visits:list", room="hall") == [1]


async def test_data_stays_for_the_next_backend(tmp_path: Path):
    kept: list[dict[str, Any]] = [{"store": MemoryStore()}, {"data": tmp_path / "data"}]
    for options in kept:
        for before in (0, 1, 2):
            async with Backend(APPS / "club", **options) as backend:
                assert len(await backend.query("visits:list", room="hall")) == before
                await backend.mutation("visits:add", room="hall")


async def test_a_closed_backend_may_be_opened_again(club: Clubs):
    backend = club()
    for n in (1, 2, 3):
        async with backend:
            await backend.mutation("visits:add", room="hall")
            assert len(await backend.query("visits:list", room="hall")) == n


async def test_a_backend_is_used_while_it_is_open():
    backend = Backend(APPS / "club")
    with pytest.raises(ReactorError, match="async with"):
        await backend.query("visits:list", room="hall")
    async with backend:
        with pytest.raises(ReactorError, match="open already"):
            await backend.open()
    await backend.close()
    with pytest.raises(ReactorError, match="async with"):
        await backend.run(lambda ctx: None)


async def test_a_backend_belongs_to_its_loop():
    async with Backend(APPS / "club") as backend:
        with pytest.raises(ReactorError, match="another event loop"):
            await asyncio.to_thread(lambda: asyncio.run(backend.query("visits:list", room="hall")))


@pytest.mark.stores("sqlite", "postgres", because="waits for its turn in a thread of the event loop, which keeps it")
async def test_no_thread_and_no_task_is_left(club: Clubs):
    threads, tasks = set(threading.enumerate()), asyncio.all_tasks()
    async with club() as backend:
        await backend.mutation("visits:add", room="hall")
        async with backend.subscribe("visits:list", room="hall"):
            pass
        assert set(threading.enumerate()) != threads
    assert set(threading.enumerate()) == threads
    assert asyncio.all_tasks() == tasks


@pytest.mark.stores("sqlite", "postgres", because="opens as often as there are processes")
async def test_a_store_that_does_not_open_leaves_nothing(tmp_path: Path):
    data = tmp_path / "data"
    threads = set(threading.enumerate())
    async with Backend(APPS / "club", data=data):
        held = set(threading.enumerate())
        with pytest.raises(ReactorError):
            await Backend(APPS / "club", data=data).open()
        assert set(threading.enumerate()) == held
    assert set(threading.enumerate()) == threads


# Time


async def test_time_stands_still_until_it_is_turned(club: Clubs):
    noon = datetime(2031, 5, 6, 12, tzinfo=UTC)
    async with club(now=noon) as backend:

        async def visit(ctx: MutationCtx):
            id = await ctx.db.insert("visits", {"room": "hall", "n": 1})
            document = await ctx.db.get(id)
            assert document is not None
            return [ctx.now, document["_creationTime"]]

        start = noon.timestamp() * 1000
        first, second = await backend.run(visit), await backend.run(visit)
        assert first[0] == second[0] == start
        assert start <= first[1] < second[1] < start + 1
        backend.clock.advance(minutes=5)
        third = await backend.run(visit)
        assert third == [start + 300_000, start + 300_000]
        with pytest.raises(ValueError, match="cannot go back"):
            backend.clock.set(noon)


async def test_every_call_of_a_query_sees_the_time():
    @query
    def time(ctx: QueryCtx) -> float:
        print("asked")
        return ctx.now

    @action
    async def asks(ctx: ActionCtx) -> float:
        return await ctx.run_query(time)

    async with Backend(functions=[time, asks]) as backend:
        for number in range(1, 4):
            assert await backend.query(time) == await backend.action(asks) == backend.clock.now
            assert len(backend.logs) == 2 * number
            backend.clock.advance(milliseconds=1)


async def test_any_time_may_be_chosen_for_the_first_write():
    async with Backend(APPS / "club") as backend:
        backend.clock.set(datetime(1999, 12, 31, tzinfo=UTC))
        await backend.mutation("visits:add", room="hall")
        [created] = await backend.run(
            lambda ctx: ctx.run_query(created_in, room="hall"),
        )
        assert created == datetime(1999, 12, 31, tzinfo=UTC).timestamp() * 1000


@query
async def created_in(ctx: QueryCtx, room: str):
    found = await ctx.db.query("visits").with_index("by_room", lambda q: q.eq("room", room)).collect()
    return [visit["_creationTime"] for visit in found]


# Output


async def test_what_functions_print_and_log_is_kept(capsys: pytest.CaptureFixture[str]):
    async with Backend(APPS / "faults") as backend:
        await backend.query("faults:speaks")
        assert [tuple(line) for line in backend.logs] == [
            ("faults:speaks", "LOG", "printed 1"),
            ("faults:speaks", "WARN", "logged twice"),
        ]
        assert backend.logs.last == list(backend.logs)
        await backend.action("faults:speaks_in_action")
        assert [str(line) for line in backend.logs.last] == ["[LOG] from the action"]
        assert backend.logs.texts == ["printed 1", "logged twice", "from the action"]
        assert [line.text for line in backend.logs.of("faults:speaks_in_action")] == ["from the action"]
        await backend.query("faults:healthy")
        assert (backend.logs.last, len(backend.logs)) == ([], 3)
        backend.logs.clear()
        assert (list(backend.logs), backend.logs.last) == ([], [])
    print("outside")
    assert capsys.readouterr().out.splitlines() == [
        "faults:speaks [LOG] printed 1",
        "faults:speaks [WARN] logged twice",
        "faults:speaks_in_action [LOG] from the action",
        "outside",
    ]


async def test_lines_of_a_failed_call_are_kept(club: Clubs):
    async with club() as backend:
        with pytest.raises(ConvexError):
            await backend.mutation("visits:add_and_refuse", room="hall")
        assert backend.logs.texts == ["refusing"]
        assert [line.text for line in backend.logs.last] == ["refusing"]


async def test_functions_in_threads_are_heard():
    @query
    def said(ctx: QueryCtx) -> None:
        print("in a query")

    @action
    def in_thread(ctx: Any) -> str:
        print("in a thread")
        return threading.current_thread().name

    async with Backend(functions=[said, in_thread]) as backend:
        assert await backend.action(in_thread) != threading.current_thread().name
        await backend.query(said)
        assert backend.logs.texts == ["in a thread", "in a query"]


@mutation
async def top_level(ctx: MutationCtx, n: int) -> int:
    return n + 1


async def test_functions_may_be_given_one_by_one():
    async with Backend(functions=[top_level]) as backend:
        assert await backend.mutation(top_level, n=1) == 2
        assert await backend.mutation("test_backend:topLevel", n=1) == 2
