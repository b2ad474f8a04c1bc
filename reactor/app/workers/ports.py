"""One port for several processes."""

import socket
import sys

from reactor.app.addresses import Listeners, cut_stalled

__all__ = ["joined", "share"]

# Every worker listens on a socket of its own, and the kernel deals connections out by their addresses. On a socket that
# all share, whoever is awake first takes them: of 300 connections that came at once to 4 workers one got 182 and
# another 22 then, against 64 to 79 with sockets of their own (64 to 100 of each when they came one by one). A live
# connection stays where it is for hours, so that counts for more than a worker that is held up for a moment while
# connections wait for it. A socket ends with its process: nobody waits for a worker that is dead.
# Elsewhere the kernel does not deal them out, and the shared socket is what there is.
_APART = sys.platform == "linux"


def share(listeners: Listeners) -> None:
    """Let processes of ours, and of nobody else, listen on the ports of these sockets, which never listen themselves.

    They were bound as if they were to be alone, so a port that somebody has is found to be taken.
    """
    for bound in (listeners.main, listeners.site):
        if bound is not None and _APART:
            # With this one another server could have the port as long as no worker listens.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def joined(main: int, site: int, silent_seconds: float) -> Listeners:
    """The sockets that a worker listens on, of the descriptors that it inherited (-1: none).

    `silent_seconds`: see `listen`. Raises OSError.
    """
    first = _joined(main, silent_seconds)
    return Listeners(first, None if site < 0 else _joined(site, silent_seconds))


def _joined(descriptor: int, silent_seconds: float) -> socket.socket:
    bound = socket.socket(fileno=descriptor)
    bound.set_inheritable(False)
    if not _APART:
        return bound
    own = socket.socket(bound.family, bound.type, bound.proto)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # for connections that linger when the server is gone
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind(bound.getsockname())
    cut_stalled(own, silent_seconds)
    bound.close()
    return own
