"""What a store that only one process uses at a time has in place of the ways to share one."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from reactor.errors import StoreError
from reactor.store.seam import CaughtUp

__all__ = ["Alone"]


class Alone:
    """Nobody else commits."""

    shared = False

    def listen(self, on_news: Callable[[], None]) -> None:
        """There will be no news."""

    async def catch_up(self) -> CaughtUp:
        """There is nothing to catch up with."""
        raise StoreError("this store is not shared, so nobody else can have committed")

    def exclusive(self) -> AbstractAsyncContextManager[None]:
        """Nobody has to be kept out."""
        return nullcontext()

    def schema_turn(self) -> AbstractAsyncContextManager[None]:
        """Nobody has to be waited for."""
        return nullcontext()
