"""A program on a backend, with the model beside it."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from hypothesis import event

from reactor.testing import Backend
from reactor.testing.results import Results
from reactor.values import COMMIT_TS, Int64
from tests.integration.programs.agreement import Agreement, told
from tests.integration.programs.budgets import Limits
from tests.integration.programs.documents import SCHEMA_INDEXES, Fault, Read, State, indexes_of
from tests.integration.programs.machine import Known, Machine

__all__ = ["Trial"]

_PAGE = 50
_TABLES = (*SCHEMA_INDEXES, "new0", "new1")


class Watch:
    """A live query: what it was asked, what it read last, and how often it has run."""

    def __init__(self, results: Results, program: Any, known: Known) -> None:
        self.results, self.program, self.known = results, program, known
        self.end: Any = None
        self.reads: list[Read] = []
        self.runs = 0

    def concerned(self, before: State, after: State) -> bool:
        """Whether a commit changes what was read."""
        changes = after.changes(before)
        return any(
            (read.absent and read.scan.table in after.tables) or any(read.concerned(change) for change in changes)
            for read in self.reads
        )

    def coarse(self) -> bool:
        """One range that was read through two filters counts as read without any."""
        return len({repr(read.scan.condition) for read in self.reads if read.scan.condition is not None}) > 1


class Trial:
    """A program on a backend, with the model beside it."""

    def __init__(self, backend: Backend, limits: Limits) -> None:
        self.backend, self.limits = backend, limits
        self.state = State({"owners": 0, "things": 1, "loose": 2}, {}, {})
        self.agreement = Agreement()
        self.ids: list[str] = []
        self.watches: list[Watch] = []
        self.numbers = itertools.count(1)
        self.last_commit = 0
        self.records = backend.modules["programs"].records
        self.records.clear()

    async def steps(self, program: list[Any]) -> None:
        for step in program:
            if "watch" in step:
                await self.watch(step["watch"])
            else:
                await self.mutate(step["mutations"])
        await self.survey()

    def known(self) -> Known:
        return Known(list(self.ids), [cursor for _, cursor in self.agreement.cursors])

    def args(self, program: Any, number: int, known: int) -> dict[str, Any]:
        cursors = [text for text, _ in self.agreement.cursors[:known]]
        return {"program": program, "ids": list(self.ids), "cursors": cursors, "run": number}

    # Mutations

    async def mutate(self, mutations: list[Any]) -> None:
        """Submit mutations together: they run one after the other, the later ones on commits that are not durable."""
        if len(mutations) > 1:
            mutations = [_telling_time(given) for given in mutations]
        known = self.known()
        numbers = [next(self.numbers) for _ in mutations]
        running = [
            self.backend.mutation(
                f"programs:{given['function']}", self.args(given["program"], number, len(known.cursors))
            )
            for given, number in zip(mutations, numbers, strict=True)
        ]
        outcomes = await asyncio.gather(*running, return_exceptions=True)
        states = [self.state]
        for given, number, outcome in zip(mutations, numbers, outcomes, strict=True):
            await self.compare(given, number, outcome, known)
            states.append(self.state)
        for watch in self.watches:
            self.compare_watch(watch, states)

    async def compare(self, given: Any, number: int, outcome: Any, known: Known) -> None:
        """What a mutation gave and what its operations met; then the state that it left is the model's."""
        record = self.records[number]
        machine = Machine(self.state, self.limits, known, iter(record.ids))
        try:
            expected = machine.call(given["function"], {"program": given["program"]})
        except Fault as fault:
            expected = fault
        self.agreement.check(
            [value for _, value in record.events], [value for _, value in machine.events], "record", settled=False
        )
        assert record.ids == machine.born
        for name, value in machine.events:
            event(f"{name}: {value.code or value.kind if isinstance(value, Fault) else 'works'}")
        self.agreement.commit = None
        self.agreement.check(told(outcome) if isinstance(outcome, Exception) else outcome, expected, "result")
        self.ids += machine.born
        event(f"a mutation fails: {isinstance(expected, Fault)}")
        if not isinstance(expected, Fault):
            await self.commit(machine.state)

    async def commit(self, state: State) -> None:
        """The model's time of the commit becomes the engine's, which its results or documents tell."""
        pending = [document for document in state.documents.values() if _settled(document, 0) != document]
        if pending and self.agreement.commit is None:
            [found] = (await self.look([{"do": "get", "id": pending[0]["_id"]}]))["events"]
            self.agreement.check(found, pending[0], "stored")
        written = bool(state.changes(self.state))
        now = self.agreement.commit
        if now is not None:
            assert now > self.last_commit if written else now >= self.last_commit
            self.last_commit = now
            documents = {id: _settled(document, now) for id, document in state.documents.items()}
            state = State(state.tables, documents, state.homes)
        self.state = state

    async def look(self, operations: list[Any]) -> Any:
        args = self.args({"operations": operations}, 0, len(self.agreement.cursors))
        return await self.backend.query("programs:look", args)

    # Live queries

    async def watch(self, program: Any) -> None:
        known, number = self.known(), next(self.numbers)
        results = self.backend.subscribe("programs:look", self.args(program, number, len(known.cursors)))
        watch = Watch(await results.__aenter__(), program, known)
        self.watches.append(watch)
        self.run_watch(watch)
        assert results.runs == watch.runs == 1

    def run_watch(self, watch: Watch) -> None:
        """Let the model run a live query, and compare what it gives with what the subscriber has."""
        machine = Machine(self.state, self.limits, watch.known, end=watch.end)
        failed = False
        try:
            expected = machine.call("look", {"program": watch.program})
        except Fault as fault:
            expected, failed = fault, True
        watch.end = machine.ended or (watch.end if failed else None)
        watch.reads, watch.runs = machine.reads, watch.runs + 1
        try:
            found = watch.results.current
        except Exception as error:
            found = told(error)
        self.agreement.check(found, expected, "live")

    def compare_watch(self, watch: Watch, states: list[State]) -> None:
        """A live query ran again if, and only if, a commit touches what it read; and has the result of now."""
        hits = sum(watch.concerned(before, after) for before, after in itertools.pairwise(states))
        runs = watch.results.runs - watch.runs
        event(f"a commit touches a live query: {hits > 0}")
        assert runs <= len(states) - 1
        assert (runs > 0) == (hits > 0) or (runs > 0 and watch.coarse()), (runs, hits, watch.reads)
        if runs:
            watch.runs += runs - 1
            self.run_watch(watch)

    # Everything

    async def survey(self) -> None:
        """Compare all tables by every index in both directions, and every id that there ever was."""
        for table in _TABLES:
            for index in indexes_of(table):
                for order in ("asc", "desc"):
                    await self.survey_index({"table": table, "index": index, "order": order, "bounds": []})
        for id in self.ids:
            [found] = (await self.look([{"do": "get", "id": id}]))["events"]
            self.agreement.check(found, self.state.documents.get(id), "stored")
        self.agreement.check_creations(document["_creationTime"] for document in self.state.documents.values())

    async def survey_index(self, scan: dict[str, Any]) -> None:
        machine = Machine(self.state, Limits(10**6, 0, 0), self.known())
        expected = machine.call(
            "look", {"program": {"operations": [{"do": "read", "scan": scan, "how": "collect", "most": 0}]}}
        )
        found: list[Any] = []
        cursors: list[str] = []
        while True:
            page = {"do": "page", "scan": scan, "items": _PAGE, "cursor": 0 if cursors else None}
            args = {"program": {"operations": [page]}, "ids": [], "cursors": cursors, "run": 0}
            [read] = (await self.backend.query("programs:look", args))["events"]
            found += read["page"]
            if read["isDone"]:
                break
            cursors = [read["continueCursor"]]
        self.agreement.check(found, expected["events"][0], f"{scan['table']}.{scan['index']} {scan['order']}")


def _telling_time(given: Any) -> Any:
    """The same mutation, of whose commit the time is known by its result."""
    program = given["program"]
    if given["function"] != "run" or not isinstance(program, dict) or program.get("ending") in ("refused", "no value"):
        return given
    return {**given, "program": {**program, "ending": "time"}}


def _settled(value: Any, now: int) -> Any:
    if isinstance(value, dict):
        return {name: _settled(item, now) for name, item in value.items()}
    if isinstance(value, list):
        return [_settled(item, now) for item in value]
    return Int64(now) if value is COMMIT_TS else value
