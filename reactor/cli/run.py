"""`reactor run`: one function, called by hand."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from reactor.cli.answers import Answer, AnswerPrinter
from reactor.cli.engine import load_engine
from reactor.cli.function_path import function_path
from reactor.cli.options import AdminKey, Assignments, Data, chosen_settings
from reactor.cli.reporting import reported
from reactor.cli.server import Server, ServerError, named_server, running_server
from reactor.cli.watching import watch
from reactor.errors import DeveloperError, ProtocolError, StoreLocked

__all__ = ["run"]

_MISSING = "Could not find"
# What a subscription answers when no later change of the data can make it work.
_HOPELESS = (_MISSING, "Trying to execute", "ArgumentValidationError")


FunctionArgument = Annotated[
    str, typer.Argument(metavar="PATH", help="Function, as FILE:FUNCTION.", show_default=False)
]
ArgsArgument = Annotated[
    str, typer.Argument(metavar="'{JSON}'", help="Arguments, one JSON object ({}).", show_default=False)
]
WatchOption = Annotated[
    bool, typer.Option("--watch", help="Subscribe to a query and print each new result until Ctrl-C.")
]
UrlOption = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="A server elsewhere, instead of the one of --data.")
]
DirectoryOption = Annotated[
    Path,
    typer.Option("--dir", metavar="DIR", help="Folder of the application (the current one).", show_default=False),
]


def run(
    path: FunctionArgument,
    args: ArgsArgument = "{}",
    watching: WatchOption = False,
    url: UrlOption = None,
    admin_key: AdminKey = None,
    directory: DirectoryOption = Path(),
    data: Data = None,
    assignments: Assignments = None,
) -> None:
    """Run a query, mutation or action, public or internal, and print its result as JSON.

    It runs in the server that has the data folder open. When none has, it
    runs right here. Log lines and errors go to stderr, so that the result
    can be piped on; a failed function gives exit code 1.

    [bold]Examples[/]
      reactor run my_functions:list_numbers --watch
      reactor run my_functions:add_number '{"value": 7}'
      reactor run users:by_email '{"email": "ada@example.org"}' | jq .name
      reactor run admin/users:count --url https://school.example

    [bold]Values that JSON lacks[/]
      {"$integer": "BASE64"}   64-bit integers, 8 bytes, the lowest first
      {"$bytes": "BASE64"}     bytes
      {"$float": "BASE64"}     NaN, -0 and infinities, 8 bytes likewise
    """
    with reported():
        name, args_json = function_path(path), _object(args)
        settings = chosen_settings(directory, assignments, data=data, admin_key=admin_key)
        printer = AnswerPrinter()
        server = named_server(url, settings) if url else running_server(settings)
        if server is None:
            try:
                load_engine().run_local(settings, directory.absolute(), name, args_json, watching, show=printer.show)
            except StoreLocked:
                # A server may have started between our look and the attempt.
                server = running_server(settings)
                if server is None:
                    raise
        if server is not None:
            _run_at(server, name, args_json, printer, watching=watching)
        raise typer.Exit(1 if printer.failed else 0)


def _run_at(server: Server, path: str, args_json: str, printer: AnswerPrinter, *, watching: bool) -> None:
    def show(answer: Answer) -> None:
        printer.print(answer)
        if printer.failed and _MISSING in answer.error_message:
            _list_functions(server)

    def show_first(answer: Answer) -> None:
        show(answer)
        if printer.failed and any(text in answer.error_message for text in _HOPELESS):
            raise typer.Exit(1)

    if watching:
        for answer in watch(server, path, args_json):
            show_first(answer)
    else:
        show(server.call(path, args_json))


def _list_functions(server: Server) -> None:
    try:
        functions = server.functions()
    except (ServerError, ProtocolError, msgspec.DecodeError):
        # The list is a courtesy: the error that matters has been shown, and a server need not know this query.
        functions = []
    if functions:
        sys.stderr.write("Functions there are:\n" + "".join(f"  {name}\n" for name in functions))


def _object(text: str) -> str:
    try:
        value: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise DeveloperError(
            f"The arguments are no JSON: {error}. Quote them for the shell, for example "
            """'{"value": 7}'"""
        ) from None
    if not isinstance(value, dict):
        raise DeveloperError(f"""Arguments are one JSON object like '{{"value": 7}}', not {text}""")
    return text
