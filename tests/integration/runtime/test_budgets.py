"""Budgets: of a run, of a call inside of it, what is told of them, and warnings when they are nearly used up."""

from pathlib import Path
from typing import Any

import pytest

from reactor.runtime.calls import Call, Origin
from tests.integration.http.api import open_api
from tests.integration.runtime.stage import Stage, open_stage
from tests.integration.sync.engine import Client

# Budgets of one call


async def test_a_call_that_exceeds_its_budget_fails_alone(stage: Stage) -> None:
    assert await stage.value("mutation", "callers:write_over", given=2, writes=2) == {
        "outcome": "ended",
        "used": 2,
        "texts": 3,
    }
    # The third write was refused, but counts: for budgets, nothing is given back.
    assert await stage.value("mutation", "callers:write_over", given=2, writes=5) == {
        "outcome": "TooManyWrites",
        "used": 3,
        "texts": 4,
    }


async def test_what_a_call_used_counts_for_its_caller(tmp_path: Path) -> None:
    async with open_stage(tmp_path / "data", max_documents_written=5) as stage:
        failure = await stage.failure("mutation", "callers:write_over", given=4, writes=9)
        assert failure.text.startswith("Too many writes in a single function execution (limit: 5). To stay below it, ")
        assert "The limit is the setting max_documents_written." in failure.text
        assert await stage.value("query", "notes:texts") == []


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"documents_read": 2}, "Too many documents read in a nested call (limit: 2, of its transaction_limits)"),
        ({"documentsRead": 2.0}, "Too many documents read in a nested call (limit: 2,"),
        ({"bytes_read": 100}, "Too many bytes read in a nested call (limit: 100,"),
    ],
)
async def test_a_read_budget_counts_from_where_the_call_begins(stage: Stage, limits: Any, text: str) -> None:
    await stage.value("mutation", "notes:add_many", count=4)
    first, (code, told), after = await stage.value("query", "callers:read_within", limits=limits, n=4)
    assert (first, after) == (1, 4)
    assert code in ("TooManyDocumentsRead", "TooManyBytesRead")
    assert told.startswith(text)


async def test_ranges_have_a_budget_too(stage: Stage) -> None:
    # What the call reads is part of what was read before, and merged with it; the call alone needs one range.
    await stage.value("mutation", "notes:add_many", count=4)
    for limits, inner in (({"read_ranges": 1}, 3), ({"databaseQueries": 1}, 3)):
        assert (await stage.value("query", "callers:read_within", limits=limits, n=3))[1] == inner
    code, text = (await stage.value("query", "callers:read_within", limits={"read_ranges": 0}, n=3))[1]
    assert code == "TooManyReads"
    assert text.startswith("Too many reads in a nested call (limit: 0, of its transaction_limits)")


async def test_a_budget_can_only_narrow(tmp_path: Path) -> None:
    async with open_stage(tmp_path / "data", max_documents_read=3) as stage:
        await stage.value("mutation", "notes:add_many", count=5)
        options = {"transaction_limits": {"documents_read": 1000}}
        told = await stage.value(
            "query", "callers:in_query", method="run_query", target="notes:take", args={"n": 5}, options=options
        )
        assert told["text"].startswith("Too many documents read in a single function execution (limit: 3)")
        # A budget that was exceeded stays spent: four were asked for, and the fourth was refused.
        assert await stage.value("query", "notes:carefully", n=5) == 3


@pytest.mark.parametrize("caller", ["query", "mutation", "action"])
@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"reads": 1}, "transaction_limits has no 'reads'. Give any of: documents_read, bytes_read, read_ranges, "),
        ({"bytes_read": -1}, "transaction_limits takes whole numbers of at least 0, and bytes_read is -1"),
        ({"bytes_read": 1.5}, "takes whole numbers"),
        ({"bytes_read": True}, "takes whole numbers"),
        ([1], "transaction_limits is a dict, not list"),
    ],
)
async def test_wrong_budgets_are_refused(stage: Stage, caller: str, limits: Any, text: str) -> None:
    told = await stage.value(
        caller,
        f"callers:in_{caller}",
        method="run_query",
        target="notes:texts",
        options={"transaction_limits": limits},
    )
    assert told["code"] == "InvalidTransactionLimits"
    assert text in told["text"]


@pytest.mark.parametrize(("method", "path"), [("run_query", "notes:take"), ("run_mutation", "notes:add_many")])
async def test_actions_narrow_the_transactions_that_they_begin(stage: Stage, method: str, path: str) -> None:
    await stage.value("mutation", "notes:add_many", count=3)
    args = {"n": 3} if method == "run_query" else {"count": 3}
    for limit, caught in ((2, True), (3, False)):
        options = {"transaction_limits": {"documents_read": limit, "documents_written": limit}}
        told = await stage.value("action", "callers:in_action", method=method, target=path, args=args, options=options)
        assert ("text" in told) is caught
    assert len(await stage.value("query", "notes:texts")) == (3 if method == "run_query" else 6)


# ctx.meta


