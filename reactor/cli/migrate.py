"""`reactor migrate`: runs the application's migrations of documents, and tells how they stand."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from reactor.cli.answers import Answer
from reactor.cli.migration_diff import print_dry_run
from reactor.cli.migration_progress import view
from reactor.cli.migration_source import Folder, Running, Source
from reactor.cli.migration_status import (
    Asked,
    DryRun,
    MigrationStatus,
    print_status,
    read_dry_run,
    read_status,
    read_value,
)
from reactor.cli.options import AdminKey, Assignments, Data, chosen_settings
from reactor.cli.reporting import report, reported
from reactor.cli.run import DirectoryOption, UrlOption
from reactor.cli.server import ServerError, named_server, running_server

__all__ = ["migrate"]

_AT_ONCE = 500

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Migrations, in this order.", show_default=False)
]
All = Annotated[bool, typer.Option("--all", help="All that have not succeeded yet, in the order of their declaration.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Try the first documents, show how they would change, and write nothing.")
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Try all documents: is there any that would change? Writes nothing.")
]
Limit = Annotated[int, typer.Option("--limit", metavar="NUMBER", min=1, max=500, help="Documents of a dry run (100).")]
Status = Annotated[bool, typer.Option("--status", help="Show how migrations stand; also what no option does.")]
Cancel = Annotated[bool, typer.Option("--cancel", help="Stop those named, or all that are under way.")]
Reset = Annotated[bool, typer.Option("--reset", help="Forget how far those named have come, so that they begin anew.")]
CatchUp = Annotated[
    bool, typer.Option("--catch-up", help="Let those that succeeded go on with documents created since.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow them to their end, or only ask for them (wait).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs, and no progress.")]


def migrate(
    names: Names = None,
    everything: All = False,
    dry_run: DryRunOption = False,
    limit: Limit = 100,
    verify: Verify = False,
    status: Status = False,
    cancel: Cancel = False,
    reset: Reset = False,
    catch_up: CatchUp = False,
    wait: Wait = True,
    as_json: Json = False,
    url: UrlOption = None,
    admin_key: AdminKey = None,
    directory: DirectoryOption = Path(),
    data: Data = None,
    assignments: Assignments = None,
) -> None:
    """Bring documents into a new shape, by the functions under @migration.

    They run in the server that has the data folder open, in the background,
    and go on when this command is interrupted. When no server has it, they
    run right here. A migration that failed or was canceled goes on where it
    stopped; one that succeeded is not run again.

    [bold]Examples[/]
      reactor migrate                         how they stand
      reactor migrate --all                   run what has not run yet
      reactor migrate give_names --dry-run    what would it change?
      reactor migrate give_names
    """
    with reported():
        _check(names, everything, [dry_run, verify, status, cancel, reset])
        settings = chosen_settings(directory, assignments, data=data, admin_key=admin_key)
        server = named_server(url, settings) if url else running_server(settings)
        source = Folder(settings, directory.absolute()) if server is None else Running(server)
        command = _Command(source, names, as_json)
        if dry_run:
            succeeded = command.dry_run(limit)
        elif verify:
            succeeded = command.verify()
        elif cancel:
            succeeded = command.say("cancel", "canceled", names=names)
        elif reset:
            succeeded = command.say("reset", "reset", names=names)
        elif names or everything:
            succeeded = command.run(catch_up=catch_up, wait=wait)
        else:
            succeeded = command.status()
        raise typer.Exit(0 if succeeded else 1)


def _check(names: list[str] | None, everything: bool, deeds: list[bool]) -> None:
    """Refuses a command line that makes no sense, with exit code 2."""
    dry_run, verify, _, _, reset = deeds
    if sum(deeds) > 1:
        raise typer.BadParameter("Give one of --dry-run, --verify, --status, --cancel and --reset.")
    if names and everything:
        raise typer.BadParameter("Name migrations, or give --all.")
    if reset and not names:
        raise typer.BadParameter("--reset needs the names of migrations.")
    if (dry_run or verify) and not names and not everything:
        raise typer.BadParameter(f"--{'dry-run' if dry_run else 'verify'} needs the names of migrations, or --all.")


class _Command:
    """What the options come to. Each method gives whether all went well."""

    def __init__(self, source: Source, names: list[str] | None, as_json: bool) -> None:
        self._source, self._names, self._json = source, names or None, as_json

    def status(self) -> bool:
        """Show how they stand."""
        answer = self._source.call("status", newer=True)
        self._print(answer, lambda: print_status(read_status(answer)))
        return True

    def say(self, name: str, done: str, **args: Any) -> bool:
        """Call a function that gives the names that it took, and print these."""
        answer = self._source.call(name, **args)
        took = read_value(answer, list[str])
        self._print(answer, lambda: sys.stdout.write(f"{done}: {', '.join(took)}\n" if took else "none is under way\n"))
        return True

    def dry_run(self, limit: int) -> bool:
        """Try them, one after another."""
        tried = {name: read_dry_run(self._source.call("dryRun", name=name, most=limit)) for name in self._tried()}
        self._print_tried(tried)
        return all(result.error is None for result in tried.values())

    def verify(self) -> bool:
        """Try them on all documents; well is when none would change."""
        tried = {name: self._through(name) for name in self._tried()}
        self._print_tried(tried)
        return all(result.error is None and not result.changed for result in tried.values())

    def _through(self, name: str) -> DryRun:
        result = read_dry_run(self._source.call("dryRun", name=name, most=_AT_ONCE))
        while not result.done and result.error is None:
            later = self._source.call("dryRun", name=name, most=_AT_ONCE, cursor=result.cursor)
            result = result.and_then(read_dry_run(later))
        return result

    def _tried(self) -> list[str]:
        known = self._source.call("status")
        return self._names or [status.name for status in read_status(known) if status.in_code]

    def _print_tried(self, tried: dict[str, DryRun]) -> None:
        if self._json:
            sys.stdout.write(msgspec.json.encode(tried).decode() + "\n")
            return
        for name, result in tried.items():
            print_dry_run(name, result)

    def run(self, *, catch_up: bool, wait: bool) -> bool:
        """Ask for them, and follow those that run to their ends."""
        asked = {one.name: one.answer for one in self._ask(catch_up)}
        if not self._json:
            _say_asked(asked)
        running = {name for name, answer in asked.items() if answer in ("pending", "running")}
        if not wait:
            if self._json:
                sys.stdout.write(msgspec.json.encode(asked).decode() + "\n")
            return True
        ended = self._follow(running) if running else []
        if self._json:
            return self._report_json(asked)
        return _say_ended(ended)

    def _ask(self, catch_up: bool) -> list[Asked]:
        return read_value(self._source.call("start", names=self._names, catchUp=catch_up), list[Asked])

    def _follow(self, names: set[str]) -> list[MigrationStatus]:
        shown = view(silent=self._json)
        ended: list[MigrationStatus] = []

        def enough(answer: Answer) -> bool:
            told = [status for status in read_status(answer) if status.name in names]
            shown.show(told)
            ended[:] = told
            return not any(status.under_way for status in told)

        try:
            self._source.follow(enough)
        except KeyboardInterrupt:
            shown.close()
            sys.stderr.write(f"{self._source.interrupted} `reactor migrate` shows how far they are.\n")
            raise
        finally:
            shown.close()
        return ended

    def _report_json(self, asked: dict[str, str]) -> bool:
        raw = self._source.call("status")
        entries = read_value(raw, list[msgspec.Raw])
        told = read_status(raw)
        wanted = [entry for entry, status in zip(entries, told, strict=True) if status.name in asked]
        sys.stdout.write(msgspec.json.encode(wanted).decode() + "\n")
        return all(status.state == "success" for status in told if status.name in asked)

    def _print(self, answer: Answer, show: Callable[[], object]) -> None:
        read_value(answer, object)
        if self._json:
            sys.stdout.write(msgspec.json.format(bytes(answer.value), indent=-1).decode() + "\n")
        else:
            show()


def _say_asked(asked: dict[str, str]) -> None:
    if not asked:
        raise ServerError("There are no migrations. Write one with @migration(table=...) in functions/migrations.py.")
    for name, answer in asked.items():
        if answer == "done":
            sys.stdout.write(f"{name}: ran already\n")
        elif answer == "changed":
            sys.stdout.write(
                f"{name}: ran already, with other code. To run the new one: reactor migrate {name} --reset, "
                "then run it again.\n"
            )


def _say_ended(ended: list[MigrationStatus]) -> bool:
    for status in ended:
        if status.state == "success":
            sys.stdout.write(f"{status.name}: {status.processed:,.0f} documents, {status.changed:,.0f} changed\n")
        elif status.error is not None:
            where = "" if status.error.document is None else f" at document {status.error.document}"
            remedy = "What it did before stays. Put it right, and run it again."
            report(f"{status.name} failed{where}: {status.error.message}\n{remedy}")
        else:
            report(f"{status.name}: {status.state}")
    return all(status.state == "success" for status in ended)
