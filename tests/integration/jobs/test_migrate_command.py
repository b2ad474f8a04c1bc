"""`reactor migrate` as it is typed: with a server, without one, with what goes wrong, and for programs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.chosen_store import CHOSEN
from tests.support.patience import PATIENCE, until
from tests.support.server import APPS, Server

KEY = "local|0123456789abcdef"
REACTOR = Path(sys.executable).parent / "reactor"
BROKEN = """
from reactor import migration

@migration(table="people")
async def fails(ctx, person):
    if person["n"] == 3:
        raise ValueError("three will not do")
    return {"visits": 7}

@migration(table="people")
async def behind(ctx, person): ...
"""


class Shell:
    """Runs the command on an application and a data folder."""

    def __init__(self, app: Path, data: Path) -> None:
        self.app, self.data = app, data

    def arguments(self, *words: str) -> list[str]:
        command = [str(REACTOR), *words[:1], *words[1:]]
        return [*command, "--dir", str(self.app), "--data", str(self.data)]

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **CHOSEN.environment(self.data),
            "REACTOR_ADMIN_KEY": KEY,
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.arguments("migrate", *words),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE,
        )

    def fill(self, count: int, first: int = 0) -> None:
        args = json.dumps({"count": count, "first": first})
        subprocess.run(self.arguments("run", "people:add", args), env=self.environment, check=True, capture_output=True)

    def status(self, name: str) -> dict[str, Any]:
        return next(row for row in json.loads(self("--status", "--json").stdout) if row["name"] == name)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(APPS / "moves", tmp_path / "data")


@pytest.fixture
def server(shell: Shell) -> Iterator[Server]:
    with Server(shell.app, shell.data, environment={"REACTOR_ADMIN_KEY": KEY}) as server:
        yield server


@pytest.mark.usefixtures("server")
def test_it_runs_in_the_server_and_shows_how_far_it_is(shell: Shell) -> None:
    shell.fill(2_000)
    done = shell("visit", "twins")
    assert (done.returncode, done.stdout) == (
        0,
        "visit: 2,000 documents, 2,000 changed\ntwins: 2,000 documents, 2,000 changed\n",
    )
    assert "visit: done, 2,000 of 2,000 documents, 2,000 changed" in done.stderr
    again = shell("visit")
    assert (again.returncode, again.stdout, again.stderr) == (0, "visit: ran already\n", "")


@pytest.mark.usefixtures("server")
def test_status_tells_what_never_ran_and_what_came_since(shell: Shell) -> None:
    shell.fill(20)
    assert shell("visit").returncode == 0
    shell.fill(3, first=20)
    shown = shell()
    assert shown.returncode == 0
    assert shown.stdout.split("\n")[1].split()[:7] == ["visit", "people", "success", "20", "/", "20", "20"]
    assert "never ran" in shown.stdout
    assert "visit: 3 documents were created since it ended. To give them to it as well: --catch-up." in shown.stdout
    assert shell("visit", "--catch-up").stdout == "visit: 23 documents, 23 changed\n"
    assert "created since" not in shell("--status").stdout


@pytest.mark.usefixtures("server")
def test_a_dry_run_writes_nothing_and_verify_goes_through_all(shell: Shell) -> None:
    shell.fill(1_200)
    tried = shell("picky", "--dry-run", "--limit", "3")
    assert tried.returncode == 0
    assert tried.stdout.startswith("picky: 3 of 3 documents would change (the first). Nothing was written.\n")
    assert '    + name: "person 2"\n' in tried.stdout
    before = shell("picky", "--verify", "--json")
    assert before.returncode == 1
    found = json.loads(before.stdout)["picky"]
    assert (found["processed"], found["changed"], found["done"]) == (1200, 1200, True)
    assert shell.status("picky")["state"] == "never"
    shell("picky")
    after = shell("picky", "--verify")
    assert after.returncode == 0
    assert after.stdout == "picky: 0 of 1,200 documents would change (all there are). Nothing was written.\n"


def broken(tmp_path: Path) -> Shell:
    functions = tmp_path / "app" / "functions"
    functions.mkdir(parents=True)
    for name in ("schema.py", "functions/people.py"):
        (tmp_path / "app" / name).write_text((APPS / "moves" / name).read_text())
    (functions / "migrations.py").write_text(BROKEN)
    return Shell(tmp_path / "app", tmp_path / "data")


def test_a_failure_names_the_document_and_a_fix_lets_it_go_on(tmp_path: Path) -> None:
    shell = broken(tmp_path)
    with Server(shell.app, shell.data, command="dev", environment={"REACTOR_ADMIN_KEY": KEY}) as server:
        shell.fill(10)
        failed = shell("--all")
        assert failed.returncode == 1
        told = shell.status("fails")
        assert f"error: fails failed at document {told['error']['document']}: Uncaught ValueError" in failed.stderr
        assert "functions/migrations.py:7" in failed.stderr
        assert "error: behind: canceled" in failed.stderr
        file = shell.app / "functions" / "migrations.py"
        file.write_text(BROKEN.replace("== 3", "== 300"))
        until(lambda: "reloaded" in server.log, lambda: server.log)
        fixed = shell("--all")
    assert fixed.returncode == 0, fixed.stderr
    assert fixed.stdout == "fails: 10 documents, 10 changed\nbehind: 10 documents, 0 changed\n"


def test_without_a_server_it_runs_right_here(shell: Shell) -> None:
    shell.fill(300)
    assert shell("visit", "--dry-run").returncode == 0
    done = shell("visit")
    assert (done.returncode, done.stdout) == (0, "visit: 300 documents, 300 changed\n")
    assert shell("visit", "--reset").stdout == "reset: visit\n"
    assert shell.status("visit")["runs"][0]["processed"] == 300


@pytest.mark.usefixtures("server")
def test_ctrl_c_leaves_it_to_the_server(shell: Shell) -> None:
    shell.fill(8_000)
    shell.fill(8_000, first=8_000)
    command = subprocess.Popen(
        shell.arguments("migrate", "visit"),
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stderr is not None
    first = command.stderr.readline()
    command.send_signal(signal.SIGINT)
    _, rest = command.communicate(timeout=PATIENCE)
    assert first.startswith("visit: ")
    if "done" not in first + rest:
        assert command.returncode == 130
        assert "They go on in the server." in rest
    until(lambda: shell.status("visit")["state"] == "success")
    assert shell.status("visit")["processed"] == 16_000


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    shell = Shell(APPS / "moves", tmp_path / "data")
    environment = {"REACTOR_ADMIN_KEY": KEY, "REACTOR_DOCUMENT_CACHE_BYTES": "1 MiB"}
    with Server(shell.app, shell.data, environment=environment) as server:
        for first in range(0, 60_000, 2_000):
            server.mutation("people:add", count=2_000, first=first, pad="x" * 2_000)
        before = server.most_memory()
        assert shell("visit").returncode == 0
        grown = server.most_memory() - before
    assert shell.status("visit")["changed"] == 60_000
    assert grown < 40 * 2**20, "the documents have 120 MB"


@pytest.mark.usefixtures("server")
def test_answers_for_programs_are_json(shell: Shell) -> None:
    shell.fill(5)
    assert json.loads(shell("visit", "--json", "--no-wait").stdout) == {"visit": "pending"}
    until(lambda: shell.status("visit")["state"] == "success")
    done = shell("visit", "picky", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [(row["name"], row["processed"]) for row in json.loads(done.stdout)] == [("visit", 5), ("picky", 5)]
    assert json.loads(shell("--cancel", "--json").stdout) == []


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["nope"], 1, "There is no migration `nope`. There are: visit, picky"),
        (["nope", "--cancel"], 1, "No migration `nope` was ever asked for."),
        (["visit", "--reset"], 1, "No migration `visit` was ever asked for."),
        (["lost"], 1, "is for the table `nowhere`, and there is none"),
        (["visit", "--all"], 2, "Name migrations, or give --all."),
        (["--reset"], 2, "--reset needs the names"),
        (["--dry-run"], 2, "--dry-run needs the names"),
        (["--verify"], 2, "--verify needs the names"),
        (["--cancel", "--status"], 2, "Give one of"),
        (["visit", "--url", "http://127.0.0.1:1"], 1, "No answer from http://127.0.0.1:1"),
    ],
)
def test_what_makes_no_sense_is_told(shell: Shell, words: list[str], code: int, text: str) -> None:
    done = shell(*words)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr
