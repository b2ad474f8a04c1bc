"""What is used of asyncpg, with the types that it does not tell."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

__all__ = ["Connection", "connect"]


class _Version(NamedTuple):
    major: int


class _Transaction(Protocol):
    async def __aenter__(self) -> object: ...

    async def __aexit__(self, *error: Any) -> object: ...


class Connection(Protocol):
    """A connection, for one statement at a time."""

    async def execute(self, sql: str, *args: Any) -> str:
        """Run a statement; several, if there are no arguments. Gives what kind it was."""
        ...

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """The rows of a statement, each as good as a tuple."""
        ...

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        """The first row, None when there is none."""
        ...

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first value of the first row, None when there is none."""
        ...

    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[Sequence[Any]], columns: Sequence[str]
    ) -> str:
        """Append rows by COPY, the quickest way there is."""
        ...

    def transaction(self) -> _Transaction:
        """A transaction for an `async with`, undone when that ends by an exception."""
        ...

    async def add_listener(self, channel: str, callback: Callable[["Connection", int, str, object], None]) -> None:
        """Call back with each notification of a channel: this connection, the process that sent it, channel, text."""
        ...

    def add_termination_listener(self, callback: Callable[["Connection"], None]) -> None:
        """Call back when the connection is closed, by whomever."""
        ...

    def get_server_version(self) -> _Version: ...

    def is_in_transaction(self) -> bool: ...

    def is_closed(self) -> bool: ...

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's own name
        """Say good-bye."""
        ...

    def terminate(self) -> None:
        """Close without a word."""
        ...


async def connect(url: str, *, seconds: float, answer_seconds: float, settings: dict[str, str]) -> Connection:
    """A new connection. Raises ValueError for a URL that is none, OSError, and asyncpg's errors."""
    made: object = await asyncpg.connect(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        url,
        timeout=cast(int, seconds),
        command_timeout=answer_seconds,
        server_settings=settings,
    )
    return cast(Connection, made)
