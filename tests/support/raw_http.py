"""HTTP as bytes on a socket, for requests that no client library would make."""

import json
import socket
from typing import Any, NamedTuple, Self

from tests.support.patience import PATIENCE

__all__ = ["RawAnswer", "RawConnection", "exchange"]


class RawAnswer(NamedTuple):
    """What came back until the server closed: all of it, and the status of the first answer (0 when there is none)."""

    raw: bytes

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1]) if self.raw.startswith(b"HTTP/") else 0

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Of the first answer, names in lower case."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    def json(self) -> Any:
        return json.loads(self.body)


class RawConnection:
    """One connection to a port of this machine, as a context manager."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)

    def send(self, *pieces: bytes) -> Self:
        """Send bytes; that the server has closed meanwhile is seen by reading."""
        try:
            for piece in pieces:
                self._socket.sendall(piece)
        except OSError:
            pass
        return self

    def until_closed(self) -> RawAnswer:
        """Everything that the server still sends. Raises TimeoutError when it does not close."""
        pieces: list[bytes] = []
        try:
            while piece := self._socket.recv(65_536):
                pieces.append(piece)
        except ConnectionError:
            pass
        return RawAnswer(b"".join(pieces))

    def heard_within(self, seconds: float) -> bytes | None:
        """What the server says next, b"" when it closed, None when it says nothing for so long."""
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(65_536)
        except TimeoutError:
            return None
        except ConnectionError:
            return b""
        finally:
            self._socket.settimeout(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def exchange(port: int, *pieces: bytes) -> RawAnswer:
    """Send these bytes on a connection of their own, and give what comes back until the server closes."""
    with RawConnection(port) as connection:
        return connection.send(*pieces).until_closed()
