"""Random programs of transactions give what a naive model gives: results, final state, and what later writes touch.

Every operation is done on both. A read set must be exact: a commit touches it if, and only if, it changes a place of an
index that was consumed; and so whenever reading again would give something else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reactor.database.index_range import IndexRange
from reactor.database.pages import Pager
from reactor.database.query import Query
from reactor.database.ranges import KeyRange
from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError
from reactor.schema import define_schema, define_table
from reactor.store.memory import MemoryStore
from reactor.store.sqlite import SqliteStore
from reactor.values import UNSET, Int64, same, v
from tests.integration.database.model import (
    INDEXES,
    Change,
    Condition,
    Model,
    NoAnswer,
    Read,
    Scan,
    change_of,
    concerns,
    key_of,
)
from tests.integration.database.world import CURSORS, Job, World, touched
from tests.support.profile import BRIEF, NIGHTLY

SCHEMA = define_schema(
    {
        "before": define_table(v.any()),
        "things": define_table(v.any()).index("by_a", ["a"]).index("by_ab", ["a", "b"]).index("by_deep", ["a.x", "b"]),
        "behind": define_table(v.any()),
    }
)

MOST_STEPS = 8
"""How many documents an iteration visits at most: one that writes ahead of itself may have no end."""


class Write(NamedTuple):
    """`kind` is insert, patch, replace, delete or same; `which` counts documents, also deleted ones."""

    kind: str
    which: int
    fields: dict[str, Any]


class Get(NamedTuple):
    which: int


class Take(NamedTuple):
    """`how` is a number for take, or collect or first."""

    scan: Scan
    how: int | str


class Count(NamedTuple):
    scan: Scan


class Pages(NamedTuple):
    """Pages of so many documents, one after another, at most `most`."""

    scan: Scan
    items: int
    most: int


class Loop(NamedTuple):
    """`async for`, left after `steps` documents, with writes in some of them."""

    scan: Scan
    steps: int
    writes: list[tuple[int, Write]]


class Nest(NamedTuple):
    """A nested mutation, kept or taken back."""

    operations: list[Any]
    keep: bool


class Sleep(NamedTuple):
    """Let the loop go round in the middle of a transaction."""


class Mutation(NamedTuple):
    operations: list[Any]
    keep: bool


class Reading(NamedTuple):
    """A query, which is compared with all commits from then on."""

    operations: list[Any]


class Hold(NamedTuple):
    """Commits stop becoming durable, or go on to."""

    on: bool


values: st.SearchStrategy[Any] = st.sampled_from(
    [UNSET, None, Int64(-3), Int64(1), 0, 1, 1.0, -0.0, 1e16, 10**16, float("nan"), False, True]
    + ["", "a", "a\x00", "a\x00b", "b", "ba", b"", b"a", [], [1], [1, "a"], {}, {"x": 1}, {"x": "a", "y": None}]
)
fields = st.dictionaries(st.sampled_from(["a", "b", "c"]), values, max_size=3)
which = st.integers(0, 6)
writes = st.builds(Write, st.sampled_from(["insert", "insert", "patch", "replace", "delete", "same"]), which, fields)


@st.composite
def scans(draw: st.DrawFn) -> Scan:
    index = draw(st.sampled_from([*INDEXES]))
    own = [field for field in INDEXES[index] if not field.startswith("_")]
    equal = draw(st.lists(values, max_size=len(own)))
    bound = st.none() | st.tuples(values, st.booleans())
    condition = st.none() | st.none() | st.builds(Condition, st.sampled_from(["a", "b"]), values, st.booleans())
    return Scan(index, tuple(equal), draw(bound), draw(bound), draw(st.booleans()), draw(condition))


takes = st.builds(Take, scans(), st.integers(0, 4) | st.sampled_from(["collect", "first"]))
counts = st.builds(Count, scans())
pages = st.builds(Pages, scans(), st.integers(1, 3), st.integers(1, 3))
loops = st.builds(Loop, scans(), st.integers(0, MOST_STEPS), st.lists(st.tuples(st.integers(0, 3), writes), max_size=3))
quiet_loops = st.builds(Loop, scans(), st.integers(0, MOST_STEPS), st.just([]))
plain = st.one_of(writes, writes, st.builds(Get, which), takes, counts, pages, loops, st.builds(Sleep))
operations = st.recursive(
    st.lists(plain, max_size=5),
    lambda inner: st.lists(plain | st.builds(Nest, inner, st.booleans()), max_size=5),
    max_leaves=6,
)
mutations = st.builds(Mutation, operations, st.booleans() | st.just(True))
looks = st.one_of(st.builds(Get, which), takes, counts, pages, quiet_loops)
readings = st.builds(Reading, st.lists(looks, min_size=1, max_size=3))
steps = st.one_of(mutations, mutations, readings, readings, st.builds(Hold, st.booleans()))


class Abandoned(Exception):
    """A mutation of the program is to fail."""


class Both:
    """A transaction and the model, on which every operation is done."""

    def __init__(self, db: DatabaseReader, model: Model, ids: list[str]) -> None:
        self.db, self.model, self.ids = db, model, ids
        self.results: list[Any] = []

    async def run(self, operations: list[Any]) -> None:
        for operation in operations:
            await self.step(operation)

    async def step(self, operation: Any) -> None:
        match operation:
            case Write():
                await self.write(operation)
            case Get():
                id = self.id(operation.which)
                if id is not None:
                    self.agree(await self.db.get(id), self.model.get(id))
            case Take():
                await self.attempt(self.take, operation)
            case Count():
                await self.attempt(self.count, operation)
            case Pages():
                await self.attempt(self.pages, operation)
            case Loop():
                await self.attempt(self.loop, operation)
            case Nest():
                await self.nest(operation)
            case _:
                await asyncio.sleep(0)

    async def write(self, write: Write) -> None:
        db, id = self.db, self.id(write.which)
        assert isinstance(db, DatabaseWriter)
        if write.kind == "insert" or id is None:
            created = db._tx.next_creation  # pyright: ignore[reportPrivateUsage]
            id = await db.insert("things", write.fields)
            self.ids.append(id)
            self.model.insert({**write.fields, "_id": id, "_creationTime": created})
            return
        found = True
        try:
            if write.kind == "patch":
                await db.patch(id, write.fields)
            elif write.kind == "replace":
                await db.replace("things", id, write.fields)
            elif write.kind == "same":
                await db.replace(id, self.model.documents.get(id) or {})
            else:
                await db.delete(id)
        except DeveloperError as error:
            assert error.code == "NonexistentDocument"
            found = False
        assert found == self.write_model(write, id)

    def write_model(self, write: Write, id: str) -> bool:
        if write.kind == "patch":
            return self.model.patch(id, write.fields)
        if write.kind == "replace":
            return self.model.replace(id, write.fields)
        return self.model.get(id) is not None if write.kind == "same" else self.model.delete(id)

    async def attempt(self, read: Callable[[Any], Awaitable[None]], operation: Any) -> None:
        """A read that may fail because its filter has no answer for a document: then it fails on both sides."""
        try:
            await read(operation)
        except NoAnswer:
            self.results.append("no answer")
        except DeveloperError as error:
            raise AssertionError(f"the model has an answer: {error}") from error

    async def found(self, reading: Awaitable[Any], expect: Callable[[], Any]) -> Any:
        """Agree on what is read; raises NoAnswer when both have none."""
        try:
            expected = expect()
        except NoAnswer:
            with pytest.raises(DeveloperError, match="Cannot add") as raised:
                await reading
            assert raised.value.code == "EvalError"
            raise
        self.agree(await reading, expected)
        return expected

    async def take(self, take: Take) -> None:
        query = build(self.db, take.scan)
        if take.how == "collect":
            await self.found(query.collect(), lambda: self.model.take(take.scan, None))
        elif take.how == "first":
            await self.found(query.first(), lambda: next(iter(self.model.take(take.scan, 1)), None))
        else:
            most = take.how
            assert isinstance(most, int)
            await self.found(query.take(most), lambda: self.model.take(take.scan, most))

    async def count(self, count: Count) -> None:
        await self.found(build(self.db, count.scan).count(), lambda: len(self.model.take(count.scan, None)))

    async def pages(self, pages: Pages) -> None:
        cursors: list[Any] = [None]
        last: Any = None
        for _ in range(pages.most):
            found = await self.found(self.page(pages, cursors), lambda last=last: self.expected_page(pages, last))
            if found[1]:
                return
            last = key_of(found[0][-1], pages.scan.index)

    async def page(self, pages: Pages, cursors: list[Any]) -> tuple[list[Any], bool]:
        """The page at the last of `cursors`, to which that of the next page is added."""
        self.db._pager = Pager(CURSORS)  # pyright: ignore[reportPrivateUsage] - as a function of its own has
        read = await build(self.db, pages.scan).paginate({"numItems": pages.items, "cursor": cursors[-1]})
        cursors.append(read["continueCursor"])
        return read["page"], read["isDone"]

    def expected_page(self, pages: Pages, last: Any) -> tuple[list[Any], bool]:
        found = self.model.take(pages.scan, pages.items, last)
        return found, len(found) < pages.items

    async def loop(self, loop: Loop) -> None:
        last, steps = None, 0
        iteration = aiter(build(self.db, loop.scan))
        while steps < loop.steps:
            place = last
            expected = await self.found(
                anext(iteration, None), lambda place=place: next(iter(self.model.take(loop.scan, 1, place)), None)
            )
            if expected is None:
                return
            last = key_of(expected, loop.scan.index)
            for at, write in loop.writes:
                if at == steps:
                    await self.write(write)
            steps += 1

    async def nest(self, nest: Nest) -> None:
        tx, before = self.db._tx, dict(self.model.documents)  # pyright: ignore[reportPrivateUsage]
        tx.push()
        await self.run(nest.operations)
        tx.pop(keep=nest.keep)
        if not nest.keep:
            self.model.documents = before

    def id(self, which: int) -> str | None:
        return self.ids[-1 - which % len(self.ids)] if self.ids else None

    def agree(self, found: Any, expected: Any) -> None:
        assert same(found, expected), f"{found!r} and not {expected!r}"
        self.results.append(expected)


def build(db: DatabaseReader, scan: Scan) -> Query:
    names = INDEXES[scan.index]

    def narrow(q: IndexRange) -> IndexRange:
        for name, value in zip(names, scan.equal, strict=False):
            q = q.eq(name, value)
        if scan.lower is not None:
            q = (q.gte if scan.lower[1] else q.gt)(names[len(scan.equal)], scan.lower[0])
        if scan.upper is not None:
            q = (q.lte if scan.upper[1] else q.lt)(names[len(scan.equal)], scan.upper[0])
        return q

    query = db.query("things").with_index(scan.index, narrow).order("desc" if scan.reverse else "asc")
    if scan.condition is None:
        return query
    field, value, plus = scan.condition
    return query.filter(lambda q: (q.field(field) + 1 if plus else q.field(field)) > value)


def replay(state: dict[str, dict[str, Any]], operations: list[Any], ids: list[str]) -> list[Any]:
    """What a query's operations give on the model alone."""
    results: list[Any] = []
    for operation in operations:
        if isinstance(operation, Get):
            results += [state.get(ids[-1 - operation.which % len(ids)])] if ids else []
            continue
        try:
            results.append(Model(state).take(operation.scan, most_of(operation)))
        except NoAnswer:
            results.append("no answer")
    return results


