"""Functions that call functions: what is shared, what is undone, and what is refused."""

import math
from pathlib import Path
from typing import Any

import pytest

from reactor.runtime.calls import Call
from reactor.runtime.identity import Identity
from tests.integration.runtime.stage import Stage, open_stage

# What a failed call takes back


async def test_a_failed_mutation_takes_back_its_own_writes_only(stage: Stage) -> None:
    assert await stage.value("mutation", "callers:add_around_a_failure") == ["before", "after"]
    assert await stage.value("query", "notes:texts") == ["before", "after"]


async def test_a_failure_that_nobody_catches_takes_back_everything(stage: Stage) -> None:
    failure = await stage.failure(
        "mutation", "callers:uncaught", method="run_mutation", target="notes:add_and_fail", args={"text": "gone"}
    )
    assert failure.text.startswith("Uncaught ValueError: of no use\n    at fail (functions/notes.py:")
    assert "at uncaught (functions/callers.py:" in failure.text
    assert await stage.value("query", "notes:texts") == []


async def test_tables_of_a_failed_mutation_do_not_exist(stage: Stage) -> None:
    assert await stage.value("mutation", "callers:table_of_its_own") == ["x", []]
    assert "made_by_undone" not in stage.parts.database.numbering.tables
    assert "fresh" in stage.parts.database.numbering.tables


async def test_creation_times_of_undone_inserts_stay_used(stage: Stage) -> None:
    first, second = await stage.value("mutation", "callers:created")
    # Two documents were inserted in between.
    assert second - first == 3 * math.ulp(first)


async def test_what_a_failed_query_read_stays_read(stage: Stage) -> None:
    run = await stage.query("callers:in_query", method="run_query", target="notes:carefully", args={})
    alone = await stage.query("notes:texts")
    assert b"InvalidArgs" in run.result.value
    assert run.ranges == []  # it failed before it read
    run = await stage.query("callers:read_within", limits={"documents_read": 0}, n=5)
    assert run.ranges == alone.ranges


async def test_calls_that_were_started_together_take_turns(stage: Stage) -> None:
    assert await stage.value("mutation", "callers:together") == ["0", "1", "2"]


# The boundary


@pytest.mark.parametrize("caller", ["query", "mutation", "action"])
@pytest.mark.parametrize(
    ("path", "args", "code", "text"),
    [
        ("notes:take", {}, "InvalidArgs", "ArgumentValidationError: Object is missing the required field `n`"),
        ("notes:take", {"n": "many"}, "InvalidArgs", "ArgumentValidationError: "),
        ("notes:take", [1], "InvalidArgs", "Arguments are given by name, or as one dict; list is neither"),
        ("notes:promises_text", {}, "InvalidReturns", "ReturnsValidationError: "),
        ("notes:nowhere", {}, "FunctionNotFound", "Could not find function for 'notes:nowhere'"),
        ("no path", {}, "BadConvexFunctionIdentifier", "is not a valid path"),
    ],
)
async def test_a_call_is_checked_and_its_failure_can_be_caught(
    stage: Stage, caller: str, path: str, args: Any, code: str, text: str
) -> None:
    told = await stage.value(caller, f"callers:in_{caller}", method="run_query", target=path, args=args)
    assert (told["code"], text in told["text"]) == (code, True), told


async def test_arguments_that_are_no_values_are_the_callers_mistake(tmp_path: Path) -> None:
    app = tmp_path / "app"
    (app / "functions").mkdir(parents=True)
    (app / "functions" / "f.py").write_text(
        "from reactor import *\n"
        "@query\nasync def any(ctx: QueryCtx, **args): return len(args)\n"
        "@query\nasync def unset(ctx: QueryCtx): return await ctx.run_query(any, a=UNSET, b=1)\n"
        "@query\nasync def a_set(ctx: QueryCtx): return await ctx.run_query(any, a={1})\n"
        "@action\nasync def from_action(ctx: ActionCtx): return await ctx.run_query(any, a={1})\n"
    )
    async with open_stage(tmp_path / "data", app) as stage:
        assert await stage.value("query", "f:unset") == 1
        for kind, path in (("query", "f:a_set"), ("action", "f:from_action")):
            failure = await stage.failure(kind, path)
            assert getattr(failure.error, "code", None) == "InvalidArgs"
            assert failure.text.startswith("Invalid arguments for f.js:any: ")
            assert "set is not a supported value" in failure.text


@pytest.mark.parametrize("caller", ["mutation", "action"])
async def test_callers_share_no_objects_with_what_they_call(stage: Stage, caller: str) -> None:
    told = await stage.value(
        caller, f"callers:in_{caller}", method="run_query", target="notes:opens", args={"a": {"b": [1]}}
    )
    assert told == {"value": {"a": {"b": [1]}}}


# Kinds


