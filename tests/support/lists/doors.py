"""Where clients find servers: several doors to the same lists, some of which are closed now and then."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Doors"]


class Doors:
    """The addresses of servers that share their data; all are closed at first.

    `several`: a client may meet another process than the one that answered it before.
    """

    def __init__(self, random: random.Random, *, several: bool) -> None:
        self._random, self.several = random, several
        self._open: list[str] = []
        self._opened = asyncio.Event()
        self._inside: defaultdict[str, set[Callable[[], None]]] = defaultdict(set)

    async def choose(self) -> str:
        """One that is open, any of them; waits until there is one."""
        await self._opened.wait()
        return self._random.choice(self._open)

    def open(self, url: str) -> None:
        """Send clients there. Nothing is changed by opening what is open."""
        if url not in self._open:
            self._open.append(url)
            self._opened.set()

    def close(self, url: str) -> None:
        """Send no more clients there. Nothing is changed by closing what is closed."""
        if url in self._open:
            self._open.remove(url)
        if not self._open:
            self._opened.clear()

    @contextmanager
    def inside(self, url: str, leave: Callable[[], None]) -> Iterator[None]:
        """A client is there meanwhile; `leave` cuts its connection."""
        self._inside[url].add(leave)
        try:
            yield
        finally:
            self._inside[url].discard(leave)

    def lose_patience(self, url: str, likely: float) -> None:
        """Some of the clients that are there leave, to try another door."""
        for leave in tuple(self._inside[url]):
            if self._random.random() < likely:
                leave()
