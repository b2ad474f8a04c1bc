"""A server as its users run it: the `reactor` command in a process of its own, on a real data folder."""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.support.chosen_store import CHOSEN
from tests.support.metrics import Metrics
from tests.support.patience import PATIENCE, until

__all__ = ["APPS", "REPOSITORY", "Server", "free_port"]

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = REPOSITORY / "tests" / "apps"


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One `reactor start` or `reactor dev` on a data folder; it may be killed and started again on the same port.

    `app`: a folder with functions/ and schema.py, or the name of one under tests/apps. What the process
    prints is in `log`. As a context manager it starts, and stops at the end.
    """

    def __init__(
        self,
        app: str | Path,
        data: Path,
        *,
        command: str = "start",
        port: int | None = None,
        options: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.app = APPS / app
        self.data = data
        self.command = command
        self.port = port or free_port()
        self.options = tuple(options)
        self.environment = environment or {}
        self.log_file = data.parent / f"{data.name}-{self.port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def site(self) -> str:
        """The address of its HTTP endpoints."""
        return json.loads((self.data / "server.json").read_text())["site"]

    @property
    def arguments(self) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--data", str(self.data)]
        program = Path(sys.executable).parent / "reactor"
        return [str(program), self.command, str(self.app), *where, *self.options]

    @property
    def process_environment(self) -> dict[str, str]:
        # A free port for the endpoints, since the one behind ours may be somebody else's.
        usual = {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200", "REACTOR_SITE_PORT": "0"}
        return {**os.environ, **usual, **CHOSEN.environment(self.data), **self.environment}

    @property
    def log(self) -> str:
        """Everything printed so far, over all starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process without waiting until it serves."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.process_environment,
                cwd=self.data.parent,
            )
        return self.process

    def start(self) -> Self:
        """Start and wait until it answers /healthz and commands find it; one that does not is ended."""
        self.launch()
        try:
            self._until_begun()
            until(self._is_up, lambda: f"an answer of the server; it printed:\n{self.log}")
        except BaseException:
            self._abandon()
            raise
        return self

    def _until_begun(self) -> None:
        """Wait for what comes before it can answer, if that may take as long again."""

    def _abandon(self) -> None:
        # It would go on beside all later tests, and a machine on which one start takes too long would fail ever more.
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with code {self.process.returncode}; it printed:\n{self.log}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200 and self._is_known(self.process)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _is_known(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether commands find it. The first of several workers answers before that."""
        try:
            return json.loads((self.data / "server.json").read_text())["pid"] == process.pid
        except (FileNotFoundError, ValueError):
            return False

    def kill(self) -> None:
        """End it as a power failure would: SIGKILL, no farewell."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop and wait; gives its exit code. A server that does not stop is a failure."""
        return self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Let it do nothing, not even answer its connections, until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on as if no time had passed."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not end after {number.name}; it printed:\n{self.log}") from None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            if self.process.poll() is None:
                self.stop()
            self.process = None

    def metrics(self) -> Metrics:
        return Metrics.read(self.url)

    def memory(self) -> int:
        """Memory of the process, and of its workers, that is not a file's, in bytes."""
        return self._kibibytes("RssAnon") * 1024

    def most_memory(self) -> int:
        """The most memory that the process ever had, and each of its workers, in bytes."""
        return self._kibibytes("VmHWM") * 1024

    def timestamp(self) -> int:
        """The server's newest timestamp in nanoseconds."""
        status, answer = self.post("/api/query_ts", b"")
        assert status == 200, answer
        return int.from_bytes(base64.b64decode(answer["ts"]), "little")

    def descriptors(self) -> int:
        """How many files and sockets the process and its workers have open."""
        return sum(len(os.listdir(f"/proc/{each}/fd")) for each in self._processes())

    def _processes(self) -> list[int]:
        assert self.process is not None
        process = self.process.pid
        return [process, *map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())]

    def _kibibytes(self, field: str) -> int:
        return sum(int(_status(each)[field].split()[0]) for each in self._processes())

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """POST a JSON body; gives status and decoded answer (text when it is no JSON)."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, raw, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status, _decoded(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error.read())

    def call(self, kind: str, path: str, **args: Any) -> Any:
        """Run a function over HTTP and give its value; raises AssertionError with the answer when it failed."""
        status, answer = self.post(f"/api/{kind}", {"path": path, "args": args, "format": "convex_encoded_json"})
        assert status == 200 and answer["status"] == "success", answer
        return answer["value"]

    def query(self, path: str, **args: Any) -> Any:
        return self.call("query", path, **args)

    def mutation(self, path: str, **args: Any) -> Any:
        return self.call("mutation", path, **args)


def _status(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")
