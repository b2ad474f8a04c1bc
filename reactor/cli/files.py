"""`reactor files`: whether the files of a deployment are whole and needed."""

import contextlib
import time
from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from reactor.cli.answers import Answer
from reactor.cli.deployment import Deployment
from reactor.cli.options import AdminKey, Assignments, Data
from reactor.cli.reporting import reported
from reactor.cli.run import DirectoryOption, UrlOption
from reactor.errors import ReactorError

__all__ = ["files"]

T = TypeVar("T")

_FUNCTIONS = "_system/files:"
_DELETED_AT_ONCE = 100
_SHOWN = 20
_DAY = 86_400.0
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")

files = typer.Typer(
    name="files",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""The files of the deployment, which functions reach by `ctx.storage`.

    [bold]Examples[/]
      reactor files check                        are all bytes there, and is any file of no use?
      reactor files check --digests              and are they those that were stored?
      reactor files check --delete-unused        delete those that no document names
    """,
)

Digests = Annotated[bool, typer.Option("--digests", help="Read all bytes and compare their digests, too.")]
DeleteUnused = Annotated[
    bool, typer.Option("--delete-unused", help="Delete the files that no document names, after asking.")
]
OlderThan = Annotated[
    float, typer.Option("--older-than", metavar="DAYS", min=0, help="Only files so old count as unused (1).")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs, and no progress.")]


class _File(msgspec.Struct):
    id: str
    size: float
    created: float


class _Fault(msgspec.Struct):
    id: str
    problem: str


class _Checked(msgspec.Struct):
    files: list[_File]
    faults: list[_Fault]
    next: str | None


class _Used(msgspec.Struct):
    documents: float
    files: list[str]
    next: str | None


class _Report(msgspec.Struct, rename="camel"):
    """What `--json` prints. Sizes in bytes, times in milliseconds since 1970."""

    files: int
    bytes: int
    documents: int
    faults: list[_Fault]
    unused: list[_File]
    stray: list[str]
    deleted: int = 0


@files.callback()
def group() -> None:
    """The group; its commands say the rest."""


@files.command()
def check(
    digests: Digests = False,
    delete_unused: DeleteUnused = False,
    older_than: OlderThan = 1.0,
    yes: Yes = False,
    as_json: Json = False,
    url: UrlOption = None,
    admin_key: AdminKey = None,
    directory: DirectoryOption = Path(),
    data: Data = None,
    assignments: Assignments = None,
) -> None:
    """Look whether all files have their bytes, and whether anything needs them.

    Unused is a file whose id and address stand in no document and in no
    scheduled function: uploaded and never saved, or outlived by its
    document. Stray are bytes that the database does not know, of an upload
    that a crash cut off; the server removes them by itself within a day.

    Beside a server that runs it asks that; else it opens the data folder.
    Exit code 1: bytes are missing, or wrong.
    """
    with reported():
        if as_json and delete_unused and not yes:
            raise typer.BadParameter("--json with --delete-unused needs --yes, since nobody is asked.")
        source = Deployment(directory, url, admin_key, data, assignments)
        report = _inspect(source, digests, older_than, silent=as_json)
        if not as_json:
            _print(report, older_than)
        if delete_unused and report.unused and (yes or typer.confirm(f"Delete {_files(len(report.unused))}?")):
            report.deleted = _delete(source, report.unused)
            if not as_json:
                typer.echo(f"deleted {_files(report.deleted)}")
        if as_json:
            typer.echo(msgspec.json.encode(report).decode())
        raise typer.Exit(1 if report.faults else 0)


def _inspect(source: Deployment, digests: bool, older_than: float, *, silent: bool) -> _Report:
    known, faults = list[_File](), list[_Fault]()
    used, documents = set[str](), 0
    with _progress(silent) as tell:

        def take_files(page: _Checked) -> str | None:
            known.extend(page.files)
            faults.extend(page.faults)
            tell(f"bytes of {_files(len(known))}")
            return page.next

        def take_uses(page: _Used) -> str | None:
            nonlocal documents
            used.update(page.files)
            documents += int(page.documents)
            tell(f"files that {documents:,} documents name")
            return page.next

        _all_pages(source, "check", _Checked, take_files, digests=digests)
        _all_pages(source, "used", _Used, take_uses)
        stray = _once(source, "stray", {}, list[str])
    before = time.time() * 1000 - older_than * _DAY * 1000
    unused = [file for file in known if file.id not in used and file.created < before]
    return _Report(len(known), int(sum(file.size for file in known)), documents, faults, unused, stray)


@contextlib.contextmanager
def _progress(silent: bool) -> Generator[Callable[[str], None]]:
    """Shows what is said last, beside a spinner, where there is a terminal."""
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=silent or not console.is_terminal) as progress:
        task = progress.add_task("opening", total=None)
        yield lambda text: progress.update(task, description=text)


def _all_pages(source: Deployment, name: str, page: type[T], take: Callable[[T], str | None], **args: Any) -> None:
    """Hand over every page that a function gives; `take` says where the next begins."""

    def again(answer: Answer) -> dict[str, Any] | None:
        after = take(_value(answer, page))
        return None if after is None else {**args, "after": after}

    source.repeat(_FUNCTIONS + name, args, again)


def _once(source: Deployment, name: str, args: dict[str, Any], type: type[T]) -> T:
    return _value(source.call(_FUNCTIONS + name, args), type)


def _value(answer: Answer, type: type[T]) -> T:
    if not answer.succeeded:
        raise ReactorError(answer.error_message.rstrip())
    return msgspec.json.decode(answer.value, type=type)


def _delete(source: Deployment, unused: list[_File]) -> int:
    ids = [file.id for file in unused]
    parts = [ids[start : start + _DELETED_AT_ONCE] for start in range(0, len(ids), _DELETED_AT_ONCE)]
    return sum(int(_once(source, "delete", {"ids": part}, float)) for part in parts)


def _print(report: _Report, older_than: float) -> None:
    typer.echo(f"{_files(report.files)}, {_amount(report.bytes)}; {report.documents:,} documents looked at")
    if not report.faults:
        typer.echo("bytes: all there")
    for fault in report.faults:
        typer.echo(f"{fault.id}: {fault.problem}", err=True)
    if report.unused:
        size = _amount(sum(file.size for file in report.unused))
        typer.echo(f"unused: {_files(len(report.unused))}, {size}, older than {older_than:g} days")
        for file in report.unused[:_SHOWN]:
            made = datetime.fromtimestamp(file.created / 1000).astimezone()
            typer.echo(f"  {file.id}  {_amount(file.size):>10}  {made:%Y-%m-%d %H:%M}")
        if len(report.unused) > _SHOWN:
            typer.echo(f"  and {len(report.unused) - _SHOWN:,} more; --json shows all")
    else:
        typer.echo("unused: none")
    if report.stray:
        typer.echo(f"stray: bytes of {_files(len(report.stray))}; the server removes them within a day")


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"


def _amount(size: float) -> str:
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