def most_of(operation: Any) -> int | None:
    """How many documents an operation wants, None for all."""
    match operation:
        case Take():
            named: dict[Any, Any] = {"collect": None, "first": 1}
            return named.get(operation.how, operation.how)
        case Count():
            return None
        case Pages():
            return operation.items * operation.most
        case _:
            return operation.steps


class Commit(NamedTuple):
    """What the model knows of a commit: the state after it, and what it changed."""

    state: dict[str, dict[str, Any]]
    changes: list[Change]


class Watched:
    """Somebody who read, to be compared with all commits from number `next` on."""

    def __init__(
        self, next: int, ranges: list[KeyRange], reads: list[Read], operations: list[Any], ids: list[str]
    ) -> None:
        self.next, self.ranges, self.reads = next, ranges, reads
        self.operations, self.ids = operations, list(ids)
        self.filters = len({repr(read.scan.condition) for read in reads if read.scan.condition is not None})


class Program:
    """Runs a program, keeping the model beside the database: what is decided, and what is durable."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids: list[str] = []
        self.decided: dict[str, dict[str, Any]] = {}
        self.durable: dict[str, dict[str, Any]] = {}
        self.commits: list[Commit] = []
        self.watched: list[Watched] = []
        self.jobs: list[Job] = []
        self.held = False

    async def run(self, steps: list[Any]) -> None:
        for step in [*steps, Hold(False)]:
            match step:
                case Mutation():
                    self.jobs.append(self.world.submit(lambda db, step=step: self.mutation(db, step)))
                case Reading():
                    await self.query(step)
                case _:
                    self.held = step.on
                    (self.world.gate.hold if step.on else self.world.gate.release)()
            if not self.held:
                await self.catch_up()
        await self.compare_everything()

    async def mutation(self, db: DatabaseWriter, mutation: Mutation) -> None:
        both = Both(db, Model(self.decided), self.ids)
        await both.run(mutation.operations)
        if not mutation.keep:
            raise Abandoned
        changes = change_of(self.decided, both.model.documents)
        if changes:
            self.commits.append(Commit(both.model.documents, changes))
        self.decided = both.model.documents
        # What a mutation read is as exact as what a query read.
        ranges = db._tx.reads.ranges()  # pyright: ignore[reportPrivateUsage]
        self.watched.append(Watched(len(self.commits), ranges, both.model.reads, [], []))

    async def query(self, reading: Reading) -> None:
        model = Model(self.durable)
        _, ranges = await self.world.watch(lambda db: Both(db, model, self.ids).run(reading.operations))
        visible = len(self.world.news)
        self.watched.append(Watched(visible, ranges, model.reads, reading.operations, self.ids))

    async def catch_up(self) -> None:
        """Wait until what was submitted is durable, and compare what it touched."""
        for job in self.jobs:
            with suppress(Abandoned):
                await job.result
        self.jobs.clear()
        assert len(self.world.news) == len(self.commits)
        self.watched = [watched for watched in self.watched if not self.was_touched(watched)]
        self.durable = self.decided

    def was_touched(self, watched: Watched) -> bool:
        """Whether a new commit touches what was read. If not, reading again gives the same."""
        while watched.next < len(self.commits):
            commit, news = self.commits[watched.next], self.world.news[watched.next]
            hit = touched(watched.ranges, news.touches)
            expected = concerns(watched.reads, commit.changes)
            # One range that was read through two filters counts as read without any.
            assert hit == expected or (hit and watched.filters > 1)
            event(f"a commit touches what was read: {hit}")
            if hit:
                return True
            before = self.commits[watched.next - 1].state if watched.next else {}
            again = replay(commit.state, watched.operations, watched.ids)
            assert same(again, replay(before, watched.operations, watched.ids))
            watched.next += 1
        return False

    async def compare_everything(self) -> None:
        async def read(db: DatabaseReader) -> None:
            both = Both(db, Model(self.durable), self.ids)
            for index in INDEXES:
                for reverse in (False, True):
                    await both.step(Take(Scan(index, reverse=reverse), "collect"))
                    await both.step(Loop(Scan(index, reverse=reverse), 1000, []))
            for number in range(len(self.ids)):
                await both.step(Get(number))

        await self.world.read(read)


async def clear(db: DatabaseWriter) -> None:
    for thing in await db.query("things").collect():
        await db.delete(thing["_id"])
    for other in ("before", "behind"):
        await db.insert(other, {"a": 1})


@pytest.fixture(params=["sqlite", "memory"])
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[asyncio.Runner, World]]:
    """A loop with a database, for many examples in turn."""
    with asyncio.Runner() as runner:
        store = SqliteStore(tmp_path) if request.param == "sqlite" else MemoryStore()

        async def start() -> World:
            return await World(store).open(SCHEMA)

        world = runner.run(start())
        yield runner, world
        runner.run(world.close())


@pytest.mark.timeout(7200 if NIGHTLY else 300)
@settings(
    max_examples=5_000 if NIGHTLY else 50 if BRIEF else 250,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=st.lists(fields, min_size=2, max_size=8), program=st.lists(steps, min_size=2, max_size=10))
def test_programs_do_what_the_model_does(
    runner: tuple[asyncio.Runner, World], first: list[dict[str, Any]], program: list[Any]
) -> None:
    loop, world = runner

    async def run() -> None:
        world.gate.release()
        await world.mutate(clear)
        world.news.clear()
        await Program(world).run([Mutation([Write("insert", 0, fields) for fields in first], keep=True), *program])

    loop.run(run())
