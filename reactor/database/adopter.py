"""One schema after the other, and what is left to be built of the one that serves."""

import asyncio
import logging
import time
from collections.abc import Callable

from reactor.database.adoption import Adoption, Progress, Structure, breathe, to_its_end
from reactor.database.document_pass import DocumentPass
from reactor.errors import StoreError
from reactor.schema import Schema
from reactor.store.seam import Commit

__all__ = ["Adopter"]

_RETRY_SECONDS = 10.0

_log = logging.getLogger("reactor.database")


class Adopter:
    """Adopts schemas, and builds staged indexes in the background while no other schema is on its way."""

    def __init__(self, structure: Structure) -> None:
        self._on = structure
        self._turn = asyncio.Lock()
        self._asked = 0
        self._staged: dict[int, DocumentPass] = {}
        self._building: asyncio.Task[None] | None = None
        self._rest = asyncio.Event()

    async def adopt(self, schema: Schema, progress: Progress, swap: Callable[[], None]) -> None:
        """See `Database.adopt`. Whichever schema is on its way already is overtaken."""
        self._asked += 1
        turn = self._asked
        async with self._turn:
            try:
                await self._pause_building()
                await self._run(schema, progress, swap, turn)
            finally:
                self._go_on_building()

    async def _run(self, schema: Schema, progress: Progress, swap: Callable[[], None], turn: int) -> None:
        adoption = Adoption(
            self._on, schema, self._staged, progress=progress, swap=swap, overtaken=lambda: self._asked != turn
        )
        try:
            async with self._on.store.schema_turn():
                await adoption.run()
        finally:
            self._staged = adoption.staged

    async def close(self) -> None:
        """Give up what is on its way."""
        self._asked += 1
        async with self._turn:
            await self._pause_building()

    # Staged indexes

    async def _pause_building(self) -> None:
        building, self._building = self._building, None
        if building is not None:
            self._rest.set()
            await building

    def _go_on_building(self) -> None:
        if self._staged:
            self._rest.clear()
            self._building = asyncio.get_running_loop().create_task(self._build())

    async def _build(self) -> None:
        while self._staged and not self._rest.is_set():
            try:
                await self._build_page(next(iter(self._staged.values())))
            except StoreError as error:
                _log.warning("staged indexes could not be built further; it is tried again: %s", error)
                await self._retry_later()
            except Exception:
                _log.exception("staged indexes cannot be built; the next start or change of the code tries again")
                return

    async def _build_page(self, made: DocumentPass) -> None:
        began, seen = time.monotonic(), self._on.committer.commits
        if self._on.store.shared and not any(index.id in self._on.numbering.indexes for index in made.indexes):
            self._staged = {id: other for id, other in self._staged.items() if other is not made}
            return  # another process has taken it over
        total = next((total for total in made.totals if not total.complete), None)
        if not made.complete:
            await made.page(self._on.store, self._on.catalogs.newest)
        elif total is not None:
            await total.page(self._on.committer)
        else:
            await self._record(made)
        await breathe(self._on.committer, began, seen)

    async def _record(self, made: DocumentPass) -> None:
        """An index is complete. It stays hidden until a schema declares it without the flag."""
        await self._on.committer.pause()
        try:
            await to_its_end(self._record_paused(made))
        finally:
            self._on.committer.proceed()

    async def _record_paused(self, made: DocumentPass) -> None:
        await self._on.write(Commit(0, [], "schema", indexes=made.indexes))
        for index in made.indexes:
            del self._staged[index.id]
        filling = [index for other in self._staged.values() for index in other.indexes]
        self._on.use(self._on.catalogs.newest.schema, filling)

    async def _retry_later(self) -> None:
        try:
            await asyncio.wait_for(self._rest.wait(), _RETRY_SECONDS)
        except TimeoutError:
            return
