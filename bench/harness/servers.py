"""The servers that are measured: Reactor, the mock, the bare broadcast, each started anew on its own core."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.machine import ROOT, pinned, server_core
from harness.postgres import free_port, postgres

__all__ = [
    "ADMIN_KEY",
    "OUT",
    "Running",
    "Server",
    "broadcast",
    "mock",
    "mover",
    "reactor",
    "running",
    "school",
    "scratch",
]

BENCH = ROOT / "bench"
OUT = BENCH / "out"
START_SECONDS = 60
STOP_SECONDS = 20


@dataclass(frozen=True)
class Server:
    """How to start one. `argv` may hold {port}, {folder} and names that a phase fills in.

    `nodes`: so many of them share a PostgreSQL, which is started for them; 0 means one that has a file of its own.
    """

    role: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    health: str | None = None
    nodes: int = 0


@dataclass(frozen=True)
class Running:
    """A server that answers, or several that share their data."""

    server: Server
    urls: tuple[str, ...]
    pids: tuple[int, ...]

    def counters(self) -> dict[str, float]:
        """Reactor's own counters (`…_total` of /metrics, labels summed); nothing for the mocks."""
        if self.server.role != "reactor":
            return {}
        totals: dict[str, float] = {}
        for url in self.urls:
            with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
                for line in answer.read().decode().splitlines():
                    if line.startswith("#"):
                        continue
                    name, _, value = line.rpartition(" ")
                    name = name.partition("{")[0]
                    if name.endswith("_total"):
                        totals[name] = totals.get(name, 0.0) + float(value)
        return totals


def reactor(ws: str, *, workers: int = 1, nodes: int = 0) -> Server:
    """Reactor with the benchmark's application: one process, several workers on one file, or nodes on PostgreSQL."""
    command = Path(sys.executable).parent / "reactor"
    argv = (str(command), "start", str(BENCH / "app"), "--port", "{port}", "--data", "{folder}")
    argv += ("--site-port", "off", "--set", f"ws={ws}")
    if workers > 1:
        argv += ("--workers", str(workers))
    return Server("reactor", argv, health="/healthz", nodes=nodes)


ADMIN_KEY = "the-key-of-a-benchmark"


def school(ws: str) -> Server:
    """The school application, with what it needs to sign somebody in and to be told of payments."""
    command = Path(sys.executable).parent / "reactor"
    argv = (str(command), "start", str(ROOT), "--port", "{port}", "--data", "{folder}")
    argv += ("--site-port", "off", "--set", f"ws={ws}")
    env = {"SCHOOL_LOGIN": "demo", "REACTOR_ADMIN_KEY": ADMIN_KEY}
    return Server("reactor", argv, env, health="/healthz")


def mock(ws: str) -> Server | None:
    """The mock on one WebSocket implementation; None where that is not installed (picows is no part of Reactor)."""
    if ws == "picows" and importlib.util.find_spec("picows") is None:
        return None
    argv = (sys.executable, str(BENCH / "servers" / "floor.py"), "{port}", "{folder}")
    # It frees all that it sent at once; without this the C library hands that memory back to the kernel and fetches it
    # again for every write, which made fan-out a quarter slower than it need be: a floor must not do that.
    return Server("mock", argv, env={"FLOOR_WS": ws, "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20)})


def broadcast(kind: str, push_bytes: str = "{push_bytes}") -> Server | None:
    """The bare broadcast of texts of that many bytes; None where the implementation is not installed."""
    if kind == "picows" and importlib.util.find_spec("picows") is None:
        return None
    argv = (sys.executable, str(BENCH / "servers" / "broadcast.py"), "{port}", kind, push_bytes)
    return Server("broadcast", argv)


def mover() -> Server:
    """What takes and gives large files, and no more of them a second than the phase before it."""
    return Server(
        "mover", (sys.executable, str(BENCH / "servers" / "mover.py"), "{port}", "{folder}", "{mib_per_second}")
    )


@contextlib.contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """A folder on the disk under test that is gone afterwards."""
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="data-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def running(server: Server, folder: Path, fill: dict[str, object], *, on_its_core: bool = True) -> Iterator[Running]:
    """Start the server on the server's core (or anywhere), wait until it answers, and stop it by its process id."""
    with contextlib.ExitStack() as stack:
        with pinned(server_core()) if on_its_core else contextlib.nullcontext():
            started = list(_started(server, folder, fill, stack))
        ports, pids = zip(*started, strict=True)
        yield Running(server, tuple(f"http://127.0.0.1:{port}" for port in ports), pids)


def _started(
    server: Server, folder: Path, fill: dict[str, object], stack: contextlib.ExitStack
) -> Iterator[tuple[int, int]]:
    if not server.nodes:
        yield stack.enter_context(_process(server, folder, fill, {}))
        return
    database = {"REACTOR_DATABASE": stack.enter_context(postgres(folder))}
    for number in range(server.nodes):
        yield stack.enter_context(_process(server, folder / f"node{number}", fill, database))


@contextlib.contextmanager
def _process(server: Server, folder: Path, fill: dict[str, object], more: dict[str, str]) -> Iterator[tuple[int, int]]:
    """One process that answers: its port and its id."""
    port, log = free_port(), folder / "server.log"
    folder.mkdir(exist_ok=True)
    argv = [part.format(port=port, folder=folder, **fill) for part in server.argv]
    with log.open("ab") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=folder,
                                   env={**os.environ, **server.env, **more})  # fmt: skip
    try:
        _wait(server, process, port)
        yield port, process.pid
        if process.poll() is not None:
            raise RuntimeError(f"{argv[0]} ended during the measurement")
    except BaseException as error:
        error.add_note(f"the server's last words:\n{_tail(log)}")
        raise
    finally:
        _stop(process)


def _wait(server: Server, process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended at once with status {process.returncode}")
        if _answers(port, server.health):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} did not answer within {START_SECONDS} s")


def _answers(port: int, health: str | None) -> bool:
    try:
        if health is None:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{health}", timeout=1) as answer:
            return answer.status == 200
    except (OSError, urllib.error.HTTPError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Path, size: int = 3000) -> str:
    return log.read_bytes()[-size:].decode(errors="replace")
