"""The connection that writes to a file into which other processes write as well."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from reactor.store.batch import Step, decode_entry
from reactor.store.seam import LogEntry
from reactor.store.sharing.gate import Gate
from reactor.store.statements import Statement
from reactor.store.writer import Writer, in_transaction

__all__ = ["Overtaken", "SharedWriter"]

Result = TypeVar("Result")

_BUSY_MS = 30_000
"""How long a program without the gate, or a process that was stopped amid a commit, is waited for."""

_PAGE = 256


class Overtaken(NamedTuple):
    """Others have committed, up to `last`: these are the log's entries, None when some are forgotten."""

    last: int
    entries: list[LogEntry] | None


_Write = Callable[[sqlite3.Connection], Overtaken | None]


class SharedWriter(Writer):
    """Writes in this process's turn. `node`: its name in the log; `committed`: called in the thread after a commit."""

    def __init__(
        self,
        file: Path,
        statements: dict[str, Statement],
        gate: Gate,
        node: str,
        committed: Callable[[], None],
        *,
        cache: int,
    ) -> None:
        super().__init__(file, statements, cache=cache)
        self._gate = gate
        self._node = node
        self._committed = committed

    async def open(self) -> None:
        await super().open()
        await self.run(lambda connection: connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}"))

    async def transaction(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        return await self.run(partial(self._in_turn, work=partial(in_transaction, work=work)))

    async def enter(self) -> int:
        """Keep others from writing until the gate is left by this number."""
        entries: list[int] = []
        try:
            await self.run(lambda _: entries.append(self._gate.enter()))
        except BaseException:
            self.give_back(entries)
            raise
        return entries[0]

    def give_back(self, entries: list[int]) -> None:
        """Leave by all these numbers, also those that come by what is under way."""
        self.post(partial(self._leave, entries))

    async def attempt(
        self,
        steps: Sequence[Step],
        ts: int,
        *,
        upon: int,
        seen: int,
        kept: list[int],
        patient: bool,
        on_the_way: Callable[[], None] | None = None,
    ) -> Overtaken | None:
        """Run the steps of a batch that ends with commit `ts`, if the file still stands at commit `upon`; `on_the_way`
        is called when only the disk is missing.

        Otherwise tells what there is in the log after commit `seen`. Then nobody else writes until the gate is left by
        the number that is put into `kept`. Unless `patient`, somebody who has the turn may be waiting for this process
        to catch up: that counts as overtaken, by nobody knows what.
        """
        tell = None if on_the_way is None else partial(asyncio.get_running_loop().call_soon_threadsafe, on_the_way)
        write = partial(self._write_upon, steps=steps, ts=ts, upon=upon, seen=seen, tell=tell)
        return await self.run(partial(self._attempt, write=write, ts=ts, kept=kept, patient=patient))

    def _in_turn(self, connection: sqlite3.Connection, *, work: Callable[[sqlite3.Connection], Result]) -> Result:
        entry = self._gate.enter()
        try:
            return work(connection)
        finally:
            self._gate.leave(entry)

    def _leave(self, entries: list[int]) -> None:
        while entries:
            self._gate.leave(entries.pop())

    def _attempt(
        self,
        connection: sqlite3.Connection,
        *,
        write: _Write,
        ts: int,
        kept: list[int],
        patient: bool,
    ) -> Overtaken | None:
        entry = self._gate.enter(patient=patient)
        if not entry and self._gate.hurried and not patient:
            return Overtaken(self._found(connection), None)
        overtaken = None
        try:
            overtaken = self._commit_upon(connection, write, ts)
        finally:
            if overtaken is not None:
                kept.append(entry)
            else:
                self._gate.leave(entry)
        if overtaken is None:
            self._committed()
        return overtaken

    def _commit_upon(self, connection: sqlite3.Connection, write: _Write, ts: int) -> Overtaken | None:
        try:
            return in_transaction(connection, write)
        except sqlite3.Error:
            if not self._arrived(connection, ts):
                raise
        return None

    def _write_upon(
        self,
        connection: sqlite3.Connection,
        *,
        steps: Sequence[Step],
        ts: int,
        upon: int,
        seen: int,
        tell: Callable[[], object] | None,
    ) -> Overtaken | None:
        if connection.execute(self._statements["move_last_ts"].sql, (ts, upon)).rowcount != 1:
            return self._overtaken(connection, seen)
        for sql, parameters in steps:
            connection.execute(sql, parameters)
        if tell is not None:
            tell()
        return None

    def _overtaken(self, connection: sqlite3.Connection, seen: int) -> Overtaken:
        last = self._found(connection)
        if connection.execute(self._statements["history_start"].sql).fetchone()[0] > seen:
            return Overtaken(last, None)
        entries: list[LogEntry] = []
        while page := connection.execute(self._statements["log"].sql, (seen, _PAGE)).fetchall():
            entries += [decode_entry(*row) for row in page]
            seen = entries[-1].ts
        return Overtaken(last, entries)

    def _is_there(self, connection: sqlite3.Connection, ts: int) -> bool:
        # Others may have written since, and a commit of the same time may be theirs.
        return connection.execute(self._statements["is_logged"].sql, (ts, self._node)).fetchone() is not None
