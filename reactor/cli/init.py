"""`reactor init`: a small project to begin with."""

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reactor.cli.engine import load_engine
from reactor.cli.project_template import Template, project_name
from reactor.cli.reporting import report, reported
from reactor.errors import LoadError

__all__ = ["init"]

_TOLD = {
    "schema.py": "the tables and their indexes",
    "functions/messages.py": "a query, two mutations, and one that runs later",
    "functions/_generated/": "types, written anew on every change",
    "web/": "the page",
    "tests/": "tests on the real engine",
}

_PAGE = {
    "minimal": ["reactor dev", "", "and open http://127.0.0.1:3210 in two windows."],
    "react": [
        "reactor dev",
        "npm install && npm run dev    in a second terminal, with Node 20.19 or newer",
        "",
        "and open the address that npm prints in two windows.",
    ],
}


class _Kind(StrEnum):
    MINIMAL = "minimal"
    REACT = "react"


Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder for the project (the current one).", show_default=False)
]
Kind = Annotated[
    _Kind,
    typer.Option(
        "--template",
        metavar="NAME",
        help="minimal has a page without a build, react one in React and TypeScript.",
    ),
]


def init(directory: Folder = Path(), template: Kind = _Kind.MINIMAL) -> None:
    """Make a small project: a live chat with its schema, functions, page and tests.

    What is there already is never written over: if a file of the project
    exists, nothing is written. The page of minimal needs neither Node nor
    other servers; the one of react has the official client and its types.

    [bold]Examples[/]
      reactor init chat                     a new folder, chat
      reactor init                          the current folder
      reactor init chat --template react    with a page in React
    """
    with reported():
        project = Template.read(template, project_name(directory))
        project.write(directory)
        untyped = _begin_types(directory)
        typer.echo(_told(project, directory, template))
        if untyped is not None:
            report(f"The types of its functions were not written: {untyped}\nRepair that and run `reactor codegen`.")


def _begin_types(directory: Path) -> str | None:
    """Write the types that functions import. Why they could not be: other functions may have been there before."""
    try:
        load_engine().begin_types(directory.absolute())
    except LoadError as error:
        return str(error)
    return None


def _told(project: Template, directory: Path, kind: str) -> str:
    """What was made, and what to do next."""
    width = max(map(len, _TOLD))
    made = [f"  {path:<{width}}  {text}" for path, text in _TOLD.items()]
    here = directory.resolve() == Path.cwd()
    enter = [] if here else [f"cd {shlex.quote(os.path.relpath(directory))}"]
    steps = [f"  {line}".rstrip() for line in [*enter, *_PAGE[kind]]]
    head = f"Made {project_name(directory)}, a live chat in {len(project.files)} files:"
    return "\n".join([head, "", *made, "", "Next:", "", *steps, "", "README.md tells how to change and test it."])
