"""A client of the sync protocol that sends one program after another, and again what was not answered."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable

import msgspec

from tests.support.lists.doors import Doors
from tests.support.lists.programs import Keys, Program, program
from tests.support.lists.recording import Recording
from tests.support.sync_client import LOST, SyncClient

__all__ = ["Writer"]

_GIVES_UP = 0.25
"""How likely a client that lost its connection is never seen again, so that nobody learns how its programs ended."""
_DROPS = 0.003
"""How likely a client cuts its own connection after it has sent a program."""


class _Asked(msgspec.Struct):
    """A program that was sent. `connections`: how often."""

    request: int
    program: Program
    invoked: int
    connections: int = 0


class Writer:
    """Keeps `lanes` programs on their way; the server runs them in the order in which they were sent first."""

    def __init__(self, name: str, doors: Doors, keys: Keys, recording: Recording, lanes: int) -> None:
        self._name, self._doors, self._keys, self._recording = name, doors, keys, recording
        self._lanes = lanes
        self._lives = 0
        self._begin_anew()

    async def run(self, enough: Callable[[], bool]) -> None:
        """Send programs until it is enough, and wait for their answers over as many connections as it takes."""
        while self._unanswered or not enough():
            url = await self._doors.choose()
            with contextlib.suppress(*LOST):
                async with SyncClient(url, session=self._session, observed=self._observed) as client:
                    with self._doors.inside(url, client.socket.transport.abort):
                        await self._converse(client, enough)
            if self._unanswered and self._keys.random.random() < _GIVES_UP:
                self._give_up()

    async def _converse(self, client: SyncClient, enough: Callable[[], bool]) -> None:
        again = [self._ask(client, asked) for asked in self._unanswered.values()]
        ends = await asyncio.gather(
            *again, *(self._lane(client, enough) for _ in range(self._lanes)), return_exceptions=True
        )
        for end in ends:
            if end is not None:
                raise end

    async def _lane(self, client: SyncClient, enough: Callable[[], bool]) -> None:
        while not enough():
            asked = _Asked(self._next_request, program(self._keys), self._recording.tick())
            self._next_request += 1
            self._unanswered[asked.request] = asked
            await self._ask(client, asked)

    async def _ask(self, client: SyncClient, asked: _Asked) -> None:
        asked.connections += 1
        args = msgspec.structs.asdict(asked.program)
        waiting = client.request("Mutation", "lists:run", args, request_id=asked.request)
        if self._keys.random.random() < _DROPS:
            asyncio.get_running_loop().call_soon(client.socket.transport.abort)
        answer = await waiting
        del self._unanswered[asked.request]
        self._recording.resent += asked.connections > 1
        if answer.success:
            self._observed = max(self._observed, answer.ts or 0)
            self._recording.succeeded(
                self.client, asked.program, answer.result, invoked=asked.invoked, position=answer.ts
            )
        else:
            data, text = answer.data, str(answer.result)
            self._recording.failed(
                self.client, asked.program, invoked=asked.invoked, data=data, text=text, answer=answer
            )

    def _give_up(self) -> None:
        for asked in self._unanswered.values():
            self._recording.lost(self.client, asked.program, invoked=asked.invoked)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._lives += 1
        self.client = f"{self._name}.{self._lives}"
        self._session = str(uuid.uuid4())
        self._next_request = self._observed = 0
        self._unanswered: dict[int, _Asked] = {}
