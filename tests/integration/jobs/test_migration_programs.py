"""Whatever happens while a migration runs: what is there at its end was given to it once."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.jobs.migration_runs import MigrationRuns
from reactor.jobs.pace import Pace
from reactor.store.memory import MemoryStore
from reactor.testing import Backend
from tests.support.server import APPS

DEEDS = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 30)),
    st.tuples(st.just("remove"), st.integers(0, 60)),
    st.tuples(st.just("step"), st.integers(1, 20)),
    st.tuples(st.just("cancel"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
)


class Program:
    """A table, and a migration that is under way in it."""

    def __init__(self) -> None:
        self.store, self.numbers, self.people = MemoryStore(), 0, set[int]()
        self.backend = Backend(APPS / "moves", store=self.store)

    async def do(self, deed: str, amount: int) -> None:
        if deed == "add":
            await self.backend.mutation("people:add", count=amount, first=self.numbers)
            self.people |= set(range(self.numbers, self.numbers + amount))
            self.numbers += amount
        elif deed == "remove":
            await self.backend.mutation("people:remove", n=amount)
            self.people.discard(amount)
        elif deed == "cancel":
            await self.backend.mutation("_system/migrations:cancel")
            await self.backend.mutation("_system/migrations:start", names=["visit"])
        elif deed == "restart":
            await self.backend.close()
            self.backend = Backend(APPS / "moves", store=self.store)
            await self.backend.open()
        else:
            await self.step(amount)

    async def step(self, size: int) -> None:
        engine: Any = self.backend._engine  # pyright: ignore[reportPrivateUsage]
        runs: MigrationRuns = engine._parts.migration_runs
        row = await runs.next()
        if row is not None and row.state.value == "pending":
            await runs.begin(row)
            row = await runs.next()
        if row is not None:
            await runs.step(row, Pace(size))

    async def visits(self) -> dict[int, int]:
        async def read(ctx: Any) -> Any:
            return [[person["n"], person.get("visits", 0)] for person in await ctx.db.query("people").collect()]

        return {int(number): int(visits) for number, visits in await self.backend.run(read)}


async def run(deeds: list[tuple[str, int]]) -> None:
    program = Program()
    await program.backend.open()
    try:
        await program.do("add", 20)
        await program.backend.mutation("_system/migrations:start", names=["visit"])
        for deed, amount in deeds:
            await program.do(deed, amount)
            assert set((await program.visits()).values()) <= {0, 1}
        # Once it has succeeded it goes on with those that came since.
        await program.backend.mutation("_system/migrations:start", names=["visit"], catchUp=True)
        await program.backend.migrate("visit")
        assert await program.visits() == dict.fromkeys(program.people, 1)
    finally:
        await program.backend.close()


@pytest.mark.timeout(300)
@given(st.lists(DEEDS, max_size=12))
def test_what_is_there_at_the_end_was_visited_once(deeds: list[tuple[str, int]]) -> None:
    asyncio.run(run(deeds))
