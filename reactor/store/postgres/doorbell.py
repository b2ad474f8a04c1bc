"""The doorbell: a connection that hears when other servers have committed.

PostgreSQL rings it with each commit. What was not heard, since a connection was lost, is found by looking now and then.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from reactor.errors import StoreError
from reactor.store.postgres.address import Address
from reactor.store.postgres.connections import Background, close
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.failures import store_error
from reactor.store.postgres.tidings import told_by
from reactor.store.statements import Statement

__all__ = ["Doorbell"]

_CHANNEL = "reactor"
"""As the statement `commit` has it. A channel is of one database."""

_ANSWER_SECONDS = 5.0
"""Who listens asks little, and a connection that gives no answer tells no news either."""

_log = logging.getLogger(__name__)


class Doorbell:
    """Calls who listens when another server than `node` has committed, or may have.

    `is_news` is told of a commit by its timestamp, and says whether this server did not know of it; `seconds`: how
    often it is told of the database's last one.
    """

    def __init__(
        self,
        address: Address,
        statements: dict[str, Statement],
        node: str,
        is_news: Callable[[int], bool],
        seconds: float,
    ) -> None:
        self._address, self._statements = address, statements
        self._node, self._is_news, self._seconds = node, is_news, seconds
        self._background = Background()
        self._on_news: Callable[[], None] | None = None

    def listen(self, on_news: Callable[[], None]) -> None:
        """Begin."""
        begun, self._on_news = self._on_news is not None, on_news
        if not begun:
            self._background.begin(self._listen())

    def ring(self) -> None:
        """There may be news."""
        if self._on_news is None:
            return
        try:
            self._on_news()
        except Exception as fault:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "Who was told of commits of other servers failed; this is a bug", "exception": fault}
            )

    async def close(self) -> None:
        """Stop listening."""
        self._on_news = None
        await self._background.close()

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except StoreError as error:
                _log.warning("%s; commits of other servers are seen when it can be connected to again", error)
                await asyncio.sleep(self._seconds)

    async def _listen_once(self) -> None:
        """Until the connection is lost, which raises StoreError."""
        connection = await self._address.connect("listens")
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(partial(_set, lost))
            await connection.add_listener(_CHANNEL, self._heard)
            self.ring()  # for what came before anybody listened
            while True:
                await self._pause(lost)
                async with asyncio.timeout(_ANSWER_SECONDS):
                    last = await connection.fetchval(self._statements["last_ts"].sql)
                if self._is_news(last):
                    self.ring()
        except asyncio.CancelledError:
            await close(connection)
            raise
        except Exception as error:
            connection.terminate()
            raise store_error(error, "listening for commits of other servers", str(self._address)) from error

    async def _pause(self, lost: asyncio.Event) -> None:
        try:
            await asyncio.wait_for(lost.wait(), self._seconds)
        except TimeoutError:
            return

    def _heard(self, connection: Connection, process: int, channel: str, text: object) -> None:
        node, ts = told_by(str(text))
        if node != self._node and (ts is None or self._is_news(ts)):
            self.ring()


def _set(event: asyncio.Event, _: Connection) -> None:
    event.set()