async def test_a_function_can_ask_about_itself_and_its_budgets(stage: Stage) -> None:
    about = await stage.value("mutation", "callers:about_all")
    assert about["own"] == {"name": "callers:about_all", "type": "mutation", "visibility": "public"}
    assert about["hidden"] == {"name": "notes:hidden", "type": "mutation", "visibility": "internal"}
    assert about["nested"]["function"] == {"name": "notes:about", "type": "query", "visibility": "public"}
    assert about["nested"]["budgets"] == about["budgets"]
    budgets = about["budgets"]
    assert budgets.keys() == {
        "bytesRead",
        "bytesWritten",
        "databaseQueries",
        "documentsRead",
        "documentsWritten",
        "functionsScheduled",
        "scheduledFunctionArgsBytes",
    }
    assert budgets["documentsWritten"] == {"used": 1, "remaining": 15_999}
    assert budgets["bytesWritten"]["used"] + budgets["bytesWritten"]["remaining"] == 16 * 2**20
    assert budgets["bytesWritten"]["used"] > 50
    assert budgets["databaseQueries"] == {"used": 0, "remaining": 4096}


async def test_what_remains_in_a_call_is_what_remains_of_its_budgets(stage: Stage) -> None:
    await stage.value("mutation", "notes:add_many", count=3)
    told = await stage.value(
        "mutation",
        "callers:in_mutation",
        method="run_query",
        target="notes:about",
        options={"transaction_limits": {"documents_read": 7}},
    )
    assert told["value"]["budgets"]["documentsRead"] == {"used": 0, "remaining": 7}


@pytest.mark.parametrize(
    ("kind", "path", "text"),
    [
        ("action", "callers:metrics_in_action", "An action has no transaction. Ask in the query or mutation."),
        ("query", "callers:request_in_query", "A query's result is shared by all who ask"),
    ],
)
async def test_what_there_is_not_to_know_is_refused(stage: Stage, kind: str, path: str, text: str) -> None:
    failure = await stage.failure(kind, path)
    assert text in failure.text
    assert getattr(failure.error, "code", None) == "InvalidFunctionCall"
    assert isinstance(failure.error, AttributeError)


async def test_a_request_is_known_to_all_that_it_leads_to(stage: Stage) -> None:
    call = Call("callers:about_action", b"{}", origin=Origin("192.0.2.7", "tests/1"), request_id="0123456789abcdef")
    result = await stage.parts.actions.run(call)
    request = b'{"ip":"192.0.2.7","requestId":"0123456789abcdef","userAgent":"tests/1"}'
    assert b'"request":' + request in result.value
    assert b'"mutation":' + request in result.value


async def test_sockets_and_http_tell_where_a_request_comes_from(tmp_path: Path) -> None:
    async with open_api(tmp_path / "data", "calls") as api:
        headers = {"User-Agent": "curl/8"}
        over_http = (await api.value("action", "callers:about_action", headers=headers))["request"]
        assert (over_http["ip"], over_http["userAgent"]) == ("127.0.0.1", "curl/8")
        client = Client(api.parts, headers={"user-agent": "Python/3"})
        client.address = "192.0.2.9"
        answer = await client.mutation("callers:about_all")
        request = answer["result"]["request"]
        assert (request["ip"], request["userAgent"]) == (None, "Python/3")  # the address came after the handshake
        assert len(request["requestId"]) == 16


# Warnings


@pytest.mark.parametrize(
    ("settings", "kind", "path", "args", "line"),
    [
        ({"max_documents_read": 5}, "query", "notes:texts", {}, "TooManyDocumentsRead: 5 documents read in this run"),
        ({"max_documents_written": 5}, "mutation", "notes:add_many", {"count": 5}, "TooManyWrites: 5 documents wr"),
        (
            {"max_bytes_written": 2000},
            "mutation",
            "notes:add",
            {"text": "a", "size": 1700},
            "TooManyBytesWritten: 17",
        ),
        ({"max_bytes_read": 1024}, "query", "notes:texts", {}, None),
        ({"max_args_bytes": 1100}, "query", "notes:opens", {"a": "x" * 900}, "ArgumentsTooLarge: the arguments for "),
        ({"max_result_bytes": 1100}, "query", "notes:opens", {"a": "x" * 900}, "ResultTooLarge: notes.js:opens retu"),
        ({"max_result_bytes": 1024}, "query", "notes:opens", {"a": "x" * 700}, None),
    ],
)
async def test_a_run_that_comes_near_a_limit_is_warned(
    tmp_path: Path, settings: dict[str, Any], kind: str, path: str, args: dict[str, Any], line: str | None
) -> None:
    async with open_stage(tmp_path / "data", **settings) as stage:
        if kind == "query" and path == "notes:texts":
            await stage.value("mutation", "notes:add_many", count=5)
        result = await stage.run(kind, path, **args)
        assert result.failure is None, result.failure.text
        assert [each[: len(line) + 7] if line else each for each in result.logs] == ([f"[WARN] {line}"] if line else [])


async def test_ranges_are_warned_of_after_merging(tmp_path: Path) -> None:
    app = tmp_path / "app"
    (app / "functions").mkdir(parents=True)
    (app / "functions" / "f.py").write_text(
        "from reactor import *\n"
        "@mutation\nasync def add(ctx: MutationCtx, n: int):\n"
        "    return [await ctx.db.insert('t', {}) for _ in range(n)]\n"
        "@query\nasync def read(ctx: QueryCtx, ids: list[str]):\n"
        "    for id in ids: await ctx.db.get(id)\n"
    )
    async with open_stage(tmp_path / "data", app, max_read_ranges=10) as stage:
        ids = await stage.value("mutation", "f:add", n=10)
        assert (await stage.run("query", "f:read", ids=ids[:8])).logs == []
        assert (await stage.run("query", "f:read", ids=ids[:9] * 2)).logs == [
            "[WARN] TooManyReads: 9 ranges of indexes read in this run (limit: 10, the setting max_read_ranges)."
        ]
