"""The project that `reactor init` makes, read by type checkers: right as it is, and mistakes are seen."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.test_python_types import strictly
from tests.support.server import REPOSITORY

# The page of the school is made of the same packages, and of some more.
MODULES = REPOSITORY / "web" / "school" / "node_modules"

pytestmark = pytest.mark.timeout(300)


def project(folder: Path, template: str) -> Path:
    command = [sys.executable, "-m", "reactor.cli.main", "init", str(folder / "chat"), "--template", template]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / "chat"


def compiled(folder: Path) -> list[str]:
    """The errors of `npm run check`."""
    command = ["node", str(MODULES / "typescript" / "bin" / "tsc"), "--noEmit"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    found = re.findall(r"^(\S+)\(\d+,\d+\): error (TS\d+)", done.stdout, re.MULTILINE)
    assert bool(found) == bool(done.returncode), done.stdout + done.stderr
    return [f"{file} {code}" for file, code in found]


@pytest.mark.skipif(not (MODULES / "vite").exists(), reason="needs web/school/node_modules: run `make dev` once")
def test_the_page_in_react_fits_to_its_functions(tmp_path: Path) -> None:
    chat = project(tmp_path, "react")
    os.symlink(MODULES, chat / "node_modules")
    assert compiled(chat) == []
    page = chat / "web" / "chat.tsx"
    right = page.read_text()
    for is_, becomes, error in (
        ("api.messages.newest", "api.messages.latest", "TS2339"),
        ("{ channel });", "{ room: channel });", "TS2353"),
        ("send({ channel, author, text })", "send({ channel, author })", "TS2741"),
        ("message.author ===", "message.sender ===", "TS2339"),
    ):
        assert right.count(is_) == 1
        page.write_text(right.replace(is_, becomes))
        assert f"web/chat.tsx {error}" in compiled(chat)


@pytest.mark.parametrize("template", ["minimal", "react"])
def test_functions_fit_to_their_tables(tmp_path: Path, template: str) -> None:
    chat = project(tmp_path, template)
    assert strictly(chat, "functions", "schema.py") == []
    module = chat / "functions" / "messages.py"
    right = module.read_text()
    for is_, becomes, rule in (
        ('q.eq("channel", channel)', 'q.eq("room", channel)', "reportArgumentType"),
        ('"text": text})', '"body": text})', "reportArgumentType"),
        ("-> list[Message]:", "-> list[str]:", "reportReturnType"),
    ):
        module.write_text(right.replace(is_, becomes))
        assert rule in [found for _, found, _ in strictly(chat, "functions", "schema.py")], becomes


def test_types_of_a_new_project_are_up_to_date(tmp_path: Path) -> None:
    chat = project(tmp_path, "react")
    command = [sys.executable, "-m", "reactor.cli.main", "codegen", "--check", str(chat)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "up to date\n"), done.stderr
