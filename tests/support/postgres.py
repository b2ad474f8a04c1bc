"""A private PostgreSQL for a run of the tests: its own data, its own socket, a free port.

It ends with whoever started it, however that dies: a shell holds it as long as its standard input is open.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

__all__ = ["Postgres", "database_of", "postgres_server"]

REMEDY = "needs PostgreSQL 14 or later: apt-get install postgresql"

_HOLD = '"$0/pg_ctl" -D "$1" -w -t 50 -l "$1/log" -o "$2" start >&2 && echo ready; read _; '
_HOLD += '"$0/pg_ctl" -D "$1" -m immediate stop >&2'

_numbers = count(1)


class Postgres:
    """A running server. `folder` has its socket, `port` is also that on 127.0.0.1; everybody local is let in."""

    def __init__(self, programs: Path, folder: Path, port: int, user: dict[str, Any]) -> None:
        self.programs, self.folder, self.port, self._user = programs, folder, port, user

    def sql(self, *statements: str, database: str = "postgres") -> list[str]:
        """Run statements as the superuser; what the last one gives, a line per row."""
        command = [self.programs / "psql", "-h", self.folder, "-p", str(self.port), "-U", "postgres", "-d", database]
        command += ["-AtXq", "-v", "ON_ERROR_STOP=1"]
        for statement in statements:
            command += ["-c", statement]
        ran = subprocess.run(command, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.splitlines()

    def url(self, database: str, *, user: str = "postgres", password: str = "", tcp: bool = False) -> str:
        """The address of a database, over the socket or over TCP."""
        who = f"{user}:{quote(password, safe='')}" if password else user
        if tcp:
            return f"postgresql://{who}@127.0.0.1:{self.port}/{database}"
        return f"postgresql://{who}@/{database}?host={quote(str(self.folder), safe='')}&port={self.port}"

    def restart(self) -> None:
        """Stop it at once, which breaks off all connections, and start it again."""
        self._control("restart", "-m", "immediate")

    def demand_passwords(self, user: str) -> None:
        """From here on this user is let in over TCP only with a password."""
        hba = self.folder / "data" / "pg_hba.conf"
        hba.write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\n{hba.read_text()}")
        self._control("reload")

    def _control(self, *command: str) -> None:
        data = self.folder / "data"
        command = (str(self.programs / "pg_ctl"), "-D", str(data), "-w", "-t", "50", "-l", str(data / "log"), *command)
        ran = subprocess.run(command, cwd=self.folder, stdout=subprocess.DEVNULL, **self._user)
        assert ran.returncode == 0, (data / "log").read_text(errors="replace")

    @contextmanager
    def database(self, options: str = "TEMPLATE template0") -> Iterator[str]:
        """A new and empty database, by name; it is gone at the end, whoever is still connected."""
        name = f"test_{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name} {options}")
        try:
            yield name
        finally:
            self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def database_of(url: str) -> str:
    """The name of the database in an address."""
    return urlsplit(url).path.removeprefix("/")


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Postgres]:
    """Start one. `durable`: with fsync, for what is claimed of crashes of the machine."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="reactor-pg-", dir="/tmp"))
    try:
        user = _user(folder)
        data = folder / "data"
        made = subprocess.run(
            [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True,
            text=True,
            cwd=folder,
            **user,
        )
        assert made.returncode == 0, made.stderr
        port = _free_port()
        options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c max_connections=200"
        if not durable:
            options += " -c fsync=off -c full_page_writes=off"
        command = ["sh", "-c", _HOLD, programs, data, options]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,  # a Ctrl-C is for the tests: the server is needed until they have ended
            **user,
        ) as holder:
            assert holder.stdin is not None
            assert holder.stdout is not None
            ready = holder.stdout.readline()
            assert ready == b"ready\n", (data / "log").read_text(errors="replace")
            try:
                yield Postgres(programs, folder, port, user)
            finally:
                holder.stdin.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Where initdb and pg_ctl are. Debian keeps them out of PATH, and has in PATH wrappers for clusters of its own."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    if found is None:
        pytest.skip(REMEDY)
    return Path(found).resolve().parent


def _user(folder: Path) -> dict[str, Any]:
    """As whom to run it: it refuses root, so for root as somebody else, who gets the folder."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    other = names.get("postgres") or names["nobody"]
    os.chown(folder, other.pw_uid, other.pw_gid)
    folder.chmod(0o755)
    return {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
