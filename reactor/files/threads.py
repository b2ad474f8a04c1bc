"""Threads that handle the bytes of files."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

__all__ = ["shut_down"]


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
