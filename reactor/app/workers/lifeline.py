"""A process that ends with the one that started it."""

import os
import select
import signal
import socket
import threading

__all__ = ["hold_on"]


def hold_on(end: socket.socket) -> None:
    """Kill this process as soon as nobody has the other end of this socket any more.

    In a thread: the event loop may be busy with a function. As by SIGKILL, which a server is made for: what was
    answered is durable, and nobody is left to say why it should go on.
    """
    held = end.dup()
    threading.Thread(target=_wait, args=(held,), name="lifeline", daemon=True).start()


def _wait(held: socket.socket) -> None:
    waiting = select.poll()
    waiting.register(held, 0)  # of what may come only that the other end is closed, which is always told
    while not waiting.poll():
        pass
    os.kill(os.getpid(), signal.SIGKILL)
