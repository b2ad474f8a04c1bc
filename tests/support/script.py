"""A program that tells what happens to it, one JSON object a line, and takes orders the same way.

The official clients run in such programs, so that a client that hangs or dies is one failed test.
"""

import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import pytest

from tests.support.patience import PATIENCE
from tests.support.server import REPOSITORY

__all__ = ["CLIENTS", "Event", "Script", "node", "python"]

CLIENTS = REPOSITORY / "tests" / "clients"

Event = dict[str, Any]


class Script:
    """A running program. Every line of its standard output is an event with an "event" key.

    As a context manager it makes sure that the program is gone at the end.
    """

    def __init__(self, arguments: list[str]) -> None:
        self.arguments = arguments
        self.seen: list[Event] = []
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._errors: list[str] = []

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(self.arguments, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=CLIENTS)
        self._readers = [threading.Thread(target=target, daemon=True) for target in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                continue  # an order that the program did not live to read

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put(_event(line))
        self._events.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self._errors.extend(self.process.stderr)

    def order(self, **fields: Any) -> None:
        """Send one line to the program's standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(fields) + "\n")
        self.process.stdin.flush()

    def next(self, kind: str, *, where: Callable[[Event], bool] = lambda _: True, within: float = PATIENCE) -> Event:
        """Wait for the next event of a kind (and condition); the ones before it stay in `seen`."""
        deadline = time.monotonic() + within
        while True:
            event = self._take(deadline, f"event {kind!r}")
            if event is None:
                raise AssertionError(f"the program ended before event {kind!r}\n{self.story()}")
            if event["event"] == kind and where(event):
                return event

    def finish(self, *, within: float = PATIENCE) -> list[Event]:
        """Wait until the program ends by itself, with success; gives all its events."""
        deadline = time.monotonic() + within
        while self._take(deadline, "its end") is not None:
            pass
        code = self.process.wait(PATIENCE)
        assert code == 0, f"the program ended with code {code}\n{self.story()}"
        return self.seen

    def _take(self, deadline: float, what: str) -> Event | None:
        try:
            event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"{what} of the program did not come in time\n{self.story()}") from None
        if event is not None:
            self.seen.append(event)
            if event["event"] == "failed":
                raise AssertionError(f"the program failed: {event['error']}\n{self.story()}")
        return event

    def of(self, kind: str) -> list[Event]:
        """The events of a kind that were taken so far."""
        return [event for event in self.seen if event["event"] == kind]

    def story(self) -> str:
        """The last events and everything on standard error, for failure messages."""
        events = "\n".join(json.dumps(event)[:500] for event in self.seen[-40:])
        return f"last events:\n{events}\nstandard error:\n{''.join(self._errors)[-4000:]}"


def _event(line: str) -> Event:
    """A line as an event. The Python client prints functions' log lines as they are: those are events "printed"."""
    try:
        return json.loads(line)
    except ValueError:
        return {"event": "printed", "text": line.rstrip("\n")}


def node(script: str, url: str, **options: Any) -> Script:
    """A script of tests/clients for Node; skips the test, with the remedy, where Node or its packages are missing."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs Node 20 or newer: install it and run the tests again")
    if not (CLIENTS / "node_modules" / "convex").is_dir():
        pytest.skip("needs the npm packages of tests/clients: run `npm ci --ignore-scripts` there")
    return Script([program, str(CLIENTS / script), url, json.dumps(options)])


def python(script: str, url: str, **options: Any) -> Script:
    """A script of tests/clients for this Python."""
    return Script([sys.executable, "-u", str(CLIENTS / script), url, json.dumps(options)])
