"""Several workers as a test has them: `reactor start --workers N` on the application `crew`."""

import http.client
import json
import os
import signal
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.patience import until
from tests.support.server import Server

__all__ = ["Crew", "gone"]


class Crew(Server):
    """A server of several workers. `start` waits until all of them serve."""

    def __init__(self, data: Path, count: int = 3, *, options: Sequence[str] = (), **more: Any) -> None:
        self.count = count
        super().__init__(more.pop("app", "crew"), data, options=["--workers", str(count), *options], **more)

    def start(self) -> "Crew":
        super().start()
        try:
            self.until_all_serve()
        except BaseException:
            self._abandon()
            raise
        return self

    def _until_begun(self) -> None:
        # The first worker starts alone, and nobody is served before the others could serve as well.
        process = self.process
        assert process is not None
        until(
            lambda: process.poll() is not None or len(self.workers()) == self.count,
            lambda: f"that {self.count} workers have begun; they printed:\n{self.log}",
        )

    def until_all_serve(self) -> None:
        def whole() -> bool:
            return (self.data / "server.json").exists() and len(self.workers()) == self.count and self._serving()

        until(whole, lambda: f"that {self.count} workers serve; they printed:\n{self.log}")

    def _serving(self) -> bool:
        return self.metrics()["reactor_workers"] == self.count

    def workers(self) -> set[int]:
        """The process ids of the workers."""
        assert self.process is not None
        process = self.process.pid
        return set(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))

    def answered_by(self, path: str = "crew:worker", **args: Any) -> int:
        """The process that answered a query, over a connection of its own."""
        return int(self.query(path, **args))

    def until_answered_by(self, worker: int) -> None:
        """Ask until this process has answered: connections are dealt out."""
        until(lambda: self.answered_by() == worker, f"an answer of the worker {worker}")

    def kill_worker(self, worker: int) -> None:
        told = self.log.count("ended by SIGKILL")
        os.kill(worker, signal.SIGKILL)
        # Until it is told, connections may be dealt out to it that end with it.
        until(lambda: self.log.count("ended by SIGKILL") > told, f"the end of the worker {worker}")

    def up(self) -> bool:
        """Whether it answers at all."""
        try:
            with urllib.request.urlopen(f"{self.url}/version", timeout=5) as response:
                return response.status == 200
        except (OSError, http.client.HTTPException):
            return False

    def told(self) -> dict[str, Any]:
        """What stands in server.json."""
        return json.loads((self.data / "server.json").read_text())


def gone(process: int) -> bool:
    """Whether a process has ended, waited for or not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in ("Z", "X")
