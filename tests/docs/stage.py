"""A page on stage: the application that it shows, served, and a shell beside it in which its commands are typed."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import pytest

from reactor.app.generated import begin_types
from reactor.cli.project_template import Template
from tests.docs.pages import Block, Command, blocks, commands, files, matches
from tests.support.patience import PATIENCE, until
from tests.support.script import CLIENTS
from tests.support.server import REPOSITORY, Server

__all__ = ["README", "Background", "Stage", "new_project"]

README = REPOSITORY / "README.md"
SCHOOL = REPOSITORY / "docs" / "tour-of-the-school.md"
DRIVER = Path(__file__).parent / "page.mjs"


class Background:
    """A program that goes on; what it prints is in `printed`."""

    def __init__(self, line: str, log: Path, environment: dict[str, str], folder: Path) -> None:
        self._log = log
        with log.open("wb") as out:
            # A session of its own, so that the shell and what it started end together.
            self._process = subprocess.Popen(
                ["sh", "-c", line], stdout=out, stderr=out, env=environment, cwd=folder, start_new_session=True
            )

    @property
    def printed(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> None:
        if not self.ended:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Stage:
    """The application of a page and its server: that which the page shows, the school for its tour, or a new project.

    Paths and the address in the documents stand for those of this stage.
    """

    def __init__(self, page: Path, folder: Path, command: str) -> None:
        self.app, self.clients = folder / "app", folder / "clients"
        self.data = self.app / ".reactor"
        self._page, self._folder = page, folder
        self._background: list[Background] = []
        for path, text in _application(page).items():
            _write(self.app / path, text)
        self.clients.mkdir()
        # curl tells of its progress where it is not seen by a person.
        _write(folder / ".curlrc", "silent\n")
        self.server = Server(self.app, self.data, command=command)

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._background:
            program.end()
        self.server.__exit__()

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("REACTOR_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"
        quiet = {"NO_COLOR": "1", "COLUMNS": "200", "PYTHONUNBUFFERED": "1", "CURL_HOME": str(self._folder)}
        return {**own, **quiet, "PATH": path, "NO_PROXY": "127.0.0.1"}

    def run(self, command: Command) -> None:
        """Type a command and compare what it prints with what the page says; without that, it must succeed."""
        if command.line.startswith("curl ") and shutil.which("curl") is None:
            pytest.skip("needs curl: install it and run the tests again")
        done = subprocess.run(
            ["sh", "-c", self._placed(command.line)],
            cwd=self.app,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        shown = bool(command.output.strip())
        good = matches(command.output, done.stdout) if shown else done.returncode == 0
        assert good, f"{command.place}: {command.line}\nprinted (code {done.returncode}):\n{done.stdout}"

    def start(self, line: str, folder: Path | None = None) -> Background:
        """Start a program and wait until it has printed something."""
        log = self._folder / f"background-{len(self._background)}.log"
        program = Background(self._placed(line), log, self.environment, folder or self.app)
        self._background.append(program)
        until(lambda: program.printed or program.ended, f"output of {line}")
        return program

    def script(self, block: Block) -> str:
        """Put a client's program into its folder; the command that runs it."""
        path = self.clients / block.file
        _write(path, self._placed(block.text))
        return f"python {path}" if block.language == "python" else f"node {path}"

    def play(self, languages: set[str]) -> None:
        """Do what the page shows in these languages, in order, then look at what goes on in the background."""
        watched: list[tuple[Block, Background, str]] = []
        shown = blocks(self._page)
        printed = iter([block.text for block in shown if block.mark == "printed"])
        for block in shown:
            if block.language not in languages or not (block.mark or block.language == "console"):
                continue
            if block.mark == "page":
                self._open_page(block)
            elif block.mark in ("watch", "background"):
                watched.append((block, *self._watch(block, printed)))
            elif block.mark == "run":
                self.run(Command(self.script(block), "", block.place))
            else:
                for command in commands(block):
                    self.run(command)
        for block, program, wanted in watched:
            self._look_at(block, program, wanted)

    def _watch(self, block: Block, printed: Iterator[str]) -> tuple[Background, str]:
        """Start a program that stays; with what it is to print, which stands in its block or the next one `printed`."""
        if block.language == "console":
            command = next(commands(block))
            return self.start(command.line), command.output
        return self.start(self.script(block)), next(printed, "") if block.language == "python" else ""

    def _look_at(self, block: Block, program: Background, wanted: str) -> None:
        until(
            lambda: matches(wanted, program.printed, whole=False),
            lambda: f"{block.place}: what the page shows; there was:\n{program.printed}",
        )
        assert not program.ended, f"{block.place}: it ended, and had printed:\n{program.printed}"

    def _open_page(self, block: Block) -> None:
        """Render a page written in JSX, press its button, and wait until the server knows."""
        self.script(block)
        shutil.copy(DRIVER, self.clients)
        before = self.server.metrics()
        program = self.start(f"node page.mjs {block.file}", self.clients)
        until(lambda: "pressed" in program.printed or program.ended, f"{block.place}: a button")
        assert not program.ended, f"{block.place}: it ended, and had printed:\n{program.printed}"
        until(
            lambda: (self.server.metrics() - before)["reactor_mutations_total"],
            lambda: f"{block.place}: a mutation; there was:\n{program.printed}",
        )
        program.end()

    def use_node(self) -> None:
        """Skip the test where Node or the clients' packages are missing, else make the packages findable."""
        if shutil.which("node") is None:
            pytest.skip("needs Node 20 or newer: install it and run the tests again")
        if not (CLIENTS / "node_modules" / "convex").is_dir():
            pytest.skip("needs the npm packages of tests/clients: run `npm ci --ignore-scripts` there")
        (self.clients / "node_modules").symlink_to(CLIENTS / "node_modules")

    def _placed(self, text: str) -> str:
        places = {
            "http://127.0.0.1:3210": self.server.url,
            "http://127.0.0.1:3211": self.server.site,
            "/var/lib/chat": str(self.data),
            "/srv/chat": str(self.app),
        }
        for shown, real in places.items():
            text = text.replace(shown, real)
        return text


def _application(page: Path) -> dict[str, str]:
    if page == SCHOOL:
        sources = [REPOSITORY / "schema.py", *(REPOSITORY / "functions").rglob("*.py*")]
        return {
            path.relative_to(REPOSITORY).as_posix(): path.read_text()
            for path in sources
            if path.suffix in (".py", ".pyi")
        }
    shown = {} if page == README else files(page)
    return shown or new_project()


@cache
def new_project() -> dict[str, str]:
    """The files of the project that `reactor init chat` makes, which is the one of the README."""
    with TemporaryDirectory() as made:
        folder = Path(made) / "chat"
        Template.read("minimal", "chat").write(folder)
        begin_types(folder)
        found = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
