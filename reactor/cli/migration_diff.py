"""What a dry run would change, document by document."""

import msgspec
from rich.console import Console
from rich.text import Text

from reactor.cli.migration_status import DryRun, Example
from reactor.cli.reporting import printable

__all__ = ["print_dry_run"]


def print_dry_run(name: str, tried: DryRun) -> None:
    """Print the fields that would go (-) and come (+) of each example, and how many documents were tried."""
    console = Console(soft_wrap=True, highlight=False)
    scope = "all there are" if tried.done else "the first"
    console.print(
        Text(printable(name), "bold"),
        Text(
            f": {tried.changed:,.0f} of {tried.processed:,.0f} documents would change ({scope}). Nothing was written."
        ),
        sep="",
    )
    for example in tried.examples:
        _print_example(console, example)
    if tried.changed > len(tried.examples):
        console.print(Text(f"  and {tried.changed - len(tried.examples):,.0f} more", "dim"))
    if tried.error is not None:
        where = "" if tried.error.document is None else f"document {tried.error.document}: "
        console.print(Text("  it fails: ", "bold red"), Text(printable(where + tried.error.message)), sep="")


def _print_example(console: Console, example: Example) -> None:
    before, after = example.before, example.after
    id = printable(bytes(before["_id"]).decode().strip('"'))
    console.print(Text(f"  {id}", "dim"), Text(" would be deleted" if after is None else ""), sep="")
    after = after or {}
    for field in sorted({**before, **after}):
        old, new = before.get(field), after.get(field)
        if (old is None or new is None or bytes(old) != bytes(new)) and field not in ("_id", "_creationTime"):
            _print_field(console, "-", "red", field, old)
            _print_field(console, "+", "green", field, new)


def _print_field(console: Console, sign: str, style: str, field: str, value: msgspec.Raw | None) -> None:
    if value is not None:
        console.print(Text(printable(f"    {sign} {field}: {bytes(value).decode()}"), style))
