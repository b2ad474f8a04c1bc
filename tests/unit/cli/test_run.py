"""`reactor run`: where the function runs, what it prints, and the exit code."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from reactor.cli import run as run_module
from reactor.cli.answers import Answer
from reactor.errors import FunctionNotFound, StoreLocked
from tests.unit.cli.recording import Reactor, RecordingEngine

KEY = "local|0123456789"


class FakeServer(ThreadingHTTPServer):
    """Answers every POST with the next of `replies` (status, body) and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.replies: list[tuple[int, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        fake = self.server
        assert isinstance(fake, FakeServer)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fake.asked.append((self.path, dict(self.headers), body))
        status, reply = fake.replies.pop(0)
        raw = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as fake:
        thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield fake
        fake.shutdown()
        thread.join()


def announce(folder: Path, url: str, *, pid: int | None = None) -> None:
    """Leave in the data folder what a running server leaves there."""
    data = folder / ".reactor"
    data.mkdir(exist_ok=True)
    (data / "server.json").write_text(json.dumps({"url": url, "pid": os.getpid() if pid is None else pid}))
    (data / "admin_key").write_text(KEY + "\n")


def success(value: object, *logs: str) -> tuple[int, dict[str, object]]:
    return 200, {"status": "success", "value": value, "logLines": list(logs)}


def failure(message: str, **more: object) -> tuple[int, dict[str, object]]:
    return 200, {"status": "error", "errorMessage": message, **more}


def dead_pid() -> int:
    """A process id that belongs to nobody."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def test_without_a_server_it_runs_right_here(reactor: Reactor, engine: RecordingEngine, application: Path) -> None:
    engine.answers = [b'{"status":"success","value":{"n":1.0,"i":{"$integer":"AQAAAAAAAAA="}},"logLines":["[LOG] 1"]}']
    result = reactor("run", "functions/messages.py:list", '{"n": 1}')
    assert (result.exit_code, result.stdout) == (0, '{"n":1.0,"i":{"$integer":"AQAAAAAAAAA="}}\n')
    assert result.stderr == "[LOG] 1\n"
    assert engine.ran == [(application, "messages:list", '{"n": 1}', False)]


def test_local_watch_shows_every_answer(reactor: Reactor, engine: RecordingEngine, application: Path) -> None:
    engine.answers = [b'{"status":"success","value":1}', b'{"status":"success","value":2}']
    result = reactor("run", "a:b", "--watch")
    assert (result.exit_code, result.stdout) == (0, "1\n2\n")
    assert engine.ran == [(application, "a:b", "{}", True)]


def test_ctrl_c_ends_a_watch_quietly(reactor: Reactor, engine: RecordingEngine, application: Path) -> None:
    engine.error = KeyboardInterrupt()
    result = reactor("run", "a:b", "--watch")
    assert (result.exit_code, result.output) == (130, "\n")


def test_a_failed_function_gives_exit_code_1(reactor: Reactor, engine: RecordingEngine, application: Path) -> None:
    engine.answers = [b'{"status":"error","errorMessage":"Uncaught ValueError: no\\n","errorData":{"code":"FULL"}}']
    result = reactor("run", "a:b")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == 'error: Uncaught ValueError: no\ndata: {\n  "code": "FULL"\n}\n'


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["messages"], "FILE:FUNCTION"),
        (["a:b", "{"], "no JSON"),
        (["a:b", "[1]"], "one JSON object"),
        (["a:b", "NaN"], "no JSON"),
        (["a:b", "{}", "--url", "127.0.0.1:3210"], "http://127.0.0.1:3210"),
        (["a:b", "{}", "--url", "ftp://x"], "no address of a server"),
        (["a:b", "{}", "--url", "http://127.0.0.1:9"], "--admin-key or REACTOR_ADMIN_KEY"),
        (["a:b", "{}", "--set", "port=x"], "port is 'x'"),
    ],
)
def test_a_wrong_call_says_what_is_right(
    reactor: Reactor, engine: RecordingEngine, application: Path, words: list[str], text: str
) -> None:
    result = reactor("run", *words)
    assert result.exit_code == 1
    assert text in result.stderr
    assert engine.ran == []


def test_a_running_server_is_asked_with_the_key_of_its_folder(
    reactor: Reactor, engine: RecordingEngine, application: Path, server: FakeServer
) -> None:
    announce(application, server.url)
    server.replies = [success({"a": [1, "é"]}, "[LOG] 'hi'")]
    result = reactor("run", "api.messages.list", '{"n": {"$integer": "AQAAAAAAAAA="}}')
    assert (result.exit_code, result.stdout, result.stderr) == (0, '{"a":[1,"\\u00e9"]}\n', "[LOG] 'hi'\n")
    ((route, headers, body),) = server.asked
    assert route == "/api/function"
    assert headers["Authorization"] == f"Convex {KEY}"
    assert headers["Content-Type"] == "application/json"
    assert body == {
        "path": "messages:list",
        "args": {"n": {"$integer": "AQAAAAAAAAA="}},
        "format": "convex_encoded_json",
    }
    assert engine.ran == []


def test_another_folder_is_named_by_dir_or_data(
    reactor: Reactor, engine: RecordingEngine, tmp_path: Path, server: FakeServer
) -> None:
    announce(tmp_path, server.url)
    server.replies = [success(1), success(2)]
    assert reactor("run", "a:b", "--dir", str(tmp_path)).stdout == "1\n"
    assert reactor("run", "a:b", "--data", str(tmp_path / ".reactor")).stdout == "2\n"


def test_the_address_of_a_server_that_died_is_stale(
    reactor: Reactor, engine: RecordingEngine, application: Path
) -> None:
    announce(application, "http://127.0.0.1:9", pid=dead_pid())
    assert reactor("run", "a:b").stdout == "1\n"
    assert len(engine.ran) == 1


def test_a_server_that_started_meanwhile_is_asked(
    reactor: Reactor, engine: RecordingEngine, application: Path, server: FakeServer
) -> None:
    engine.error = StoreLocked("another server has this folder")
    engine.before = lambda: announce(application, server.url)
    server.replies = [success("from the server")]
    assert reactor("run", "a:b").stdout == '"from the server"\n'


def test_a_folder_locked_by_somebody_unknown_is_reported(
    reactor: Reactor, engine: RecordingEngine, application: Path
) -> None:
    engine.error = StoreLocked("another server has this folder")
    result = reactor("run", "a:b")
    assert (result.exit_code, result.stderr) == (1, "error: another server has this folder\n")


@pytest.mark.parametrize("text", ["{", '{"url": 1}'])
def test_an_address_that_cannot_be_read_says_what_to_do(
    reactor: Reactor, engine: RecordingEngine, application: Path, text: str
) -> None:
    announce(application, "")
    (application / ".reactor" / "server.json").write_text(text)
    result = reactor("run", "a:b")
    assert result.exit_code == 1
    assert "Name the server by --url" in result.stderr


def test_a_key_that_cannot_be_read_says_what_to_do(
    reactor: Reactor, engine: RecordingEngine, application: Path, server: FakeServer
) -> None:
    announce(application, server.url)
    (application / ".reactor" / "admin_key").unlink()
    result = reactor("run", "a:b")
    assert result.exit_code == 1
    assert "REACTOR_ADMIN_KEY" in result.stderr


def test_url_takes_the_key_from_flag_or_environment(
    reactor: Reactor, engine: RecordingEngine, application: Path, server: FakeServer
) -> None:
    server.replies = [success(1), success(2)]
    assert reactor("run", "a:b", "--url", server.url + "/", "--admin-key", "key-of-flag").stdout == "1\n"
    assert reactor("run", "a:b", "--url", server.url, REACTOR_ADMIN_KEY="key-of-env").stdout == "2\n"
    assert [headers["Authorization"] for _, headers, _ in server.asked] == ["Convex key-of-flag", "Convex key-of-env"]


def test_the_key_of_a_folder_goes_to_its_own_server_only(
    reactor: Reactor, engine: RecordingEngine, application: Path, server: FakeServer
) -> None:
    announce(application, server.url)
    server.replies = [success(1)]
    assert reactor("run", "a:b", "--url", server.url.replace("127.0.0.1", "localhost")).stdout == "1\n"
    announce(application, "http://127.0.0.1:9")
    result = reactor("run", "a:b", "--url", server.url)
    assert result.exit_code == 1
    assert "No admin key" in result.stderr
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        ((403, {"code": "BadAdminKey", "message": "wrong key"}), ["status 403: wrong key", "REACTOR_ADMIN_KEY"]),
        ((404, b"not found"), ["status 404: not found", "--url"]),
        ((302, b""), ["status 302"]),
        ((200, b"<html>"), ["no answer of a function"]),
        ((200, {"state": 1}), ["no answer of a function"]),
    ],
)
def test_a_server_that_refuses_or_is_none_of_ours(
    reactor: Reactor,
    engine: RecordingEngine,
    application: Path,
    server: FakeServer,
    reply: tuple[int, object],
    texts: list[str],
) -> None:
    announce(application, server.url)
    server.replies = [reply]
    result = reactor("run", "a:b")
    assert result.exit_code == 1
    assert all(text in result.stderr for text in texts)
    assert KEY not in result.output
    assert len(server.asked) == 1


def test_a_server_that_does_not_answer(reactor: Reactor, engine: RecordingEngine, application: Path) -> None:
    with FakeServer() as closed:
        url = closed.url
    announce(application, url)
    result = reactor("run", "a:b")
    assert result.exit_code == 1
    assert f"No answer from {url}" in result.stderr
    assert "reactor dev" in result.stderr


def test_an_unknown_function_is_answered_with_those_that_exist(
    reactor: Reactor, engine: RecordingEngine, application: Path, server: FakeServer
) -> None:
    announce(application, server.url)
    specs = [{"identifier": "users.js:list"}, {"functionType": "HttpAction"}, {"identifier": "messages.js:send"}]
    server.replies = [failure("Could not find function for 'a:b'."), success(specs)]
    result = reactor("run", "a:b")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "error: Could not find function for 'a:b'.",
        "Functions there are:",
        "  messages:send",
        "  users:list",
    ]
    assert server.asked[1][2]["path"] == "_system/cli/modules:apiSpec"


@pytest.mark.parametrize("reply", [failure("Could not find public function"), (404, b""), (200, b"x"), success({})])
def test_a_server_that_does_not_tell_its_functions_is_no_second_error(
    reactor: Reactor, engine: RecordingEngine, application: Path, server: FakeServer, reply: tuple[int, object]
) -> None:
    announce(application, server.url)
    server.replies = [failure("Could not find function for 'a:b'."), reply]
    result = reactor("run", "a:b")
    assert (result.exit_code, result.stderr) == (1, "error: Could not find function for 'a:b'.\n")


def watched(*answers: Answer) -> Callable[..., Iterator[Answer]]:
    return lambda server, path, args: iter(answers)


def test_watch_prints_results_and_errors_as_they_come(
    reactor: Reactor,
    engine: RecordingEngine,
    application: Path,
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    announce(application, server.url)
    answers = [Answer("success"), Answer("error", error_message="Uncaught ValueError: no"), Answer("success")]
    monkeypatch.setattr(run_module, "watch", watched(*answers))
    result = reactor("run", "a:b", "--watch")
    assert (result.exit_code, result.stdout) == (0, "null\nnull\n")
    assert result.stderr == "error: Uncaught ValueError: no\n"


def test_watch_gives_up_on_what_no_change_can_mend(
    reactor: Reactor,
    engine: RecordingEngine,
    application: Path,
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    announce(application, server.url)
    text = "Trying to execute a.js:b as Query, but it is defined as Mutation."
    monkeypatch.setattr(run_module, "watch", watched(Answer("error", error_message=text), Answer("success")))
    result = reactor("run", "a:b", "--watch")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"error: {text}\n")


def test_an_error_of_the_engine_is_shown_without_a_traceback(
    reactor: Reactor, engine: RecordingEngine, application: Path
) -> None:
    engine.error = FunctionNotFound("no function a:b")
    result = reactor("run", "a:b")
    assert (result.exit_code, result.stderr) == (1, "error: no function a:b\n")
