"""The socket around a subscription, against a server on loopback that is as short as can be."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.server import ServerConnection, serve

from reactor.cli.server import Server, ServerError
from reactor.cli.watching import watch
from reactor.settings import Secret
from tests.unit.cli.test_subscription import SECOND, ZERO, transition, updated

Script = Callable[[ServerConnection], None]


@contextmanager
def serving(*scripts: Script) -> Iterator[tuple[Server, list[tuple[str, list[str]]]]]:
    """Play one script per connection; yields the server and each connection's path and opening message types."""
    seen: list[tuple[str, list[str]]] = []
    waiting = list(scripts)

    def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        types = [json.loads(connection.recv())["type"] for _ in range(3)]
        seen.append((connection.request.path, types))
        waiting.pop(0)(connection)

    with serve(handle, "127.0.0.1", 0, compression=None) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        host, port = listener.socket.getsockname()[:2]
        try:
            yield Server(f"http://{host}:{port}", Secret("the-key!")), seen
        finally:
            listener.shutdown()
            thread.join()


def send(value: object, *, then: tuple[int, str] = (1000, "")) -> Script:
    """Send one result, then close."""

    def script(connection: ServerConnection) -> None:
        connection.send(transition(ZERO, SECOND, updated(value)))
        connection.close(*then)

    return script


def test_it_reconnects_by_itself_and_shows_only_what_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    pauses: list[float] = []
    with serving(send(1, then=(1011, "InternalServerError")), send(1), send(2)) as (server, seen):
        answers = watch(server, "a:b", "{}", pause=pauses.append)
        assert [bytes(next(answers).value), bytes(next(answers).value)] == [b"1", b"2"]
        answers.close()
    assert seen == [("/api/sync", ["Connect", "Authenticate", "ModifyQuerySet"])] * 3
    assert [0.05 <= pause <= 0.15 for pause in pauses] == [True, True]
    assert f"connection to {server.url} lost (InternalServerError); reconnecting" in capsys.readouterr().err


def test_pauses_grow_while_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    pauses: list[float] = []

    class EnoughError(Exception):
        pass

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 10:
            raise EnoughError

    with serving(send(1)) as (server, _):
        answers = watch(server, "a:b", "{}", pause=pause)
        next(answers)
    with pytest.raises(EnoughError):
        next(answers)
    assert all(0.05 * 2**n <= pause <= 0.15 * 2**n for n, pause in enumerate(pauses[:7]))
    assert all(7.5 <= pause <= 22.5 for pause in pauses[8:])
    assert capsys.readouterr().err.count("reconnecting") == 1


def test_a_server_that_never_answered_is_an_error_at_once() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ServerError, match="Start the server with `reactor dev`"):
        next(watch(Server(f"http://127.0.0.1:{port}", Secret("the-key!")), "a:b", "{}"))


def test_a_refusal_is_not_retried() -> None:
    def refuse(connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "AuthError", "error": "bad key", "baseVersion": 0}))
        connection.close()

    with serving(refuse) as (server, seen), pytest.raises(ServerError, match="bad key"):
        next(watch(server, "a:b", "{}"))
    assert len(seen) == 1
