"""`reactor dev` and `reactor start`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import typer

from reactor.cli.engine import load_engine
from reactor.cli.options import (
    AdminKey,
    Assignments,
    Data,
    Directory,
    Host,
    LogLevel,
    Port,
    SitePort,
    Workers,
    chosen_settings,
)
from reactor.cli.reporting import reported
from reactor.cli.terminal import Terminal
from reactor.errors import LoadError, SettingsError

__all__ = ["dev", "start"]

_EXAMPLE = """\
from reactor import query

@query
async def hello(ctx, name: str) -> str:
    return f"Hello {name}"
"""

_ONE_WHILE_DEVELOPING = (
    "The setting workers is for `reactor start`: `reactor dev` is one process, so that what you print and break is in "
    "one place. Say `reactor dev --set workers=1`, or leave the setting to `reactor start --workers`."
)


def dev(
    directory: Directory = Path(),
    host: Host = None,
    port: Port = None,
    site_port: SitePort = None,
    data: Data = None,
    admin_key: AdminKey = None,
    log_level: LogLevel = None,
    assignments: Assignments = None,
) -> None:
    """Serve an application while you write it: every saved file is live at once.

    Clients stay connected over a reload, and their queries run again under
    the new code. An edit that breaks something is shown here, and the last
    good version keeps serving. Errors reach clients whole.

    [bold]Examples[/]
      reactor dev                      serve the current folder on port 3210
      reactor dev school --port 4000   another folder, another port
      reactor dev --host 0.0.0.0       let other machines in
      reactor dev --set action_seconds=10min
    """
    flags = {
        "host": host,
        "port": port,
        "site_port": site_port,
        "data": data,
        "admin_key": admin_key,
        "log_level": log_level,
    }
    _serve(directory, flags, assignments, mode="development")


def start(
    directory: Directory = Path(),
    host: Host = None,
    port: Port = None,
    site_port: SitePort = None,
    data: Data = None,
    admin_key: AdminKey = None,
    log_level: LogLevel = None,
    workers: Workers = None,
    assignments: Assignments = None,
) -> None:
    """Serve an application in production: no reload, no inside of errors for clients.

    Behind a proxy, keep the address 127.0.0.1 and let the proxy speak TLS.

    [bold]Examples[/]
      reactor start school --data /var/lib/school
      REACTOR_ADMIN_KEY=... reactor start school --host 0.0.0.0
      reactor start school --log-level warning --set max_actions=200
      reactor start school --workers auto    a process for each core
    """
    flags = {
        "host": host,
        "port": port,
        "site_port": site_port,
        "data": data,
        "admin_key": admin_key,
        "log_level": log_level,
        "workers": workers,
    }
    _serve(directory, flags, assignments, mode="production")


def _serve(
    directory: Path,
    flags: Mapping[str, object],
    assignments: list[str] | None,
    *,
    mode: Literal["development", "production"],
) -> None:
    with reported():
        directory = directory.absolute()
        _check_application(directory)
        settings = chosen_settings(directory, assignments, mode=mode, **flags)
        if mode == "development" and settings.workers != 1:
            raise SettingsError(_ONE_WHILE_DEVELOPING)
        code = load_engine().serve(settings, directory, reload=mode == "development", events=Terminal())
        raise typer.Exit(code)


def _check_application(directory: Path) -> None:
    if not directory.is_dir():
        raise LoadError(f"{directory} is no folder. Name one that holds functions/, or leave DIR out in such a folder.")
    if not (directory / "functions").is_dir():
        raise LoadError(
            f"{directory} has no folder functions/, so there is nothing to serve. "
            "`reactor init` makes a small project in a folder. Or make functions/greetings.py there, for example with:"
            f"\n\n{_EXAMPLE}"
        )
