"""Every setting of a server: name, kind, default, what it does and why it is as it is.

This table, with the rows of `data.py`, `database.py`, `processes.py` and `requests.py`, is the only place: flags,
environment variables, `[tool.reactor]`, error texts and `docs/reference/settings.md` all follow from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from reactor.errors import SettingsError
from reactor.settings.data import FILES, KEEPING
from reactor.settings.database import DATABASE
from reactor.settings.kinds import Address, Choice, Folder, Networks, Port, Secret, SecretText, Switch, Tables, Text
from reactor.settings.nodes import NODES
from reactor.settings.processes import ProcessSettings
from reactor.settings.requests import CLIENTS, SERVING
from reactor.settings.rows import DAY, GIB, HOUR, KIB, MIB, MINUTE, Setting
from reactor.settings.rows import count as _count
from reactor.settings.rows import setting as _setting
from reactor.settings.rows import size as _size
from reactor.settings.rows import time as _time

__all__ = ["Setting", "Settings", "settings_table"]

Mode = Literal["development", "production"]
WebSocketKind = Literal["thin", "websockets-sansio", "websockets", "wsproto"]
LogLevel = Literal["debug", "info", "warning", "error"]
Strictness = Literal["off", "warn", "error"]

USERS = "Users"
LIMITS = "Limits of a function"
LOAD = "Limits under load"
GROUPS = (SERVING, CLIENTS, USERS, LIMITS, LOAD, DATABASE, NODES, FILES, KEEPING)
"""In the order of the documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ProcessSettings):
    """All settings of one server; sizes are in bytes, times in seconds. Made by `load_settings`, or directly in tests.

    Raises SettingsError when two values exclude each other.
    """

    host: str = _setting(
        "127.0.0.1",
        Text(),
        "Address to listen on.",
        "Without configuration nobody but this machine gets in. `0.0.0.0` or `::` opens it to the network.",
        group=SERVING,
        flag="--host",
    )
    port: int = _setting(
        3210,
        _count(0, 65535),
        "Port to listen on; 0 takes a free one and the start-up message names it.",
        "What the official clients and tools expect of a deployment of one's own.",
        group=SERVING,
        flag="--port",
    )
    site_port: int | Literal["next", "off"] = _setting(
        "next",
        Port(),
        "Port for the HTTP endpoints in `functions/http.py`, which stand at the root there; 0 takes a free one and the "
        "start-up message names it. They are at `/http` of the main port in any case.",
        "A port of their own, so that the world may reach endpoints without reaching anything else. Official tools "
        "expect it behind the main one.",
        group=SERVING,
        flag="--site-port",
        default_text="next: the port after `port`, 3211 as a rule",
    )
    cloud_url: str | None = _setting(
        None,
        Address(),
        "The address by which clients reach the main port: functions know it as `ctx.cloud_url`, and"
        " addresses of files begin with it.",
        "Behind a proxy only you know it.",
        group=SERVING,
        default_text="`http://`, the host and the port",
    )
    site_url: str | None = _setting(
        None,
        Address(),
        "The address by which others reach the HTTP endpoints: functions know it as `ctx.site_url`.",
        "Behind a proxy only you know it.",
        group=SERVING,
        default_text="that of `site_port`; without one, or when `cloud_url` is set, `/http` below the main one",
    )
    data: Path = _setting(
        Path(".reactor"),
        Folder(),
        "Folder of the database and the files. A relative path counts from the current folder when it comes from a "
        "flag or the environment, and from the application's folder when it comes from its pyproject.toml.",
        "Beside the application, so that two applications never share data by accident.",
        group=SERVING,
        flag="--data",
        default_text="DIR/.reactor",
    )
    page: Path | None = _setting(
        None,
        Folder(),
        "Folder of the application's page, as Vite and its like build it: served at `/`, with `index.html` for all "
        "paths that pages have. What the server shows of itself while developing is then at `/_reactor`.",
        "One address and one process for page and data: no other server, and nothing to say about other origins.",
        group=SERVING,
        default_text="none",
    )
    admin_key: Secret | None = _setting(
        None,
        SecretText(),
        "The key that administers this deployment (`reactor run`, dashboards). Prefer the environment to the flag: "
        "other users of a machine can read a command line.",
        "A key that nobody chose is one that nobody can guess. The file is readable by its owner only.",
        group=SERVING,
        flag="--admin-key",
        default_text="made at the first start, kept in DATA/admin_key",
    )
    trusted_proxies: str = _setting(
        "127.0.0.1, ::1",
        Networks(),
        "Proxies whose `X-Forwarded-For` is believed: a client's address is the last one in it that is none of these.",
        "Limits know callers who are not signed in by their address. Anybody can write the header, so a proxy on "
        "another machine has to be named.",
        group=SERVING,
    )
    mode: Mode = _setting(
        "development",
        Choice(("development", "production")),
        "`reactor dev` and `reactor start` decide it themselves; it can be set where another ASGI server runs the "
        "application.",
        "The command that was typed says what is meant.",
        group=SERVING,
        default_text="development for `reactor dev`, production for `reactor start`",
    )
    redact_errors: bool | None = _setting(
        None,
        Switch(),
        "Clients learn only `Server Error` of a failed function, and get no log lines. The data of a ConvexError is "
        "always sent.",
        "Error texts and tracebacks help whoever writes the application, and also whoever attacks it.",
        group=SERVING,
        default_text="true in production, false in development",
    )
    determinism: Strictness | None = _setting(
        None,
        Choice(("off", "warn", "error")),
        "What happens when a query or mutation uses the clock, chance, files, sockets, threads or the environment: "
        "nothing, a warning once for each place, or the function fails.",
        "Such a function may give another result on the same data, and no write makes it run again. Looking costs a "
        "little, so servers that serve for real do without.",
        group=SERVING,
        default_text="warn in development, off in production",
    )
    log_level: LogLevel = _setting(
        "info",
        Choice(("debug", "info", "warning", "error")),
        "Least important messages of the server's own that are shown.",
        "`info` is quiet unless something happens.",
        group=SERVING,
        flag="--log-level",
    )
    health_seconds: float = _setting(
        5.0,
        _time(0, 1 * HOUR),
        "`/healthz` answers from its last look if that is no older than this, and looks for at most as long (a second "
        "at least).",
        "A look is a write; nobody who asks should cause many.",
        group=SERVING,
    )

    ws: WebSocketKind = _setting(
        "thin",
        Choice(("thin", "websockets-sansio", "websockets", "wsproto")),
        "Implementation of WebSockets: our own thin protocol, or one of uvicorn's (`wsproto` needs the package of "
        "that name).",
        "The thin one builds a frame once for all who get it, and needs the least memory per connection.",
        group=CLIENTS,
    )
    compression: bool = _setting(
        False,
        Switch(),
        "Offer permessage-deflate. Needs another `ws` than `thin`, which does not compress.",
        "Compressing costs two to four times the processor time per message and 50 to 100 KiB per connection.",
        group=CLIENTS,
    )
    max_message_bytes: int = _setting(
        32 * MIB,
        _size(64 * KIB, 1 * GIB),
        "Largest WebSocket message from a client; a larger one ends that connection.",
        "16 MiB of arguments fit in it, written as JSON.",
        group=CLIENTS,
    )
    ping_seconds: float = _setting(
        15.0,
        _time(0.05, 25),
        "A message of the protocol's own goes out after this long without another one.",
        "npm clients reconnect after 60 s of silence, Python and Rust clients after 30 s.",
        group=CLIENTS,
    )
    silent_seconds: float = _setting(
        120.0,
        _time(0.1, 1 * DAY),
        "A connection from which nothing arrived for this long is closed; answers to pings count. So is one, of HTTP "
        "too, that takes nothing of what is sent to it for this long (on Linux).",
        "Long enough for a network that stalls, short enough that dead connections do not pile up.",
        group=CLIENTS,
    )

    auth_providers: tuple[dict[str, Any], ...] | None = _setting(
        None,
        Tables(),
        "Who issues tokens for users: a list of providers, written as in `functions/auth_config.py`, in place of those "
        "that stand there. An empty list refuses all users.",
        "The same application is deployed with different issuers, for tests and for real.",
        group=USERS,
        default_text="those of functions/auth_config.py",
    )
    auth_leeway_seconds: float = _setting(
        5.0,
        _time(0, 5 * MINUTE),
        "By how much the clocks of an issuer and of this server may differ when times in a token are checked.",
        "As the official server. Clocks that are set by the network differ by less.",
        group=USERS,
    )
    auth_keys_seconds: float = _setting(
        300.0,
        _time(1, 7 * DAY),
        "Age at which an issuer's keys are fetched again. They stay in use while it does not answer.",
        "A key that the issuer has withdrawn is trusted no longer than twice this. A new key is fetched when the first "
        "token comes that was signed by it.",
        group=USERS,
    )
    auth_refetch_seconds: float = _setting(
        10.0,
        _time(0.1, 1 * HOUR),
        "Least time between two looks at one issuer's keys.",
        "Anybody can send tokens that name a key that is not known; the issuer shall not feel it.",
        group=USERS,
    )
    auth_fetch_seconds: float = _setting(
        10.0,
        _time(0.1, 5 * MINUTE),
        "How long an issuer may take to answer with one document.",
        "Clients that show the first token of an issuer wait for it.",
        group=USERS,
    )

    function_cpu_seconds: float = _setting(
        1.0,
        _time(0.01, 1 * HOUR),
        "Time that a query or mutation may compute; beyond it, it is interrupted.",
        "A transaction holds up others while it computes. Waiting for the database does not count.",
        group=LIMITS,
    )
    function_system_seconds: float = _setting(
        15.0,
        _time(0.01, 1 * HOUR),
        "Time that a query or mutation may take in all.",
        "Beyond it something is wrong with the function or the machine, and an error says more than waiting.",
        group=LIMITS,
    )
    action_cpu_seconds: float = _setting(
        10.0,
        _time(0.01, 1 * DAY),
        "Time that an `async def` action may compute on the event loop; beyond it, it is interrupted.",
        "It holds up everybody meanwhile. Longer work belongs in a plain `def` action, which runs in a thread.",
        group=LIMITS,
    )
    action_seconds: float = _setting(
        1800.0,
        _time(0.01, 7 * DAY),
        "Time that an action may take.",
        "Actions wait for the world outside, so they get 30 minutes.",
        group=LIMITS,
    )
    max_http_request_bytes: int = _setting(
        20 * MIB,
        _size(1 * KIB, 64 * GIB),
        "Largest body of a request to an HTTP action.",
        "As the official limit. It is read as the handler asks for it, so much more is possible where that streams.",
        group=LIMITS,
    )
    max_http_response_bytes: int = _setting(
        20 * MIB,
        _size(1 * KIB, 64 * GIB),
        "Largest body of an HTTP action's response; a stream that becomes longer is broken off.",
        "As the official limit. An endless stream of events wants more.",
        group=LIMITS,
    )
    max_args_bytes: int = _setting(
        16 * MIB, _size(1 * KIB, 1 * GIB), "Largest arguments of one call.", "As the official limit.", group=LIMITS
    )
    max_result_bytes: int = _setting(
        16 * MIB, _size(1 * KIB, 1 * GIB), "Largest result of one call.", "As the official limit.", group=LIMITS
    )
    max_document_bytes: int = _setting(
        1 * MIB,
        _size(1 * KIB, 64 * MIB),
        "Largest document.",
        "As the official limit. Larger things belong into files.",
        group=LIMITS,
    )
    max_value_depth: int = _setting(
        64, _count(1, 64), "Deepest nesting of arguments and results.", "As the official limit.", group=LIMITS
    )
    max_document_depth: int = _setting(
        16, _count(1, 64), "Deepest nesting of a document.", "As the official limit.", group=LIMITS
    )
    max_documents_read: int = _setting(
        32_000,
        _count(1, 10_000_000),
        "Documents that one query or mutation may read, nested calls included.",
        "As the official limit. A function that reads more wants an index or pages.",
        group=LIMITS,
    )
    max_bytes_read: int = _setting(
        16 * MIB,
        _size(1 * KIB, 4 * GIB),
        "Bytes that one query or mutation may read, nested calls included.",
        "As the official limit.",
        group=LIMITS,
    )
    max_read_ranges: int = _setting(
        4096,
        _count(1, 1_000_000),
        "Separate index ranges that one query or mutation may read.",
        "As the official limit. Every range of a live query is watched.",
        group=LIMITS,
    )
    max_documents_written: int = _setting(
        16_000,
        _count(1, 10_000_000),
        "Documents that one mutation may write; writing one twice counts twice.",
        "As the official limit.",
        group=LIMITS,
    )
    max_bytes_written: int = _setting(
        16 * MIB, _size(1 * KIB, 4 * GIB), "Bytes that one mutation may write.", "As the official limit.", group=LIMITS
    )
    max_query_operators: int = _setting(
        256,
        _count(1, 10_000),
        "Steps of a single query: filters and what they are built of.",
        "As the official limit.",
        group=LIMITS,
    )
    max_functions_scheduled: int = _setting(
        1000, _count(1, 1_000_000), "Functions that one mutation may schedule.", "As the official limit.", group=LIMITS
    )
    max_scheduled_args_bytes: int = _setting(
        16 * MIB, _size(1 * KIB, 1 * GIB), "Arguments of jobs of one mutation.", "As the official limit.", group=LIMITS
    )
    max_nested_calls: int = _setting(
        8,
        _count(1, 64),
        "Depth of functions that call functions by `ctx.run_query` and `ctx.run_mutation`.",
        "As the official limit.",
        group=LIMITS,
    )

    max_log_lines: int = _setting(
        256,
        _count(1, 1_000_000),
        "Log lines of one run, of the functions that it calls included. Instead of the last one stands that some are "
        "missing.",
        "As the official limit. Lines travel with the result.",
        group=LIMITS,
    )
    max_log_line_bytes: int = _setting(
        32 * KIB,
        _size(64, 16 * MIB),
        "Largest log line, in bytes of UTF-8; the rest of a longer one is cut off.",
        "As the official limit.",
        group=LIMITS,
    )

    max_queued_mutations: int = _setting(
        1000,
        _count(1, 1_000_000),
        "Mutations that may wait on one connection; one more closes it with `TooManyConcurrentMutations`.",
        "As the official limit. A client resends after it reconnects, so nothing is lost.",
        group=LOAD,
    )
    max_socket_queries: int = _setting(
        10_000,
        _count(1, 10_000_000),
        "Live queries of one connection.",
        "Each takes memory for as long as the connection lasts. Pages have dozens.",
        group=LOAD,
    )
    max_socket_actions: int = _setting(
        1000,
        _count(1, 1_000_000),
        "Actions that may run or wait on one connection; one more closes it with "
        "`TooManyInflightActionsForSingleClient`.",
        "As the official limit.",
        group=LOAD,
    )
    max_actions: int = _setting(
        64,
        _count(1, 100_000),
        "Actions that run at a time, of all clients together; others wait.",
        "As the official limit. Each may hold a thread or a connection to elsewhere.",
        group=LOAD,
    )

    max_caller_calls: int = _setting(
        10_000,
        _count(1, 10_000_000),
        "Calls of one user (of those who are not signed in: of one address) that may run or wait, over all "
        "connections and HTTP; one more is refused with `TooManyCalls`, and may be made again.",
        "As many as ten connections may have of mutations. Lower it where one caller shall not fill what all wait in.",
        group=LOAD,
    )
    max_jobs: int = _setting(
        8,
        _count(1, 10_000),
        "Scheduled functions that run at a time; others that are due wait.",
        "As the official server. More let actions that wait for the world outside overtake each other, and take from "
        "what clients ask for.",
        group=LOAD,
    )
    max_pending_jobs: int = _setting(
        1_000_000,
        _count(1, 1_000_000_000),
        "Scheduled functions that have not run yet.",
        "As the official limit. A function that schedules itself twice is found before the disk is full.",
        group=LOAD,
    )

    def __post_init__(self) -> None:
        if self.silent_seconds <= self.ping_seconds:
            raise SettingsError(
                f"silent_seconds ({self.silent_seconds:g} s) must be longer than ping_seconds "
                f"({self.ping_seconds:g} s), or every quiet client is cut off before it was asked. "
                "Raise silent_seconds or lower ping_seconds."
            )
        if self.compression and self.ws == "thin":
            raise SettingsError(
                "compression needs a `ws` that compresses, and the thin one does not. "
                "Set ws to websockets-sansio, or leave compression off."
            )

    @property
    def production(self) -> bool:
        """Whether this server serves for real: no reload, nothing of an error's inside shown to clients."""
        return self.mode == "production"

    @property
    def redacts(self) -> bool:
        """Whether error texts and log lines are kept from clients: `redact_errors`, or what the mode says."""
        return self.production if self.redact_errors is None else self.redact_errors

    @property
    def strictness(self) -> Strictness:
        """What happens to functions that are not deterministic: `determinism`, or what the mode says."""
        return self.determinism or ("off" if self.production else "warn")


def settings_table() -> Iterator[Setting]:
    """Every row, in the order of the documents."""
    rows = (Setting(name=f.name, default=f.default, **f.metadata) for f in fields(Settings))
    yield from sorted(rows, key=lambda row: GROUPS.index(row.group))
