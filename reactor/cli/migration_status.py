"""How migrations stand, as a server tells it, and as a person reads it."""

import sys
from datetime import datetime
from typing import TypeVar

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reactor.cli.answers import Answer
from reactor.cli.reporting import printable
from reactor.cli.server import ServerError

__all__ = [
    "Asked",
    "DryRun",
    "MigrationStatus",
    "numbers",
    "print_status",
    "read_dry_run",
    "read_status",
    "read_value",
    "state_text",
]

T = TypeVar("T")

_WORDS = {"never": "never ran", "pending": "waits", "inProgress": "running"}
_STYLES = {"success": "green", "failed": "bold red", "canceled": "yellow", "inProgress": "cyan", "pending": "cyan"}


class Asked(msgspec.Struct):
    """What became of the request for a migration: `pending`, `running`, `done` or `changed`."""

    name: str
    answer: str


class Stop(msgspec.Struct):
    """Why a migration stopped, and the document at which it did."""

    message: str
    document: str | None = None


class MigrationStatus(msgspec.Struct, rename="camel"):
    """One migration. Times are in milliseconds since 1970; `total` is as of when it began."""

    name: str
    table: str
    state: str
    processed: float
    changed: float
    total: float | None = None
    completed_time: float | None = None
    error: Stop | None = None
    newer: float = 0
    in_code: bool = True
    code_changed: bool = False

    @property
    def under_way(self) -> bool:
        """Whether it runs, or will by itself."""
        return self.state in ("pending", "inProgress")


class Example(msgspec.Struct):
    """A document that a dry run would change; `after` is null when it would be deleted."""

    before: dict[str, msgspec.Raw]
    after: dict[str, msgspec.Raw] | None


class DryRun(msgspec.Struct):
    """What a dry run would have done."""

    processed: float
    changed: float
    examples: list[Example]
    cursor: msgspec.Raw
    done: bool
    error: Stop | None

    def and_then(self, later: "DryRun") -> "DryRun":
        """This one, and the one that went on behind it."""
        return DryRun(
            self.processed + later.processed,
            self.changed + later.changed,
            self.examples or later.examples,
            later.cursor,
            later.done,
            later.error,
        )


def read_status(answer: Answer) -> list[MigrationStatus]:
    """Raises ServerError for an answer that is none."""
    return read_value(answer, list[MigrationStatus])


def read_dry_run(answer: Answer) -> DryRun:
    """Raises ServerError for an answer that is none, such as an error."""
    return read_value(answer, DryRun)


def read_value(answer: Answer, kind: type[T]) -> T:
    """The value of an answer. Raises ServerError with the text of one that is an error."""
    if not answer.succeeded:
        raise ServerError(_reason(answer.error_message))
    try:
        return msgspec.json.decode(bytes(answer.value), type=kind)
    except msgspec.DecodeError:
        raise ServerError("The server tells of migrations in a way that this version does not know.") from None


def _reason(message: str) -> str:
    """The text of an error without what stands around it: `[Request ID: 1f] Server Error` and the lines of a stack."""
    lines = [line for line in message.splitlines() if not line.startswith(("[Request ID:", "    at "))]
    return "\n".join(lines).strip() or message


def numbers(status: MigrationStatus) -> str:
    """`12,000 of 100,000 documents, 9,500 changed`."""
    total = "" if status.total is None else f" of {max(status.total, status.processed):,.0f}"
    return f"{status.processed:,.0f}{total} documents, {status.changed:,.0f} changed"


def state_text(status: MigrationStatus) -> Text:
    """The state in words, coloured."""
    return Text(_WORDS.get(status.state, status.state), _STYLES.get(status.state, ""))


def print_status(told: list[MigrationStatus]) -> None:
    """A table on stdout, one migration a line, and what there is to say below it."""
    if not told:
        sys.stdout.write("There are no migrations. Write one with @migration(table=...) in functions/migrations.py.\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("migration", "table", "state", "documents", "changed", "ended"):
        table.add_column(column, justify="right" if column in ("documents", "changed") else "left", no_wrap=True)
    for status in told:
        table.add_row(
            printable(status.name),
            printable(status.table),
            state_text(status),
            f"{status.processed:,.0f}"
            + ("" if status.total is None else f" / {max(status.total, status.processed):,.0f}"),
            f"{status.changed:,.0f}",
            _time(status.completed_time),
        )
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    for status in told:
        for line in _remarks(status):
            console.print(Text(f"{printable(status.name)}: ", "bold"), Text(printable(line)), sep="")


def _remarks(status: MigrationStatus) -> list[str]:
    found: list[str] = []
    if status.error is not None:
        where = "" if status.error.document is None else f"at document {status.error.document}: "
        found.append(f"{where}{status.error.message}")
    if not status.in_code:
        found.append("there is no such migration in the code any more.")
    elif status.code_changed and status.state == "success":
        found.append("its code has changed since it ran. To run the new one: --reset, then run it again.")
    if status.newer:
        more = "1,000 or more" if status.newer >= 1000 else f"{status.newer:,.0f}"
        found.append(f"{more} documents were created since it ended. To give them to it as well: --catch-up.")
    return found


def _time(ms: float | None) -> str:
    return "" if ms is None else f"{datetime.fromtimestamp(ms / 1000):%Y-%m-%d %H:%M:%S}"
