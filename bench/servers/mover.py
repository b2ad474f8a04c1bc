"""The floor of moving large files beside other work: a process of its own that takes or gives bytes, and nothing else.

    python mover.py PORT FOLDER MIB_PER_SECOND

What is posted to it is hashed, written and flushed as Reactor does it, in threads of the same priority, and the answer
has an id; `GET /BYTES` sends so many bytes of a file. It moves no more a second than it is told, so that it takes as
much of the disk and of the cores as the server beside it would have taken for the same files.
"""

import contextlib
import hashlib
import json
import os
import secrets
import socket
import sys
import threading
import time
from pathlib import Path

__all__ = ["Pace", "answer"]

PIECE, STEP, MIB = 256 * 1024, 2**20, 2**20
NICE = 10


class Pace:
    """Lets so many bytes pass in a second."""

    def __init__(self, per_second: float) -> None:
        self.per_second, self.passed, self.start = per_second, 0, time.perf_counter()

    def add(self, size: int) -> None:
        self.passed += size
        time.sleep(max(0.0, self.start + self.passed / self.per_second - time.perf_counter()))


def answer(connection: socket.socket, folder: Path, per_second: float) -> None:
    """One request of one connection."""
    with connection:
        head, rest = request(connection)
        line, *fields = head.decode("latin-1").split("\r\n")
        method, path, _ = line.split(" ")
        pace = Pace(per_second)
        if method == "POST":
            lengths = (field.partition(":")[2] for field in fields if field.lower().startswith("content-length:"))
            take(connection, rest, int(next(lengths)), folder / secrets.token_hex(16), pace)
            body = json.dumps({"storageId": "none"}).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        else:
            give(connection, int(path.strip("/")), folder / "file", pace)


def request(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, and what came of its body."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(PIECE)
        if not more:
            raise ConnectionError("the request has no end")
        got += more
    head, _, rest = got.partition(b"\r\n\r\n")
    return head, rest


def take(connection: socket.socket, first: bytes, size: int, path: Path, pace: Pace) -> None:
    digest, step, left = hashlib.sha256(), bytearray(first), size - len(first)
    with path.open("wb", buffering=0) as file:
        while left or step:
            while left and len(step) < STEP:
                piece = connection.recv(min(PIECE, left))
                if not piece:
                    return  # whoever measures has ended
                step += piece
                left -= len(piece)
            file.write(step)
            digest.update(step)
            os.fdatasync(file.fileno())
            pace.add(len(step))
            step.clear()


def give(connection: socket.socket, size: int, path: Path, pace: Pace) -> None:
    make(path, size)
    connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % size)
    with path.open("rb", buffering=0) as file:
        for at in range(0, size, PIECE):
            length = min(PIECE, size - at)
            connection.sendall(os.pread(file.fileno(), length, at))
            pace.add(length)


def make(path: Path, size: int) -> None:
    """A file of that size, unless it is there."""
    if path.exists() and path.stat().st_size == size:
        return
    block = b"x" * PIECE
    with path.open("wb", buffering=0) as file:
        for at in range(0, size, PIECE):
            file.write(block[: size - at])
        os.fsync(file.fileno())


def serve(connection: socket.socket, folder: Path, per_second: float) -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
    # A client may be ended in the middle of a file, or only try whether somebody listens.
    with contextlib.suppress(ConnectionError):
        answer(connection, folder, per_second)


def main() -> None:
    port, folder, mib_per_second = int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, folder, mib_per_second * MIB), daemon=True).start()


if __name__ == "__main__":
    main()
