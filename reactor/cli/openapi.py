"""`reactor openapi`: a description of the HTTP API, from which other tools make clients."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from reactor.cli.engine import load_engine
from reactor.cli.options import Assignments, Directory, chosen_settings
from reactor.cli.reporting import report, reported

__all__ = ["openapi"]

Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="File to write (stdout).")]
Check = Annotated[
    bool, typer.Option("--check", help="Write nothing; exit code 1 when FILE is not as it would be written.")
]
Internal = Annotated[
    bool, typer.Option("--internal", help="With internal functions, which the admin key may call over HTTP.")
]
Address = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Address of the deployment, for clients that are made of the file."),
]


def openapi(
    directory: Directory = Path(),
    out: Out = None,
    checking: Check = False,
    internal: Internal = False,
    address: Address = None,
    assignments: Assignments = None,
) -> None:
    """Describe the HTTP API of an application in OpenAPI 3.1.

    Each function has a path of its own there, with the types of its
    arguments and its result, so that generators make typed clients from it,
    in whatever language. A server shows the same at /_reactor/openapi.json.
    It needs neither a server nor a data folder.

    [bold]Examples[/]
      reactor openapi --out openapi.json          describe the current folder
      reactor openapi --out openapi.json --check  for CI: is the file up to date?
      reactor openapi --server https://api.example.org > openapi.json
    """
    if checking and out is None:
        raise typer.BadParameter("--check compares with a file: name it by --out.")
    with reported():
        root = directory.absolute()
        settings = chosen_settings(root, assignments)
        text = load_engine().openapi(settings, root, internal=internal, address=address)
        if out is None:
            sys.stdout.buffer.write(text)
        elif checking:
            _check(out, text)
        else:
            _write(out, text)


def _check(out: Path, text: bytes) -> None:
    if not out.is_file() or out.read_bytes() != text:
        report(f"Stale: {out}. Run `reactor openapi --out {out}` and commit what it writes.")
        raise typer.Exit(1)
    typer.echo("up to date")


def _write(out: Path, text: bytes) -> None:
    try:
        out.write_bytes(text)
    except OSError as error:
        report(f"{out} cannot be written: {error.strerror}. Name another file by --out.")
        raise typer.Exit(1) from None
    typer.echo(f"wrote {out}")
