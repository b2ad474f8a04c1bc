"""`reactor copy`: takes the data of a deployment to another place."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from reactor.cli.copy_progress import view
from reactor.cli.engine import load_engine
from reactor.cli.options import Assignments, Data, chosen_settings
from reactor.cli.reporting import reported
from reactor.cli.run import DirectoryOption
from reactor.errors import SettingsError
from reactor.settings import Settings
from reactor.store.copying.places import place_at

__all__ = ["copy"]

To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="ADDRESS",
        envvar="REACTOR_COPY_TO",
        help="Where to: sqlite:FOLDER, or postgresql://USER@HOST/NAME. With a password in it, rather give the "
        "variable REACTOR_COPY_TO: other users can read command lines.",
        show_default=False,
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="ADDRESS",
        envvar="REACTOR_COPY_FROM",
        help="Where from, written alike (where the settings say that the data are).",
    ),
]
ToData = Annotated[
    Path | None,
    typer.Option(
        "--to-data",
        metavar="FOLDER",
        help="With --to postgresql://...: another data folder, to which files and keys are copied (none: the server "
        "goes on with the same).",
    ),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait",
        help="Follow a source that is served until its server is stopped, or end when the copy is near (wait).",
    ),
]
Check = Annotated[
    bool, typer.Option("--check/--no-check", help="Compare everything on both sides at the end, or not (check).")
]
Again = Annotated[bool, typer.Option("--again", help="Forget an unfinished copy at the target, and begin anew.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


def copy(
    to: To,
    source: From = None,
    to_data: ToData = None,
    wait: Wait = True,
    check: Check = True,
    again: Again = False,
    quiet: Quiet = False,
    directory: DirectoryOption = Path(),
    data: Data = None,
    assignments: Assignments = None,
) -> None:
    """Copy all data to another place: from SQLite to PostgreSQL, back, or alike.

    Ids, history and the outcomes of mutations come along, so clients just go
    on. A server may go on serving the source meanwhile: the copy follows it,
    says when it is near, and comes to its end when that server is stopped.
    The source is not changed. Interrupted, the same command goes on.

    [bold]Examples[/]
      reactor copy --to postgresql://chat@db.example/chat
      reactor copy --from postgresql://chat@db.example/chat --to sqlite:/srv/data
      reactor copy --from sqlite:/srv/data --to sqlite:/srv/compact
    """
    with reported():
        settings = chosen_settings(directory, assignments, data=data)
        order = _Order(settings, source, to, to_data)
        shown = view(order.near, silent=quiet)
        try:
            counts = load_engine().copy(
                order.source, order.target, folders=order.folders, wait=wait, checked=check, again=again, watch=shown
            )
        except KeyboardInterrupt:
            shown.close()
            sys.stderr.write("What is copied stays, and the source has not changed: the same command goes on.\n")
            raise
        finally:
            shown.close()
        typer.echo(order.unfinished if counts is None else order.done(counts, checked=check))


class _Order:
    """What the options come to."""

    def __init__(self, settings: Settings, source: str | None, target: str, to_data: Path | None) -> None:
        if source is None:
            source = f"sqlite:{settings.data}" if settings.database is None else settings.database.reveal()
        self.source, self.target = place_at(source, "--from"), place_at(target, "--to")
        self._from_data = self.source.folder or settings.data
        if to_data is not None and self.target.folder is not None:
            raise SettingsError(
                "--to-data goes with --to postgresql://... only: sqlite:FOLDER is a data folder itself."
            )
        self._to_data = self.target.folder or (to_data.absolute() if to_data is not None else self._from_data)

    @property
    def folders(self) -> tuple[Path, Path] | None:
        """From where to where files and keys are copied."""
        return None if self._from_data == self._to_data else (self._from_data, self._to_data)

    @property
    def near(self) -> str:
        """What to say when the copy is near."""
        return f"The copy is close behind. Stop whatever serves {self.source} now: the rest then takes a moment."

    @property
    def unfinished(self) -> str:
        """What to say when nobody waits for the end."""
        return (
            f"The copy is close behind, and not complete. Stop whatever serves {self.source}, then give the same "
            "command again."
        )

    def done(self, counts: dict[str, int], *, checked: bool) -> str:
        """What to say at the end."""
        documents = sum(count for name, count in counts.items() if name.startswith("table "))
        entries = sum(count for name, count in counts.items() if name.startswith("index "))
        equal = f" Both sides are equal: {documents:,} documents, {entries:,} index entries." if checked else ""
        return (
            f"The copy is complete.{equal}\nStart on it with:  {self._start()}\n"
            f"{self.source} has not changed. Do not serve it any more, as nothing that is written there comes here."
        )

    def _start(self) -> str:
        data = f"reactor start --data {shlex.quote(str(self._to_data))}"
        if self.target.folder is None:
            return f"REACTOR_DATABASE=... {data}   (... is the address of --to)"
        return f"{data}   (without the setting database)"
