"""Calls that a function starts together run one after another."""

import asyncio
from typing import Any, cast

from reactor.files.files import Files
from reactor.runtime.calls import Call
from reactor.runtime.contexts import MutationCtx
from reactor.runtime.logs import RunLog
from reactor.runtime.run import Run


class Calls:
    scheduling: Any = None

    def __init__(self) -> None:
        self.story: list[str] = []

    @property
    def files(self) -> Files:
        raise AssertionError("no call")

    async def within(self, run: Any, tx: Any, caller: Any, kind: Any, function: Any, args: Any, **_: Any) -> str:
        self.story.append(f"{function} begins")
        await asyncio.sleep(0)
        self.story.append(f"{function} ends")
        return function

    async def apart(self, run: Any, kind: Any, function: Any, args: Any, **_: Any) -> str:
        raise AssertionError("not from a mutation")


async def test_nested_calls_take_turns() -> None:
    calls = Calls()
    ctx = MutationCtx(Run(RunLog("a:b"), Call("a:b", b"{}"), 0.0), calls, cast(Any, None), cast(Any, None))
    assert await asyncio.gather(ctx.run_mutation("one"), ctx.run_query("two")) == ["one", "two"]
    assert calls.story == ["one begins", "one ends", "two begins", "two ends"]
