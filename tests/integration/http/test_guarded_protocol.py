"""What clients may send before an application is asked: how much, for how long, and on how many connections."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.patience import until
from tests.support.raw_http import RawConnection, exchange
from tests.support.server import REPOSITORY, Server
from tests.support.sync_client import SyncClient

KIB = 1024
GET = b"GET /version HTTP/1.1\r\nhost: x\r\n"
CLOSE = b"connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"REACTOR_MAX_BODY_BYTES": "64 KiB"}
    with Server("chat", tmp_path_factory.mktemp("guarded") / "data", environment=environment) as server:
        yield server


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that waits for nobody for long, so that tests of it need not either."""
    environment = {"REACTOR_HEAD_SECONDS": "1", "REACTOR_MAX_BODY_BYTES": "64 KiB"}
    with Server("chat", tmp_path_factory.mktemp("hasty") / "data", environment=environment) as server:
        yield server


@pytest.fixture
def calm(tmp_path: Path) -> Iterator[Server]:
    with Server("chat", tmp_path / "data", environment={"REACTOR_MAX_CONNECTIONS": "5"}) as server:
        yield server


def serves(server: Server) -> bool:
    return exchange(server.port, GET + CLOSE).status == 200


def test_a_head_up_to_the_limit_is_read(server: Server):
    assert exchange(server.port, GET + b"x-long: " + b"a" * 60 * KIB + b"\r\n" + CLOSE).status == 200


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(GET + b"x-long: " + b"a" * 70 * KIB + b"\r\n" + CLOSE, id="one header"),
        pytest.param(GET + b"".join(b"x-%d: y\r\n" % n for n in range(10_000)) + CLOSE, id="many headers"),
        pytest.param(b"GET /" + b"a" * 70 * KIB + b" HTTP/1.1\r\nhost: x\r\n" + CLOSE, id="address"),
        pytest.param(b"GET /version?" + b"a&" * 35 * KIB + b" HTTP/1.1\r\nhost: x\r\n" + CLOSE, id="query string"),
        pytest.param(GET + b"x" * 70 * KIB + b": y\r\n" + CLOSE, id="name of a header"),
    ],
)
def test_a_larger_head_is_refused(server: Server, head: bytes):
    answer = exchange(server.port, head)
    assert answer.status == 431
    assert answer.json()["code"] == "HeadersTooLarge"
    assert serves(server)


def test_a_head_without_an_end_is_not_kept(server: Server):
    answer = exchange(server.port, GET + b"x-endless: ", *[b"a" * 64 * KIB] * 64)
    assert answer.status in (0, 431), "it may be reset while it still sends"
    assert server.most_memory() < 400 * 2**20


def test_trailers_without_an_end_are_not_kept(server: Server):
    head = (
        b"POST /api/query HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    with RawConnection(server.port) as connection:
        connection.send(head, b"2\r\n{}\r\n0\r\n", *[b"x-t: " + b"a" * 1000 + b"\r\n"] * 2_000)
        assert connection.until_closed().status != 200


def test_a_body_in_many_chunks_has_no_large_head(server: Server):
    body = json.dumps({"path": "chat:none", "args": {"text": "a" * 60_000}}).encode()
    chunks = b"".join(b"1;x=%s\r\n%c\r\n" % (b"y" * 8, byte) for byte in body)
    head = b"POST /api/query HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n"
    answer = exchange(server.port, head + CLOSE + chunks + b"0\r\n\r\n")
    assert (answer.status, answer.json()["status"]) == (200, "error")


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\r\n\r\n", id="empty lines"),
        pytest.param(b"GE", id="part of the method"),
        pytest.param(GET + b"x-slow: a", id="part of a header"),
        pytest.param(GET + b"connection: keep-alive\r\n\r\n" + GET, id="part of a second request"),
    ],
)
def test_a_head_that_does_not_come_is_given_up(hasty: Server, beginning: bytes):
    answer = exchange(hasty.port, beginning)
    assert b"RequestTimeout" in answer.raw or beginning in (b"", b"\r\n\r\n")
    until(lambda: serves(hasty))


def test_bytes_now_and_then_do_not_prolong_a_head(hasty: Server):
    """As Slowloris does it: another header whenever the server might lose patience."""
    with RawConnection(hasty.port) as connection:
        connection.send(GET)
        until(lambda: connection.send(b"x: y\r\n").heard_within(0.05) is not None)


def test_the_rest_of_a_request_that_was_refused_is_given_up(hasty: Server):
    head = b"POST /api/query HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9999999\r\n\r\n"
    answer = exchange(hasty.port, head + b"{")
    assert answer.status == 413
    until(lambda: serves(hasty))


def test_one_who_is_answered_may_ask_again(server: Server):
    with RawConnection(server.port) as connection:
        for _ in range(3):
            connection.send(GET, b"\r\n")
        connection.send(GET, CLOSE)
        assert connection.until_closed().raw.count(b"HTTP/1.1 200") == 4


@pytest.mark.stores("sqlite", "postgres", because="counts the connections of one process")
def test_connections_have_a_number(calm: Server):
    held = [RawConnection(calm.port) for _ in range(5)]
    until(lambda: exchange(calm.port, GET + CLOSE).status == 503)
    refused = exchange(calm.port)
    assert refused.json()["code"] == "TooManyConnections"
    held.pop().__exit__()
    until(lambda: serves(calm))
    for connection in held:
        connection.__exit__()


def test_a_low_limit_of_open_files_leaves_some_for_the_server(tmp_path: Path):
    with Server("chat", tmp_path / "data") as server:
        assert server.process is not None
        soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    assert soft >= min(hard, 50_200)
    program = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (230, 256))\n"
    program += "from reactor.app.descriptors import connections; print(connections(1000), connections(30))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert run.stdout == "56 30\n"


@pytest.mark.stores("sqlite", "postgres", because="counts the connections of one process")
async def test_a_socket_outlives_the_time_of_its_head_and_counts(hasty: Server, calm: Server):
    async with SyncClient(hasty.url) as client:
        assert exchange(hasty.port, GET).status == 408, "as long as a head may take"
        assert await client.add("messages:count_all") == 0
    async with SyncClient(calm.url), SyncClient(calm.url), SyncClient(calm.url), SyncClient(calm.url):
        with RawConnection(int(calm.site.rpartition(":")[2])):
            until(lambda: exchange(calm.port).status == 503)
