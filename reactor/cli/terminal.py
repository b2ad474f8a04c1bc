"""What a server tells the person who started it.

The server calls a `Terminal` with a kind of event and its fields; a field that is missing is left out of the text,
one that is unknown is shown as it is, so that server and terminal can grow apart without an error.

    ready            url, site (address of the HTTP endpoints), data (folder), database (its address, None: it is in the
                     folder), admin_key_file (None: the key came from a setting), functions (paths), routes (how many),
                     mode, watching (bool: files are reloaded), workers (how many, where there are several)
    loaded           functions, seconds (time it took), changed (files)
    reload_failed    error (text for the developer)
    reload_overtaken changed (files)
    sign_in_failed   error (why nobody can sign in: of the environment variables no auth providers can be made)
    sign_in          providers (their names, once they can be made again)
    schema_progress  table, documents (how many so far), checks (bool: they are compared with the schema), fills
                     (indexes that are being built), unique (index that is looked through for equal values)
    migration        name, state (inProgress, success, failed), documents (how many it was given so far)
    log              function, line (as the wire has it: [LOG] 'text')
    function_failed  function, error (text with traceback), request (id that the client was told)
    worker_ended     how (by which signal, with which exit code), error (what it said), seconds (until it is started
                     again)
    worker_serves    (after it was started again)
    stopped          reason

Any event may have a `worker`, the number of the process that it is about.

No admin key and no password is in a field of any event.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby

from rich.console import Console
from rich.text import Text

from reactor.cli.reporting import printable
from reactor.version import VERSION

__all__ = ["LastingConsole", "Terminal"]

Fields = dict[str, object]

_LEVELS = {"[ERROR]": "red", "[WARN]": "yellow", "[DEBUG]": "dim"}
_STATES = {"inProgress": ("begins", ""), "success": ("done", "green"), "failed": ("failed", "bold red")}
_SHOWN_MODULES = 12
_INDENT = 13  # where the second column of the banner begins


class LastingConsole(Console):
    """A console whose process goes on when nobody reads any more; rich's own would end it."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Terminal:
    """Shows the events of a server on stderr: with colours on a terminal, as plain lines in a file or a pipe."""

    def __init__(self, console: LastingConsole | None = None, clock: Callable[[], datetime] = datetime.now) -> None:
        self._console = console or LastingConsole(stderr=True, soft_wrap=True, highlight=False)
        self._clock = clock
        self._gone = False
        self._show: dict[str, Callable[[Fields], Text]] = {
            "ready": self._ready,
            "loaded": self._loaded,
            "reload_failed": self._reload_failed,
            "reload_overtaken": self._reload_overtaken,
            "types_written": self._types_written,
            "types_failed": self._types_failed,
            "sign_in_failed": self._sign_in_failed,
            "sign_in": self._sign_in,
            "schema_progress": self._schema_progress,
            "migration": self._migration,
            "log": self._log,
            "function_failed": self._function_failed,
            "worker_ended": self._worker_ended,
            "worker_serves": self._worker_serves,
            "stopped": self._stopped,
        }
        self._worker = ""

    def __call__(self, kind: str, /, **fields: object) -> None:
        """Show one event. Never raises because of what it is told or because nobody reads any more."""
        show = self._show.get(kind)
        self._worker = f"worker {_word(fields, 'worker')}  " if fields.get("worker") is not None else ""
        self._print(show(fields) if show else self._unknown(kind, fields))

    def _print(self, text: Text) -> None:
        if self._gone:
            return
        try:
            self._console.print(text)
        except (OSError, ValueError):
            # The reader went away (a closed pipe, a window that is gone). A server outlives its terminal.
            self._gone = True

    def _ready(self, fields: Fields) -> Text:
        mode = _word(fields, "mode")
        text = Text.assemble("\n  ", (f"Reactor {VERSION}", "bold"), f"  {mode}\n\n")
        _row(text, "address", _word(fields, "url"), "cyan")
        _row(text, "site", _site(fields), "cyan")
        _row(text, "data", _word(fields, "data"))
        if fields.get("database"):
            _row(text, "database", _word(fields, "database"))
        key_file = fields.get("admin_key_file")
        _row(text, "admin key", f"in {key_file}" if key_file else "as set")
        _row(text, "functions", _function_list(fields.get("functions")))
        if fields.get("workers"):
            _row(text, "workers", _word(fields, "workers"))
        if fields.get("watching"):
            text.append("\n  Saved files are live at once.")
        text.append(" Stop with Ctrl-C.\n" if fields.get("watching") else "\n  Stop with Ctrl-C.\n")
        return text

    def _loaded(self, fields: Fields) -> Text:
        names = _names(fields.get("functions"))
        seconds = fields.get("seconds")
        took = f" in {seconds * 1000:.0f} ms" if isinstance(seconds, int | float) else ""
        changed = ", ".join(_names(fields.get("changed")))
        count = f"  {_count(len(names))}" if names else ""
        return self._line(("reloaded", "bold green"), f"{count}{took}" + (f"  ({changed})" if changed else ""))

    def _reload_failed(self, fields: Fields) -> Text:
        text = self._line(("not reloaded", "bold red"), "  the last good version keeps serving\n")
        return text.append(_indented(_word(fields, "error")))

    def _reload_overtaken(self, fields: Fields) -> Text:
        changed = ", ".join(_names(fields.get("changed")))
        return self._line(("not reloaded", "bold"), "  a newer edit came first" + (f"  ({changed})" if changed else ""))

    def _types_written(self, fields: Fields) -> Text:
        return self._line(("types", "bold green"), f"  {', '.join(_names(fields.get('files')))}")

    def _types_failed(self, fields: Fields) -> Text:
        text = self._line(("types not written", "bold red"), "  those of before stay\n")
        return text.append(_indented(_word(fields, "error")))

    def _sign_in_failed(self, fields: Fields) -> Text:
        text = self._line(("no sign-in", "bold red"), "  users' tokens are refused\n")
        return text.append(_indented(_word(fields, "error")))

    def _sign_in(self, fields: Fields) -> Text:
        return self._line(("sign-in", "bold green"), f"  {', '.join(_names(fields.get('providers')))}")

    def _schema_progress(self, fields: Fields) -> Text:
        documents = fields.get("documents")
        count = f"  {documents:,} documents so far" if isinstance(documents, int) else ""
        return self._line(("schema", "bold"), f"  {_work(fields)}{count}")

    def _migration(self, fields: Fields) -> Text:
        state, documents = _word(fields, "state"), fields.get("documents")
        word, style = _STATES.get(state, (state, ""))
        count = f"  {documents:,} documents" if isinstance(documents, int) else ""
        return self._line(("migration", "bold"), f"  {_word(fields, 'name')}  ").append(word, style).append(count)

    def _log(self, fields: Fields) -> Text:
        line = _word(fields, "line")
        style = _LEVELS.get(line.partition(" ")[0], "")
        return self._line((_word(fields, "function"), "cyan"), "  ").append(line, style)

    def _function_failed(self, fields: Fields) -> Text:
        request = _word(fields, "request")
        told = f"  (request {request})" if request else ""
        text = self._line((_word(fields, "function"), "cyan"), "  ").append("failed", "bold red").append(f"{told}\n")
        return text.append(_indented(_word(fields, "error")))

    def _worker_ended(self, fields: Fields) -> Text:
        seconds, error = fields.get("seconds"), _word(fields, "error")
        again = f", and is started again in {seconds:g} s" if isinstance(seconds, int | float) else ""
        text = self._line(("ended", "bold red"), f" {_word(fields, 'how')}{again}")
        return text.append(f"\n{_indented(error)}") if error else text

    def _worker_serves(self, _: Fields) -> Text:
        return self._line(("serves", "bold green"), " again")

    def _stopped(self, fields: Fields) -> Text:
        reason = _word(fields, "reason")
        return self._line(("stopped", "bold"), f"  {reason}" if reason else "")

    def _unknown(self, kind: str, fields: Fields) -> Text:
        shown = " ".join(f"{name}={printable(str(value))}" for name, value in fields.items() if name != "worker")
        return self._line((printable(kind), "bold"), f"  {shown}" if shown else "")

    def _line(self, head: tuple[str, str], rest: str) -> Text:
        return Text.assemble((f"{self._clock():%H:%M:%S}  {self._worker}", "dim"), head, rest)


