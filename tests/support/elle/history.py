"""What was recorded: transactions over named lists, each with its client, its outcome and its place in time."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import msgspec

__all__ = ["Append", "HistoryError", "Op", "Outcome", "Read", "Transaction", "Undone"]


class HistoryError(ValueError):
    """The recording is unusable: it would prove nothing about the database."""


class Outcome(Enum):
    """How a transaction ended, as its client knows."""

    OK = "ok"
    """It happened."""
    FAIL = "fail"
    """It did not happen, and never will."""
    UNKNOWN = "unknown"
    """It may have happened: the client lost its connection."""


class Append(NamedTuple):
    """A value was added at the end of a list. No value is ever appended to the same list twice."""

    key: str
    value: int


class Read(NamedTuple):
    """A whole list was read; None when the client was never told what it held."""

    key: str
    values: Sequence[int] | None


class Undone(NamedTuple):
    """A part of a transaction that was rolled back alone: its reads count, its appends must never be seen outside."""

    ops: "Sequence[Op]"


Op = Append | Read | Undone


class Transaction(msgspec.Struct, frozen=True):
    """One transaction.

    `invoked`, `completed`: readings of one counter that all clients share. It read nothing older than the state at
    `invoked`, so a reader of old states (a live query, whose news travel) has 0. `completed` is None when nobody was
    told of the end.
    `position`: its place in the order that the database itself claims (a commit's timestamp, or that of the state
    that was read), None when it did not tell.
    A client's transactions happen in the order of `invoked`.
    `stale`: it may have read an older state than that at `invoked`, though none older than its client saw before.
    """

    client: str
    outcome: Outcome
    ops: Sequence[Op]
    invoked: int
    completed: int | None
    position: int | None = None
    stale: bool = False
