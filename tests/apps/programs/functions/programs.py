"""Functions that do what a program says, and write down what came of each operation.

A program is `{"operations": [...], "ending": ...}`. An operation is `{"do": name, ...}`; with `"caught": true` its
error is part of the result, and the program goes on. `{"the": ...}` stands for what no client can send, or does not
know yet.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from reactor import (
    UNSET,
    ConvexError,
    Int64,
    MutationCtx,
    QueryCtx,
    internal_mutation,
    internal_query,
    mutation,
    query,
    v,
)

Operation = dict[str, Any]


class Record:
    """What a mutation did, also where nothing of it was kept: ids that it gave, and what came of its operations."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.events: list[tuple[str, Any]] = []


records: defaultdict[int, Record] = defaultdict(Record)
"""By the number of the run."""


class Frame:
    """One call of a function."""

    def __init__(self, ctx: Any, args: dict[str, Any]) -> None:
        self.ctx, self.args = ctx, args
        self.writes = isinstance(ctx, MutationCtx)
        self.record = records[int(args["run"])] if self.writes else Record()
        self.events: list[Any] = []

    async def run(self) -> dict[str, Any]:
        program = self.args["program"]
        for operation in program["operations"]:
            await self.step(operation)
        return self.end(program.get("ending"))

    async def step(self, operation: Operation) -> None:
        try:
            value = await OPERATIONS[operation["do"]](self, operation)
        except Exception as error:
            told = _told(error)
            self.record.events.append((operation["do"], told))
            if not operation.get("caught"):
                raise
            self.events.append(told)
        else:
            self.record.events.append((operation["do"], value))
            self.events.append(value)

    def end(self, ending: str | None) -> dict[str, Any]:
        carried = {"carried": self.args["carried"]} if "carried" in self.args else {}
        if ending == "refused":
            return {"events": 5, **carried}
        if ending == "no value":
            return {"events": [object()], **carried}
        if ending == "time":
            self.events.append(self.ctx.db.vars.commit_ts)
        return {"events": self.events, **carried}

    # What a program may name

    def known(self, table: str | None = None) -> list[str]:
        """The ids of documents, the newest last; those of a table, if there are any."""
        ids = [*self.args["ids"], *self.record.ids]
        own = [] if table is None else [id for id in ids if self.ctx.db.normalize_id(table, id) is not None]
        return own or ids

    def value(self, given: Any) -> Any:
        if isinstance(given, list):
            return [self.value(item) for item in given]
        if not isinstance(given, dict):
            return given
        if "the" not in given:
            return {name: self.value(item) for name, item in given.items()}
        if given["the"] == "id":
            known = self.known(given.get("of"))
            return known[-1 - int(given["which"]) % len(known)] if known else "none yet"
        if given["the"] == "unset":
            return UNSET
        return self.ctx.db.vars.commit_ts if self.writes else Int64(7)

    def target(self, operation: Operation) -> list[Any]:
        """The arguments that say which document: with its table, or without."""
        id, table = self.value(operation["id"]), operation.get("table")
        return [id] if table is None else [table, id]

    # Documents

    async def insert(self, operation: Operation) -> str:
        id = await self.ctx.db.insert(operation["table"], self.value(operation["fields"]))
        self.record.ids.append(id)
        return id

    async def patch(self, operation: Operation) -> None:
        await self.ctx.db.patch(*self.target(operation), self.value(operation["fields"]))

    async def replace(self, operation: Operation) -> None:
        await self.ctx.db.replace(*self.target(operation), self.value(operation["fields"]))

    async def delete(self, operation: Operation) -> None:
        await self.ctx.db.delete(*self.target(operation))

    async def get(self, operation: Operation) -> Any:
        return await self.ctx.db.get(*self.target(operation))

    async def normalize(self, operation: Operation) -> str | None:
        return self.ctx.db.normalize_id(operation["table"], self.value(operation["id"]))

    # Ranges

    def scan(self, scan: dict[str, Any]) -> Any:
        def narrow(q: Any) -> Any:
            for bound in scan["bounds"]:
                q = getattr(q, bound["is"])(bound["field"], self.value(bound["value"]))
            return q

        found = self.ctx.db.query(scan["table"]).with_index(scan["index"], narrow).order(scan["order"])
        condition = scan.get("condition")
        if condition is None:
            return found
        value, plus = self.value(condition["value"]), condition["plus"]
        return found.filter(
            lambda q: (q.field(condition["field"]) + 1 if plus else q.field(condition["field"])) > value
        )

    async def read(self, operation: Operation) -> Any:
        scan, how = self.scan(operation["scan"]), operation["how"]
        if how == "take":
            return await scan.take(operation["most"])
        if how != "loop":
            return await getattr(scan, how)()
        found: list[Any] = []
        async for document in scan:
            found.append(document)
            if len(found) >= operation["most"]:
                break
        return found

    async def page(self, operation: Operation) -> Any:
        cursors, which = self.args["cursors"], operation["cursor"]
        cursor = cursors[-1 - int(which) % len(cursors)] if cursors and which is not None else None
        return await self.scan(operation["scan"]).paginate({"numItems": operation["items"], "cursor": cursor})

    # Calls

    async def call(self, operation: Operation) -> Any:
        function = f"programs:{operation['function']}"
        call = self.ctx.run_query if operation["kind"] == "query" else self.ctx.run_mutation
        # What a nested mutation needs no ids for: it finds them in the record that it shares.
        ids = self.args["ids"] if operation["kind"] == "mutation" else self.known()
        more = {name: self.value(value) for name, value in operation["more"].items()}
        args = {"ids": ids, "cursors": self.args["cursors"], "run": self.args["run"], "program": operation["program"]}
        options = {"use_stale_snapshot": True} if operation.get("stale") else {}
        return await call(function, {**args, **more}, transaction_limits=operation.get("limits"), **options)

    async def fail(self, operation: Operation) -> None:
        if operation["with"] == "data":
            raise ConvexError(self.value(operation["data"]))
        raise ValueError("broken on purpose")