def _site(fields: Fields) -> str:
    """The address of the HTTP endpoints, and how many there are."""
    address, routes = _word(fields, "site"), fields.get("routes")
    if not address or not isinstance(routes, int) or not routes:
        return address
    return f"{address} ({routes} route{'' if routes == 1 else 's'})"


def _word(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return "" if value is None else printable(str(value))


def _work(fields: Fields) -> str:
    """What is done to the documents of a table: `messages: checking documents, building by_author`."""
    fills, unique = ", ".join(_names(fields.get("fills"))), _word(fields, "unique")
    work = [
        *(["checking documents"] if fields.get("checks") else []),
        *([f"building {fills}"] if fills else []),
        *([f"looking for equal values in {unique}"] if unique else []),
    ]
    return f"{_word(fields, 'table')}: {', '.join(work)}"


def _row(text: Text, name: str, value: str, style: str = "") -> None:
    if value:
        text.append(f"  {name}".ljust(_INDENT), "dim").append(value, style).append("\n")


def _names(value: object) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return []
    return sorted(printable(str(item)) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any iterable will do


def _count(number: int) -> str:
    return f"{number} function{'' if number == 1 else 's'}"


def _function_list(value: object) -> str:
    """`3 functions` and a line for each module with their names; modules beyond a dozen are only counted."""
    names = _names(value)
    if not names:
        return "none yet: write one in functions/"
    modules = {
        module: ", ".join(name.rpartition(":")[2] for name in group)
        for module, group in groupby(names, key=lambda name: name.rpartition(":")[0])
    }
    width = max(map(len, modules))
    lines = [f"{module:<{width}}  {functions}" for module, functions in modules.items()]
    more = [f"and {len(lines) - _SHOWN_MODULES} more files"] if len(lines) > _SHOWN_MODULES else []
    return ("\n" + " " * _INDENT).join([_count(len(names)), *lines[:_SHOWN_MODULES], *more])


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())
