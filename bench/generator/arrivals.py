"""The same as workloads/fanout.mjs, but without a receiver that wants a core: sockets are read when all is over, and
the kernel says when what came had come.

    python generator/arrivals.py '{"urls":["http://127.0.0.1:3210"],"pids":[123],"subscribers":1000,"writes":20}'

For servers of several processes, on a machine whose cores they need themselves. Speaks as main.mjs does.
"""

import json
import secrets
import signal
import socket
import statistics
import struct
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

SYNC_PATH = "/api/1.0.0/sync"
PADDING = " lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor"
WARM_UP_WRITES, PAUSE_SECONDS, LATE_SECONDS = 3, 0.3, 30.0
QUIET_SECONDS = 0.2
"""How long nobody looks after a write: several times as long as a delivery takes. What is late is looked for again."""

# Numbers of Linux, which Python has no names for: say when a packet was received.
SO_TIMESTAMPNS = 35
TIMESPEC = struct.Struct("@ll")
TEXT, PING, PONG = 1, 9, 10


class Frames:
    """A WebSocket that is read when there is time. `arrived`: when the last of what was read came, by time.time_ns."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._socket = socket.create_connection((place.hostname, place.port))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._bytes, self.arrived, self.count = b"", 0, 0
        head = f"GET {SYNC_PATH} HTTP/1.1\r\nHost: {place.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self._socket.sendall(f"{head}Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        while b"\r\n\r\n" not in self._bytes:
            self._read(LATE_SECONDS)
        head, self._bytes = self._bytes.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"no WebSocket: {head[:200]!r}")

    def send(self, message: dict[str, object]) -> None:
        self._put(json.dumps(message).encode(), TEXT)

    def texts(self, seconds: float = 0.0) -> list[bytes]:
        """What has come; with `seconds`, at least one text, unless none comes for so long."""
        found: list[bytes] = []
        until = time.monotonic() + seconds
        while True:
            while (frame := self._frame()) is not None:
                self.count += 1
                if frame[0] == PING:
                    self._put(frame[1], PONG)
                elif frame[0] == TEXT:
                    found.append(frame[1])
                else:
                    raise SystemExit(f"the server closed: {frame[1][:200]!r}")
            left = 0.0 if found else max(until - time.monotonic(), 0.0)
            if not self._read(left):
                return found

    def _put(self, payload: bytes, opcode: int) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._socket.sendall(bytes([0x80 | opcode]) + length + bytes(4) + payload)  # masked with zeros

    def _frame(self) -> tuple[int, bytes] | None:
        held = self._bytes
        if len(held) < 2:
            return None
        size, start = held[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(held[2:start], "big") if len(held) >= start else sys.maxsize
        if len(held) < start + size:
            return None
        self._bytes = held[start + size :]
        return held[0] & 15, held[start : start + size]

    def _read(self, seconds: float) -> bool:
        self._socket.settimeout(seconds)  # 0: only what is there
        try:
            came, about, _, _ = self._socket.recvmsg(1 << 20, 256)
        except (BlockingIOError, TimeoutError):
            return False
        if not came:
            raise SystemExit("the server closed a connection")
        self._bytes += came
        for _, kind, value in about:
            if kind == SO_TIMESTAMPNS:
                seconds_, nanoseconds = TIMESPEC.unpack(value[: TIMESPEC.size])
                self.arrived = seconds_ * 10**9 + nanoseconds
        return True


class Client:
    """One session: a live query, or mutations."""

    def __init__(self, url: str) -> None:
        self.frames = Frames(url)
        self._requests = 0
        session = {"type": "Connect", "sessionId": str(uuid.uuid4()), "connectionCount": 0}
        self.frames.send({**session, "lastCloseReason": "InitialConnect", "clientTs": int(time.time() * 1000)})

    def watch(self, path: str, args: dict[str, object]) -> None:
        """Begin a live query."""
        query = {"type": "Add", "queryId": 0, "udfPath": path, "args": [args]}
        self.frames.send({"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": 1, "modifications": [query]})

    def wait_for(self, kind: bytes) -> bytes:
        """The next message that is of this kind."""
        until = time.monotonic() + LATE_SECONDS
        while time.monotonic() < until:
            for text in self.frames.texts(until - time.monotonic()):
                if kind in text:
                    return text
        raise SystemExit(f"no {kind.decode()} within {LATE_SECONDS:g} s")

    def begin(self, path: str, args: dict[str, object]) -> None:
        """Send a mutation."""
        self.frames.send({"type": "Mutation", "requestId": self._requests, "udfPath": path, "args": [args]})
        self._requests += 1

    def ended(self) -> int:
        """When its answer came."""
        answer = json.loads(self.wait_for(b'"MutationResponse"'))
        if not answer["success"]:
            raise SystemExit(f"a mutation failed: {answer['result']}")
        return self.frames.arrived


class Server:
    """The processes of the server, and those that they have started."""

    def __init__(self, pids: list[int]) -> None:
        self._pids = list(pids)
        for pid in self._pids:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                self._pids += map(int, children.read_text().split())

    def cpu_seconds(self) -> float:
        tasks = (task for pid in self._pids for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def arrivals(clients: list[Client], needle: bytes) -> tuple[list[int], bool]:
    """When the text came to each that it came to; and whether something else came with it (a ping, now and then): the
    kernel notes only when the last of what waits came."""
    found: dict[int, int] = {}
    mixed = False
    until = time.monotonic() + LATE_SECONDS
    while len(found) < len(clients) and time.monotonic() < until:
        for number, client in enumerate(clients):
            before = client.frames.count
            if any(needle in text for text in client.frames.texts()):
                found[number] = client.frames.arrived
                mixed |= client.frames.count - before > 1
        if len(found) < len(clients):
            time.sleep(QUIET_SECONDS)  # what is late is left its cores, too
    return list(found.values()), mixed


def percentile(samples: list[float], p: float) -> float:
    ordered = sorted(samples)
    at = (len(ordered) - 1) * p / 100
    low = int(at)
    return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (at - low)


def fanout(options: dict[str, object]) -> dict[str, float]:
    url, server = options["urls"][0], Server(options["pids"])
    writer, channel = Client(url), "fan-out"
    for number in range(50):
        writer.begin("messages:send", {"channel": channel, "body": f"seed {number}" + PADDING})
        writer.ended()
    connecting = time.monotonic()
    clients = [Client(url) for _ in range(options["subscribers"])]
    for client in clients:
        client.watch("messages:list", {"channel": channel})
    for client in clients:
        client.wait_for(b'"Transition"')
    connect_ms = (time.monotonic() - connecting) * 1000
    last: list[float] = []
    half: list[float] = []
    acks: list[float] = []
    cpu: list[float] = []
    missing = 0
    for number in range(WARM_UP_WRITES + options["writes"]):
        if number == WARM_UP_WRITES:
            say("measuring")
        used = server.cpu_seconds()  # not just before the write, for it leaves a core busy and its caches full
        time.sleep(PAUSE_SECONDS)
        text, at = secrets.token_hex(8), time.time_ns()
        writer.begin("messages:send", {"channel": channel, "body": text + PADDING})
        time.sleep(QUIET_SECONDS)  # and no wait for what comes: who is woken by it has a core
        used = server.cpu_seconds() - used
        ended, (came, mixed) = writer.ended(), arrivals(clients, text.encode())
        missing += len(clients) - len(came)
        if number >= WARM_UP_WRITES and len(came) == len(clients) and not mixed:
            last.append((max(came) - at) / 1e6)
            half.append((statistics.median(came) - at) / 1e6)
            acks.append((ended - at) / 1e6)
            cpu.append(used * 1000)
    say("measured")
    return {
        "last_p50_ms": percentile(last, 50) if last else float("nan"),
        "last_p95_ms": percentile(last, 95) if last else float("nan"),
        "half_p50_ms": percentile(half, 50) if half else float("nan"),
        "ack_p50_ms": percentile(acks, 50) if acks else float("nan"),
        "server_cpu_ms_per_write": statistics.fmean(cpu) if cpu else float("nan"),
        "connect_ms": connect_ms,
        "missing": missing,
    }


def say(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    signal.alarm(wanted["patience"])
    say("result", figures=fanout(wanted))