OPERATIONS: dict[str, Callable[[Frame, Operation], Awaitable[Any]]] = {
    "insert": Frame.insert,
    "patch": Frame.patch,
    "replace": Frame.replace,
    "delete": Frame.delete,
    "get": Frame.get,
    "normalize": Frame.normalize,
    "read": Frame.read,
    "page": Frame.page,
    "call": Frame.call,
    "fail": Frame.fail,
}

ARGS = {
    "program": v.object({"operations": v.array(v.any()), "ending": v.optional(v.string())}),
    "ids": v.array(v.string()),
    "cursors": v.array(v.string()),
    "run": v.number(),
    "carried": v.optional(v.any()),
}
RETURNS = v.object({"events": v.array(v.any()), "carried": v.optional(v.any())})


@mutation(args=ARGS, returns=RETURNS)
async def run(ctx: MutationCtx, **args):
    """Run a program that may write."""
    return await Frame(ctx, args).run()


@query(args=ARGS, returns=RETURNS)
async def look(ctx: QueryCtx, **args):
    """Run a program that reads."""
    return await Frame(ctx, args).run()


@internal_mutation(args=ARGS, returns=RETURNS)
async def step(ctx: MutationCtx, **args):
    """A part of a program."""
    return await Frame(ctx, args).run()


@internal_query(args=ARGS, returns=RETURNS)
async def peek(ctx: QueryCtx, **args):
    """A part of a program that reads."""
    return await Frame(ctx, args).run()


@internal_mutation(
    args={**ARGS, "at": v.id("new0")}, returns=v.object({"events": v.array(v.any()), "carried": v.id("new0")})
)
async def step_at(ctx: MutationCtx, at, **args):
    """A part of a program for a document of a table that no schema has."""
    return await Frame(ctx, {**args, "carried": at}).run()


@internal_query(
    args={**ARGS, "at": v.id("new0")}, returns=v.object({"events": v.array(v.any()), "carried": v.id("new0")})
)
async def peek_at(ctx: QueryCtx, at, **args):
    """The same, reading."""
    return await Frame(ctx, {**args, "carried": at}).run()


@mutation(args=ARGS, returns=v.id("new0"))
async def found(ctx: MutationCtx, **args):
    """Insert into a table that may not be there yet; the id of it is the result."""
    return await Frame(ctx, args).insert({"table": "new0", "fields": {}})


def _told(error: Exception) -> dict[str, Any]:
    told = {"class": type(error).__name__, "code": getattr(error, "code", None), "text": str(error)}
    return {**told, "data": error.data} if isinstance(error, ConvexError) else told
