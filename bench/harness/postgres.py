"""A PostgreSQL for one phase: as `initdb` makes it, with all that it does for durability, on the disk under test."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["free_port", "postgres"]

START_SECONDS = 60
STOP_SECONDS = 60
REMEDY = "needs PostgreSQL 14 or later (Debian: apt-get install postgresql)"


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The address of an empty database; its files lie under `folder`. Raises RuntimeError where none is installed."""
    programs, data, port = _programs(), folder / "postgres", free_port()
    user = _user(folder, data)
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run(initdb, cwd=data, capture_output=True, text=True, check=False, **user)
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed: {made.stderr}")
    log = data / "log"
    command = [programs / "postgres", "-D", data, "-p", str(port), "-k", "", "-c", "listen_addresses=127.0.0.1"]
    # A process of ours, and not pg_ctl's: what it used of the processor is then ours as well, not somebody else's.
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=data, **user)
    try:
        _wait(programs, process, port, log)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _programs() -> Path:
    """Debian keeps them out of PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = versions[-1] if versions else shutil.which("initdb")
    if found is None:
        raise RuntimeError(REMEDY)
    return Path(found).resolve().parent


def _user(folder: Path, data: Path) -> dict[str, object]:
    """As whom to run it: it refuses root, so for root as somebody else, who gets the folder `data`."""
    data.mkdir()
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    other = names.get("postgres") or names["nobody"]
    os.chown(data, other.pw_uid, other.pw_gid)
    folder.chmod(0o711)
    return {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}


def _wait(programs: Path, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    ask = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
    while subprocess.run(ask, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)
