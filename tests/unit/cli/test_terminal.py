"""What the person who started a server sees."""

from __future__ import annotations

import io
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.cli.terminal import LastingConsole, Terminal

NOON = datetime(2026, 1, 2, 12, 0, 0)


def shown(kind: str, **fields: object) -> str:
    """The text of one event."""
    stream = io.StringIO()
    Terminal(LastingConsole(file=stream, soft_wrap=True, highlight=False), clock=lambda: NOON)(kind, **fields)
    return stream.getvalue()


def test_types_are_told_of_by_their_files() -> None:
    text = shown("types_written", files=["api.d.ts", "dataModel.d.ts"])
    assert "types" in text
    assert "api.d.ts, dataModel.d.ts" in text


def test_types_that_could_not_be_written_are_told_of() -> None:
    text = shown("types_failed", error="rename one")
    assert "types not written" in text
    assert "rename one" in text


def test_sign_in_that_cannot_be_is_told_of_and_when_it_can_again() -> None:
    text = shown("sign_in_failed", error="LOGIN_DOMAIN is not set")
    assert "users' tokens are refused" in text
    assert "LOGIN_DOMAIN is not set" in text
    assert "OIDC https://a.example" in shown("sign_in", providers=["OIDC https://a.example"])


def test_ready_tells_where_everything_is() -> None:
    text = shown(
        "ready",
        url="http://127.0.0.1:3210",
        site="http://127.0.0.1:3211",
        routes=2,
        data=Path("/srv/school/.reactor"),
        admin_key_file=Path("/srv/school/.reactor/admin_key"),
        functions=["threads:list", "messages:send", "messages:list"],
        mode="development",
        watching=True,
    )
    assert text == (
        f"\n  Reactor {version('reactor')}  development\n\n"
        "  address    http://127.0.0.1:3210\n"
        "  site       http://127.0.0.1:3211 (2 routes)\n"
        "  data       /srv/school/.reactor\n"
        "  admin key  in /srv/school/.reactor/admin_key\n"
        "  functions  3 functions\n"
        "             messages  list, send\n"
        "             threads   list\n"
        "\n  Saved files are live at once. Stop with Ctrl-C.\n\n"
    )


def test_ready_tells_how_many_workers_there_are() -> None:
    assert "  workers    4\n" in shown("ready", url="http://127.0.0.1:3210", mode="production", workers=4)
    assert "workers" not in shown("ready", url="http://127.0.0.1:3210", mode="production")


def test_what_one_of_several_workers_tells_has_its_number() -> None:
    assert shown("log", function="a:b", line="[LOG] 'x'", worker=2) == "12:00:00  worker 2  a:b  [LOG] 'x'\n"
    assert shown("log", function="a:b", line="[LOG] 'x'") == "12:00:00  a:b  [LOG] 'x'\n"
    assert shown("unknown", x=1, worker=3) == "12:00:00  worker 3  unknown  x=1\n"


def test_a_worker_that_ended_and_came_back_is_told_of() -> None:
    ended = shown("worker_ended", worker=2, how="by SIGKILL", error=None, seconds=0.5)
    assert ended == "12:00:00  worker 2  ended by SIGKILL, and is started again in 0.5 s\n"
    failed = shown("worker_ended", worker=2, how="with exit code 1", error="no module\nx", seconds=16.0)
    assert failed == "12:00:00  worker 2  ended with exit code 1, and is started again in 16 s\n    no module\n    x\n"
    assert shown("worker_serves", worker=2) == "12:00:00  worker 2  serves again\n"


def test_ready_without_functions_says_what_to_do() -> None:
    text = shown("ready", url="http://127.0.0.1:3210", functions=[], mode="production")
    assert "none yet: write one in functions/" in text
    assert "admin key  as set" in text
    assert "Saved files" not in text


def test_ready_counts_what_would_be_too_long() -> None:
    text = shown("ready", functions=[f"module{n:02}:list" for n in range(30)])
    assert "30 functions\n             module00  list\n" in text
    assert "             module11  list\n             and 18 more files\n" in text


def test_loaded() -> None:
    text = shown("loaded", functions=["a:b"], seconds=0.0351, changed=["functions/a.py"])
    assert text == "12:00:00  reloaded  1 function in 35 ms  (functions/a.py)\n"


