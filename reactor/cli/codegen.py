"""`reactor codegen`: types for an application's functions, and for the programs that call it."""

from pathlib import Path
from typing import Annotated

import typer

from reactor.cli.engine import load_engine
from reactor.cli.options import Directory
from reactor.cli.reporting import report, reported

__all__ = ["codegen"]

CheckOption = Annotated[
    bool, typer.Option("--check", help="Write nothing; exit code 1 when a file is not as it would be written.")
]


def codegen(directory: Directory = Path(), checking: CheckOption = False) -> None:
    """Write the types of an application, Python and TypeScript, to functions/_generated.

    Files in which nothing is new are left alone. When the application cannot
    be loaded, those that depend on its functions stay as they are. `reactor dev`
    does this by itself on every change, once the files or a package.json are
    there, or functions import the types.

    [bold]Examples[/]
      reactor codegen            write the types of the current folder
      reactor codegen --check    for CI: are the committed types up to date?
    """
    with reported():
        changed = load_engine().codegen(directory.absolute(), check=checking)
        if checking and changed:
            report(f"Stale: {', '.join(changed)}. Run `reactor codegen` and commit what it writes.")
            raise typer.Exit(1)
        for name in changed:
            typer.echo(f"wrote {name}")
        if not changed:
            typer.echo("up to date")
