"""The keys of one provider, fetched when they are needed and kept.

    first token        waits until they are here
    older than kept    they are fetched again beside the work; long unused ones before they are trusted again
    unknown key id     they are fetched again, since issuers change keys
    issuer is down     what is here stays good, and it is tried again later

Whatever clients send, an issuer is asked at most once in each `pause`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import jwt

from reactor.auth.fetching import FetchFailed
from reactor.auth.published import Published

__all__ = ["KeySource"]

_log = logging.getLogger("reactor.auth")


class KeySource:
    """Keys behind `load`. `kept` and `pause` are seconds of `clock`; must be used on one event loop."""

    def __init__(
        self,
        load: Callable[[], Awaitable[Published]],
        *,
        kept: float,
        pause: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._kept, self._pause, self._clock = load, kept, pause, clock
        self._published: Published | None = None
        self._failure: FetchFailed | None = None
        self._loaded_at = self._next_try = float("-inf")
        self._loading: asyncio.Task[None] | None = None

    async def published(self) -> Published:
        """What the provider publishes, fresh enough. Raises FetchFailed when there is nothing to be had."""
        if self._published is None:
            await self._refresh()
        else:
            age = self._clock() - self._loaded_at
            if age > 2 * self._kept and self._failure is None:
                await self._refresh()
            elif age > self._kept:
                self._begin()
        if self._published is not None:
            return self._published
        failure = self._failure
        assert failure is not None
        raise FetchFailed(str(failure), lasting=failure.lasting)

    async def find(self, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        """The keys that may have signed a token; none when the provider publishes no such key, now neither."""
        found = (await self.published()).keys.find(kid, algorithm)
        if not found and await self._refresh():
            found = (await self.published()).keys.find(kid, algorithm)
        return found

    def close(self) -> None:
        """Stop fetching; who waits for it gets FetchFailed."""
        if self._loading is not None:
            self._loading.cancel()

    async def _refresh(self) -> bool:
        """Wait for a new look at the provider; False when it is too early for one."""
        loading = self._begin()
        if loading is None:
            return False
        try:
            await asyncio.shield(loading)  # others wait for it too
        except asyncio.CancelledError:
            if loading.cancelled():
                raise FetchFailed("the provider was taken away meanwhile", lasting=False) from None
            raise
        return True

    def _begin(self) -> asyncio.Task[None] | None:
        if self._loading is None and self._clock() >= self._next_try:
            self._loading = asyncio.get_running_loop().create_task(self._fetch())
        return self._loading

    async def _fetch(self) -> None:
        try:
            self._published = await self._load()
            self._failure = None
            self._loaded_at = self._clock()
        except FetchFailed as failure:
            self._failed(failure)
        except Exception as error:
            _log.exception("Fetching keys failed inside of Reactor")
            self._failed(FetchFailed(f"a fault of the server: {type(error).__name__}", lasting=False))
        finally:
            self._next_try = self._clock() + self._pause
            self._loading = None

    def _failed(self, failure: FetchFailed) -> None:
        self._failure = failure
        kept = "" if self._published is None else " The keys from before stay in use."
        _log.warning("The keys of an auth provider cannot be had: %s.%s", failure, kept)