def test_a_failed_reload_shows_the_error_as_it_is_written() -> None:
    text = shown("reload_failed", error="functions/a.py, line 3\n    def f(:\nSyntaxError: [bold]invalid[/]")
    assert text == (
        "12:00:00  not reloaded  the last good version keeps serving\n"
        "    functions/a.py, line 3\n        def f(:\n    SyntaxError: [bold]invalid[/]\n"
    )


def test_an_overtaken_reload() -> None:
    assert shown("reload_overtaken") == "12:00:00  not reloaded  a newer edit came first\n"
    text = shown("reload_overtaken", changed=["schema.py"])
    assert text == "12:00:00  not reloaded  a newer edit came first  (schema.py)\n"


@pytest.mark.parametrize(
    ("fields", "work"),
    [
        ({"checks": True, "fills": (), "unique": None}, "checking documents"),
        ({"checks": True, "fills": ("by_b", "by_a"), "unique": None}, "checking documents, building by_a, by_b"),
        ({"checks": False, "fills": (), "unique": "by_a"}, "looking for equal values in by_a"),
    ],
)
def test_progress_of_a_schema(fields: dict[str, object], work: str) -> None:
    text = shown("schema_progress", table="messages", documents=12_800, **fields)
    assert text == f"12:00:00  schema  messages: {work}  12,800 documents so far\n"


def test_log() -> None:
    assert shown("log", function="a:b", line="[LOG] 'hi'") == "12:00:00  a:b  [LOG] 'hi'\n"


def test_function_failed() -> None:
    text = shown("function_failed", function="a:b", error="Traceback\nValueError: no\n", request="44b1f86d4e489ffd")
    assert text == "12:00:00  a:b  failed  (request 44b1f86d4e489ffd)\n    Traceback\n    ValueError: no\n"


def test_stopped() -> None:
    assert shown("stopped") == "12:00:00  stopped\n"
    assert shown("stopped", reason="Ctrl-C") == "12:00:00  stopped  Ctrl-C\n"


def test_an_unknown_event_is_shown_as_it_is() -> None:
    assert shown("pruned", rows=3, table="log") == "12:00:00  pruned  rows=3 table=log\n"


def test_what_clients_sent_does_not_steer_the_terminal() -> None:
    text = shown("log", function="a:b", line="[LOG] '\x1b[2J\x07\x9b1m'")
    assert text == "12:00:00  a:b  [LOG] '\\x1b[2J\\x07\\x9b1m'\n"


def test_a_log_level_has_its_colour() -> None:
    stream = io.StringIO()
    Terminal(LastingConsole(file=stream, force_terminal=True, color_system="standard"), clock=lambda: NOON)(
        "log", function="a:b", line="[ERROR] no"
    )
    assert "\x1b[31m[ERROR] no" in stream.getvalue()


@pytest.mark.parametrize(
    ("state", "word"), [("inProgress", "begins"), ("success", "done"), ("failed", "failed"), ("else", "else")]
)
def test_a_migration_begins_and_ends(state: str, word: str) -> None:
    text = shown("migration", name="give_names", state=state, documents=12_800)
    assert text == f"12:00:00  migration  give_names  {word}  12,800 documents\n"


@given(
    kind=st.sampled_from(
        ["ready", "loaded", "reload_failed", "reload_overtaken", "schema_progress", "log", "function_failed", "stopped"]
        + ["migration", "other"]
    ),
    fields=st.dictionaries(
        st.sampled_from(
            ["url", "functions", "seconds", "changed", "error", "line", "function", "request", "reason", "table"]
            + ["documents", "checks", "fills", "unique", "name", "state"]
        ),
        st.none() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text()),
    ),
)
def test_no_field_can_break_it(kind: str, fields: dict[str, object]) -> None:
    text = shown(kind, **fields)
    assert text.endswith("\n")
    assert "\x1b" not in text


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_a_terminal_that_is_gone_does_not_end_the_server(error: Exception) -> None:
    class Gone(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            Gone.writes += 1
            raise error

    terminal = Terminal(LastingConsole(file=Gone()))
    terminal("stopped")
    terminal("stopped")
    assert Gone.writes == 1
