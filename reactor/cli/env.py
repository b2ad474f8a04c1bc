"""`reactor env`: the environment variables of a deployment, which functions read by `ctx.env`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from reactor.cli.answers import Answer
from reactor.cli.deployment import Deployment
from reactor.cli.env_file import read_env_file
from reactor.cli.options import AdminKey, Assignments, Data
from reactor.cli.reporting import reported
from reactor.cli.run import DirectoryOption, UrlOption
from reactor.errors import DeveloperError, ReactorError

__all__ = ["env"]

env = typer.Typer(
    name="env",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""Environment variables of the deployment, which functions read by `ctx.env`.

    They are stored in the database. A change reaches functions at once, and live queries that read the variable run
    again. With a server on the data folder it is asked, else the folder itself is opened.

    [bold]Examples[/]
      reactor env set MAIL_FROM school@example.org
      reactor env set PAYMENT_KEY < key.txt          not seen in the list of processes
      reactor env set --from-file .env.production
      reactor env list --values
    """,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
NamesArgument = Annotated[list[str], typer.Argument(metavar="NAME...", show_default=False)]
OptionalName = Annotated[str | None, typer.Argument(metavar="[NAME]", show_default=False)]
ValueArgument = Annotated[
    str | None, typer.Argument(metavar="[VALUE]", help="Without it, what stands on stdin.", show_default=False)
]
FromFile = Annotated[
    Path | None, typer.Option("--from-file", metavar="FILE", help="Set all of a file with lines NAME=VALUE.")
]
Force = Annotated[bool, typer.Option("--force", help="With --from-file: change variables that have another value.")]
Values = Annotated[bool, typer.Option("--values", help="Show the values, too.")]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON object of names and values.")]


class _Source:
    """Where the variables are."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def all(self) -> dict[str, str]:
        """Variables by name."""
        rows: list[dict[str, Any]] = msgspec.json.decode(self._call("list", {}).value)
        return {row["name"]: row["value"] for row in rows}

    def change(self, changes: dict[str, str | None]) -> None:
        """Set and remove variables, all or none. Raises ReactorError with the reason."""
        self._call("change", {"changes": changes})

    def _call(self, name: str, args: dict[str, Any]) -> Answer:
        answer = self._deployment.call(f"_system/environment:{name}", args)
        if not answer.succeeded:
            raise ReactorError(_said(answer.error_message))
        return answer


@env.command("set")
def set_(
    name: OptionalName = None,
    value: ValueArgument = None,
    from_file: FromFile = None,
    force: Force = False,
    url: UrlOption = None,
    admin_key: AdminKey = None,
    directory: DirectoryOption = Path(),
    data: Data = None,
    assignments: Assignments = None,
) -> None:
    """Set a variable, or all of a file at once."""
    with reported():
        if (name is None) == (from_file is None):
            raise DeveloperError("Give a NAME (and its VALUE), or --from-file FILE.")
        source = _Source(Deployment(directory, url, admin_key, data, assignments))
        if from_file is not None:
            _set_all(source, read_env_file(from_file), force)
        elif name is not None:
            source.change({name: sys.stdin.read().removesuffix("\n") if value is None else value})
            typer.echo(f"{name} is set.", err=True)


def _set_all(source: _Source, wanted: dict[str, str], force: bool) -> None:
    known = source.all()
    other = sorted(name for name, value in wanted.items() if known.get(name, value) != value)
    if other and not force:
        raise DeveloperError(
            f"Nothing was changed, since these have another value: {', '.join(other)}. Give --force to change them."
        )
    new = {name: value for name, value in wanted.items() if known.get(name) != value}
    source.change({**new})
    typer.echo(f"{len(new)} set, {len(wanted) - len(new)} were so already.", err=True)


@env.command()
def unset(
    names: NamesArgument,
    url: UrlOption = None,
    admin_key: AdminKey = None,
    directory: DirectoryOption = Path(),
    data: Data = None,
    assignments: Assignments = None,
) -> None:
    """Remove variables."""
    with reported():
        source = _Source(Deployment(directory, url, admin_key, data, assignments))
        missing = [name for name in names if name not in source.all()]
        if missing:
            raise DeveloperError(f"Not set, and nothing was changed: {', '.join(missing)}.")
        source.change(dict.fromkeys(names))
        typer.echo(f"Removed: {', '.join(names)}.", err=True)


@env.command()
def get(
    name: NameArgument,
    url: UrlOption = None,
    admin_key: AdminKey = None,
    directory: DirectoryOption = Path(),
    data: Data = None,
    assignments: Assignments = None,
) -> None:
    """Print the value of a variable."""
    with reported():
        value = _Source(Deployment(directory, url, admin_key, data, assignments)).all().get(name)
        if value is None:
            raise DeveloperError(f"{name} is not set. `reactor env list` shows those that are.")
        typer.echo(value)


@env.command("list")
def list_(
    values: Values = False,
    as_json: Json = False,
    url: UrlOption = None,
    admin_key: AdminKey = None,
    directory: DirectoryOption = Path(),
    data: Data = None,
    assignments: Assignments = None,
) -> None:
    """Print the names of all variables; their values, which may be secrets, only when asked."""
    with reported():
        known = _Source(Deployment(directory, url, admin_key, data, assignments)).all()
        if as_json:
            typer.echo(msgspec.json.format(msgspec.json.encode(known)).decode())
            return
        for name, value in known.items():
            typer.echo(f"{name}={value}" if values else name)
        if not known:
            typer.echo("There are none. `reactor env set NAME VALUE` sets one.", err=True)


def _said(message: str) -> str:
    """What a function's error says, without where it was raised."""
    lines = [line for line in message.splitlines() if not line.startswith(("[Request ID", "    at "))]
    return "\n".join(lines).removeprefix("Uncaught ").strip() or message
