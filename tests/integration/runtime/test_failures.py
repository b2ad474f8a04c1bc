"""Failures on their way from one function to another and to clients."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from reactor.errors import DeveloperError, FunctionInterrupted
from reactor.runtime.failures import LONGEST_MESSAGE
from tests.integration.http.api import admin_header, open_api
from tests.integration.runtime.stage import Stage, open_stage
from tests.integration.sync.engine import Client

DATA = {"code": "FULL", "seats": [1, 2]}


@pytest.mark.parametrize("caller", ["query", "mutation", "action"])
@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("value", {"type": "ValueError", "text": "of no use", "code": None, "data": None}),
        ("data", {"type": "ConvexError", "code": None, "data": DATA}),
        ("own", {"type": "NotHere", "code": None, "data": {"code": "NOT_HERE"}}),
        ("bad data", {"type": "DeveloperError", "code": "InvalidConvexErrorData", "data": None}),
    ],
)
async def test_a_caller_catches_what_was_raised(stage: Stage, caller: str, how: str, expected: dict[str, Any]) -> None:
    called = [("run_query", "notes:failing"), ("run_action", "notes:failing_action")]
    for method, path in called[: 2 if caller == "action" else 1]:
        told = await stage.value(caller, f"callers:in_{caller}", method=method, target=path, args={"how": how})
        assert expected.items() <= told.items(), (method, told)


@pytest.mark.parametrize("how", ["forever", "exit", "cancelled"])
async def test_an_action_catches_everything(tmp_path: Path, how: str) -> None:
    async with open_stage(tmp_path / "data", function_cpu_seconds=0.05) as stage:
        told = await stage.value(
            "action", "callers:in_action", method="run_query", target="notes:failing", args={"how": how}
        )
    assert told["type"] == "DeveloperError"
    assert (told["code"], told["text"]) == {
        "forever": ("UserTimeout", "Function execution timed out (maximum duration: 0.05s)"),
        "exit": (None, "Uncaught SystemExit: 3"),
        "cancelled": (None, "Uncaught CancelledError"),
    }[how]


@pytest.mark.parametrize("how", ["exit", "cancelled"])
@pytest.mark.parametrize("kind", ["query", "action"])
async def test_a_function_ends_nobody_but_itself(stage: Stage, kind: str, how: str) -> None:
    path = "notes:failing" if kind == "query" else "notes:failing_action"
    failure = await stage.failure(kind, path, how=how)
    assert failure.text.startswith(("Uncaught SystemExit: 3\n    at fail", "Uncaught CancelledError\n    at fail"))
    assert await stage.value("query", "notes:texts") == []


async def test_a_timeout_ends_the_callers_as_well(tmp_path: Path) -> None:
    async with open_stage(tmp_path / "data", function_cpu_seconds=0.05) as stage:
        failure = await stage.failure(
            "mutation", "callers:in_mutation", method="run_query", target="notes:failing", args={"how": "forever"}
        )
        assert isinstance(failure.error, FunctionInterrupted)
        assert failure.text.startswith("Function execution timed out (maximum duration: 0.05s)\n    at fail ")


async def test_an_uncaught_failure_shows_the_frames_of_all_runs(stage: Stage) -> None:
    failure = await stage.failure(
        "action", "callers:uncaught_action", method="run_mutation", target="notes:add_and_fail", args={"text": "x"}
    )
    lines = re.sub(r":\d+\)", ")", failure.text).splitlines()
    assert lines == [
        "Uncaught ValueError: of no use",
        "    at fail (functions/notes.py)",
        "    at add_and_fail (functions/notes.py)",
        "    at uncaught_action (functions/callers.py)",
    ]


async def test_data_reaches_every_kind_of_client_in_production(tmp_path: Path) -> None:
    async with open_api(tmp_path / "data", "calls", mode="production") as api:
        client = Client(api.parts)
        args: dict[str, Any] = {"method": "run_query", "target": "notes:failing", "args": {"how": "data"}}
        for kind, path, given in (
            ("query", "notes:failing", {"how": "data"}),
            ("mutation", "callers:uncaught", args),
            ("action", "callers:uncaught_action", args),
            ("action", "callers:uncaught_action", args | {"method": "run_action", "target": "notes:failing_action"}),
        ):
            answer = (await api.post(kind, path, given)).json()
            assert answer["errorData"] == DATA
            assert re.fullmatch(r"\[Request ID: [0-9a-f]{16}\] Server Error", answer["errorMessage"])
        response = await client.mutation("callers:uncaught", **args)
        assert (response["success"], response["errorData"]) == (False, DATA)


async def test_production_hides_the_text_and_keeps_it_under_the_same_id(tmp_path: Path) -> None:
    async with open_api(tmp_path / "data", "calls", mode="production") as api:
        told: list[dict[str, Any]] = []
        api.parts.events = lambda kind, /, **fields: told.append(fields)
        answer = (await api.post("query", "notes:failing", {"how": "value"})).json()
        assert answer.keys() == {"status", "errorMessage"}
        (request_id,) = re.findall(r"^\[Request ID: ([0-9a-f]{16})\] Server Error$", answer["errorMessage"])
        (fields,) = told
        assert fields["request"] == request_id
        assert fields["error"].startswith("Uncaught ValueError: of no use\n    at fail")
        shown = (await api.post("query", "notes:failing", {"how": "value"}, headers=admin_header())).json()
        assert "Uncaught ValueError: of no use" in shown["errorMessage"]


async def test_long_messages_are_cut(stage: Stage) -> None:
    failure = await stage.failure("query", "notes:failing", how="long")
    assert len(failure.text.partition("\n")[0]) == LONGEST_MESSAGE


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("callers:unconsumed", "returned a query that has not been run. Call a method that reads it and await that"),
        ("callers:unconsumed_inside", "returned a query that has not been run"),
        ("callers:unawaited", "returned something that was not awaited (coroutine): put `await` before"),
        ("callers:unawaited_with_hint", "returned something that was not awaited (coroutine)"),
    ],
)
async def test_a_result_that_is_not_there_yet_is_named(stage: Stage, path: str, text: str) -> None:
    for kind, called, args in (
        ("query", path, {}),
        ("mutation", "callers:uncaught", {"method": "run_query", "target": path}),
    ):
        failure = await stage.failure(kind, called, **args)
        assert failure.text.startswith(f"Function {path.replace(':', '.js:')} {text}")
        assert getattr(failure.error, "code", None) == "FunctionReturnInvalidJson"


WAITING = """
import asyncio
from reactor import *

