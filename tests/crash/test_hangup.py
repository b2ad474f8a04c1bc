"""SIGHUP: a server in production loads new code in place; one whose terminal is closed ends."""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE, until
from tests.support.server import APPS, Server
from tests.support.sync_client import SyncClient

VERSION = """

@query
async def version(ctx: QueryCtx) -> str:
    return "{version}"
"""


def edit(app: Path, text: str) -> None:
    file = app / "functions" / "messages.py"
    file.write_text((APPS / "chat" / "functions" / "messages.py").read_text() + text)


def hang_up(server: Server) -> None:
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    return Path(shutil.copytree(APPS / "chat", tmp_path / "app"))


async def test_new_code_is_loaded_in_place(chat: Path, tmp_path: Path) -> None:
    edit(chat, VERSION.format(version="first"))
    with Server(chat, tmp_path / "data") as server:
        async with SyncClient(server.url) as client:
            query = await client.add("messages:version")
            await client.until_result(query, "first")
            edit(chat, VERSION.format(version="second"))
            assert await asyncio.to_thread(server.query, "messages:version") == "first", "files are not watched"
            hang_up(server)
            await client.until_result(query, "second")
            edit(chat, "\n\ndef broken(")
            hang_up(server)
            await asyncio.to_thread(until, lambda: "the last good version keeps serving" in server.log)
            assert await asyncio.to_thread(server.query, "messages:version") == "second"
            edit(chat, VERSION.format(version="third"))
            hang_up(server)
            await client.until_result(query, "third")
            assert client.ended is None, "sessions are not cut"
        assert server.stop() == 0


def start_in_a_terminal(server: Server, *, nohup: bool = False) -> int:
    """Start a server that belongs to a terminal of its own; gives the end that keeps it open."""
    ours, theirs = os.openpty()

    def belong_to_it() -> None:
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        if nohup:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with server.log_file.open("ab") as log:
        server.process = subprocess.Popen(
            server.arguments,
            stdin=theirs,
            stdout=log,
            stderr=log,
            env=server.process_environment,
            cwd=server.data.parent,
            preexec_fn=belong_to_it,  # noqa: PLW1509 - no threads run here
        )
    os.close(theirs)
    until(lambda: "Stop with Ctrl-C" in server.log)
    return ours


@pytest.mark.parametrize("options", [[], ["--workers", "2"]], ids=["alone", "workers"])
def test_a_server_ends_with_its_terminal(chat: Path, tmp_path: Path, options: list[str]) -> None:
    server = Server(chat, tmp_path / "data", options=options)
    terminal = start_in_a_terminal(server)
    assert server.process is not None
    try:
        hang_up(server)
        until(lambda: "reloaded" in server.log)
        os.close(terminal)  # sends the signal as well
        assert server.process.wait(PATIENCE) == 0, server.log
        assert "stopped" in server.log
    finally:
        if server.process.poll() is None:
            server.kill()


@pytest.mark.parametrize("options", [[], ["--workers", "2"]], ids=["alone", "workers"])
def test_one_that_nohup_started_goes_on(chat: Path, tmp_path: Path, options: list[str]) -> None:
    server = Server(chat, tmp_path / "data", options=options)
    terminal = start_in_a_terminal(server, nohup=True)
    try:
        os.close(terminal)
        until(lambda: "reloaded" in server.log)
    finally:
        assert server.stop() == 0
    assert "ended" not in server.log
