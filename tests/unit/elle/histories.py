"""Histories by hand: `ok(append("x", 1), read("x", 1), client="a", at=(1, 4))`."""

from itertools import count

from tests.support.elle import Append, Op, Outcome, Read, Transaction, Undone

__all__ = ["append", "failed", "ok", "read", "unknown", "unread", "within"]

_clients = count()


def append(key: str, value: int) -> Append:
    return Append(key, value)


def read(key: str, *values: int) -> Read:
    return Read(key, list(values))


def unread(key: str) -> Read:
    return Read(key, None)


def within(*ops: Op) -> Undone:
    return Undone(ops)


def ok(
    *ops: Op, client: str = "", at: tuple[int, int] = (0, 1000), position: int | None = None, stale: bool = False
) -> Transaction:
    """A transaction that happened. Without `client` and `at` it is anybody's, at any time."""
    return Transaction(client or f"client {next(_clients)}", Outcome.OK, ops, *at, position, stale)


def failed(*ops: Op) -> Transaction:
    return Transaction("failing", Outcome.FAIL, ops, 0, 1000)


def unknown(*ops: Op, client: str = "lost", began: int = 0) -> Transaction:
    return Transaction(client, Outcome.UNKNOWN, ops, began, None)
