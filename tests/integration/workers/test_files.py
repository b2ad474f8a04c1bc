"""Files of several workers: they have one folder and one key, so that an address which one gives is good at all."""

import http.client
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.crew import Crew
from tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.timeout(180)  # each starts several servers


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    with Crew(tmp_path / "data") as crew:
        yield crew


class Wire:
    """One connection, which is one worker's."""

    def __init__(self, crew: Crew) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", urlsplit(crew.url).port, timeout=PATIENCE)
        self.worker = int(self.call("query", "crew:worker"))

    def call(self, kind: str, path: str, **args: str):
        return self.ask("POST", f"/api/{kind}", json.dumps({"path": path, "args": args}).encode())["value"]

    def ask(self, method: str, url: str, body: bytes = b""):
        return json.loads(self.bytes(method, url, body))

    def bytes(self, method: str, url: str, body: bytes = b"") -> bytes:
        parts = urlsplit(url)
        to = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._connection.request(method, to, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return content

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def wires(crew: Crew) -> Iterator[dict[int, Wire]]:
    """A connection to each worker."""
    found: dict[int, Wire] = {}

    def complete() -> bool:
        wire = Wire(crew)
        if wire.worker in found:
            wire.close()
        found.setdefault(wire.worker, wire)
        return len(found) == crew.count

    until(complete, "a connection to each worker")
    yield found
    for wire in found.values():
        wire.close()


def addresses(wire: Wire, file: str) -> list[str]:
    """Those that a worker gives for a file; none while it has not heard of it."""
    return [url for url in wire.call("query", "crew:urls", file=file) if url is not None]


def test_what_one_worker_took_all_show_and_by_the_addresses_of_each(wires: dict[int, Wire]):
    urls = [wire.call("mutation", "crew:upload_url") for wire in wires.values()]
    for taker in wires.values():
        for url in urls:
            content = f"taken by {taker.worker}".encode()
            file = taker.ask("POST", url, content)["storageId"]
            shown = [url for wire in wires.values() for url in until(partial(addresses, wire, file), "news of a file")]
            assert all(wire.bytes("GET", url) == content for wire in wires.values() for url in shown)


def test_addresses_outlive_all_workers(crew: Crew, wires: dict[int, Wire]):
    first = next(iter(wires.values()))
    file = first.ask("POST", first.call("mutation", "crew:upload_url"), b"kept")["storageId"]
    urls = first.call("query", "crew:urls", file=file)
    crew.kill()
    crew.start()
    again = Wire(crew)
    assert [again.bytes("GET", url) for url in urls] == [b"kept"] * 2
    again.close()
