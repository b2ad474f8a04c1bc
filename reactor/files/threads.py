"""Threads that handle the bytes of files."""

import asyncio
import contextlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

__all__ = ["shut_down", "threads"]

_NICE = 10
"""Who waits for a query or a commit is in more of a hurry than who waits for a gigabyte."""


def threads(count: int) -> ThreadPoolExecutor:
    """So many of them, which leave the processor to the others of this process where the system can tell them apart."""
    return ThreadPoolExecutor(count, "reactor-files", initializer=_yield_to_others)


def _yield_to_others() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


async def shut_down(pool: ThreadPoolExecutor) -> None:
    """Wait for what its threads still do, in a thread that nobody else will find in use."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def wait() -> None:
        pool.shutdown()
        loop.call_soon_threadsafe(ended.set)

    waiting = threading.Thread(target=wait, name="reactor-files-end")
    waiting.start()
    await ended.wait()
    waiting.join()
