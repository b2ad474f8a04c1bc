"""A client of the HTTP API: single mutations, queries of now, and queries of a moment."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from tests.support.elle import Read
from tests.support.lists.doors import Doors
from tests.support.lists.programs import Keys, program
from tests.support.lists.recording import Recording
from tests.support.patience import PATIENCE
from tests.support.sync_client import timestamp

__all__ = ["Caller"]


class Caller:
    """Makes one call after another."""

    def __init__(self, name: str, doors: Doors, keys: Keys, recording: Recording) -> None:
        self._name, self._doors, self._keys, self._recording = name, doors, keys, recording
        self._lives = 0

    async def run(self, enough: Callable[[], bool]) -> None:
        """Call until it is enough."""
        while not enough():
            url = await self._doors.choose()
            self._lives += 1
            # No proxy of the environment: the server is on this machine.
            async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as http:
                try:
                    while not enough():
                        await self._keys.random.choice((self._mutate, self._query, self._query, self._look_back))(http)
                except httpx.TransportError:
                    continue

    @property
    def client(self) -> str:
        """The name by which the history knows it, until a call of it is lost."""
        return f"{self._name}.{self._lives}"

    async def _mutate(self, http: httpx.AsyncClient) -> None:
        asked, invoked = program(self._keys), self._recording.tick()
        try:
            answer = await _post(http, "mutation", path="lists:run", args=msgspec.structs.asdict(asked))
        except httpx.TransportError:
            self._recording.lost(self.client, asked, invoked=invoked)
            raise
        if answer.get("status") == "success":
            self._recording.succeeded(self.client, asked, answer["value"], invoked=invoked, position=None)
        else:
            data, text = answer.get("errorData"), str(answer)
            self._recording.failed(self.client, asked, invoked=invoked, data=data, text=text, answer=answer)

    async def _query(self, http: httpx.AsyncClient) -> None:
        keys = self._some()
        for _ in range(self._keys.random.randint(1, 4)):
            invoked = self._recording.tick()
            answer = await _post(http, "query", path="lists:read", args={"keys": keys})
            self._read(keys, answer, invoked, None)

    async def _look_back(self, http: httpx.AsyncClient) -> None:
        keys, invoked = self._some(), self._recording.tick()
        ts = (await _post(http, "query_ts"))["ts"]
        # A call between the two, so that there is something to look back over.
        await self._query(http)
        answer = await _post(http, "query_at_ts", path="lists:read", args={"keys": keys}, ts=ts)
        # It is older than the query before it, so it is nobody's next step.
        self._read(keys, answer, invoked, timestamp(ts), client=f"{self.client} looking back at {ts}")

    def _some(self) -> list[str]:
        """Often what a watcher watches, or was asked for lately: an answer that is at hand must be the newest, too."""
        luck, hot = self._keys.random.random(), self._keys.hot
        if luck < 0.25:
            return list(hot)
        if luck < 0.6:
            return [self._keys.random.choice([hot[0], *self._keys.cold[:3]])]
        return [self._keys.any() for _ in range(self._keys.random.randint(1, 4))]

    def _read(
        self, keys: list[str], answer: Any, invoked: int, position: int | None, *, client: str | None = None
    ) -> None:
        if answer.get("status") == "success":
            ops = [Read(key, values) for key, values in zip(keys, answer["value"], strict=True)]
            # A call has no connection by which a server knows what its client saw elsewhere.
            stale = self._doors.several
            self._recording.read(client or self.client, ops, invoked=invoked, position=position, stale=stale)
        else:
            self._recording.refused(str(answer), answer)


async def _post(http: httpx.AsyncClient, endpoint: str, **body: Any) -> Any:
    answer = await http.post(f"/api/{endpoint}", json=body)
    told = answer.json()
    if told.get("code") == "ServerStopping":
        raise httpx.RemoteProtocolError(told["message"])  # as if it had not been answered
    return told
