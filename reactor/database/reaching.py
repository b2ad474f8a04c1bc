"""Those who wait until a commit of another process can be read here."""

import asyncio
from typing import NamedTuple

__all__ = ["Reaching"]


class _Waiter(NamedTuple):
    ts: int
    looks: int
    reached: asyncio.Future[bool]


class Reaching:
    """Each waits for a commit by its timestamp, until a look at the log that began later has found it, or has not."""

    def __init__(self) -> None:
        self._waiters: list[_Waiter] = []

    def wait(self, ts: int, looks: int) -> asyncio.Future[bool]:
        """Whether commit `ts` is there, as soon as that is known; `looks` at the log have begun so far."""
        reached: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiters.append(_Waiter(ts, looks, reached))
        return reached

    def tell(self, visible: int, looks: int) -> bool:
        """The last of so many looks has ended at commit `visible`. Gives whether somebody needs one more."""
        waiting, self._waiters = self._waiters, []
        for one in waiting:
            if one.ts <= visible or one.looks < looks:
                _answer(one, visible)
            else:
                self._waiters.append(one)
        return bool(self._waiters)

    def fail(self, visible: int) -> None:
        """The log cannot be read."""
        waiting, self._waiters = self._waiters, []
        for one in waiting:
            _answer(one, visible)


def _answer(one: _Waiter, visible: int) -> None:
    if not one.reached.done():
        one.reached.set_result(one.ts <= visible)
