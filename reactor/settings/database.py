"""Rows of the table of settings about the database."""

from dataclasses import dataclass

from reactor.settings.kinds import DatabaseUrl, Secret
from reactor.settings.rows import MINUTE
from reactor.settings.rows import count as _count
from reactor.settings.rows import setting as _setting
from reactor.settings.rows import time as _time

__all__ = ["DATABASE", "DatabaseSettings"]

DATABASE = "Database"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """The settings of the database; a part of `Settings`."""

    database: Secret | None = _setting(
        None,
        DatabaseUrl(),
        "A PostgreSQL database to keep documents in, in place of a file in the data folder, where uploaded files and "
        "the admin key are in any case. Prefer the environment: other users can read a command line. See "
        "[Keep the data in PostgreSQL](../how-to/postgres.md).",
        "A file needs nothing else to be installed or looked after, and is faster as long as one machine is enough.",
        group=DATABASE,
        default_text="none: SQLite, in DATA/reactor.db",
    )
    postgres_connections: int = _setting(
        10,
        _count(4, 1_000),
        "Connections of this server to PostgreSQL that read, at most. One more writes and one listens for the commits "
        "of other servers; each moment that somebody reads needs one, and takes up to four while it is busy.",
        "Few are needed, since all who read at one moment share them. PostgreSQL has 100 for everybody as a rule: all "
        "servers of a database together need this many and three more, each.",
        group=DATABASE,
    )
    postgres_poll_seconds: float = _setting(
        1.0,
        _time(0.01, 1 * MINUTE),
        "How often a server looks in PostgreSQL for commits of other servers that it was not told of.",
        "PostgreSQL tells at once. A look, which is one small statement, finds what was missed while that connection "
        "was lost.",
        group=DATABASE,
    )
