"""What `reactor migrate` shows: progress in lines and in bars, the table, and what a dry run would change."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import pytest
from rich.console import Console

from reactor.cli.answers import Answer
from reactor.cli.migration_diff import print_dry_run
from reactor.cli.migration_progress import Bars, Lines
from reactor.cli.migration_status import DryRun, MigrationStatus, print_status, read_dry_run, read_status
from reactor.cli.server import ServerError


def status(state: str, processed: int = 0, **more: Any) -> MigrationStatus:
    return MigrationStatus("give_names", "users", state, processed, processed, **more)


def test_lines_come_with_every_state_and_else_in_intervals() -> None:
    lines: list[str] = []
    times = iter([0.0, 0.5, 1.0, 4.5, 5.0])
    view = Lines(lines.append, lambda: next(times))
    for told in [
        status("pending"),
        status("inProgress", 0, total=5000),
        status("inProgress", 500, total=5000),
        status("inProgress", 4000, total=5000),
        status("success", 5100, total=5000),
    ]:
        view.show([told])
    view.close()
    assert lines == [
        "give_names: waits, 0 documents, 0 changed\n",
        "give_names: running, 0 of 5,000 documents, 0 changed\n",
        "give_names: running, 4,000 of 5,000 documents, 4,000 changed, 1,000/s\n",
        "give_names: done, 5,100 of 5,100 documents, 5,100 changed\n",
    ]


def test_bars_show_documents_and_their_end() -> None:
    stream = io.StringIO()
    view = Bars(Console(file=stream, force_terminal=True, width=160, color_system=None))
    view.show([status("inProgress", 50, total=200)])
    view.show([status("success", 200, total=200)])
    view.close()
    assert "give_names" in stream.getvalue()
    assert "done, 200 of 200 documents, 200 changed" in stream.getvalue()
    assert "100%" in stream.getvalue()


def test_the_table_has_remarks(capsys: pytest.CaptureFixture[str]) -> None:
    told = [
        status("failed", 3, error={"message": "no \x1b[31m", "document": "d1"}),
        status("success", 3, code_changed=True),
        status("success", 3, in_code=False),
        status("success", 3, newer=1000),
    ]
    print_status([msgspec.convert(msgspec.to_builtins(each), MigrationStatus) for each in told])
    shown = capsys.readouterr().out
    assert "give_names: at document d1: no \\x1b[31m\n" in shown
    assert "its code has changed since it ran" in shown
    assert "there is no such migration in the code any more" in shown
    assert "1,000 or more documents were created since it ended" in shown


def test_no_migrations_is_no_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_status([])
    assert capsys.readouterr().out.startswith("There are no migrations. Write one with @migration")


def dry_run(**more: Any) -> DryRun:
    fields = {"processed": 3, "changed": 2, "examples": [], "cursor": None, "done": False, "error": None, **more}
    return read_dry_run(Answer("success", msgspec.Raw(msgspec.json.encode(fields))))


def test_a_dry_run_shows_what_goes_and_what_comes(capsys: pytest.CaptureFixture[str]) -> None:
    before = {"_id": "d1", "_creationTime": 1, "old": 1, "same": 2, "moves": 3}
    examples = [
        {"before": before, "after": {"_id": "d1", "_creationTime": 1, "new": 1, "same": 2, "moves": 4}},
        {"before": {"_id": "d2", "_creationTime": 1, "x": 1}, "after": None},
    ]
    print_dry_run("m", dry_run(changed=9, examples=examples, error={"message": "no", "document": "d3"}))
    assert capsys.readouterr().out.splitlines() == [
        "m: 9 of 3 documents would change (the first). Nothing was written.",
        "  d1",
        "    - moves: 3",
        "    + moves: 4",
        "    + new: 1",
        "    - old: 1",
        "  d2 would be deleted",
        "    - x: 1",
        "  and 7 more",
        "  it fails: document d3: no",
    ]


def test_dry_runs_add_up() -> None:
    whole = dry_run().and_then(dry_run(processed=1, changed=0, done=True))
    assert (whole.processed, whole.changed, whole.done) == (4, 2, True)


def test_answers_that_are_none_are_errors() -> None:
    with pytest.raises(ServerError, match="^There is no migration"):
        read_status(
            Answer("error", error_message="[Request ID: 1f] Server Error\nThere is no migration `x`.\n    at f")
        )
    with pytest.raises(ServerError, match="does not know"):
        read_status(Answer("success", msgspec.Raw(b"1")))
