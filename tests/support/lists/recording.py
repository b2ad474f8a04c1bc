"""The history as it is being made: one clock for all clients, and a place for what they learned."""

import asyncio
import re
from collections.abc import Sequence
from itertools import count
from typing import Any

from tests.support.elle import Op, Outcome, Transaction
from tests.support.lists.programs import Program, operations

__all__ = ["EXPECTED", "Recording"]

EXPECTED = "as it was asked to"
"""The data of the error by which a program fails that was to fail."""


class Recording:
    """Transactions of all clients, which live in one process and so have one clock.

    `surprises` are answers that no program asked for and whose text does not match `excuse`, which is what a server
    says whose database was taken away; `excused` counts those that do. `answered` counts programs whose end is known,
    `resent` those that were answered on another connection than the one on which they were first sent.
    """

    def __init__(self, excuse: str = "$^") -> None:
        self._excuse = re.compile(excuse)
        self.history: list[Transaction] = []
        self.surprises: list[Any] = []
        self.answered = self.resent = self.excused = 0
        self._ticks = count(1)
        self._goal, self._reached = 0, asyncio.Event()

    async def until(self, answered: int) -> None:
        """Wait until so many programs were answered in all."""
        self._goal = answered
        self._reached.clear()
        await self._reached.wait()

    def tick(self) -> int:
        """A later time than every earlier one."""
        return next(self._ticks)

    def read(
        self, client: str, ops: Sequence[Op], *, invoked: int, position: int | None = None, stale: bool = False
    ) -> None:
        """A read-only transaction was answered; `stale`: maybe with an older state than that at `invoked`."""
        self.history.append(Transaction(client, Outcome.OK, ops, invoked, self.tick(), position, stale))

    def succeeded(self, client: str, program: Program, result: Any, *, invoked: int, position: int | None) -> None:
        """A program ran to its end."""
        ops = list(operations(program.steps, result))
        self._count()
        self.history.append(Transaction(client, Outcome.OK, ops, invoked, self.tick(), position))
        if program.fails:
            self.surprises.append(("it was to fail", program, result))

    def failed(self, client: str, program: Program, *, invoked: int, data: Any, text: str, answer: Any) -> None:
        """A program failed; `data` is what its error carried, `text` what it says."""
        self._count()
        ops = list(operations(program.steps, None))
        self.history.append(Transaction(client, Outcome.FAIL, ops, invoked, self.tick()))
        if not program.fails or data != EXPECTED:
            self.refused(text, answer)

    def refused(self, text: str, answer: Any) -> None:
        """Something was answered with an error, whose text is `text`, that nobody asked for."""
        if self._excuse.search(text):
            self.excused += 1
        else:
            self.surprises.append(answer)

    def lost(self, client: str, program: Program, *, invoked: int) -> None:
        """Nobody will ever be told how a program ended."""
        ops = list(operations(program.steps, None))
        # One that fails by itself has left nothing, whether it ran or not.
        outcome = Outcome.FAIL if program.fails else Outcome.UNKNOWN
        self.history.append(Transaction(client, outcome, ops, invoked, None))

    def _count(self) -> None:
        self.answered += 1
        if self.answered == self._goal:
            self._reached.set()
