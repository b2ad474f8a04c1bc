"""Letting a schema serve: from the plan of what is missing to the moment in which schema and code change.

    pause     mutations wait a moment; from here on they keep up the indexes that are being built, and every write is
              also checked against what the new schema demands
    passes    beside the traffic, page by page: stored documents are checked, indexes filled, unique ones looked through
    pause     what was written last is looked at; one commit records it all, and schema and code change in one step

Whatever fails before that commit leaves everything as it was, but for entries of indexes that nobody knows, which the
store removes in its own time.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, NamedTuple

from reactor.database.catalog import Catalog, Numbering
from reactor.database.catalogs import Catalogs
from reactor.database.committer import Committer
from reactor.database.document_pass import DocumentPass
from reactor.database.pending import Pending
from reactor.database.structure import StructurePlan
from reactor.errors import StoreError
from reactor.schema import Schema, SchemaOvertaken
from reactor.store.seam import Commit, IndexRecord, Store

__all__ = ["Adoption", "Progress", "Step", "Structure", "breathe", "to_its_end"]

_FEW, _MANY = 64, 256
"""So many written values of unique indexes are looked at while mutations wait; and at a time, beside them."""

_LONGEST_REST = 0.05
"""Seconds between two pages at most."""


class Step(NamedTuple):
    """How far a pass over a table has come: what it does there, and to how many documents it has done it."""

    table: str
    checks: bool
    """Whether documents are compared with the new schema."""
    fills: tuple[str, ...]
    """The indexes that are being built."""
    unique: str | None
    """The index that is looked through for equal values."""
    documents: int


Progress = Callable[[Step], None]


class Structure(NamedTuple):
    """What adoptions work on: what is durable, what serves, and who writes."""

    store: Store
    committer: Committer
    numbering: Numbering
    catalogs: Catalogs

    def use(self, schema: Schema, filling: list[IndexRecord], since: int | None = None) -> None:
        """Let a schema serve for the state of commit `since` (None: the visible one) and what follows.

        Mutations must be paused.
        """
        since = self.committer.visible if since is None else since
        self.catalogs.use(Catalog(self.numbering, schema, filling), since)

    async def write(self, commit: Commit) -> None:
        """Record tables, indexes and shapes. Mutations must be paused. Raises StoreError."""
        await self.committer.write(commit)
        self.numbering.add(commit.tables, commit.indexes)
        self.numbering.drop(commit.dropped_indexes)
        self.numbering.record_shapes(commit.shapes)


class Adoption:
    """One schema on its way. `run` it once.

    `under_way` are passes of the schema that serves, which build its staged indexes; nobody else continues them
    meanwhile. When the adoption has ended, `staged` are those that are left to be made.
    """

    def __init__(
        self,
        structure: Structure,
        schema: Schema,
        under_way: dict[int, DocumentPass],
        *,
        progress: Progress,
        swap: Callable[[], None],
        overtaken: Callable[[], bool],
    ) -> None:
        self._on, self._schema, self._under_way = structure, schema, under_way
        self._progress, self._swap, self._overtaken = progress, swap, overtaken
        self._before = structure.catalogs.newest
        self.staged = under_way
        self._serves = False

    async def run(self) -> None:
        """Raises SchemaMismatch, SchemaOvertaken, StoreError; then nothing has changed."""
        committer = self._on.committer
        self._confirm(None)
        try:
            await committer.pause()
            try:
                plan = StructurePlan(self._on.numbering, self._schema, self._under_way, shared=self._on.store.shared)
                if not plan.waits:
                    await to_its_end(self._finish(plan))
                    return
                pending = await self._begin(plan)
            finally:
                committer.proceed()
            await self._carry_out(plan, pending)
        finally:
            self._on.numbering.release_tables()

    async def _carry_out(self, plan: StructurePlan, pending: Pending) -> None:
        committer = self._on.committer
        try:
            await self._look_through(plan, pending)
            await committer.pause()
            try:
                await pending.look_at_suspects(self._on.store)
                self._confirm(pending)
                await to_its_end(self._finish(plan))
            finally:
                committer.proceed()
        except BaseException:
            await self._give_up(plan)
            raise
        finally:
            committer.watch = None

    async def _begin(self, plan: StructurePlan) -> Pending:
        """The schema stays, but writes keep up what is to be built, and are looked at."""
        pending = Pending(plan.pending, self._on.catalogs.newest)
        self._on.committer.watch = pending.look
        if self._on.store.shared:
            await to_its_end(self._on.write(plan.announcement()))
        self._on.use(self._before.schema, [*self._before.filling, *plan.indexes])
        return pending

    async def _look_through(self, plan: StructurePlan, pending: Pending) -> None:
        names = self._on.catalogs.newest
        for made in plan.passes:
            while not made.complete:
                self._confirm(pending)
                began, seen = time.monotonic(), self._on.committer.commits
                await made.page(self._on.store, names)
                self._progress(step_of(made))
                await breathe(self._on.committer, began, seen)
        for total in [*plan.totals, *(total for made in plan.passes for total in made.totals)]:
            while not total.complete:
                self._confirm(pending)
                began, seen = time.monotonic(), self._on.committer.commits
                await total.page(self._on.committer)
                self._progress(Step(total.table.name, False, (total.index.name,), None, total.documents))
                await breathe(self._on.committer, began, seen)
        if plan.uniques and any(made.indexes for made in plan.passes):
            await self._show()
        for unique in plan.uniques:
            pending.guard(unique)
            while not unique.complete or len(pending.suspects) > _FEW:
                self._confirm(pending)
                began, seen = time.monotonic(), self._on.committer.commits
                if not unique.complete:
                    await unique.page(self._on.store)
                await pending.look_at_suspects(self._on.store, _MANY)
                self._progress(Step(unique.table.name, False, (), unique.index.name, unique.documents))
                await breathe(self._on.committer, began, seen)

    async def _show(self) -> None:
        """Let snapshots see what was filled, which they do from the next commit on."""
        commit = Commit(0, [], "schema")
        await self._on.committer.pause()
        try:
            await to_its_end(self._on.committer.write(commit))
        finally:
            self._on.committer.proceed()
        if self._on.committer.visible < commit.ts:
            raise StoreError(f"what was filled cannot be read: {self._on.committer.fault}")

    def _confirm(self, pending: Pending | None) -> None:
        """Raises why this schema will not serve, if that is known."""
        if pending is not None:
            pending.confirm()
        if self._overtaken():
            raise SchemaOvertaken(
                "A newer version of the schema came before this one could serve. Nothing was changed."
            )

    async def _finish(self, plan: StructurePlan) -> None:
        """Record what was made, and let it serve. Mutations are paused."""
        commit = plan.commit()
        if commit is not None:
            await self._on.write(commit)
        self.staged, self._serves = plan.staged, True
        filling = [index for made in plan.staged.values() for index in made.indexes]
        self._on.use(self._schema, filling, None if commit is None else commit.ts)
        self._swap()

    async def _give_up(self, plan: StructurePlan) -> None:
        """Let the old schema go on alone."""
        if self._serves:
            return
        committer = self._on.committer
        await committer.pause()
        try:
            self._on.use(self._before.schema, list(self._before.filling))
            if plan.indexes:
                # If even this fails, the next start finds entries of indexes without a record.
                with suppress(StoreError):
                    await self._on.write(Commit(0, [], "schema", dropped_indexes=[index.id for index in plan.indexes]))
        finally:
            committer.proceed()


def step_of(made: DocumentPass) -> Step:
    """How far a pass has come."""
    fills = tuple(index.name for index in made.indexes)
    return Step(made.table.name, made.check is not None, fills, None, made.documents)


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Do something that must not be left half done: a cancellation waits for its end."""
    task = asyncio.get_running_loop().create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def breathe(committer: Committer, began: float, seen: int) -> None:
    """Rest as long as a page took, if there were commits since: `began` by time.monotonic, `seen` commits ago."""
    if committer.commits != seen:
        await asyncio.sleep(min(time.monotonic() - began, _LONGEST_REST))
