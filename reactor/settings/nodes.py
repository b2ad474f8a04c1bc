"""Rows of the table of settings about several servers that share a database."""

from dataclasses import dataclass

from reactor.settings.database import DatabaseSettings
from reactor.settings.kinds import Switch
from reactor.settings.rows import DAY, HOUR
from reactor.settings.rows import setting as _setting
from reactor.settings.rows import time as _time

__all__ = ["NODES", "NodeSettings"]

NODES = "Several servers"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings(DatabaseSettings):
    """The settings of servers that share a database, with those of the database; a part of `Settings`."""

    node_silent_seconds: float = _setting(
        10.0,
        _time(0.2, 1 * HOUR),
        "How long a server that shares its database may be silent before the others count it as dead and take over its "
        "work. Give all of them the same.",
        "Each tells that it lives four times in this time, by a small write. Shorter takes over sooner, and takes a "
        "server for dead that has only stood still for a moment.",
        group=NODES,
    )
    code_grace_seconds: float = _setting(
        60.0,
        _time(0, 1 * DAY),
        "How long a server that shares its database goes on serving its code after another has brought newer code. It "
        "takes the newer one up as soon as that is in its folder; if it is not in time, the server refuses to serve.",
        "Long enough to copy files to all machines. Meanwhile clients see either version.",
        group=NODES,
    )
    roll_back: bool = _setting(
        False,
        Switch(),
        "Let the code in this server's folder be served by all who share its database, although newer code has "
        "replaced it. For one start: with this left on, a server that restarts takes all others back.",
        "A server that starts with replaced code while others serve the newer one is taken for one that was forgotten, "
        "and refused. `reactor dev` is not.",
        group=NODES,
    )