@pytest.mark.parametrize(
    ("caller", "method", "path", "text"),
    [
        ("query", "run_query", "notes:add", "Cannot call a Mutation function from a Query function"),
        ("query", "run_query", "notes:failing_action", "Cannot call a Action function from a Query function"),
        ("query", "run_mutation", "notes:add", "Cannot call a Mutation function from a Query function"),
        ("query", "run_action", "notes:failing_action", "Cannot call a Action function from a Query function"),
        ("mutation", "run_query", "notes:failing_action", "Cannot call a Action function from a Mutation function"),
        ("mutation", "run_action", "notes:failing_action", "Cannot call a Action function from a Mutation function"),
        ("mutation", "run_query", "notes:add", "notes.js:add as Query, but it is defined as Mutation: call it by"),
        ("mutation", "run_mutation", "notes:texts", "notes.js:texts as Mutation, but it is defined as Query"),
        ("action", "run_query", "notes:add", "notes.js:add as Query, but it is defined as Mutation"),
        ("action", "run_action", "notes:texts", "but it is defined as Query: call it by ctx.run_query"),
        ("action", "runQuery", "notes:texts", "ctx.runQuery is written ctx.run_query in Python"),
        (
            "action",
            "fetch",
            "",
            "ctx of an action has no `fetch`. It has: auth, cloud_url, env, meta, run_action",
        ),
    ],
)
async def test_calls_that_do_not_fit_are_refused(stage: Stage, caller: str, method: str, path: str, text: str) -> None:
    told = await stage.value(caller, f"callers:in_{caller}", method=method, target=path)
    assert told["code"] == "InvalidFunctionCall"
    assert text in told["text"]


async def test_calls_go_eight_deep(stage: Stage) -> None:
    assert await stage.value("query", "notes:deeper", levels=8) == 8
    failure = await stage.failure("query", "notes:deeper", levels=9)
    assert getattr(failure.error, "code", None) == "MaximumCallDepthExceeded"
    assert "call depth limit exceeded (limit: 8, the setting max_nested_calls)" in failure.text


# What is shared


async def test_time_stands_still_and_random_numbers_go_on(stage: Stage) -> None:
    own, first, second = await stage.value("mutation", "callers:moments")
    assert own["now"] == first["now"] == second["now"]
    assert len({own["random"], first["random"], second["random"]}) == 3


@pytest.mark.parametrize("kind", ["mutation", "action"])
async def test_who_calls_is_known_to_what_is_called(stage: Stage, kind: str) -> None:
    ada = Identity({"tokenIdentifier": "issuer|ada", "subject": "ada"})
    raw = b'{"method": "run_query", "target": "notes:identity"}'
    call = Call(f"callers:in_{kind}", raw, ada)
    if kind == "action":
        result = await stage.parts.actions.run(call)
    else:
        snapshot = stage.parts.store.acquire()
        result = await stage.parts.runner.mutation(call, stage.parts.database.read(snapshot))
        snapshot.release()
    assert b'"subject":"ada"' in result.value


async def test_a_query_that_calls_one_that_looks_at_the_identity_has_looked(stage: Stage) -> None:
    assert not (await stage.query("callers:in_query", method="run_query", target="notes:texts")).looked_at_identity
    assert (await stage.query("callers:in_query", method="run_query", target="notes:identity")).looked_at_identity


# Stale snapshots


async def test_a_stale_query_does_not_see_what_was_written(stage: Stage) -> None:
    await stage.value("mutation", "notes:add", text="old")
    assert await stage.value("mutation", "callers:add_then_look", stale=False) == ["old", "new"]
    assert await stage.value("mutation", "callers:add_then_look", stale=True) == ["old", "new"]


async def test_a_stale_query_reads_nothing_for_its_caller(stage: Stage) -> None:
    await stage.value("mutation", "notes:add_many", count=3)
    ranges: dict[bool, list[Any]] = {}
    documents: dict[bool, int] = {}
    for stale in (False, True):
        call = Call("callers:add_then_look", b'{"stale": %b}' % (b"true" if stale else b"false"))
        snapshot = stage.parts.store.acquire()
        tx = stage.parts.database.read(snapshot)
        await stage.parts.runner.mutation(call, tx)
        snapshot.release()
        ranges[stale], documents[stale] = tx.reads.ranges(), tx.reads.documents
    assert len(ranges[False]) == 1
    assert ranges[True] == []
    # It counts for the budgets all the same: three stored ones, and the caller's own where it is seen.
    assert documents == {False: 4, True: 3}


async def test_in_a_query_nothing_is_stale(stage: Stage) -> None:
    options = {"use_stale_snapshot": True}
    told = await stage.value("query", "callers:in_query", method="run_query", target="notes:texts", options=options)
    assert told["code"] == "InvalidFunctionCall"
    assert told["text"].startswith("use_stale_snapshot is for mutations")
