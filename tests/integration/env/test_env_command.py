"""`reactor env` as it is typed, and the routes of official tools."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chosen_store import CHOSEN
from tests.support.patience import PATIENCE
from tests.support.server import APPS, Server

KEY = "local|0123456789abcdef"
REACTOR = Path(sys.executable).parent / "reactor"
APP = APPS / "variables"


class Shell:
    def __init__(self, data: Path) -> None:
        self._data = data

    def __call__(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(REACTOR), *words, "--dir", str(APP), "--data", str(self._data)],
            env={
                **os.environ,
                **CHOSEN.environment(self._data),
                "REACTOR_ADMIN_KEY": KEY,
                "NO_COLOR": "1",
                "COLUMNS": "200",
            },
            input=stdin,
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE,
        )


@pytest.fixture(params=["server", "folder"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    data = tmp_path / "data"
    if request.param == "folder":
        yield Shell(data)
        return
    with Server("variables", data, environment={"REACTOR_ADMIN_KEY": KEY, "REACTOR_SITE_PORT": "0"}):
        yield Shell(data)


def test_set_get_list_unset(shell: Shell, tmp_path: Path):
    assert "There are none" in shell("env", "list").stderr
    assert shell("env", "set", "GREETING", "hello").stderr == "GREETING is set.\n"
    assert shell("env", "set", "KEY", stdin="a secret\n").returncode == 0
    assert shell("env", "get", "KEY").stdout == "a secret\n"
    assert shell("env", "list").stdout == "GREETING\nKEY\n"
    assert shell("env", "list", "--values").stdout == "GREETING=hello\nKEY=a secret\n"
    assert shell("run", "vars:one", '{"name": "GREETING"}').stdout == '"hello"\n'
    assert shell("env", "unset", "KEY").returncode == 0
    gone = shell("env", "get", "KEY")
    assert (gone.returncode, "KEY is not set" in gone.stderr) == (1, True)
    file = tmp_path / ".env"
    file.write_text('# ours\nexport A=1 # one\nB="two\\nlines"\nGREETING=bye\n')
    refused = shell("env", "set", "--from-file", str(file))
    assert (refused.returncode, "GREETING. Give --force" in refused.stderr) == (1, True)
    assert shell("env", "set", "--from-file", str(file), "--force").stderr == "3 set, 0 were so already.\n"
    assert json.loads(shell("env", "list", "--json").stdout) == {"A": "1", "B": "two\nlines", "GREETING": "bye"}
    wrong = shell("env", "set", "1A", "x")
    assert (wrong.returncode, "letters, digits and underscores" in wrong.stderr) == (1, True)
    assert "Request ID" not in wrong.stderr
    missing = shell("env", "unset", "A", "NOT_THERE")
    assert (missing.returncode, "NOT_THERE" in missing.stderr) == (1, True)
    assert shell("env", "get", "A").stdout == "1\n"


def test_routes_of_official_tools(tmp_path: Path):
    with Server(
        "variables", tmp_path / "data", environment={"REACTOR_ADMIN_KEY": KEY, "REACTOR_SITE_PORT": "0"}
    ) as server:

        def ask(path: str, body: object = None, key: str = KEY) -> tuple[int, bytes]:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            request = urllib.request.Request(server.url + path, data, {"Authorization": f"Convex {key}"})
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        update, listing = "/api/update_environment_variables", "/api/list_environment_variables"
        changes = [{"name": "A", "value": "1"}, {"name": "GREETING", "value": "hi"}]
        assert ask(update, {"changes": changes}) == (200, b"")
        assert json.loads(ask(listing)[1]) == {"environmentVariables": {"A": "1", "GREETING": "hi"}}
        assert ask("/http/greeting") == (200, b"hi")
        assert ask(update, {"changes": [{"name": "A", "value": None}, {"name": "A", "value": "2"}]})[0] == 400
        assert json.loads(ask(update, {"changes": [{"name": "A-", "value": "2"}]})[1])["code"] == (
            "EnvironmentVariableNameInvalid"
        )
        assert ask(update, {"changes": [{"name": "A"}]}) == (200, b"")
        assert json.loads(ask(listing)[1]) == {"environmentVariables": {"GREETING": "hi"}}
        assert ask(update, {"changed": []})[0] == 400
        not_utf8, too_deep = (
            b'{"changes": [{"name": "A", "value": "\xff"}]}',
            b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        )
        for body in (not_utf8, too_deep):
            status, refused = ask(update, body)
            assert (status, json.loads(refused)["code"]) == (400, "BadJsonBody")
        assert json.loads(ask(listing)[1]) == {"environmentVariables": {"GREETING": "hi"}}
        assert ask(update, {"changes": []}, key="local|wrong")[0] in (401, 403)
        assert ask(listing, key="local|wrong")[0] in (401, 403)
