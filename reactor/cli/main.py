"""The `reactor` command: what it knows, and where each part is."""

import gc
from typing import Annotated

import typer

from reactor.cli.codegen import codegen
from reactor.cli.copy import copy
from reactor.cli.env import env
from reactor.cli.files import files
from reactor.cli.init import init
from reactor.cli.migrate import migrate
from reactor.cli.openapi import openapi
from reactor.cli.run import run
from reactor.cli.seed import seed
from reactor.cli.serving import dev, start
from reactor.version import VERSION

__all__ = ["app", "main"]

# Locals in a traceback may hold the admin key.
app = typer.Typer(
    name="reactor",
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(init)
app.command()(dev)
app.command()(start)
app.command()(run)
app.command()(migrate)
app.command()(codegen)
app.command()(openapi)
app.add_typer(env)
app.add_typer(files)
app.command()(seed)
app.command()(copy)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reactor {VERSION}")
        raise typer.Exit


@app.callback()
def root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A backend whose functions are Python and whose query results stay live.

    [bold]First steps[/]
      reactor init chat                    make a small project
      cd chat && reactor dev               serve it, and open http://127.0.0.1:3210
      reactor run messages:newest --watch  see the result of a query change

    [bold]Settings[/]
      By flag, by environment (REACTOR_PORT=4000), or under \\[tool.reactor]
      in pyproject.toml, in this order.
    """


def main() -> None:
    """The entry point of the command."""
    # What a start imports is there to stay: looking through it for garbage again and again takes a fifth of the start.
    gc.set_threshold(100_000, 20, 100)
    app()


if __name__ == "__main__":
    main()
