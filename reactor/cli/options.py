"""Options that several commands share, and the settings that they make."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from reactor.settings import Settings, load_settings, parse_assignments

__all__ = [
    "AdminKey",
    "Assignments",
    "Data",
    "Directory",
    "Host",
    "LogLevel",
    "Port",
    "SitePort",
    "Workers",
    "chosen_settings",
]

Directory = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="Folder with functions/ and schema.py (the current one).", show_default=False),
]
Host = Annotated[
    str | None,
    typer.Option("--host", metavar="ADDRESS", help="Address to listen on (127.0.0.1)."),
]
Port = Annotated[
    str | None,
    typer.Option("--port", metavar="NUMBER", help="Port to listen on (3210); 0 takes a free one."),
]
SitePort = Annotated[
    str | None,
    typer.Option(
        "--site-port",
        metavar="NUMBER",
        help="Port for the endpoints in functions/http.py (the one after --port); 0 takes a free one, off has none.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FOLDER", help="Folder of database and files (DIR/.reactor)."),
]
AdminKey = Annotated[
    str | None,
    typer.Option(
        "--admin-key",
        metavar="KEY",
        help="Key that administers the deployment (the one in DATA/admin_key). The variable REACTOR_ADMIN_KEY is "
        "safer: other users can read command lines.",
    ),
]
LogLevel = Annotated[
    str | None,
    typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error (info)."),
]
Workers = Annotated[
    str | None,
    typer.Option("--workers", metavar="NUMBER", help="Processes that serve (1); auto is one for each core."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other setting; may be repeated."),
]


def chosen_settings(
    directory: Path,
    assignments: list[str] | None = None,
    *,
    mode: Literal["development", "production"] | None = None,
    **flags: object,
) -> Settings:
    """The settings of a command: its own flags beat `--set`, which beats environment and file.

    `mode` is what the command itself means, so no flag of a user changes it. Raises SettingsError.
    """
    given = {name: value for name, value in {**flags, "mode": mode}.items() if value is not None}
    return load_settings(directory, flags={**parse_assignments(assignments or []), **given})