@mutation
async def for_ever(ctx: MutationCtx):
    await ctx.db.insert("t", {})
    await asyncio.get_running_loop().create_future()

@mutation
async def swallowing(ctx: MutationCtx, turns: bool):
    await ctx.db.insert("t", {})
    while True:
        try:
            await (asyncio.sleep(0) if turns else asyncio.get_running_loop().create_future())
        except BaseException:
            pass

@mutation
async def returning(ctx: MutationCtx):
    await ctx.db.insert("t", {})
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        return "kept"

@mutation
async def computing(ctx: MutationCtx):
    await ctx.db.insert("t", {})
    try:
        while True:
            pass
    finally:
        return "kept"

async def stubborn():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

@mutation
async def gathering(ctx: MutationCtx):
    await ctx.db.insert("t", {})
    children.append(asyncio.ensure_future(stubborn()))
    await asyncio.gather(*children)

children = []

@query
async def count(ctx: QueryCtx):
    return len(await ctx.db.query("t").collect())
"""


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    (tmp_path / "app" / "functions").mkdir(parents=True)
    (tmp_path / "app" / "functions" / "w.py").write_text(WAITING)
    return tmp_path / "app"


@pytest.mark.filterwarnings("ignore:'return' in a 'finally' block:SyntaxWarning")
@pytest.mark.parametrize(
    ("path", "args", "code"),
    [
        ("w:for_ever", {}, "SystemTimeout"),
        ("w:swallowing", {"turns": False}, "SystemTimeout"),
        ("w:swallowing", {"turns": True}, "SystemTimeout"),
        ("w:returning", {}, "SystemTimeout"),
        ("w:computing", {}, "UserTimeout"),
    ],
)
async def test_no_trick_keeps_a_function_alive_or_commits_it(
    tmp_path: Path, waiting: Path, path: str, args: dict[str, Any], code: str
) -> None:
    limits = {"function_cpu_seconds": 0.05, "function_system_seconds": 0.05}
    async with open_stage(tmp_path / "data", waiting, determinism="off", **limits) as stage:
        failure = await stage.failure("mutation", path, **args)
        assert isinstance(failure.error, FunctionInterrupted)
        assert failure.error.code == code
        if code == "SystemTimeout":
            assert "waiting included). What it waited for did not come in that time." in failure.text
        assert await stage.value("query", "w:count") == 0


async def test_a_task_that_does_not_listen_holds_up_nobody(tmp_path: Path, waiting: Path) -> None:
    async with open_stage(tmp_path / "data", waiting, determinism="off", function_system_seconds=0.05) as stage:
        failure = await stage.failure("mutation", "w:gathering")
        assert isinstance(failure.error, FunctionInterrupted)
        assert await stage.value("query", "w:count") == 0
        for task in asyncio.all_tasks():
            coroutine: Any = task.get_coro()
            if coroutine is not None and coroutine.__name__ == "stubborn":
                task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
                coroutine.close()


async def test_an_action_may_catch_the_timeout_of_what_it_calls(tmp_path: Path, waiting: Path) -> None:
    (waiting / "functions" / "a.py").write_text(
        "from reactor import *\n"
        "@action\n"
        "async def calls(ctx: ActionCtx):\n"
        "    try:\n"
        "        await ctx.run_mutation('w:for_ever')\n"
        "    except DeveloperError as error:\n"
        "        return error.code\n"
    )
    async with open_stage(tmp_path / "data", waiting, determinism="off", function_system_seconds=0.05) as stage:
        assert await stage.value("action", "a:calls") == "SystemTimeout"


async def test_a_run_that_took_nearly_all_of_its_time_is_warned(tmp_path: Path, waiting: Path) -> None:
    (waiting / "functions" / "slow.py").write_text(
        "import asyncio\nfrom reactor import *\n"
        "@query\n"
        "async def nearly(ctx: QueryCtx):\n"
        "    loop = asyncio.get_running_loop()\n"
        "    future = loop.create_future()\n"
        "    loop.call_later(0.9, future.set_result, 1)\n"
        "    return await future\n"
    )
    async with open_stage(tmp_path / "data", waiting, determinism="off", function_system_seconds=1.0) as stage:
        result = await stage.run("query", "slow:nearly")
        assert result.failure is None, result.failure.text
        (line,) = result.logs
        assert re.fullmatch(r"\[WARN\] SystemTimeout: the function took 0\.[89]\d*s \(limit: 1s\)\.", line)


def test_the_error_of_a_timeout_can_be_told_by_its_code() -> None:
    assert FunctionInterrupted("x").code == "UserTimeout"
    assert not issubclass(FunctionInterrupted, Exception)
    assert DeveloperError("x").code is None
